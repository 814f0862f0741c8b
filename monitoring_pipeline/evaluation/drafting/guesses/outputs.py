"""Guesses the outputs of a model and its label: scores of one or of several classes, a prediction, the task."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

import polars as pl

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts, TableFacts, shown
from monitoring_pipeline.evaluation.drafting.guesses.class_names import class_names, own_parts
from monitoring_pipeline.evaluation.drafting.guesses.roles import RoleGuess, guess
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role, plain_name
from monitoring_pipeline.evaluation.drafting.guesses.separation import separation
from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError, without_output
from monitoring_pipeline.evaluation.drafting.value_kinds import NEARLY_ALL
from monitoring_pipeline.spec.sources import Task

TWO = 2
SUM_TOLERANCE = 0.02
FEW_NUMBERS = 10
AGREEING = 0.5
_AFFIXES = re.compile(
    r"^(predicted|prediction|pred|forecast|estimated|prob|proba|probability|score|p)_(of_)?|"
    r"_(predicted|prediction|pred|hat|forecast|score|prob|proba|probability)$"
)


_SHARED_PARTS = (
    r"^(.*?)[\W_]*[^\W_]+$",
    r"^[^\W_]+[\W_]*(.*)$",
    r"^([^\W_]+)[\W_]+.*$",
    r"^.*[\W_]+([^\W_]+)$",
    r"^(\D*)\d+$",
)
"""The part of a name that columns of the probabilities of classes share: all but the last word, and so on."""


@dataclass(frozen=True, kw_only=True)
class _Found:
    groups: Sequence[str]
    score: RoleGuess | None
    prediction: RoleGuess | None
    label: RoleGuess | None
    truth: ColumnFacts | None


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a model returns, and the truth in the same table.

    Args:
        task: the task, and its evidence.
        score: the column of the probability of one class.
        scores: the columns of the probability of each class, by class.
        prediction: the column of the decided class or predicted value.
        label: the column of the observed class or value.
        doubts: questions to the user.
        complement: the column of the probability of the other class (binary).
    """

    task: Task
    why_task: str
    score: RoleGuess | None = None
    scores: Mapping[str, str] = field(default_factory=dict[str, str])
    prediction: RoleGuess | None = None
    label: RoleGuess | None = None
    doubts: tuple[str, ...] = ()
    complement: tuple[str, ...] = ()

    @property
    def columns(self) -> frozenset[str]:
        """The columns that are no inputs."""
        guesses = (self.score, self.prediction, self.label)
        return frozenset(chain((each.column.name for each in guesses if each), self.scores.values(), self.complement))


def guess_outputs(
    table: TableFacts, advice: Advice, taken: Collection[str], label_elsewhere: ColumnFacts | None
) -> Outputs:
    """Return the guessed outputs of a table of predictions.

    Args:
        table: the table.
        advice: what is declared by the user or in files beside the source.
        taken: columns that have another role.
        label_elsewhere: the label, if it is in another table.

    Raises:
        CannotDraftError: when no column can be the output, with a question.
    """
    groups = _scores_by_class(table, advice, taken)
    score = None if groups else guess(Role.SCORE, table, advice, taken)
    used = {*taken, *groups, *_names(score)}
    prediction = guess(Role.PREDICTION, table, advice, used)
    score = _likeliest_score(table, score, prediction)
    used = {*taken, *groups, *_names(score, prediction)}
    label = None if label_elsewhere else _label(table, advice, used, [*groups, *_names(score, prediction)])
    if label is None and label_elsewhere is None:
        label = _of_classes(table, used, groups)
    score = _likeliest_score(table, score, label)
    truth = label_elsewhere or (label.column if label else None)
    found = _Found(groups=groups, score=score, prediction=prediction, label=label, truth=truth)
    return _decided(table, advice, found)


