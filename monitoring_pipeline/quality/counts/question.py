"""What an expectation asks of a frame: expressions, and the outcome that follows from their values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import polars as pl

from monitoring_pipeline.quality.counts.arguments import Check
from monitoring_pipeline.quality.counts.row_conditions import rows_where
from monitoring_pipeline.quality.expectation import Expectation
from monitoring_pipeline.quality.outcome import Outcome

Arguments = Mapping[str, object]


@dataclass(frozen=True)
class Question:
    """What has to be computed for one expectation, and how its outcome follows.

    Args:
        values: expressions that each give one value.
        outcome: the outcome for these values.
        unexpected: the expression that selects the rows of unexpected values, for examples; None without rows.
    """

    values: tuple[pl.Expr, ...]
    outcome: Callable[[Sequence[object]], Outcome]
    unexpected: pl.Expr | None = None


Ask = Callable[[pl.DataFrame, Expectation], Question | None]
"""Returns the question of an expectation about a frame, or None where the types of columns leave it to the engine."""


@dataclass(frozen=True)
class Counted:
    """A type of expectation that counts answer.

    Args:
        arguments: its arguments, and a check of the plain form of each.
        ask: the question.
        depends_on_order: whether the last digits of its number depend on the order of the rows.
    """

    arguments: Mapping[str, Check]
    ask: Ask
    depends_on_order: bool = False


def shares_of(expectation: Expectation) -> Callable[[Sequence[object]], Outcome]:
    """Return the outcome for the rows to which an expectation applies, the judged values and the unexpected ones."""
    mostly = number_of(expectation.kwargs.get("mostly", 1.0))

    def outcome(found: Sequence[object]) -> Outcome:
        applied, judged, unexpected = (int(number_of(value)) for value in found)
        # The quotient of Great Expectations, so that rounding at the border is the same.
        success = judged == 0 or (float(judged) - float(unexpected)) / float(judged) >= mostly
        return Outcome(success=success, applied=applied, judged=judged, unexpected=unexpected)

    return outcome


def column_of(frame: pl.DataFrame, expectation: Expectation) -> pl.Series:
    """Return the column that an expectation is about."""
    return frame[str(expectation.kwargs["column"])]


def number_of(value: object) -> float:
    """Return a counted value, or an argument whose form has been checked, as a number."""
    return cast("float", value)


def set_of(kwargs: Arguments, name: str = "value_set") -> list[Any]:
    """Return an argument, whose form has been checked, as a list."""
    return cast("list[Any]", kwargs[name])


def where_of(frame: pl.DataFrame, expectation: Expectation) -> pl.Expr | None:
    """Return the rows to which an expectation applies; None if the engine has to find them."""
    return rows_where(expectation.kwargs.get("row_condition"), frame)


def is_hashable(kind: pl.DataType) -> bool:
    """Return whether values of a type can be compared with one another."""
    return not kind.is_nested() and kind != pl.Object
