"""Causes of breaches, and the breaches that each cause explains."""

import pytest

from monitoring_pipeline.evaluation.incidents.causes import (
    is_shown_by_labels,
    opens_at_once,
    rank_of,
    signal_of,
)
from monitoring_pipeline.evaluation.incidents.explanations import explains, is_related, joined_columns
from monitoring_pipeline.evaluation.quality.suite import source_failure
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.measurement import Kind, Measurement, Role, Severity, Status
from monitoring_pipeline.records.names import name_and_of
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec

SPEC = binary_spec()


def _breach(kind, subject, name, **others):
    return Measurement(
        kind=kind, subject=subject, model_version="1", value=1.0, status=Status.BREACHED, reason="why",
        **name_and_of(name)._asdict(), **others,
    )  # fmt: skip


def _explains(cause, other, measurement):
    return explains(SPEC, Cause.parse(cause), Cause.parse(other), measurement)


def _cause(kind, subject, name, **others):
    found = signal_of(SPEC, _breach(kind, subject, name, **others))
    return None if found is None else found.cause.text


@pytest.mark.parametrize(("kind", "subject", "name", "cause"), [
    ("quality", "chunk", "readable", "source"),
    ("quality", "chunk", "rows", "source"),
    ("quality", "age", "column_to_exist", "source"),
    ("quality", "age", "column_values_to_be_in_type_list#2", "source"),
    ("quality", "chunk", "volume_ratio", "volume"),
    ("quality", "chunk", "table_row_count_to_be_between", "volume"),
    ("quality", "chunk", "freshness_hours", "freshness"),
    ("quality", "chunk", "duplicate_predictions", "column:row_id"),
    ("quality", "chunk", "predictions_without_id", "column:row_id"),
    ("quality", "chunk", "predictions_without_time", "column:predicted_at"),
    ("quality", "chunk", "orphan_labels", "labels"),
    ("quality", "chunk", "duplicate_labels", "labels"),
    ("quality", "chunk", "labels_without_value", "labels"),
    ("quality", "chunk", "labels_before_prediction", "labels"),
    ("quality", "label", "labels_arrived_ratio", "labels"),
    ("quality", "table", "columns_changed_type", "table"),
    ("quality", "chunk", "table_columns_to_match_set", "table"),
    ("quality", "row_id", "column_values_to_be_unique", "column:row_id"),
    ("quality", "age", "null_share", "column:age"),
    ("quality", "age", "null_share[plan=basic]", "column:age"),
    ("quality", "age,plan", "compound_columns_to_be_unique", "column:age,plan"),
    ("quality", "score", "constant", "column:score"),
    ("drift", "age", "jensen_shannon", "inputs"),
    ("drift", "features", "pca_reconstruction", "inputs"),
    ("drift", "score", "jensen_shannon", "outputs"),
    ("drift", "prediction", "jensen_shannon", "outputs"),
    ("performance", "model", "auroc", "performance"),
    ("performance", "relation", "residual_test", "performance"),
    ("estimated_performance", "model", "auroc", "performance"),
    ("business", "business", "revenue", "business:revenue"),
    ("objective", "good_days", "error_budget_left", "objective:good_days"),
    ("operations", "pipeline", "run", "pipeline"),
    ("operations", "pipeline", "overdue", "pipeline"),
    ("operations", "chunk", "decisive_measurements", "not_measured"),
    ("operations", "versions", "rows_without_reference", "unmonitored:versions"),
    ("operations", "drift", "chunks_without_drift", "unmonitored:drift"),
    ("quality", "chunk", "suite", "unmonitored:suite"),
    ("operations", "performance", "guarded_metrics", "unmeasured:performance"),
])  # fmt: skip
def test_breach_of_a_kind_and_subject_has_the_expected_cause(kind, subject, name, cause):
    assert _cause(Kind(kind), subject, name) == cause


def test_unreadable_chunk_has_the_cause_source():
    assert signal_of(SPEC, source_failure("the table is gone")).cause.text == "source"


def test_critical_expectation_on_the_whole_chunk_has_the_cause_source():
    assert _cause(Kind.QUALITY, "chunk", "table_columns_to_match_set", severity=Severity.CRITICAL) == "source"


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_measurement_has_a_cause_with_a_rank(kind):
    cause = signal_of(SPEC, _breach(kind, "anything", "at all")).cause
    assert rank_of(cause)[0] >= 0


def test_drift_of_a_class_score_has_the_cause_outputs():
    spec = multiclass_spec()
    assert signal_of(spec, _breach(Kind.DRIFT, "score[a]", "jensen_shannon")).cause.text == "outputs"


@pytest.mark.parametrize(("role", "kind", "cause"), [
    (Role.CHAMPION, Kind.PERFORMANCE, "performance"),
    (Role.CHALLENGER, Kind.PERFORMANCE, "performance@1"),
    (Role.CHALLENGER, Kind.DRIFT, "inputs@1"),
    (Role.CHALLENGER, Kind.QUALITY, "column:age"),
    (Role.SHADOW, Kind.PERFORMANCE, None),
    (Role.SHADOW, Kind.QUALITY, None),
    (Role.RETIRED, Kind.DRIFT, None),
])  # fmt: skip
def test_cause_exists_for_champion_and_challenger_but_not_for_shadow_or_retired(role, kind, cause):
    assert _cause(kind, "age", "some_number", role=role) == cause


