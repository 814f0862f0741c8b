"""Chooses the table of predictions and the table of labels of a source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts, TableFacts
from monitoring_pipeline.evaluation.drafting.guesses.labels import stems_of
from monitoring_pipeline.evaluation.drafting.guesses.outputs import TWO, Outputs
from monitoring_pipeline.evaluation.drafting.guesses.roles import RoleGuess, guess, weigh
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import (
    LEAST_WEIGHT_BY_NAME,
    MOST_CLASSES,
    Role,
    plain_name,
)
from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.evaluation.drafting.plan import LabelPlan
from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError
from monitoring_pipeline.evaluation.drafting.value_kinds import ValueKind
from monitoring_pipeline.spec.sources import Task

_OUTPUTS = (Role.SCORE, Role.PREDICTION)
_WORDS_FOR_LABELS = ("label", "actual", "truth", "outcome", "answer", "target", "feedback")
FEWEST_SHARED = 3
"""Values that two columns of text have in common if one refers to the other; fewer may be in both by chance."""


@dataclass(frozen=True)
class Tables:
    """The table of predictions, and the table of labels.

    ``several`` are tables that may hold labels as well; ``unjoined`` are those that seem to hold labels, but the label
    or the id is not clear. ``unreadable`` has the reasons why others cannot be read.
    """

    predictions: TableFacts
    labels: TableFacts | None
    several: tuple[str, ...] = ()
    unjoined: tuple[str, ...] = ()
    unreadable: Mapping[str, str] = field(default_factory=dict[str, str])


def without_label(table: TableFacts, label: RoleGuess | None) -> TableFacts:
    """Return a table without its label, which is no part of an id, because it becomes known or is corrected later."""
    name = label.column.name if label else None
    return replace(table, columns={each: column for each, column in table.columns.items() if each != name})


@dataclass(frozen=True)
class SharedId:
    """A column of the predictions and one of the labels that have values in common."""

    of_predictions: str
    of_labels: str


def shared_id(predictions: TableFacts, labels: TableFacts) -> SharedId | None:
    """Return the two columns of text that identify rows and have most sampled values in common; None without such.

    Numbers are left out, because two columns that count rows have all values in common by chance.
    """
    pairs = {
        SharedId(one, other): _values_of(predictions, one) & _values_of(labels, other)
        for one in _columns_of_keys(predictions)
        for other in _columns_of_keys(labels)
    }
    best = max(pairs, key=lambda pair: len(pairs[pair]), default=None)
    return best if best is not None and len(pairs[best]) >= FEWEST_SHARED else None


def _columns_of_keys(table: TableFacts) -> list[str]:
    return [
        name
        for name, column in table.columns.items()
        if column.kind is ValueKind.TEXT and column.is_nearly_unique and column.distinct >= FEWEST_SHARED
    ]


def _values_of(table: TableFacts, name: str) -> frozenset[object]:
    return frozenset(table.frame[name].drop_nulls())


def choose_tables(tables: Mapping[str, TableFacts], advice: Advice, *, named: bool, labels: str | None) -> Tables:
    """Return the table of predictions and that of labels.

    Args:
        tables: the tables by name; if ``named``, the first is the one that the user names.
        advice: what is declared by the user or in files beside the source.
        named: whether the user names the table of predictions.
        labels: the table of labels, if the user names it.

    Raises:
        CannotDraftError: when no table or several may hold the predictions.
    """
    others = {name: facts for name, facts in tables.items() if name != labels}
    chosen = next(iter(others.values())) if named and others else _predictions(others, advice)
    if labels is not None:
        return Tables(chosen, tables[labels])
    if guess(Role.LABEL, chosen, advice, ()) is not None:
        return Tables(chosen, None)
    others = [facts for facts in tables.values() if facts.name != chosen.name]
    joining = [facts for facts in others if _has_label(facts, advice) and _joins(chosen, facts, advice)]
    asked = [facts.name for facts in others if _has_label(facts, advice) or _is_named_after_labels(facts.name)]
    named_after = _named_after(chosen, Role.PREDICTION, joining) or _named_after(chosen, Role.SCORE, joining)
    likely = named_after or joining
    return Tables(
        chosen,
        likely[0] if len(likely) == 1 else None,
        several=tuple(facts.name for facts in likely if len(likely) > 1),
        unjoined=() if joining else tuple(asked),
    )


def label_plan(
    table: TableFacts,
    labels: TableFacts | None,
    advice: Advice,
    outputs: Outputs,
    identity: Sequence[str],
    *,
    time: str,
) -> LabelPlan | None:
    """Return where the truth is; None if there is none."""
    if labels is None:
        if outputs.label is None:
            return None
        taken = {*outputs.columns, *identity, time}
        return LabelPlan(
            label=outputs.label.column, evidence=outputs.label.evidence, known_at=_known_at(table, advice, taken)
        )
    found = label_of(labels, advice, outputs, joined=identity)
    if found is None:
        return None
    own = {name.casefold(): name for name in labels.columns}
    by_name = tuple(own[name.casefold()] for name in identity if name.casefold() in own)
    shared = shared_id(table, labels)
    by_values = (shared.of_labels,) if shared and tuple(identity) == (shared.of_predictions,) else ()
    joined = by_name if len(by_name) == len(identity) else by_values or tuple(_ids(labels, advice))[:1]
    taken = {found.column.name, *joined}
    return LabelPlan(
        label=found.column,
        evidence=found.evidence,
        table=labels,
        id=joined,
        known_at=_known_at(labels, advice, taken, alone=True),
    )


def label_of(
    table: TableFacts, advice: Advice, outputs: Outputs | None = None, *, joined: Sequence[str] = ()
) -> RoleGuess | None:
    """Return the label of a table of labels: one after which an output is named, by the rules, or the only one left.

    Args:
        table: the table of labels.
        advice: what is declared by the user or in files beside the source.
        outputs: the outputs, if they are known; the label has to fit their task.
        joined: columns that identify a prediction.
    """
    if advice.columns_of(Role.LABEL, table.columns)[0]:
        return guess(Role.LABEL, table, advice, ())
    ids = {*_ids(table, advice), *(name for name in table.columns if name.casefold() in map(str.casefold, joined))}
    rest = {
        name: column
        for name, column in ((name, whole.as_label) for name, whole in table.columns.items())
        if name not in ids and not column.is_time and not column.is_constant and _fits(column, outputs)
    }
    stems = stems_of(outputs.columns) if outputs else set[str]()
    if (named := next((column for name, column in rest.items() if plain_name(name) in stems), None)) is not None:
        return RoleGuess(named, "an output is named after it")
    if (found := guess(Role.LABEL, table, advice, table.columns.keys() - rest.keys())) is not None:
        return found
    return RoleGuess(next(iter(rest.values())), "the only column of labels that fits") if len(rest) == 1 else None


def only_label(table: TableFacts, advice: Advice) -> RoleGuess | None:
    """Return the label of a table of labels if no other column may be one, whatever the outputs are."""
    found = label_of(table, advice)
    return found if found and not found.others else None


def _fits(column: ColumnFacts, outputs: Outputs | None) -> bool:
    if outputs is None:
        return True
    if outputs.task is Task.REGRESSION:
        return column.is_numeric and column.distinct > TWO
    return column.distinct == TWO if outputs.task is Task.BINARY else column.distinct <= MOST_CLASSES


def _named_after(predictions: TableFacts, role: Role, tables: Sequence[TableFacts]) -> list[TableFacts]:
    """Return the tables with a column after which an output is named."""
    found = {name: weigh(role, column) for name, column in predictions.columns.items()}
    outputs = [name for name, candidate in found.items() if candidate and candidate.weight >= LEAST_WEIGHT_BY_NAME]
    stems = stems_of(outputs)
    return [facts for facts in tables if stems & {plain_name(name) for name in facts.columns}]


def _predictions(tables: Mapping[str, TableFacts], advice: Advice) -> TableFacts:
    if not tables:
        raise CannotDraftError("the source has no table: is it the right one?")
    weights = {name: _weight(facts, advice) for name, facts in tables.items()}
    best = max(weights.values())
    likely = [name for name, weight in weights.items() if weight == best]
    if len(likely) == 1:
        return tables[likely[0]]
    raise CannotDraftError(f"which table holds the predictions? Name it: --table NAME; tables: {', '.join(tables)}")


def _weight(table: TableFacts, advice: Advice) -> int:
    """Return the number of roles of predictions that a table can fill; outputs count most."""
    outputs = any(guess(role, table, advice, ()) for role in _OUTPUTS)
    return 4 * outputs + bool(guess(Role.TIME, table, advice, ())) + bool(guess(Role.VERSION, table, advice, ()))


def _is_named_after_labels(name: str) -> bool:
    return any(part.removesuffix("s") in _WORDS_FOR_LABELS for part in plain_name(name).split("_"))


def _has_label(table: TableFacts, advice: Advice) -> bool:
    """Return whether a table has a label and no output."""
    return label_of(table, advice) is not None and guess(Role.SCORE, table, advice, ()) is None


def _joins(predictions: TableFacts, labels: TableFacts, advice: Advice) -> bool:
    """Return whether a table has a column with the name or the values of an id of the predictions."""
    ids = {name.casefold() for name in _ids(predictions, advice)}
    return any(name.casefold() in ids for name in labels.columns) or shared_id(predictions, labels) is not None


def _ids(table: TableFacts, advice: Advice) -> list[str]:
    named, _ = advice.columns_of(Role.ID, table.columns)
    if named:
        return list(named)
    found = [candidate for column in table.columns.values() if (candidate := weigh(Role.ID, column))]
    return [each.column.name for each in sorted(found, key=lambda each: (-each.weight, each.column.position))]


def _known_at(table: TableFacts, advice: Advice, taken: set[str], *, alone: bool = False) -> RoleGuess | None:
    """Return the time at which labels became known; in a table of labels, its only time if none has such a name."""
    if (found := guess(Role.KNOWN_AT, table, advice, taken)) is not None:
        return found
    times = [column for name, column in table.columns.items() if column.is_time and name not in taken]
    return RoleGuess(times[0], "the only time of the table of labels") if alone and len(times) == 1 else None
