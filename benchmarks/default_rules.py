"""A spec with default rules, for benchmarks that make their own days."""

import datetime as dt
from collections.abc import Mapping

from monitoring_pipeline.spec.model import ModelSpec

FIRST_DAY = dt.date(2024, 1, 1)


def spec_of(features: Mapping[str, str]) -> ModelSpec:
    """Return the spec of a regression with such features, by name and kind."""
    return ModelSpec.model_validate(
        {
            "name": "generated",
            "owner": "team:benchmarks",
            "timezone": "UTC",
            "task": "regression",
            "start": FIRST_DAY,
            "predictions": {"table": "scores", "id": "id", "time": "at", "prediction": "estimate"},
            "reference": {"1": {"start": FIRST_DAY, "end": FIRST_DAY + dt.timedelta(days=1)}},
            "features": dict(features),
        }
    )
