"""A spec that fits the small tables of these tests, to be changed in places."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from monitoring_pipeline.spec.model import ModelSpec

SpecMaker = Callable[..., ModelSpec]


@pytest.fixture
def fake_account() -> Iterator[None]:
    """An empty account of fakesnow in place of Snowflake."""
    from monitoring_pipeline_tests.warehouse.snowflake_builder import open_fake_account

    with open_fake_account():
        yield


@pytest.fixture
def make_spec() -> SpecMaker:
    """Return a function that makes a spec; ``predictions`` and ``labels`` are updates of those parts."""

    def make(
        *, predictions: dict[str, Any] | None = None, labels: dict[str, Any] | None = None, **fields: Any
    ) -> ModelSpec:
        defaults: dict[str, Any] = {
            "name": "churn",
            "task": "binary",
            "owner": "team:churn",
            "timezone": "UTC",
            "start": "2013-01-01",
            "features": {"age": "numeric"},
            "reference": {"1": {"start": "2012-12-01", "end": "2013-01-01"}},
            "predictions": {"table": "scores", "id": "id", "time": "made_at", "score": "score"} | (predictions or {}),
            "labels": {"table": "truths", "id": "id", "label": "churned", "known_at": "known_at"} | (labels or {}),
        }
        return ModelSpec.model_validate(defaults | fields)

    return make
