"""NannyML's UnivariateDriftCalculator with its defaults: Jensen-Shannon distance, 3 standard deviations of chunks.

Usage: ``python calibration_nannyml.py FOLDER REFERENCE_ROWS REPLICATES``, in the environment of
``nannyml.lock``.
Chunks are as large as the window, so that its thresholds come from the reference's own chunks of that size.
"""

import logging
import warnings

import numpy as np
import pandas as pd
from calibration_files import each_window
from nannyml import UnivariateDriftCalculator

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)


def flags(reference: pd.DataFrame, windows: pd.DataFrame, *, categorical: bool) -> np.ndarray:
    """Return a flag per column."""
    calculator = UnivariateDriftCalculator(
        column_names=list(reference), treat_as_categorical=list(reference) if categorical else [],
        chunk_size=len(windows),
    )  # fmt: skip
    judged = calculator.fit(reference).calculate(windows).filter(period="analysis").to_df()
    return np.array([bool(judged[column, "jensen_shannon", "alert"].iloc[0]) for column in reference])


each_window(flags)