def _likeliest_score(table: TableFacts, score: RoleGuess | None, classes: RoleGuess | None) -> RoleGuess | None:
    """Return the candidate for the score that best separates two classes; the others are no doubt if it does fully.

    Args:
        table: the table.
        score: the guess, with other candidates.
        classes: the decisions, or the labels.
    """
    if score is None or not score.others or classes is None or classes.column.distinct != TWO:
        return score
    name, candidates = classes.column.name, (score.column, *score.others)
    apart = {each.name: separation(table.numbers(each.name), table.frame[name]) for each in candidates}
    best = max(candidates, key=lambda each: apart[each.name])
    if apart[best.name] >= NEARLY_ALL:
        return RoleGuess(best, f"{name} follows it")
    others = tuple(each for each in candidates if each is not best)
    return (
        score if best is score.column else RoleGuess(best, f"it separates {name} better than {others[0].name}", others)
    )


def _names(*guesses: RoleGuess | None) -> list[str]:
    return [each.column.name for each in guesses if each]


def _decided(table: TableFacts, advice: Advice, found: _Found) -> Outputs:
    groups, score, prediction = found.groups, found.score, found.prediction
    task, origin = advice.task
    if len(groups) > TWO:
        return Outputs(
            task=Task.MULTICLASS,
            why_task=f"{len(groups)} columns of each row add up to 1",
            scores=class_names(groups, _classes(found.truth, prediction)),
            prediction=prediction,
            label=found.label,
        )
    if groups:
        score = RoleGuess(table.columns[groups[-1]], f"it adds up to 1 with {groups[0]}")
    if task is Task.REGRESSION or (score is None and task is None and _is_regression(prediction, found.truth)):
        return _regression(prediction or score, found.label, origin)
    if score is not None:
        return _binary(score, found, origin)
    if prediction is not None and prediction.column.distinct == TWO and not prediction.column.is_text:
        doubt = (
            f"Is there a column with the probability? {prediction.column.name} holds decisions, which stand in for the "
            "score: ranking and calibration cannot be judged (predictions.score)"
        )
        why = f"{prediction.column.name} has two values"
        return Outputs(task=Task.BINARY, why_task=why, score=prediction, label=found.label, doubts=(doubt,))
    raise CannotDraftError(without_output(table, prediction and prediction.column))


def _binary(score: RoleGuess, found: _Found, origin: str) -> Outputs:
    truth, prediction = found.truth, found.prediction
    if truth is not None and truth.distinct > TWO and truth.is_text:
        raise CannotDraftError(
            f"{truth.name} has {truth.distinct} classes and {score.column.name} is one probability: in which columns "
            "are the probabilities of each class? Name them: --column scores=FIRST,SECOND,..."
        )
    if prediction is not None and prediction.column.distinct > TWO:
        prediction = None
    why = f"named by {origin}" if origin else f"{score.column.name} is one probability"
    if truth is not None and truth.distinct == TWO and not origin:
        why += f", and {truth.name} has two values"
    return Outputs(
        task=Task.BINARY,
        why_task=why,
        score=score,
        prediction=prediction,
        label=found.label,
        complement=tuple(found.groups[:1]),
    )


def _regression(prediction: RoleGuess | None, label: RoleGuess | None, origin: str) -> Outputs:
    if prediction is None:
        raise CannotDraftError("which column holds the predicted value? Name it: --column prediction=COLUMN")
    column, doubts = prediction.column, ()
    if column.distinct <= FEW_NUMBERS:
        doubt = (
            f"Are the {column.distinct} values of {column.name} classes? They are taken for numbers (task: "
            "regression); for classes a spec needs the probability of each class"
        )
        doubts = (doubt,)
    why = f"named by {origin}" if origin else f"{column.name} holds numbers, and no column is a probability"
    return Outputs(task=Task.REGRESSION, why_task=why, prediction=prediction, label=label, doubts=doubts)


def _is_regression(prediction: RoleGuess | None, truth: ColumnFacts | None) -> bool:
    if prediction is None or not prediction.column.is_numeric or prediction.column.distinct <= TWO:
        return False
    return truth is None or truth.is_numeric


