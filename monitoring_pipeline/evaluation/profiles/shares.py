"""Shares of a column that stay small while it is healthy: nulls, categories never seen before, and vanished ones."""

from monitoring_pipeline.evaluation.profiles.bins import CategoricalBins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile

LARGER_SHARE = 0.2
"""The least increase of a share that counts, in Cohen's h: from 0 to 1 %, or from 10 to 16.7 %."""


def unseen_cells(bins: CategoricalBins, expected: ColumnProfile) -> list[int]:
    """Return the places of the cells that hold no row of a profile; null is none of them."""
    return [place for place in range(1, len(bins.cells)) if expected.counts[place] == 0]


def seen_once(expected: ColumnProfile) -> int:
    """Return the number of categories with one row.

    Over the rows it is the share of unseen categories to expect next (Good 1953, Biometrika 40:237).
    """
    return sum(count == 1 for count in expected.counts[1:-1])


EXPECTED_AT_LEAST = 14.0
"""Of so many expected rows, none is left by chance with a probability of e^-14, a millionth."""


def vanished_cells(bins: CategoricalBins, expected: ColumnProfile, observed: ColumnProfile) -> list[int]:
    """Return the places of the categories without a row in one profile that should have some by the other."""
    rows = observed.rows / max(expected.rows, 1)
    return [
        1 + place
        for place in range(len(bins.categories))
        if observed.counts[1 + place] == 0 and expected.counts[1 + place] * rows >= EXPECTED_AT_LEAST
    ]
