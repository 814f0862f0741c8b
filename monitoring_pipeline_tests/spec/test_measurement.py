import math
from typing import Any

import pytest

from monitoring_pipeline.records.measurement import Kind, Measurement, Status

NUMBERS = (
    "value", "lower", "upper", "reference_value", "p_value", "q_value", "threshold_lower", "threshold_upper",
)  # fmt: skip


def _measurement(**fields: Any) -> Measurement:
    return Measurement(**{"kind": Kind.DRIFT, "subject": "age", "name": "psi", "model_version": "1"} | fields)


@pytest.mark.parametrize("fields", [
    {"value": 0.0},
    {"value": 0.3, "status": Status.BREACHED, "reason": "large"},
    {"status": Status.SKIPPED, "reason": "no rows"},
])  # fmt: skip
def test_measurement_has_either_a_value_or_a_reason(fields):
    measurement = _measurement(**fields)
    assert (measurement.value is None) is (measurement.status is Status.SKIPPED)


@pytest.mark.parametrize("fields", [
    {},
    {"status": Status.BREACHED, "reason": "large"},
    {"status": Status.SKIPPED},
    {"status": Status.SKIPPED, "reason": ""},
    {"status": Status.SKIPPED, "reason": "no rows", "value": 0.0},
])  # fmt: skip
def test_measurement_that_contradicts_its_status_is_refused(fields):
    with pytest.raises(ValueError, match="drift/age/psi: a skipped measurement has a reason and no value"):
        _measurement(**fields)


@pytest.mark.parametrize("field", NUMBERS)
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_measurement_with_a_number_that_is_not_finite_is_refused(field, number):
    with pytest.raises(ValueError, match=f"drift/age/psi: {field} is {number}, not a finite number"):
        _measurement(**{"value": 1.0} | {field: number})
