"""Guesses what identifies a prediction: one column, or several together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts, TableFacts
from monitoring_pipeline.evaluation.drafting.guesses.roles import guess, weigh
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import NAME_RULES, Role, plain_name
from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError
from monitoring_pipeline.evaluation.drafting.value_kinds import ValueKind

MOST_TOGETHER = 6
INSTANCE = "id"
SERVING_LOG = frozenset({INSTANCE, "request_id", "client_request_id", "predicted_at", "model_version"})
"""The columns of every serving log; a request may have several instances."""
FEWEST_APART = 0.95
"""Rows that differ in no column are one prediction to the monitoring; a smaller share of others is refused."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """The columns that identify a prediction, with evidence; ``repeated`` is the share of rows that repeat others."""

    columns: tuple[str, ...]
    evidence: str
    repeated: float = 0.0
    doubts: tuple[str, ...] = ()


def guess_identity(
    table: TableFacts,
    advice: Advice,
    taken: Collection[str],
    *,
    time: str,
    shared: Collection[str] = (),
    joined: str | None = None,
    changing: Collection[str] = (),
) -> Identity:
    """Return the columns that identify a row.

    Args:
        table: the table.
        advice: what is declared by the user or in files beside the source.
        taken: columns that have another role.
        time: the column of the time.
        shared: columns of the table of labels, in small letters; an id that is among them has precedence.
        joined: the column that has values in common with the table of labels.
        changing: outputs and labels, which are no part of an id, because they change or become known later.

    Raises:
        CannotDraftError: when rows cannot be told apart.
    """
    named, origin = advice.columns_of(Role.ID, table.columns)
    if named:
        return Identity(columns=named, evidence=f"named by {origin}")
    if (of_both := _shared_with_labels(table, taken, shared, joined)) is not None:
        return of_both
    if table.columns.keys() >= SERVING_LOG:
        return Identity(columns=(INSTANCE,), evidence="the id of an instance in a serving log")
    found = guess(Role.ID, table, advice, taken)
    if found is not None:
        doubts: tuple[str, ...] = ()
        if found.others:
            others = ", ".join(other.name for other in found.others)
            doubts = (f"Which column identifies a prediction: {found.column.name}, or {others}? (predictions.id)",)
        return Identity(columns=(found.column.name,), evidence=found.evidence, doubts=doubts)
    return _together(table, advice, {*taken} - {*changing}, time, changing)


def _shared_with_labels(
    table: TableFacts, taken: Collection[str], shared: Collection[str], joined: str | None
) -> Identity | None:
    """Return the columns that identify a prediction and are in the table of labels as well; None without such."""
    if found := _id_of_labels(table, taken, shared):
        return Identity(columns=(found.name,), evidence=f"its name, also in the table of labels, {_words(found)}")
    if joined is not None:
        words = _words(table.columns[joined])
        return Identity(columns=(joined,), evidence=f"its values, also in the table of labels, {words}")
    if several := _shared_together(table, taken, shared):
        return Identity(columns=several, evidence="also in the table of labels; together they differ in every row")
    return None


def is_named_id(name: str) -> bool:
    """Return whether a column has the name of an id."""
    return any(rule.role is Role.ID and rule.pattern.fullmatch(plain_name(name)) for rule in NAME_RULES)


def _id_of_labels(table: TableFacts, taken: Collection[str], shared: Collection[str]) -> ColumnFacts | None:
    """Return the column that identifies rows and is also in the table of labels, best by the rules."""
    candidates = [
        candidate for name, column in table.columns.items()
        if name not in taken and name.casefold() in shared and (candidate := weigh(Role.ID, column))
    ]  # fmt: skip
    return max(candidates, key=lambda each: (each.weight, -each.column.position)).column if candidates else None


def _shared_together(table: TableFacts, taken: Collection[str], shared: Collection[str]) -> tuple[str, ...]:
    """Return few columns of both tables, found by trying each next one, in which all rows differ; none without such."""
    usable = [
        name for name, column in table.columns.items()
        if name.casefold() in shared and name not in taken and not column.is_constant and _is_key(column)
    ]  # fmt: skip
    usable.sort(key=lambda name: not is_named_id(name))
    chosen: list[str] = []
    while usable and len(chosen) < MOST_TOGETHER:
        counts = [_distinct(table.frame, [*chosen, name]) for name in usable]
        chosen.append(usable.pop(counts.index(max(counts))))
        if max(counts) == table.frame.height:
            return tuple(name for name in table.columns if name in chosen)
    return ()


def _is_key(column: ColumnFacts) -> bool:
    return column.kind not in {ValueKind.NESTED, ValueKind.NUMBER, ValueKind.EMPTY} and column.nulls == 0


def _together(
    table: TableFacts, advice: Advice, taken: Collection[str], time: str, changing: Collection[str]
) -> Identity:
    """Return the fewest columns, by trying each next one, in which the sampled rows differ."""
    frame = table.frame
    usable = [
        name for name, column in table.columns.items()
        if name not in {time, *changing}
        and not column.is_constant and column.kind is not ValueKind.NESTED and not column.nulls
    ]  # fmt: skip
    named = advice.unique
    usable.sort(key=lambda name: (name.casefold() not in named, not is_named_id(name), name in taken))
    chosen, apart = [time], _distinct(frame, [time])
    while apart < frame.height and usable and len(chosen) < MOST_TOGETHER:
        counts = [_distinct(frame, [*chosen, name]) for name in usable]
        best = counts.index(max(counts))
        if counts[best] == apart:
            break
        chosen.append(usable.pop(best))
        apart = counts[best]
    if apart < frame.height and (everything := _distinct(frame, [*chosen, *usable])) > apart:
        chosen, apart = _without_superfluous(frame, [*chosen, *usable], everything), everything
    repeated = 1 - apart / frame.height if frame.height else 0.0
    if repeated > 1 - FEWEST_APART:
        raise CannotDraftError(
            f"{repeated:.1%} of the rows of {table.name} are equal to others in all columns that can "
            "be part of an id. Which columns identify a prediction? Name them: --column id=FIRST,SECOND. Rows without "
            "an id can be compared with others by the Python API: compare(reference, current)"
        )
    doubt = (
        f"Is there a column that identifies a prediction? {', '.join(chosen)} {'does' if len(chosen) == 1 else 'do'}"
        + (f"; {repeated:.2%} of the rows repeat others and count once" if repeated else "")
        + " (predictions.id)"
    )
    evidence = f"together they have {apart:,} different values in {frame.height:,} rows"
    if len(chosen) == 1:
        evidence = "every row has another value"
    return Identity(columns=tuple(chosen), evidence=evidence, repeated=repeated, doubts=(doubt,))


def _without_superfluous(frame: pl.DataFrame, names: Sequence[str], apart: int) -> list[str]:
    """Return the columns without those, from the last on, that are not needed for so many different rows."""
    kept = list(names)
    for name in reversed(names[1:]):
        fewer = [each for each in kept if each != name]
        if _distinct(frame, fewer) == apart:
            kept = fewer
    return kept


def _distinct(frame: pl.DataFrame, names: Sequence[str]) -> int:
    return frame.select(pl.struct(names).n_unique()).item()


def _words(column: ColumnFacts) -> str:
    return "every row has another value" if column.distinct == column.rows else f"{column.distinct:,} values"
