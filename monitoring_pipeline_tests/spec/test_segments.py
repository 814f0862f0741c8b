"""Segments in a spec: short forms, and what is refused with the field and what to write."""

import pytest
from pydantic import ValidationError

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.segments import SegmentRules
from monitoring_pipeline_tests.spec.cases import BINARY, changed


def test_short_forms_mean_the_long_ones():
    short, long = (
        SegmentRules.model_validate({"by": by})
        for by in (
            {"plan": "plan", "old": {"where": {"plan": "gold", "age": {"at_least": 65}}}},
            {"plan": {"column": "plan"}, "old": {"where": {"plan": {"among": ["gold"]}, "age": {"at_least": 65.0}}}},
        )
    )
    assert short == long


@pytest.mark.parametrize(("by", "message"), [
    ({"x": "nowhere"}, "segments.by.x: unknown column 'nowhere'"),
    ({"x": "age"}, "segments.by.x: age needs ranges, because it is numeric"),
    ({"x": {"column": "plan", "ranges": [1]}}, "segments.by.x: plan is not numeric and has no ranges"),
    ({"x": {"where": {"age": "old"}}}, "segments.by.x.where.age: give at_least or below"),
    ({"x": {"where": {"plan": {"below": 3}}}}, "segments.by.x.where.plan: give values"),
    ({"x": {"column": "plan", "where": {"plan": "gold"}}}, "give one of column, cross and where; got column, where"),
    ({"x": {}}, "give one of column, cross and where; got none"),
    ({"x": {"column": "age", "ranges": [5, 1]}}, "ranges: numbers in order, each once; got 5, 1"),
    ({"x": {"column": "age", "ranges": list(range(10_000))}}, "should have at most 49 items"),
    ({"x" * 61: "plan"}, "at most 60 characters"),
    ({"p": "plan", "x": {"cross": ["p", "p"]}}, "two or more different entries are needed; got p, p"),
    ({"p": "plan", "x": {"cross": ["p", "q"]}}, "x.cross: unknown 'q'; entries that can be crossed: p"),
    ({"x": {"where": {"age": {"at_least": 5, "below": 5}}}}, "below (5) must be above at_least (5)"),
    ({"x": {"where": {"age": {}}}}, "give either values"),
    ({"x": {"where": {"plan": None}}}, 'null is no value: rows without one belong to no segment; write "null"'),
    ({"x": {"where": {"plan": ["gold", None]}}}, "null is no value"),
    ({"x": {"where": {"plan": [["gold"]]}}}, "each entry is one text or number"),
    ({"x": {"where": {"plan": {"among": [{"a": 1}]}}}}, "each entry is one text or number"),
])  # fmt: skip
def test_what_cannot_be_a_segment_is_refused(by, message):
    with pytest.raises(ValidationError) as refused:
        ModelSpec.model_validate(changed(BINARY, {"segments": {"by": by}}))
    assert message in str(refused.value)


def test_group_columns_are_no_features():
    with pytest.raises(ValidationError, match=r"predictions.group_columns: age: already a column of the model"):
        ModelSpec.model_validate(changed(BINARY, {"predictions.group_columns": ["age"]}))


def test_a_group_column_is_no_id():
    with pytest.raises(ValidationError, match=r"predictions.group_columns: id: identifies a prediction"):
        ModelSpec.model_validate(changed(BINARY, {"predictions.id": "id", "predictions.group_columns": ["id"]}))


def test_a_quoted_null_is_the_text():
    rules = SegmentRules.model_validate({"by": {"x": {"where": {"plan": ["null"]}}}})
    assert rules.by["x"].where["plan"].among == ("null",)


def test_a_group_column_is_named_once():
    with pytest.raises(ValidationError, match=r"predictions.group_columns: sex: named more than once"):
        ModelSpec.model_validate(changed(BINARY, {"predictions.group_columns": ["sex", "city", "sex"]}))


def test_a_spec_without_segments_keeps_its_hash():
    plain = ModelSpec.model_validate(BINARY)
    assert "segments" not in plain.model_dump_json()
    assert plain.spec_hash == ModelSpec.model_validate(changed(BINARY, {"segments": {"by": {}}})).spec_hash
