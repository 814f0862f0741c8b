"""The samples of the calibration benchmark as data frames, for peers in environments of their own."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd


def each_window(flags: Callable[..., np.ndarray]) -> None:
    """Print the share of windows flagged, by file of windows, as JSON.

    Args:
        flags: from a reference, windows and ``categorical``, the kind of their columns, to a flag per column; each
            column is a replicate.
    """
    folder, reference_rows, replicates = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    shares = {}
    for path in sorted(folder.glob("*.npy")):
        case, rows, _ = path.stem.rsplit("_", 2)
        if rows != reference_rows:
            categorical = case != "normal"
            reference, windows = (
                _frame(np.load(file)[:, :replicates], categorical=categorical)
                for file in (folder / f"{case}_{reference_rows}_0.npy", path)
            )
            shares[path.stem] = float(np.mean(flags(reference, windows, categorical=categorical)))
    print(json.dumps(shares))


def _frame(values: np.ndarray, *, categorical: bool) -> pd.DataFrame:
    frame = pd.DataFrame(values, columns=[f"c{n:03}" for n in range(values.shape[1])])
    return frame.astype(int).astype(str) if categorical else frame
