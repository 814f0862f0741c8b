"""Evidently's DataDriftPreset with its defaults, the kinds of the columns declared.

Usage: ``python evidently_preset.py [--summary] [--html=FILE] CHUNK.parquet [CHUNK.parquet ...] REFERENCE.parquet``, in
the environment of ``evidently.lock``. With ``--summary`` the report also has the DataSummaryPreset, with ``--html`` the
report of the last chunk is written. Prints the seconds, imports left out, and the drifted columns of the last chunk as
JSON.
"""

import json
import sys
import warnings
from time import perf_counter

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset, DataSummaryPreset

warnings.simplefilter("ignore")

files = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
html = next((argument.removeprefix("--html=") for argument in sys.argv if argument.startswith("--html=")), None)
presets = [DataDriftPreset(), *([DataSummaryPreset()] if "--summary" in sys.argv else [])]
steps = {"read": 0.0, "report": 0.0}
started = perf_counter()
reference = pd.read_parquet(files[-1])
numeric = [name for name in reference if pd.api.types.is_numeric_dtype(reference[name])]
definition = DataDefinition(
    numerical_columns=numeric, categorical_columns=[name for name in reference if name not in numeric]
)
drifted = 0
for path in files[:-1]:
    current = pd.read_parquet(path)
    loaded = perf_counter()
    snapshot = Report(presets).run(
        Dataset.from_pandas(current, data_definition=definition),
        Dataset.from_pandas(reference, data_definition=definition),
    )
    metrics = snapshot.dict()["metrics"]
    steps["read"] += loaded - started
    steps["report"] += perf_counter() - loaded
    (drifted,) = (m["value"]["count"] for m in metrics if m["metric_name"].startswith("DriftedColumnsCount"))
    if html is not None and path == files[-2]:
        snapshot.save_html(html)
    started = perf_counter()
print(json.dumps({"steps": steps, "drifted": int(drifted)}))
