"""NannyML's calculators with their defaults on the days of the benchmark of corrupted days; a chunk is a day.

Usage: ``python detection_nannyml.py FOLDER``, in the environment of ``nannyml.lock``. Rules: any alert of univariate
drift, and any alert of univariate drift, missing values or unseen values.
"""

import logging
import warnings
from collections.abc import Callable

import nannyml as nml
import pandas as pd
from detection_files import TIME, Flags, each_day, kinds

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)


def detector(reference: pd.DataFrame) -> Callable[[pd.DataFrame], Flags]:
    """Return the function that judges a day."""
    numeric, text = kinds(reference)
    by_day = {"timestamp_column_name": TIME, "chunk_period": "D"}
    drift = nml.UnivariateDriftCalculator(column_names=[*numeric, *text], **by_day).fit(reference)
    quality = [
        nml.MissingValuesCalculator(column_names=[*numeric, *text], **by_day).fit(reference),
        nml.UnseenValuesCalculator(column_names=text, **by_day).fit(reference),
    ]

    def judge(day: pd.DataFrame) -> Flags:
        drifted, broken = alerts(drift, day), any(alerts(one, day) for one in quality)
        return {"drift": drifted, "drift and quality": drifted or broken}

    return judge


def alerts(calculator, day: pd.DataFrame) -> bool:  # noqa: ANN001 - NannyML's calculators share no type
    """Return whether a calculator alerts on a day."""
    judged = calculator.calculate(day).filter(period="analysis").to_df()
    flags = judged.loc[:, [column for column in judged if column[-1] == "alert"]]
    return bool(flags.fillna(value=False).to_numpy().any())


each_day(detector)
