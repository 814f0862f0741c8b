"""Rows of made-up models, canonical and raw, and references of them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, profile_chunk
from monitoring_pipeline.evaluation.reference.reference import Reference, build_reference
from monitoring_pipeline.evaluation.rows.accounting import LabelAccounting
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind

NOON = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
ID_KEY = b"key"
WINDOW = "2024-01-01/2024-03-01"
NOTHING_ELSE = LabelAccounting(orphans=0, outside_window=0, not_yet_known=0)
AS_OF = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
LABELS = {"row_id": pl.String, "label": pl.Float64, "known_at": pl.Datetime("us", "UTC")}
NO_LABELS = pl.DataFrame(schema=LABELS)


def canonical(spec: ModelSpec, columns: Mapping[str, Any], *, model_version: str = "1") -> pl.DataFrame:
    """Return canonical predictions; columns of the spec that are not given hold a constant."""
    rows = len(next(iter(columns.values())))
    constant = {FeatureKind.NUMERIC: 0.5, FeatureKind.CATEGORICAL: "0"}
    types = {FeatureKind.NUMERIC: pl.Float64, FeatureKind.CATEGORICAL: pl.String}
    return pl.DataFrame(
        {
            "row_id": [f"{n:08}" for n in range(rows)],
            "predicted_at": [NOON] * rows,
            "model_version": [model_version] * rows,
        }
        | {name: columns.get(name, [constant[kind]] * rows) for name, kind in spec.columns.items()}
        | {name: columns[name] for name in spec.carried_columns},
        schema_overrides={name: types[kind] for name, kind in spec.columns.items()},
    )


def labels_of(values: Sequence[float | str]) -> pl.DataFrame:
    """Return canonical labels of the first rows of ``canonical``."""
    classes = any(isinstance(value, str) for value in values)
    return pl.DataFrame(
        {
            "row_id": [f"{n:08}" for n in range(len(values))],
            "label": [value if classes else float(value) for value in values],
            "known_at": [NOON + dt.timedelta(hours=1)] * len(values),
        },
        schema={**LABELS, "label": pl.String if classes else pl.Float64},
    )


def reference_of(spec: ModelSpec, columns: Mapping[str, Any], labels: pl.DataFrame = NO_LABELS) -> Reference:
    """Return the reference of version 1 with these rows."""
    return build_reference(spec, "1", WINDOW, canonical(spec, columns), labels, table_columns={}, as_of=AS_OF).reference


def profile_of(reference: Reference, frame: pl.DataFrame) -> ChunkProfile:
    """Profile canonical rows over the bins of a reference."""
    return profile_chunk(nw.from_native(frame.lazy()), reference.bins, model_version=reference.model_version)


def features(rng: np.random.Generator, rows: int, *, shift: float = 0.0) -> dict[str, Any]:
    """Return an age (normal, sd 1), a plan (3 categories) and a score."""
    return {
        "age": rng.normal(shift, 1, rows),
        "plan": rng.choice(["basic", "plus", "pro"], rows, p=[0.6, 0.3, 0.1]),
        "score": rng.uniform(0, 1, rows),
    }