def test_causes_of_performance_business_and_labels_are_shown_by_labels():
    told = (
        "performance",
        "performance@7",
        "objective:good_days",
        "business:revenue",
        "labels",
        "unmeasured:performance",
        "inputs",
        "source",
        "column:age",
        "pipeline",
    )
    assert [is_shown_by_labels(Cause.parse(cause)) for cause in told] == [True] * 6 + [False] * 4


def test_columns_that_fail_together_have_one_cause():
    causes = [Cause(Family.COLUMN, ("plan",)), Cause(Family.COLUMN, ("age", "plan")), Cause(Family.COLUMN, ("seats",))]
    assert joined_columns(causes) == Cause(Family.COLUMN, ("age", "plan", "seats"))


def test_column_with_a_comma_in_its_name_is_one_column():
    spec = multiclass_spec(features={"age,plan": "numeric", "age": "numeric", "plan": "numeric"})
    of_one = signal_of(spec, _breach(Kind.QUALITY, "age,plan", "null_share")).cause
    assert of_one == Cause(Family.COLUMN, ("age,plan",))
    drift = _breach(Kind.DRIFT, "age", "jensen_shannon")
    assert not explains(spec, of_one, Cause(Family.INPUTS), drift)
    assert explains(spec, of_one, Cause(Family.INPUTS), _breach(Kind.DRIFT, "age,plan", "jensen_shannon"))


@pytest.mark.parametrize("name", ["orders@shop", "orders:net", "a,b", "\\"])
def test_cause_of_a_business_metric_contains_the_whole_name_of_the_metric(name):
    cause = signal_of(SPEC, _breach(Kind.BUSINESS, "business", name, role=Role.CHALLENGER)).cause
    assert cause == Cause(Family.BUSINESS, (name,), "1")
    assert Cause.parse(cause.text) == cause


@pytest.mark.parametrize(("cause", "at_once"), [
    ("source", True), ("column:age", True), ("volume", True), ("freshness", True), ("labels", True),
    ("pipeline", True), ("not_measured", True), ("table", True), ("unmonitored:versions", True),
    ("inputs", False), ("outputs", False), ("unmeasured:business", False),
    ("performance@7", False), ("business:x", False), ("objective:x", False),
])  # fmt: skip
def test_incident_opens_at_once_only_if_its_cause_is_broken_data_or_a_broken_pipeline(cause, at_once):
    assert opens_at_once(Cause.parse(cause)) is at_once


@pytest.mark.parametrize(("cause", "breach", "explained"), [
    ("source", (Kind.PERFORMANCE, "model", "auroc"), True),
    ("source", (Kind.OPERATIONS, "pipeline", "run"), True),
    ("source", (Kind.QUALITY, "age", "null_share"), True),
    ("column:age", (Kind.DRIFT, "age", "jensen_shannon"), True),
    ("column:age", (Kind.DRIFT, "plan", "jensen_shannon"), False),
    ("column:age,plan", (Kind.DRIFT, "plan", "jensen_shannon"), True),
    ("column:age", (Kind.DRIFT, "features", "pca_reconstruction"), True),
    ("column:age", (Kind.DRIFT, "score", "jensen_shannon"), True),
    ("column:age", (Kind.PERFORMANCE, "model", "auroc"), False),
    ("column:row_id", (Kind.DRIFT, "score", "jensen_shannon"), False),
    ("column:score", (Kind.DRIFT, "prediction", "jensen_shannon"), True),
    ("inputs", (Kind.DRIFT, "score", "jensen_shannon"), True),
    ("inputs", (Kind.PERFORMANCE, "model", "auroc"), False),
    ("outputs", (Kind.DRIFT, "age", "jensen_shannon"), False),
    ("performance", (Kind.BUSINESS, "business", "revenue"), False),
    ("pipeline", (Kind.OPERATIONS, "chunk", "decisive_measurements"), True),
    ("unmonitored:versions", (Kind.OPERATIONS, "chunk", "decisive_measurements"), True),
    ("labels", (Kind.OPERATIONS, "performance", "guarded_metrics"), True),
    ("not_measured", (Kind.OPERATIONS, "performance", "guarded_metrics"), True),
    ("labels", (Kind.OPERATIONS, "business", "guarded_metrics"), False),
])  # fmt: skip
def test_cause_explains_breaches_that_follow_from_it_and_ranks_before_them(cause, breach, explained):
    measurement = _breach(*breach)
    own = signal_of(SPEC, measurement).cause
    cause = Cause.parse(cause)
    assert explains(SPEC, cause, own, measurement) is explained
    if explained:
        assert rank_of(cause) < rank_of(own)


def test_cause_of_the_champion_explains_drift_of_a_challenger_but_not_the_reverse():
    drift = _breach(Kind.DRIFT, "score", "jensen_shannon")
    assert _explains("inputs", "outputs@7", drift)
    assert _explains("inputs", "inputs@7", _breach(Kind.DRIFT, "age", "jensen_shannon"))
    assert _explains("inputs@7", "outputs@7", drift)
    assert not _explains("inputs@7", "outputs", drift)
    assert not _explains("inputs@7", "outputs@8", drift)


@pytest.mark.parametrize(("cause", "other", "related"), [
    ("column:age", "performance", True),
    ("inputs", "performance@7", True),
    ("inputs@7", "performance", False),
    ("performance", "objective:good_days", True),
    ("performance", "inputs", False),
    ("performance", "performance", False),
    ("freshness", "volume", True),
])  # fmt: skip
def test_cause_is_related_to_incidents_that_it_may_have_led_to(cause, other, related):
    assert is_related(Cause.parse(cause), Cause.parse(other)) is related
