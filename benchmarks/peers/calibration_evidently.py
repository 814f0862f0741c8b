"""Evidently's DataDriftPreset with its defaults: against so many rows, distances with a fixed threshold of 0.1.

Usage: ``python calibration_evidently.py FOLDER REFERENCE_ROWS REPLICATES``, in the environment of
``evidently.lock``.
"""

import warnings

import numpy as np
import pandas as pd
from calibration_files import each_window
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

warnings.simplefilter("ignore")


def flags(reference: pd.DataFrame, windows: pd.DataFrame, *, categorical: bool) -> np.ndarray:
    """Return a flag per column; a column is flagged when its distance is at least the threshold."""
    columns = list(reference)
    definition = DataDefinition(**{"categorical_columns" if categorical else "numerical_columns": columns})
    current, known = (Dataset.from_pandas(frame, data_definition=definition) for frame in (windows, reference))
    metrics = Report([DataDriftPreset()]).run(current, known).dict()["metrics"]
    (count,) = (m["value"]["count"] for m in metrics if m["metric_name"].startswith("DriftedColumnsCount"))
    return np.arange(len(columns)) < count


each_window(flags)
