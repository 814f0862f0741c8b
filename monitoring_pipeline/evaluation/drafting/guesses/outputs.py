"""Guesses the outputs of a model and its label: scores of one or of several classes, a prediction, the task."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import polars as pl

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts, TableFacts, shown
from monitoring_pipeline.evaluation.drafting.guesses.class_names import class_names
from monitoring_pipeline.evaluation.drafting.guesses.labels import (
    EVIDENCE,
    filled_later,
    label_by_name,
    label_of_classes,
)
from monitoring_pipeline.evaluation.drafting.guesses.roles import RoleGuess, guess
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
from monitoring_pipeline.evaluation.drafting.guesses.separation import separation
from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError, without_output
from monitoring_pipeline.evaluation.drafting.value_kinds import NEARLY_ALL
from monitoring_pipeline.spec.sources import Task

TWO = 2
SUM_TOLERANCE = 0.02
FEW_NUMBERS = 10
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
        may_be_labels: columns of which one may be the label, if none is taken for it.
    """

    task: Task
    why_task: str
    score: RoleGuess | None = None
    scores: Mapping[str, str] = field(default_factory=dict[str, str])
    prediction: RoleGuess | None = None
    label: RoleGuess | None = None
    doubts: tuple[str, ...] = ()
    complement: tuple[str, ...] = ()
    may_be_labels: tuple[str, ...] = ()

    @property
    def columns(self) -> frozenset[str]:
        """The columns that are no inputs."""
        guesses = (self.score, self.prediction, self.label)
        return frozenset(chain((each.column.name for each in guesses if each), self.scores.values(), self.complement))

    @property
    def candidates(self) -> frozenset[str]:
        """The outputs and the label, and the columns that may be one of them."""
        guesses = (self.score, self.prediction, self.label)
        others = (other.name for each in guesses if each for other in each.others)
        return frozenset(chain(self.columns, others, self.may_be_labels))


def guess_outputs(
    table: TableFacts,
    advice: Advice,
    taken: Collection[str],
    label_elsewhere: ColumnFacts | None,
    time: str | None = None,
) -> Outputs:
    """Return the guessed outputs of a table of predictions.

    Args:
        table: the table.
        advice: what is declared by the user or in files beside the source.
        taken: columns that have another role.
        label_elsewhere: the label, if it is in another table.
        time: the column of the time.

    Raises:
        CannotDraftError: when no column can be the output, with a question.
    """
    groups = _scores_by_class(table, advice, taken)
    score = None if groups else guess(Role.SCORE, table, advice, taken)
    used = {*taken, *groups, *_names(score)}
    prediction = guess(Role.PREDICTION, table, advice, used)
    score = _likeliest_score(table, score, prediction)
    used = {*taken, *groups, *_names(score, prediction)}
    label = None if label_elsewhere else label_by_name(table, advice, used, [*groups, *_names(score, prediction)])
    if label is None and label_elsewhere is None:
        label = label_of_classes(table, used, groups)
    score = _likeliest_score(table, score, label)
    truth = label_elsewhere or (label.column if label else None)
    found = _Found(groups=groups, score=score, prediction=prediction, label=label, truth=truth)
    outputs = _decided(table, advice, found)
    if time is None or truth is not None:
        return outputs
    return _with_late_label(table, advice, found, outputs, filled_later(table, time, {*taken, *outputs.columns}))


def _with_late_label(
    table: TableFacts, advice: Advice, found: _Found, outputs: Outputs, late: Sequence[ColumnFacts]
) -> Outputs:
    """Return outputs with the only column that the newest rows lack as the label; several are asked about."""
    fitting = [column for column in late if _fits(column, outputs.task)]
    if len(fitting) != 1:
        return replace(outputs, may_be_labels=tuple(column.name for column in fitting))
    label = RoleGuess(fitting[0], EVIDENCE)
    outputs = _decided(table, advice, replace(found, label=label, truth=fitting[0]))
    doubt = f"Is {fitting[0].name} the label? It is taken for it, because {EVIDENCE} (labels.label)"
    return replace(outputs, doubts=(*outputs.doubts, doubt))


def _fits(column: ColumnFacts, task: Task) -> bool:
    if task is Task.REGRESSION:
        return column.is_numeric and column.distinct > TWO
    return column.distinct == TWO if task is Task.BINARY else column.distinct > 1 and not column.is_share


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
        # A word such as "unknown" may be a class of its own.
        label = found.label and replace(found.label, column=table.columns[found.label.column.name])
        return Outputs(
            task=Task.MULTICLASS,
            why_task=f"{len(groups)} columns of each row add up to 1",
            scores=class_names(groups, _classes(found.truth, prediction)),
            prediction=prediction,
            label=label,
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
