"""Our side of the benchmark: freeze a reference once, then profile a chunk and measure its drift as in a night.

Usage: ``python ours.py freeze REFERENCE.parquet REFERENCE.json`` or ``python ours.py judge CHUNK.parquet
REFERENCE.json``. Prints seconds by step, imports left out, as JSON.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import narwhals as nw
import polars as pl

from monitoring_pipeline.evaluation.drift.columns import measure_drift
from monitoring_pipeline.evaluation.drift.drifted import drifted_of
from monitoring_pipeline.evaluation.profiles.profile import profile_chunk
from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.reference.columns import freeze_bins
from monitoring_pipeline.evaluation.reference.counterpart import against_reference
from monitoring_pipeline.evaluation.reference.reference import (
    Reference,
    reference_document,
    reference_from_document,
)
from monitoring_pipeline.spec.model import ModelSpec

VERSION = "1"


def benchmark_spec(parquet: Path) -> ModelSpec:
    """Return the spec of a regression model whose features are the file's columns."""
    schema = pl.read_parquet_schema(parquet)
    features = {
        name: "categorical" if dtype == pl.String else "numeric"
        for name, dtype in schema.items()
        if name != "prediction"
    }
    return ModelSpec.model_validate(
        {
            "name": "benchmark",
            "task": "regression",
            "owner": "team:benchmark",
            "timezone": "UTC",
            "start": "2024-01-01",
            "predictions": {"table": "scores", "id": "id", "time": "at", "prediction": "prediction"},
            "labels": {"table": "labels", "id": "id", "label": "label", "known_at": "at"},
            "features": features,
            "reference": {VERSION: {"start": "2023-12-01", "end": "2024-01-01"}},
        }
    )


def freeze(reference_rows: Path, document: Path) -> dict[str, object]:
    """Freeze the bins, profile the reference, and write both."""
    spec = benchmark_spec(reference_rows)
    started = perf_counter()
    rows = pl.read_parquet(reference_rows)
    bins = {column: freeze_bins(rows[column], kind) for column, kind in spec.columns.items()}
    profile = profile_chunk(nw.from_native(rows.lazy()), bins, model_version=VERSION)
    reference = Reference(spec.name, VERSION, "2023-12-01/2024-01-01", bins, profile, (), 0)
    document.write_text(reference_document(reference), encoding="utf-8")
    return {"steps": {"freeze": perf_counter() - started}}


def judge(chunk: Path, document: Path) -> dict[str, object]:
    """Profile a chunk and compare it with the reference."""
    spec = benchmark_spec(chunk)
    started = perf_counter()
    reference = reference_from_document(document.read_text(encoding="utf-8"))
    loaded = perf_counter()
    profile = profile_chunk(nw.from_native(pl.scan_parquet(chunk)), reference.bins, model_version=VERSION)
    profiled = perf_counter()
    judged = measure_drift(spec, against_reference(reference), profile)
    measure_columns(reference.columns, profile)
    measured = perf_counter()
    return {
        "steps": {
            "load reference": loaded - started,
            "profile": profiled - loaded,
            "drift": measured - profiled,
        },
        "drifted": len(drifted_of(judged).columns),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=("freeze", "judge"))
    parser.add_argument("rows", type=Path)
    parser.add_argument("document", type=Path)
    given = parser.parse_args()
    print(json.dumps((freeze if given.command == "freeze" else judge)(given.rows, given.document)))
