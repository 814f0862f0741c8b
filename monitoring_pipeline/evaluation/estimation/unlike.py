"""Rows whose outputs are rare in the reference: an estimate knows little about them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.evaluation.profiles.bins import (
    SPECIAL_CELLS_AFTER,
    SPECIAL_CELLS_BEFORE,
    Bins,
    NumericBins,
    numeric_bins,
)
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.statistics.inputs import Flags, Vector

UNSURE_AT, UNKNOWN_AT = 2.5, 5.0
"""Rows are unlike the reference where a chunk has so many times its share of rows, and more than chance gives.

The first are those that widen an estimate; the second are those of which little is known."""
MOST_UNKNOWN = 0.2
"""Largest share of rows of which little is known, with which performance is still estimated."""
CHANCE = 3.0
"""Standard deviations of a count."""


@dataclass(frozen=True, eq=False)
class OutputCells:
    """The shares of the reference's rows over bins of an output.

    Args:
        edges: inner edges, shape (cells - 1,).
        shares: shape (cells,).
    """

    edges: Vector
    shares: Vector

    def unlike(self, values: Vector, times: float = UNSURE_AT) -> Flags:
        """Return which rows lie in cells that are so many times as frequent among these rows as in the reference."""
        places = np.searchsorted(self.edges, values, side="right")
        expected = self.shares * values.size
        now = np.bincount(places, minlength=self.shares.size)
        flags: Flags = (now > times * expected + CHANCE * np.sqrt(expected))[places]
        return flags


def cells_of_values(values: Vector) -> OutputCells:
    """Return the cells of an output from its values in the reference, shape (rows,)."""
    edges = np.asarray(numeric_bins(values).edges)
    counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=edges.size + 1)
    return OutputCells(edges, counts / max(values.size, 1))


def cells_of_profile(bins: Mapping[str, Bins], profile: ChunkProfile) -> dict[str, OutputCells]:
    """Return the cells of every numeric column of a reference from its profile."""
    found: dict[str, OutputCells] = {}
    for column in profile.columns:
        own = bins.get(column.column)
        counts = np.asarray(column.counts[SPECIAL_CELLS_BEFORE : len(column.counts) - SPECIAL_CELLS_AFTER], np.float64)
        if isinstance(own, NumericBins) and counts.sum():
            found[column.column] = OutputCells(np.asarray(own.edges), counts / counts.sum())
    return found


def reason_not_known(unknown: Flags, output: str) -> str | None:
    """Return the reason if too little is known of too many rows to estimate anything; None otherwise."""
    share = float(unknown.mean()) if unknown.size else 0.0
    if share <= MOST_UNKNOWN:
        return None
    return (
        f"{share:.0%} of the rows have a {output} that is rare in the reference (at most {MOST_UNKNOWN:.0%} allowed), "
        "so that the performance on them is not known"
    )
