"""TensorFlow Data Validation with its defaults: a schema inferred from the reference, and each day's anomalies.

Usage: ``python detection_tfdv.py FOLDER``, in the environment of ``tfdv.lock``.
"""

import logging
import warnings
from collections.abc import Callable

import pandas as pd
import tensorflow_data_validation as tfdv
from detection_files import TIME, Flags, each_day

warnings.simplefilter("ignore")
logging.disable(logging.ERROR)


def detector(reference: pd.DataFrame) -> Callable[[pd.DataFrame], Flags]:
    """Return the function that judges a day."""
    schema = tfdv.infer_schema(tfdv.generate_statistics_from_dataframe(reference.drop(columns=TIME), n_jobs=1))

    def judge(day: pd.DataFrame) -> Flags:
        statistics = tfdv.generate_statistics_from_dataframe(day.drop(columns=TIME), n_jobs=1)
        return {"schema": bool(tfdv.validate_statistics(statistics, schema).anomaly_info)}

    return judge


each_day(detector)
