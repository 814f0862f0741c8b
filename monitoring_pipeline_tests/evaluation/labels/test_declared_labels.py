"""Rules that need labels, and labels without times."""

import datetime as dt

import polars as pl
import pytest

from monitoring_pipeline.evaluation.labels.declared import NO_LABELS, check_label_rules
from monitoring_pipeline.evaluation.labels.delay import learn_label_delay
from monitoring_pipeline.evaluation.labels.first_seen import with_time_first_seen
from monitoring_pipeline.evaluation.rows.coded_labels import check_positive_class
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

UTC = dt.UTC
FIRST, LATER = dt.datetime(2024, 3, 2, tzinfo=UTC), dt.datetime(2024, 3, 5, tzinfo=UTC)
TRAINED = {"retraining": {"trainer": "module:train"}, "predictions__model_version": "version"}


@pytest.mark.parametrize(("changes", "problem"), [
    ({"performance__thresholds": {"auroc": {"lower": 0.6}}}, "churn: performance.thresholds: auroc: "),
    (TRAINED, "churn: retraining: its gate compares versions by labels, and "),
    ({"objectives": {"good": {"metric": "auroc", "lower": 0.6}}}, "churn: objectives.good: auroc: "),
    ({"objectives": {"good": {"metric": "maturity", "kind": "operations", "lower": 0.6}}}, "churn: objectives.good: "),
    ({"objectives": {"good": {"metric": "duplicate_labels", "kind": "quality", "upper": 0}}}, "churn: objectives."),
])  # fmt: skip
def test_rule_that_needs_labels_is_refused_without_labels(changes, problem):
    with pytest.raises(ValueError, match=NO_LABELS) as refused:
        check_label_rules(binary_spec(labels=..., **changes))
    assert str(refused.value).startswith(problem)
    assert str(refused.value).endswith("declare labels, or remove it")
    check_label_rules(binary_spec(**changes))


def test_rules_that_need_no_labels_are_allowed_without_them():
    objective = {"metric": "age.null_share", "kind": "quality", "upper": 0.1}
    check_label_rules(binary_spec(labels=..., objectives={"filled": objective}, business={"cost": {"sql": "c.sql"}}))


@pytest.mark.parametrize(("spec", "problem"), [
    (multiclass_spec(labels__values={"0": "a", "1": "z"}), "labels.values: z: not in predictions.scores"),
    (binary_spec(labels__values={"p": 0, "d": 1, "x": 2}), "labels.values: 0, 1, 2: a binary model has two classes"),
    (regression_spec(labels__values={"p": "high"}), "labels.values: high: a regression model predicts numbers"),
])  # fmt: skip
def test_values_that_the_prediction_cannot_have_are_refused(spec, problem):
    with pytest.raises(ValueError, match=problem):
        check_label_rules(spec)


@pytest.mark.parametrize(("positive", "values", "fits"), [
    ("yes", {"a": 1, "b": 0}, False), ("1", {"a": 1, "b": 0}, True), (1, {"a": 1, "b": 0}, True),
    (..., {"a": 1, "b": 0}, True), (2, {"a": 1, "b": 2}, True), (..., {"a": 3, "b": 2}, False),
    ("default", {"d": "default", "p": "paid"}, True), ("Default", {"d": "default", "p": "paid"}, False),
    (..., {"d": "default", "p": "paid"}, False), (..., {"d": "yes", "p": "no"}, True),
    (..., {"d": True, "p": False}, True), (False, {"d": True, "p": False}, True), ("1.5", {"d": 0, "p": 1}, False),
    (..., {"p": 0}, False), (..., {"d": 1}, True),
])  # fmt: skip
def test_mapping_of_labels_without_the_positive_class_is_refused(positive, values, fits):
    spec = binary_spec(labels__values=values, **({} if positive is ... else {"labels__positive": positive}))
    if fits:
        check_positive_class(spec)
        return
    with pytest.raises(ValueError, match=r"no value of labels\.values means") as refused:
        check_positive_class(spec)
    assert str(refused.value).startswith("churn: labels.positive: ")


def test_refusal_of_a_mapping_names_the_positive_class_and_the_values():
    with pytest.raises(ValueError, match="they mean default and paid") as refused:
        check_positive_class(binary_spec(labels__values={"d": "default", "p": "paid"}))
    assert str(refused.value) == (
        "churn: labels.positive: no value of labels.values means true (the default); they mean default and paid; "
        "write the one that means the positive class"
    )


@pytest.mark.parametrize(("spec", "reason"), [
    (binary_spec(labels=...), NO_LABELS), (binary_spec(labels__known_at=...), "labels.known_at is not declared"),
])  # fmt: skip
def test_label_delay_is_not_learned_without_times(spec, reason):
    assert (learn_label_delay(spec, pl.DataFrame(), LATER).reason or "").startswith(reason)


def _labels(**labels: float) -> pl.DataFrame:
    rows = {"row_id": list(labels), "label": list(labels.values()), "known_at": [None] * len(labels)}
    schema = {"row_id": pl.String, "label": pl.Float64, "known_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema=schema)


def test_label_keeps_the_time_at_which_it_was_first_seen_until_its_value_changes():
    first = with_time_first_seen(_labels(a=1.0, b=0.0), None, FIRST)
    later = with_time_first_seen(_labels(a=1.0, b=1.0, c=0.0), first, LATER)
    assert dict(first.select("row_id", "known_at").iter_rows()) == {"a": FIRST, "b": FIRST}
    assert dict(later.select("row_id", "known_at").iter_rows()) == {"a": FIRST, "b": LATER, "c": LATER}
    assert with_time_first_seen(_labels(a=1.0, b=1.0, c=0.0), later, LATER).equals(later)


def test_labels_first_seen_after_the_time_of_reading_are_left_out():
    first = with_time_first_seen(_labels(a=1.0), None, FIRST)
    later = with_time_first_seen(_labels(a=1.0, b=0.0), first, LATER)
    assert with_time_first_seen(_labels(a=1.0, b=0.0), later, FIRST).equals(first)
