"""alibi-detect's TabularDrift with its defaults, every column judged by itself (p < 0.05).

Usage: ``python calibration_alibi_detect.py FOLDER REFERENCE_ROWS REPLICATES``, in the environment of
``alibi_detect.lock``.
"""

import warnings

import numpy as np
import pandas as pd
from alibi_detect.cd import TabularDrift
from calibration_files import each_window

warnings.simplefilter("ignore")


def flags(reference: pd.DataFrame, windows: pd.DataFrame, *, categorical: bool) -> np.ndarray:
    """Return a flag per column."""
    categories = dict.fromkeys(range(reference.shape[1])) if categorical else None
    values = (frame.to_numpy(int if categorical else float) for frame in (reference, windows))
    detector = TabularDrift(next(values), categories_per_feature=categories)
    return detector.predict(next(values), drift_type="feature")["data"]["is_drift"]


each_window(flags)