def _label(table: TableFacts, advice: Advice, used: Collection[str], outputs: Sequence[str]) -> RoleGuess | None:
    """Return the label; the column after which an output is named has precedence over the rules."""
    if not advice.columns_of(Role.LABEL, table.columns)[0]:
        plain = {plain_name(name): name for name in table.columns if name not in used}
        for output in outputs:
            named = next((plain[each] for each in sorted(stems_of([output])) if each in plain), None)
            if named is not None and not table.columns[named].is_time and not table.columns[named].is_constant:
                return RoleGuess(table.columns[named], f"{output} is named after it")
    return guess(Role.LABEL, table, advice, used)


def _of_classes(table: TableFacts, used: Collection[str], groups: Sequence[str]) -> RoleGuess | None:
    """Return the column whose values are the classes of the highest scores."""
    if len(groups) <= TWO:
        return None
    classes = {plain_name(part) for part in own_parts(groups)}
    fitting = [
        column for name, column in table.columns.items()
        if name not in used and column.distinct > 1 and column.values
        and {plain_name(shown(value)) for value, _ in column.values} <= classes
    ]  # fmt: skip
    agreeing = {column.name: _agreement(table, groups, column.name) for column in fitting}
    best = max(agreeing, key=lambda name: agreeing[name], default="")
    if not best or agreeing[best] < AGREEING:
        return None
    return RoleGuess(table.columns[best], f"it is the class of the highest score in {agreeing[best]:.0%} of the rows")


def _agreement(table: TableFacts, groups: Sequence[str], name: str) -> float:
    """Return the share of rows whose value in a column is the class of the highest score."""
    scores = pl.DataFrame([table.numbers(group) for group in groups]).fill_null(-1.0).to_numpy()
    classes = [plain_name(part) for part in own_parts(groups)]
    values = [None if value is None else plain_name(shown(value)) for value in table.frame[name]]
    agreeing = [classes[int(place)] == value for place, value in zip(scores.argmax(axis=1), values, strict=True)]
    return sum(agreeing) / max(len(agreeing), 1)


def stems_of(outputs: Collection[str]) -> set[str]:
    """Return the names that labels may have, after which outputs are named: ``late`` for ``predicted_late``."""
    stems = {_AFFIXES.sub("", plain_name(output)) for output in outputs} - {"", *map(plain_name, outputs)}
    forms = ("{}", "is_{}", "actual_{}", "true_{}", "observed_{}", "{}_actual", "{}_true", "{}_observed")
    return {form.format(stem) for stem in stems for form in forms}


def _scores_by_class(table: TableFacts, advice: Advice, taken: Collection[str]) -> tuple[str, ...]:
    """Return the columns whose values of a row are the probabilities of all classes; none if there are no such."""
    named, _ = advice.columns_of(Role.SCORES, table.columns)
    if len(named) >= TWO:
        return named
    if advice.columns_of(Role.SCORE, table.columns)[0]:
        return ()
    shares = [
        name for name, column in table.columns.items()
        if column.is_share and name not in taken and not column.is_constant and column.nulls < column.rows / TWO
    ]  # fmt: skip
    families = sorted(_families(shares), key=len, reverse=True)
    return next((family for family in families if _add_up(table, family)), ())


def _families(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Yield the groups of columns whose names have the same beginning or the same end."""
    for pattern in _SHARED_PARTS:
        found: dict[str, list[str]] = {}
        for name in names:
            if match := re.match(pattern, name):
                found.setdefault(match[1], []).append(name)
        yield from (tuple(family) for shared, family in found.items() if len(family) >= TWO and shared)


def _add_up(table: TableFacts, names: Sequence[str]) -> bool:
    rows = pl.DataFrame([table.numbers(name) for name in names]).drop_nulls()
    if rows.is_empty():
        return False
    near = (rows.select(pl.sum_horizontal(pl.all())).to_series() - 1).abs() <= SUM_TOLERANCE
    return near.sum() >= NEARLY_ALL * near.len()


def _classes(truth: ColumnFacts | None, prediction: RoleGuess | None) -> list[str]:
    of_prediction = prediction.column.values if prediction else ()
    values = (*(truth.values if truth else ()), *of_prediction)
    return list(dict.fromkeys(shown(value) for value, _ in values))
