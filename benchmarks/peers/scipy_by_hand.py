"""What a data scientist writes by hand: pandas, a test per column against the raw reference, p < 0.05.

Usage: ``python scipy_by_hand.py CHUNK.parquet REFERENCE.parquet``. Prints the seconds, imports left out, as JSON.
"""

import json
import sys
from time import perf_counter

import pandas as pd
from scipy.stats import chi2_contingency, ks_2samp

ALPHA = 0.05

started = perf_counter()
current, reference = (pd.read_parquet(path) for path in sys.argv[1:3])
loaded = perf_counter()
p_values = {}
for column in reference:
    if pd.api.types.is_numeric_dtype(reference[column]):
        test = ks_2samp(reference[column].dropna(), current[column].dropna())
    else:
        counts = pd.concat([reference[column].value_counts(), current[column].value_counts()], axis=1).fillna(0)
        test = chi2_contingency(counts)
    p_values[column] = float(test.pvalue)
steps = {"read": loaded - started, "tests": perf_counter() - loaded}
print(json.dumps({"steps": steps, "drifted": sum(p < ALPHA for p in p_values.values())}))
