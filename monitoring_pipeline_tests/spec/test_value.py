"""Values in a spec: a table of outcomes that lacks a pair, or does not fit the task, is refused with what is known."""

import pytest
from pydantic import ValidationError

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline_tests.spec.cases import BINARY, MULTICLASS, REGRESSION, changed

OUTCOMES = {"positive": {"positive": 40, "negative": -15}, "negative": {"positive": -60, "negative": 0}}


@pytest.mark.parametrize(("document", "value", "message"), [
    (BINARY, {"outcomes": {"positive": OUTCOMES["positive"]}}, "value.outcomes: no value for negative; write 0"),
    (BINARY, {"outcomes": OUTCOMES | {"negative": {"positive": 1}}}, "value.outcomes.negative: no value for negative"),
    (BINARY, {"outcomes": OUTCOMES | {"1": {}}}, "'1' is no class of the model; known: negative, positive"),
    (BINARY, {}, "give one of outcomes (classifiers) and per_unit (regression)"),
    (BINARY, {"per_unit": {"over": -1, "under": -2}}, "value.per_unit: only a regression has errors in units"),
    (REGRESSION, {"outcomes": OUTCOMES}, "value.outcomes: a regression has no classes"),
    (REGRESSION, {"per_unit": {"over": 0, "under": 0}}, "both are 0"),
    (MULTICLASS, {"outcomes": OUTCOMES}, "is no class of the model"),
    (BINARY | {"labels": None}, {"outcomes": OUTCOMES}, "value: needs labels"),
    (BINARY, {"outcomes": OUTCOMES, "currency": " EUR"}, "write a short name such as EUR"),
])  # fmt: skip
def test_values_that_do_not_fit_are_refused(document, value, message):
    with pytest.raises(ValidationError) as refused:
        ModelSpec.model_validate(changed(document, {"value": {"currency": "EUR"} | value}))
    assert message in str(refused.value)


def test_spec_without_values_keeps_its_hash():
    assert "value" not in ModelSpec.model_validate(BINARY).model_dump()
