"""Conditions on the values of a column that are counted where the rows are, to answer expectations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Test(StrEnum):
    """What a value must not be."""

    MISSING = "missing"
    PRESENT = "present"
    OUTSIDE = "outside"
    IN_SET = "in set"
    NOT_IN_SET = "not in set"


@dataclass(frozen=True)
class Condition:
    """Unexpected values of a column.

    Args:
        column: its canonical name.
        test: what an unexpected value is.
        lower: the lower bound of a range; None for none.
        upper: the upper bound.
        is_strict: whether the lower and the upper bound are outside of the range.
        values: the values of a set, all texts or all numbers.
    """

    column: str
    test: Test
    lower: float | None = None
    upper: float | None = None
    is_strict: tuple[bool, bool] = (False, False)
    values: tuple[str, ...] | tuple[float, ...] = ()


@dataclass(frozen=True)
class ConditionCounts:
    """All rows, the values that are not missing, and the unexpected ones."""

    rows: int
    values: int
    unexpected: int


CountConditions = Callable[[Sequence[Condition]], Sequence[ConditionCounts | None]]
"""Counts conditions in all rows of a chunk, those of repeated ids included; None for columns that are not counted."""


@dataclass(frozen=True)
class AllRows:
    """All rows of a chunk of which a suite sees only a sample.

    Args:
        rows: their number; None if rows of shadows are among them, which are no part of a suite.
        count: counts conditions in them; None for the same reason.
    """

    rows: int | None = None
    count: CountConditions | None = None


COUNTED = "counted in all rows"
"""Words in the definition of an expectation that was answered by such counts."""
