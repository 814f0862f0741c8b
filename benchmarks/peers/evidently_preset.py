"""Evidently's DataDriftPreset with its defaults, the kinds of the columns declared; no HTML is made.

Usage: ``python evidently_preset.py CHUNK.parquet REFERENCE.parquet``, in the environment of ``evidently.lock``.
Prints the seconds, imports left out, as JSON.
"""

import json
import sys
import warnings
from time import perf_counter

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

warnings.simplefilter("ignore")

started = perf_counter()
current, reference = (pd.read_parquet(path) for path in sys.argv[1:3])
loaded = perf_counter()
numeric = [name for name in reference if pd.api.types.is_numeric_dtype(reference[name])]
definition = DataDefinition(
    numerical_columns=numeric, categorical_columns=[name for name in reference if name not in numeric]
)
snapshot = Report([DataDriftPreset()]).run(
    Dataset.from_pandas(current, data_definition=definition),
    Dataset.from_pandas(reference, data_definition=definition),
)
metrics = snapshot.dict()["metrics"]
steps = {"read": loaded - started, "report": perf_counter() - loaded}
(drifted,) = (m["value"]["count"] for m in metrics if m["metric_name"].startswith("DriftedColumnsCount"))
print(json.dumps({"steps": steps, "drifted": int(drifted)}))
