"""Chunks of a reference on which a column was dead: it had hardly any value or only one, and usually has several."""

from collections.abc import Mapping

from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile, is_constant

NEARLY_ALL = 0.95
"""A column with such a share of nulls is dead, if it usually has values."""
TOLERATED_CHUNKS, TOLERATED_SHARE = 1, 0.05
"""A column that was dead on at most so many chunks was dead by a fault or by chance."""


def is_usual(chunks: int, *, of: int) -> bool:
    """Return whether so many chunks of a reference are too many for a fault, as with a column like the weekday."""
    return chunks > (max(TOLERATED_CHUNKS, TOLERATED_SHARE * of) if of > 1 else 0)


def dead_chunks(bins: Bins, chunks: Mapping[str, ColumnProfile]) -> frozenset[str]:
    """Return the keys of the chunks on which a column was dead; none if it usually is like that.

    One dead day differs so much from the others that everything learned from it would hide each later fault.
    """
    found = frozenset(key for key, column in chunks.items() if _is_dead(bins, column))
    return frozenset() if is_usual(len(found), of=len(chunks)) else found


def _is_dead(bins: Bins, column: ColumnProfile) -> bool:
    return column.counts[0] >= NEARLY_ALL * column.rows or is_constant(bins, column)
