"""A small model and its rows, for the tests of the suites."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import yaml

from monitoring_pipeline.spec.model import ModelSpec


@pytest.fixture
def spec() -> ModelSpec:
    """Return a binary model with two categorical and two numeric features."""
    return ModelSpec.model_validate(
        {
            "name": "parcels",
            "task": "binary",
            "owner": "team:logistics",
            "timezone": "America/New_York",
            "start": "2024-03-01",
            "predictions": {
                "table": "scores",
                "id": "parcel",
                "time": "scored_at",
                "model_version": "version",
                "score": "p",
                "prediction": "late",
            },
            "labels": {"table": "arrivals", "id": "parcel", "label": "late", "known_at": "seen_at"},
            "features": {"carrier": "categorical", "depot": "categorical", "age": "numeric", "weight": "numeric"},
            "reference": {"1": {"start": "2024-01-01", "end": "2024-03-01"}},
        }
    )


@pytest.fixture
def rows() -> pl.DataFrame:
    """Return 20 days of 100 rows; ``age`` is null for nearly all rows of carrier MQ and for few others."""
    count = 2000
    noon = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
    index = range(count)
    carriers = ["MQ" if i % 5 == 0 else ("AA", "UA", "DL")[i % 3] for i in index]
    null_age = [(carrier == "MQ" and i % 100 != 0) or i % 97 == 0 for i, carrier in zip(index, carriers, strict=True)]
    return pl.DataFrame(
        {
            "row_id": [f"id-{i}" for i in index],
            "predicted_at": [noon + dt.timedelta(days=i // 100, minutes=i % 100) for i in index],
            "model_version": ["1"] * count,
            "score": [(i % 101) / 100 for i in index],
            "prediction": [i % 101 > 50 for i in index],
            "carrier": carriers,
            "depot": [("north", "south")[i % 2] for i in index],
            "age": [None if missing else i % 30 for i, missing in zip(index, null_age, strict=True)],
            "weight": [0.5 + (i % 40) / 4 for i in index],
        }
    )


@pytest.fixture
def write_suite(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes entries, or a text as it is, to a suite file."""

    def write(*entries: object, text: str | None = None) -> Path:
        path = tmp_path / "parcels.suite.yaml"
        path.write_text(yaml.safe_dump({"expectations": list(entries)}) if text is None else text, encoding="utf-8")
        return path

    return write
