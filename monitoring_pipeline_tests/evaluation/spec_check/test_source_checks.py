"""Every check of facts about a source: a fact that it finds, and a sound source in which it finds nothing."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from monitoring_pipeline.evaluation.spec_check.checks_table import SOURCE_CHECKS, judge_source
from monitoring_pipeline.evaluation.spec_check.facts import (
    LabelsExtent,
    NullValue,
    PredictionsExtent,
    SourceFacts,
    SourceTables,
    Unreadable,
)
from monitoring_pipeline.evaluation.spec_check.findings import Level
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline_tests.evaluation.spec_check.cases import (
    DAYS,
    NOW,
    quantities,
    sound_facts,
    table,
    with_column,
    with_labels,
    with_newest,
    with_reference,
    with_sample,
)
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

RETRAINED = {"trainer": "some.module:train"}
VERSIONED = {"predictions__model_version": "version"}
START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def _fault(name: str, reason: str) -> Measurement:
    return Measurement(
        kind=Kind.QUALITY,
        subject="chunk",
        name=name,
        model_version="",
        value=9.0,
        status=Status.BREACHED,
        reason=reason,
    )


@dataclass(frozen=True)
class Case:
    """A change of sound facts, and the finding that a check makes of it."""

    check: str
    field: str
    seen: str
    change: Callable[[SourceFacts], SourceFacts]
    spec: dict[str, Any] = field(default_factory=dict)


def _extent(rows: int, with_time: int, last: dt.datetime = NOW) -> Callable[[SourceFacts], SourceFacts]:
    return lambda facts: replace(facts, predictions=PredictionsExtent(rows, with_time, START, last))


def _labels_extent(*numbers: int) -> Callable[[SourceFacts], SourceFacts]:
    return lambda facts: replace(facts, labels=LabelsExtent(*numbers))


def _unknown_version(facts: SourceFacts) -> SourceFacts:
    return with_newest(facts, {day: {"1": 60, "2": 40} for day in DAYS})


CASES = (
    Case("readable", "labels.label", "the column holds 'x'",
         lambda f: replace(f, unreadable=(Unreadable("labels.label", "the column holds 'x'"),))),
    Case("readable", "predictions.table", "no table 'scores'",
         lambda f: replace(f, tables=SourceTables(
             None, None, (Unreadable("predictions.table", "no table 'scores'"),)))),
    Case("readable", "predictions.score", "9 of 10 scores",
         lambda f: with_sample(f, refusal=Unreadable("predictions.score", "9 of 10 scores are outside [0, 1]"))),
    Case("columns_exist", "features.age", "scores has no column 'age'",
         lambda f: replace(f, tables=replace(f.tables, predictions=table(
             "scores", customer="VARCHAR", scored_at="DATE", probability="DOUBLE", plan="TEXT")))),
    Case("columns_exist", "labels.known_at", "outcomes has no column 'seen_at'",
         lambda f: replace(f, tables=replace(f.tables, labels=table(
             "outcomes", customer="VARCHAR", left="BOOLEAN")))),
    Case("numbers_readable", "features.age", "7 of 5,000 rows of reference.1 hold no number (String)",
         lambda f: with_column(f, "age", unreadable=7, type="String")),
    Case("columns_have_values", "features.plan", "null in all 5,000 rows",
         lambda f: with_column(f, "plan", nulls=5000, distinct=0)),
    Case("columns_vary", "features.plan", "the same value in all 5,000 rows",
         lambda f: with_column(f, "plan", distinct=1)),
    Case("features_repeat", "features.plan", "4,900 different values in 5,000 rows",
         lambda f: with_column(f, "plan", distinct=4900)),
    Case("null_values_occur", "features.age.null_values", "'-999' occurs in none of 5,000 rows",
         lambda f: with_column(f, "age", null_values={"-999": 0, "-1": 4}),
         {"features": {"age": {"kind": "numeric", "null_values": ["-999", "-1"]}, "plan": "categorical"}}),
    Case("scores_are_probabilities", "predictions.score", "only 0 and 1 in 5,000 rows",
         lambda f: with_column(f, "score", distinct=2, lowest=0.0, highest=1.0)),
    Case("predictions_exist", "predictions.table", "scores has no rows", _extent(0, 0)),
    Case("predictions_exist", "predictions.time", "no row of 9,000 has a time", _extent(9000, 0)),
    Case("predictions_have_time", "predictions.time", "100 of 9,000 rows have no time", _extent(9000, 8900)),
    Case("predictions_are_past", "predictions.time", "dated 2055-01-01", _extent(9, 9, START.replace(year=2055))),
    Case("times_are_granular", "predictions.time_zone", "all 5,000 times of reference.1 are midnight in UTC",
         lambda f: with_sample(f, at_midnight=5000)),
    Case("times_are_granular", "predictions.time", "are midnight, and cadence is hour",
         lambda f: with_sample(f, at_midnight=5000, at_local_midnight=5000), {"cadence": "hour"}),
    Case("rows_usable", "predictions.id", "reference.1: 9 rows beyond the first",
         lambda f: with_sample(f, faults=(_fault("duplicate_predictions", "9 rows beyond the first"),))),
    Case("rows_have_version", "predictions.model_version", "null in 12 of 5,000 rows",
         lambda f: with_column(f, "model_version", nulls=12), VERSIONED),
    Case("versions_have_reference", "reference", "2024-05-31 has predictions of '2' (40 rows)", _unknown_version,
         VERSIONED),
    Case("reference_has_rows", "reference.1", "no predictions in its window",
         lambda f: with_reference(f, by_chunk={"2024-01-01": {}}, labels=None)),
    Case("reference_has_rows", "reference.1", "no predictions of version '1' in its window; versions there: 'v1'",
         lambda f: with_reference(f, by_chunk={"2024-01-01": {"v1": 5000}})),
    Case("reference_large", "reference.1", "300 predictions",
         lambda f: with_reference(f, by_chunk={f"2024-01-{day:02}": {"1": 10} for day in range(1, 31)})),
    Case("cadence_fits", "cadence", "7 of 25 days of reference.1 have predictions",
         lambda f: with_reference(f, by_chunk={f"2024-01-{day:02}": {"1": 900} for day in range(1, 29, 4)})),
    Case("reference_labelled", "reference.1", "30 labels of 500 predictions",
         lambda f: with_labels(f, predictions=500, label_rows=30, read=30)),
    Case("model_not_reversed", "reference.1", "auroc is 0.2 (0.18 to 0.22) on the reference, worse than chance (0.5)",
         lambda f: with_reference(f, performance=quantities(auroc=(0.2, 0.18, 0.22)))),
    Case("model_better_than_chance", "reference.1", "not proven better than chance",
         lambda f: with_reference(f, performance=quantities(auroc=(0.5, 0.45, 0.55)))),
    Case("model_not_perfect", "reference.1", "auroc is 1 ",
         lambda f: with_reference(f, performance=quantities(auroc=(0.9999, 0.999, 1.0)))),
    Case("reference_keeps_thresholds", "performance.thresholds.auroc",
         "lower is 0.85, and auroc is 0.8 (0.78 to 0.82) on reference.1: a day as good as the reference is breached",
         lambda f: f, {"performance__thresholds": {"auroc": {"lower": 0.85}}}),
    Case("classes_occur", "labels.positive", "none of 4,900 labels of reference.1 is the positive class",
         lambda f: with_labels(f, classes={"0": 4900})),
    Case("positive_declared", "labels.positive", "the labels of reference.1 are 1 and 2, and the spec does not name "
         "the positive one; 1 would count as positive",
         lambda f: with_labels(f, codes=("1", "2"))),
    Case("labels_exist", "labels.table", "outcomes has no rows", _labels_extent(0, 0, 0)),
    Case("labels_exist", "labels.label", "null in all 50 rows of outcomes", _labels_extent(50, 0, 0)),
    Case("labels_have_time", "labels.known_at", "20 of 50 labels have no time", _labels_extent(50, 50, 30)),
    Case("labels_match", "labels.id", "none of 6,000 predictions of reference.1 has a label, and the source has 8,000 "
         "labels (scores.customer is VARCHAR, outcomes.customer is VARCHAR)",
         lambda f: with_labels(f, label_rows=0, read=0, classes={})),
    Case("labels_match_most", "labels.id", "90 of 6,000 predictions", lambda f: with_labels(f, label_rows=90)),
    Case("labels_follow_predictions", "labels.known_at", "3,000 of 4,900 labels",
         lambda f: with_labels(f, before_prediction=3000)),
    Case("labels_in_time", "labels.delay", "2,000 of 4,900 labels of reference.1 became known later",
         lambda f: with_labels(f, after_delay=2000)),
    Case("chunks_large_for_drift", "drift.minimum_rows", "50, and the newest days have 20 predictions usually",
         lambda f: with_newest(f, {day: {"1": 20} for day in DAYS})),
    Case("chunks_large_for_performance", "performance.minimum_rows", "50, and the newest days have 30 labels usually",
         lambda f: with_newest(with_labels(f, label_rows=3000), {day: {"1": 60} for day in DAYS})),
    Case("chunks_above_minimum", "quality.minimum_rows", "200, and the newest days have 100 predictions usually",
         lambda f: f, {"quality__minimum_rows": 200}),
    Case("gate_fills", "retraining.holdout_days", "14 days have about 275 labelled rows (20 predictions a day, 98%",
         lambda f: with_newest(f, {day: {"1": 20} for day in DAYS}), VERSIONED | {"retraining": RETRAINED}),
)  # fmt: skip


def test_null_value_that_only_rows_elsewhere_have_is_no_finding():
    spec = binary_spec(features={"age": {"kind": "numeric", "null_values": ["-999", "-1"]}, "plan": "categorical"})
    facts = replace(
        with_column(sound_facts(spec), "age", null_values={"-999": 0, "-1": 0}),
        null_values_elsewhere=frozenset({NullValue("age", "-1"), NullValue("plan", "-999")}),
    )
    found = [each.observation.seen for each in judge_source(spec, facts) if each.check == "null_values_occur"]
    assert found == ["'-999' occurs in none of 5,000 rows that were read"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.check}-{case.field}")
def test_check_finds_the_fact_and_names_field_and_remedy(case: Case):
    spec = binary_spec(**case.spec)
    facts = case.change(sound_facts(spec))
    found = [finding for finding in judge_source(spec, facts) if finding.check == case.check]
    matching = [finding.observation for finding in found if finding.observation.field == case.field]
    assert matching, found
    assert case.seen in matching[0].seen
    assert matching[0].remedy


def test_every_check_of_the_source_has_a_case():
    assert {check.name for check in SOURCE_CHECKS} == {case.check for case in CASES}
    assert len({check.name for check in SOURCE_CHECKS}) == len(SOURCE_CHECKS)


def test_sound_source_has_no_finding():
    facts = sound_facts(binary_spec())
    assert facts.tables.predictions is not None
    versioned = table("scores", **facts.tables.predictions.types, version="VARCHAR")
    spec = binary_spec(**VERSIONED, retraining=RETRAINED)
    assert judge_source(spec, replace(facts, tables=replace(facts.tables, predictions=versioned))) == ()
    assert judge_source(binary_spec(), facts) == ()


@pytest.mark.parametrize(("spec", "metric", "reversed_at"), [
    (multiclass_spec(), "macro_auroc", (0.3, 0.2, 0.4)),
    (regression_spec(), "mae_skill", (-0.5, -0.6, -0.4)),
])  # fmt: skip
def test_model_of_another_task_that_is_worse_than_chance_is_an_error(spec, metric, reversed_at):
    facts = with_reference(sound_facts(spec), performance=quantities(**{metric: reversed_at}))
    (finding,) = [each for each in judge_source(spec, facts) if each.check == "model_not_reversed"]
    assert finding.level is Level.ERROR
    assert metric in finding.observation.seen


@pytest.mark.parametrize(("codes", "changes", "is_clear"), [
    (("0", "1"), {}, True), (("1",), {}, True), (("false", "true"), {}, True), (("No", "Yes"), {}, True),
    (("1", "2"), {"labels__positive": 2}, True), (("1", "2"), {"labels__values": {"1": 0, "2": 1}}, True),
    (("-1", "1"), {}, False), (("2",), {}, False), (("1", "2", "3"), {}, True), ((), {}, True),
])  # fmt: skip
def test_positive_class_of_labels_is_clear_if_they_are_booleans_or_it_is_declared(codes, changes, is_clear):
    spec = binary_spec(**changes)
    found = [
        f for f in judge_source(spec, with_labels(sound_facts(spec), codes=codes)) if f.check == "positive_declared"
    ]
    assert (not found) == is_clear


def test_class_of_a_multiclass_model_without_labels_is_named():
    spec = multiclass_spec()
    facts = with_labels(sound_facts(spec), classes={"a": 3000, "c": 1900})
    (finding,) = [each for each in judge_source(spec, facts) if each.check == "classes_occur"]
    assert finding.observation.field == "predictions.scores.b"


def test_facts_that_could_not_be_read_leave_the_other_checks_silent():
    spec = binary_spec()
    facts = SourceFacts(now=NOW, tables=SourceTables(None, None), unreadable=(Unreadable("predictions", "away", True),))
    (finding,) = judge_source(spec, facts)
    assert finding.observation.remedy == "make it readable from here, or use --offline"


def test_version_that_the_registry_can_score_needs_no_rows_of_its_own():
    spec = binary_spec()
    facts = with_reference(sound_facts(spec), by_chunk={"2024-01-01": {"v0": 5000}}, is_registered=True)
    assert not [finding for finding in judge_source(spec, facts) if finding.check == "reference_has_rows"]


def test_model_that_scores_on_mondays_has_the_right_cadence():
    spec = binary_spec()
    mondays = {f"2024-{month:02}-{day:02}": {"1": 900} for month, day in ((1, 1), (1, 8), (1, 15), (1, 22), (1, 29),
               (2, 5), (2, 12), (2, 19), (2, 26))}  # fmt: skip
    facts = with_reference(sound_facts(spec), by_chunk=mondays)
    assert not [finding for finding in judge_source(spec, facts) if finding.check == "cadence_fits"]
