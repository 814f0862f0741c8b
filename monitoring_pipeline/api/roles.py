"""The roles of columns, and what follows from them: the task, and the positive class."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import polars as pl

from monitoring_pipeline.api.frames import ArgumentError, require_columns
from monitoring_pipeline.evaluation.rows.class_texts import booleans_of_text
from monitoring_pipeline.spec.sources import Task

MOST_CLASSES, CLASSES_SHOWN = 20, 6
TWO = 2


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The columns that have a role, by the argument that names them."""

    ids: tuple[str, ...] = ()
    time: str | None = None
    label: str | None = None
    known_at: str | None = None
    score: str | None = None
    scores: Mapping[str, str] = field(default_factory=dict[str, str])
    prediction: str | None = None

    @property
    def by_argument(self) -> dict[str, tuple[str, ...]]:
        """The columns of each argument that is given."""
        single = {name: getattr(self, name) for name in ("time", "label", "known_at", "score", "prediction")}
        named = {name: (column,) for name, column in single.items() if column is not None}
        return {"ids": self.ids, "scores": tuple(self.scores.values())} | named

    @property
    def columns(self) -> frozenset[str]:
        """All columns that have a role."""
        return frozenset(column for columns in self.by_argument.values() for column in columns)

    @property
    def has_outputs(self) -> bool:
        """Whether the frames have outputs of a model."""
        return bool(self.score or self.scores or self.prediction)

    def check(self, frame: pl.DataFrame, place: str, *, optional: Sequence[str] = ()) -> None:
        """Raise if a column does not exist, or has two roles.

        Args:
            frame: the frame.
            place: the argument with the frame.
            optional: arguments whose columns this frame may lack.

        Raises:
            ArgumentError: with the argument and the column.
        """
        for argument, columns in self.by_argument.items():
            if argument not in optional:
                require_columns(frame, columns, argument, place)
        for (one, its), (other, others) in combinations(self.by_argument.items(), 2):
            # A label may be known at the time of the prediction.
            if {one, other} != {"time", "known_at"} and (shared := set(its) & set(others)):
                raise ArgumentError(f"{one} and {other}: both are column {min(shared)!r}")


def require_outputs(roles: Roles) -> None:
    """Raise if there are no outputs of a model.

    Raises:
        ArgumentError: with the arguments that name outputs.
    """
    if not roles.has_outputs:
        raise ArgumentError("score, scores or prediction: one of them is needed")


def names_of(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return one name, several, or none as a tuple."""
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)


def class_columns(given: Mapping[Any, str] | None) -> dict[str, str]:
    """Return the score column of each class, with classes as text.

    Raises:
        ArgumentError: if it is no mapping.
    """
    if given is not None and not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError('scores: expected classes and their columns, such as {"yes": "p_yes", "no": "p_no"}')
    return {str(name): column for name, column in (given or {}).items()}


def task_of(roles: Roles, task: str | None, frame: pl.DataFrame) -> tuple[Task, str]:
    """Return the task, and the reason for it as a note.

    Raises:
        ArgumentError: if it is none, or does not follow from the outputs.
    """
    if task is not None:
        if task not in list(Task):
            raise ArgumentError(f"task: {task!r} is not one of {', '.join(Task)}")
        return Task(task), f"task: {task}"
    if roles.score:
        return Task.BINARY, f"task: {Task.BINARY}, because score is given"
    if roles.scores:
        return Task.MULTICLASS, f"task: {Task.MULTICLASS}, because scores are given"
    predicted = frame[roles.prediction or ""]
    if not predicted.dtype.is_numeric() or predicted.drop_nulls().n_unique() <= TWO:
        message = (
            f"score or scores: needed for classes; prediction {roles.prediction!r} holds classes, because "
            f'{_why_classes(predicted)}. If it holds numbers, write task="regression"'
        )
        raise ArgumentError(message)
    return Task.REGRESSION, f"task: {Task.REGRESSION}, because prediction is a number and no score is given"


def positive_of(given: object, labels: pl.Series, argument: str) -> tuple[bool | int | str, str]:
    """Return the positive class of a binary model, and a note.

    Args:
        given: the class that the user gave, or None.
        labels: the labels, or else the predicted classes.
        argument: the argument that names their column.

    Raises:
        ArgumentError: if it is not given and the values do not show it.
    """
    plain: Any = given.item() if hasattr(given, "item") else given  # pyright: ignore[reportAttributeAccessIssue]
    if plain is not None:
        positive = _class(plain)
        return positive, f"positive class: {positive!r}"
    values = labels.drop_nulls().unique().sort()
    if labels.dtype in (pl.Boolean, pl.Null):
        return True, "positive class: true, because the classes are true and false"
    if labels.dtype == pl.String and (booleans := booleans_of_text(values)) is not None:
        meant = " or ".join(map(repr, values.filter(booleans))) or "true"
        return True, f"positive class: {meant}, because the classes are words for true and false"
    if labels.dtype.is_numeric() and set(values.to_list()) <= {0, 1}:
        return 1, "positive class: 1, because the classes are 0 and 1"
    raise ArgumentError(f"positive: needed, because column {labels.name!r} ({argument}) holds {_classes(values)}")


def _class(given: Any) -> bool | int | str:
    if isinstance(given, float) and given.is_integer():
        return int(given)
    if not isinstance(given, bool | int | str):
        raise ArgumentError(f"positive: expected text, an integer or a boolean, got {type(given).__name__}")
    return given


def _why_classes(predicted: pl.Series) -> str:
    if not predicted.dtype.is_numeric():
        return f"its type is {predicted.dtype}"
    return f"it has {predicted.drop_nulls().n_unique()} different values"


def _classes(values: pl.Series) -> str:
    if values.len() > MOST_CLASSES:
        return f"{values.len()} different values"
    return ", ".join(_shown(values)) + (", ..." if values.len() > CLASSES_SHOWN else "")


def _shown(values: pl.Series) -> Iterator[str]:
    for value in values.head(CLASSES_SHOWN):
        yield repr(value)
