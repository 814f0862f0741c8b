"""Evidently's presets with their defaults on the days of the benchmark of corrupted days.

Usage: ``python detection_evidently.py FOLDER``, in the environment of ``evidently.lock``. Rules: the drift preset by
its share of drifted columns, any drifted column, and any failed test of the drift and the summary preset.
"""

import warnings
from collections.abc import Callable

import pandas as pd
from detection_files import TIME, Flags, each_day, kinds
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset, DataSummaryPreset

warnings.simplefilter("ignore")


def detector(reference: pd.DataFrame) -> Callable[[pd.DataFrame], Flags]:
    """Return the function that judges a day."""
    numeric, text = kinds(reference)
    definition = DataDefinition(numerical_columns=numeric, categorical_columns=text)
    known = Dataset.from_pandas(reference.drop(columns=TIME), data_definition=definition)

    def judge(day: pd.DataFrame) -> Flags:
        current = Dataset.from_pandas(day.drop(columns=TIME), data_definition=definition)
        snapshot = Report([DataDriftPreset(), DataSummaryPreset()], include_tests=True).run(current, known).dict()
        counts = [m["value"] for m in snapshot["metrics"] if m["metric_name"].startswith("DriftedColumnsCount")]
        return {
            "dataset drift": counts[0]["share"] >= 0.5,
            "any column": counts[0]["count"] > 0,
            "tests": any(test["status"] == "FAIL" for test in snapshot["tests"]),
        }

    return judge


each_day(detector)
