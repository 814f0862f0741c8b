"""The floor: read every column of the chunk's Parquet file with Polars, and do nothing with it.

Usage: ``python read_parquet.py CHUNK.parquet``. Prints the seconds, imports left out, as JSON.
"""

import json
import sys
from time import perf_counter

import polars as pl

started = perf_counter()
pl.read_parquet(sys.argv[1])
print(json.dumps({"steps": {"read": perf_counter() - started}}))
