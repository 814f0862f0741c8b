"""Fairness in a spec: what does not fit the task is refused with the measures that do."""

import pytest
from pydantic import ValidationError

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline_tests.spec.cases import BINARY, REGRESSION, changed


@pytest.mark.parametrize(("document", "fairness", "message"), [
    (BINARY, {"by": {"p": "nowhere"}}, "fairness.by.p: unknown column 'nowhere'"),
    (BINARY, {"by": {"p": "plan", "x": {"cross": ["p", "q"]}}}, "x.cross: unknown 'q'; entries that can be crossed: p"),
    (BINARY, {"by": {"p": "plan"}, "allowed": {"mean_absolute_error": {"difference": 1}}},
     "fairness.allowed: mean_absolute_error is no measure of binary; known: selection_rate"),
    (BINARY, {"by": {"p": "plan"}, "allowed": {"selection_rate": {}}}, "give difference or ratio"),
    (REGRESSION, {"by": {"p": "plan"}}, "fairness.allowed: needed for numbers"),
    (BINARY | {"labels": None}, {"by": {"p": "plan"}, "allowed": {"precision": {"ratio": 0.8}}},
     "fairness.allowed: precision: needs labels"),
    (BINARY, {"by": {"p": "plan"}, "allowed": {"mean_bias": {"ratio": 0.8}}},
     "fairness.allowed.mean_bias.ratio: mean_bias may be negative and has no ratio"),
])  # fmt: skip
def test_rules_that_cannot_hold_are_refused(document, fairness, message):
    with pytest.raises(ValidationError) as refused:
        ModelSpec.model_validate(changed(document, {"fairness": fairness}))
    assert message in str(refused.value)
