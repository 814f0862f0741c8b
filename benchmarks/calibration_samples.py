"""Samples with and without change: a reference of 10,000 rows and windows of several sizes, a replicate per column.

Usage: ``python calibration_samples.py FOLDER`` writes one ``.npy`` of shape (rows, replicates) per sample.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special

REFERENCE_ROWS = 10_000
WINDOW_ROWS = (50, 200, 500, 1_000, 5_000)
SHIFTS = (0.0, 0.25)
REPLICATES = 200
CASES = {"normal": 0, "categories_2": 2, "categories_20": 20, "categories_100": 100}
"""Number of categories, 0 for a number. Two have even shares, more have Zipf's."""


def samples(case: str, rows: int, shift: float, block: int) -> NDArray[np.float64]:
    """Return samples of shape (rows, REPLICATES): N(shift, 1), or the categories into which N(0, 1) is cut.

    ``block`` tells apart sets of replicates, and the reference from windows of as many rows.
    """
    rng = np.random.default_rng([list(CASES).index(case), rows, round(100 * shift), block])
    drawn = rng.normal(shift, 1, (rows, REPLICATES))
    categories = CASES[case]
    if not categories:
        return drawn
    shares = np.ones(2) if categories == 2 else 1 / np.arange(1, categories + 1)
    edges = special.ndtri(np.cumsum(shares / shares.sum())[:-1])
    return np.searchsorted(edges, drawn).astype(np.float64)


def file_name(case: str, rows: int, shift: float) -> str:
    """Return the name of the file of the first block of replicates."""
    return f"{case}_{rows}_{round(100 * shift)}.npy"


def main(folder: Path) -> None:
    """Write what the peers read."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        for rows, shift in [(REFERENCE_ROWS, 0.0), *((rows, shift) for rows in WINDOW_ROWS for shift in SHIFTS)]:
            np.save(folder / file_name(case, rows, shift), samples(case, rows, shift, 0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
