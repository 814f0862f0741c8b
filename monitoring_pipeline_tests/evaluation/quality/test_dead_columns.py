"""Columns that died, by their quality."""

from typing import Any

import numpy as np
import pytest

from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.quality.dead_columns import dead_columns
from monitoring_pipeline_tests.evaluation.cases import canonical, features, profile_of, reference_of
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec()
ROWS = 200


def _dead(changes: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, str]:
    reference = reference_of(SPEC, features(np.random.default_rng(1), 2_000) | (before or {}))
    rows = canonical(SPEC, features(np.random.default_rng(2), ROWS) | changes)
    return dead_columns(SPEC, measure_columns(reference.columns, profile_of(reference, rows)), "1")


@pytest.mark.parametrize(
    ("changes", "dead"),
    [
        ({}, {}),
        ({"age": [None] * ROWS}, {"age": "all its values are null"}),
        ({"age": [None] * 192 + [1.0, 2.0] * 4}, {"age": "96.0% of its values are null"}),
        ({"age": [None] * 100 + [1.0, 2.0] * 50}, {}),
        ({"age": [float("nan")] * ROWS}, {"age": "all its values are the same"}),
        ({"plan": ["new"] * ROWS}, {"plan": "all its values are the same"}),
        ({"age": [7.0] * ROWS, "plan": [None] * ROWS}, {
            "age": "all its values are the same", "plan": "all its values are null",
        }),
    ],
)  # fmt: skip
def test_column_that_lost_its_values_or_variation_is_dead(changes: dict[str, Any], dead: dict[str, str]) -> None:
    assert _dead(changes) == dead


def test_column_that_was_like_this_in_the_reference_is_not_dead() -> None:
    before = {"age": [None] * 1_600 + list(np.random.default_rng(3).normal(size=400)), "plan": ["basic"] * 2_000}
    assert _dead({"age": [None] * 192 + [1.0, 2.0] * 4, "plan": ["basic"] * ROWS}, before) == {}


def test_dead_column_of_another_version_is_not_dead() -> None:
    reference = reference_of(SPEC, features(np.random.default_rng(1), 2_000))
    rows = canonical(SPEC, features(np.random.default_rng(2), ROWS) | {"age": [None] * ROWS})
    assert dead_columns(SPEC, measure_columns(reference.columns, profile_of(reference, rows)), "2") == {}
