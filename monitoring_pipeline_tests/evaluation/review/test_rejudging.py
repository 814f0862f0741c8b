"""Stored numbers judged again: the result is what the night's own functions give for the other spec."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.drift.columns import measure_drift
from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.evaluation.reference.counterpart import against_reference
from monitoring_pipeline.evaluation.review.rejudging import OfVersion, Proposal, rejudged
from monitoring_pipeline.records.measurement import Kind, Measurement, Role, Severity, Status
from monitoring_pipeline_tests.evaluation.cases import canonical, features, labels_of, profile_of, reference_of
from monitoring_pipeline_tests.spec.cases import binary_spec

IN_USE = binary_spec()
RANDOM = np.random.default_rng(3)
SCORE = np.round(RANDOM.beta(2, 3, 2_000), 2)
LABEL = (RANDOM.uniform(0, 1, 2_000) < SCORE).astype(float)
REFERENCE = reference_of(
    IN_USE,
    features(np.random.default_rng(1), 2_000) | {"score": SCORE, "prediction": np.where(SCORE >= 0.5, "1", "0")},
    labels_of(LABEL),
)
VERSIONS = {
    "1": OfVersion(learned=REFERENCE.floors.floor, learned_anew=REFERENCE.floors.floor, estimates=REFERENCE.estimates)
}
AGE = Measurement(
    kind=Kind.DRIFT, subject="age", name="jensen_shannon", model_version="1", value=0.31, q_value=1e-6, rows=800
)
OVER_7_DAYS = Measurement(
    kind=Kind.WINDOW, subject="model", name="auroc", of="7 days", model_version="1", value=0.58, lower=0.54, upper=0.61,
    rows=800,
)  # fmt: skip
OVER_28_DAYS = replace(OVER_7_DAYS, of="28 days", value=0.6, lower=0.58, upper=0.615)


def _drift(spec, *, shift):
    rows = canonical(spec, features(np.random.default_rng(2), 1_000, shift=shift))
    return measure_drift(spec, against_reference(REFERENCE), profile_of(REFERENCE, rows))


def _performance(spec, label):
    decided = np.where(SCORE >= 0.5, "1", "0")
    rows = canonical(spec, {"score": SCORE, "prediction": decided})
    return measure_performance(spec, rows, labels_of(label), model_version="1", reference=REFERENCE.estimates)


def _judgement(measurements):
    return {
        (m.kind, m.subject, m.metric): (m.status, m.severity, m.threshold_lower, m.threshold_upper)
        for m in measurements
        if m.name != "drifted_columns"
    }


def _rejudged(proposed, measurements, in_use=IN_USE):
    return rejudged(Proposal(in_use, proposed, VERSIONS), measurements)


@pytest.mark.parametrize("shift", [0.0, 0.3, 2.0])
@pytest.mark.parametrize("rules", [
    {"floors": {"jensen_shannon": 0.5, "wasserstein": 3.0}},
    {"floors": {"age.wasserstein": 0.01}},
    {"alpha": 1e-9},
    {"severity": "critical"},
    {"minimum_rows": 5_000},
])  # fmt: skip
def test_rejudged_drift_is_what_the_night_measures_by_the_proposed_rules(shift, rules):
    proposed = binary_spec(drift=rules)
    stored = _drift(IN_USE, shift=shift)
    expected = _judgement(_drift(proposed, shift=shift))
    found = _judgement(_rejudged(proposed, stored))
    if "minimum_rows" in rules:
        # The night leaves out a further statistic of a column that it does not measure.
        assert expected.keys() <= found.keys()
        assert {status for status, *_ in (*expected.values(), *found.values())} == {Status.SKIPPED}
    else:
        # A statistic that does not decide any more is stored, and is not measured by the proposed rules.
        assert {key: found[key] for key in expected} == expected
        assert {found[key][0] for key in found.keys() - expected.keys()} <= {Status.OK}


@pytest.mark.parametrize("rules", [
    {"thresholds": {"auroc": {"lower": 0.9}}},
    {"thresholds": {"auroc": {"lower": 0.1}, "brier_score": {"upper": 0.1, "severity": "warning"}}},
    {"thresholds": {"auroc": {"worse_than_reference": 0.3}}},
    {"thresholds": {"auroc": {"worse_than_reference": 0.01}}, "breach_on": "point"},
])  # fmt: skip
@pytest.mark.parametrize("label", [LABEL, 1 - LABEL], ids=["as the reference", "reversed"])
def test_rejudged_performance_is_what_the_night_measures_by_the_proposed_rules(rules, label):
    proposed = binary_spec(performance=rules)
    assert _rejudged(proposed, _performance(IN_USE, label)) == _performance(proposed, label)
    assert _rejudged(IN_USE, _performance(proposed, label), in_use=proposed) == _performance(IN_USE, label)


def test_rows_below_a_raised_minimum_skip_a_metric():
    proposed = binary_spec(performance__minimum_rows=2_001)
    measured = _rejudged(proposed, _performance(IN_USE, LABEL))
    assert {m.status for m in measured if m.name == "auroc"} == {Status.SKIPPED}


def test_windows_are_judged_by_interval_and_last_with_the_shortest():
    proposed = binary_spec(performance={"thresholds": {"auroc": {"lower": 0.62}}, "breach_on": "point"})
    stored = (OVER_7_DAYS, OVER_28_DAYS, replace(OVER_7_DAYS, name="f1", of="7 days"))
    status = {(m.name, m.of): m.status for m in _rejudged(proposed, stored)}
    assert status == {
        ("auroc", "7 days"): Status.BREACHED,
        ("auroc", "28 days"): Status.BREACHED,
        ("f1", "7 days"): Status.OK,
    }
    mended = (replace(OVER_7_DAYS, value=0.66, lower=0.6, upper=0.7), OVER_28_DAYS)
    assert {m.of: m.status for m in _rejudged(proposed, mended)} == {"7 days": Status.OK, "28 days": Status.OK}
    only_28 = proposed.model_copy(update={"windows": (28,)})
    assert {m.of: m.status for m in _rejudged(only_28, mended)} == {"28 days": Status.BREACHED}


def test_an_estimate_is_a_warning_at_most():
    proposed = binary_spec(performance__thresholds={"auroc": {"lower": 0.62, "severity": "critical"}})
    estimate = replace(OVER_7_DAYS, kind=Kind.ESTIMATED_PERFORMANCE, of="")
    (judged,) = _rejudged(proposed, [estimate])
    assert (judged.status, judged.severity) == (Status.BREACHED, Severity.WARNING)


def test_an_ignored_column_decides_nothing():
    (before,) = _rejudged(binary_spec(drift__alpha=0.02), [AGE])
    (ignored,) = _rejudged(binary_spec(drift__ignore=["age"]), [AGE])
    assert (before.status, before.severity) == (Status.BREACHED, Severity.WARNING)
    assert (ignored.status, ignored.severity) == (Status.BREACHED, Severity.INFO)


def test_all_features_together_are_judged_by_a_floor_of_the_spec():
    together = replace(AGE, subject="features", name="domain_classifier", value=0.7, p_value=1e-4, q_value=None)
    (found,) = _rejudged(binary_spec(drift__floors={"domain_classifier": 0.65}), [together])
    (missed,) = _rejudged(binary_spec(drift__floors={"domain_classifier": 0.75}), [replace(found)])
    (removed,) = _rejudged(binary_spec(drift__multivariate=[]), [found])
    assert [m.status for m in (found, missed, removed)] == [Status.BREACHED, Status.OK, Status.OK]


@pytest.mark.parametrize("left", [
    replace(AGE, role=Role.SHADOW),
    replace(AGE, status=Status.SKIPPED, value=None, q_value=None, reason="no rows"),
    replace(AGE, kind=Kind.QUALITY, name="null_share", status=Status.BREACHED),
    replace(AGE, subject="left_the_spec"),
])  # fmt: skip
def test_what_no_rule_of_drift_or_performance_judged_stays_as_it_is(left):
    assert _rejudged(binary_spec(drift__alpha=0.5, drift__floors={"jensen_shannon": 0.001}), [left]) == (left,)


NUMBERS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.05)), min_size=1, max_size=8)


@given(NUMBERS)
def test_what_an_unchanged_rule_judged_keeps_its_status(numbers):
    # These statuses are arbitrary, as of an earlier version of this package.
    stored = tuple(
        replace(AGE, value=value, q_value=q, status=Status.BREACHED if index % 2 else Status.OK)
        for index, (value, q) in enumerate(numbers)
    )
    assert _rejudged(IN_USE, stored) == stored


FLOOR_IN_USE = 0.1
OTHER_FLOORS = st.floats(0, 1).filter(lambda floor: floor != FLOOR_IN_USE)


def test_the_floor_in_use_changes_no_status():
    stored = (replace(AGE, value=1.0, q_value=0.0),)
    assert _rejudged(binary_spec(drift__floors={"age.jensen_shannon": FLOOR_IN_USE}), stored) == stored


@given(NUMBERS, OTHER_FLOORS, OTHER_FLOORS)
def test_a_higher_floor_breaches_nothing_that_a_lower_one_does_not(numbers, one, other):
    lower, higher = sorted((one, other))
    stored = tuple(replace(AGE, value=value, q_value=q) for value, q in numbers)

    def breached(floor):
        found = _rejudged(binary_spec(drift__floors={"age.jensen_shannon": floor}), stored)
        return {index for index, m in enumerate(found) if m.status is Status.BREACHED}

    assert breached(higher) <= breached(lower)
    assert breached(lower) == {i for i, (value, q) in enumerate(numbers) if value >= lower and q < IN_USE.drift.alpha}


@pytest.mark.parametrize(("anew", "status"), [(0.2, Status.BREACHED), (0.4, Status.OK)])
def test_floors_that_the_proposed_rules_learn_replace_those_of_the_spec_in_use(anew, status):
    stored = replace(AGE, status=Status.OK, threshold_upper=0.35)
    versions = {"1": OfVersion(learned=lambda *_: 0.35, learned_anew=lambda *_: anew)}
    (judged,) = rejudged(Proposal(IN_USE, IN_USE, versions), [stored])
    assert (judged.status, judged.threshold_upper) == (status, anew)
    (own,) = rejudged(Proposal(IN_USE, binary_spec(drift__floors={"age.jensen_shannon": 0.3}), versions), [stored])
    assert (own.status, own.threshold_upper) == (Status.BREACHED, 0.3)


def test_a_breach_by_point_alone_is_a_changed_rule_of_chunks_and_not_of_windows():
    limits = {"thresholds": {"auroc": {"lower": 0.6}}}
    in_use, proposed = binary_spec(performance=limits), binary_spec(performance=limits | {"breach_on": "point"})
    stored = (replace(OVER_7_DAYS, kind=Kind.PERFORMANCE, of=""), OVER_7_DAYS)
    found = {m.kind: m.status for m in _rejudged(proposed, stored, in_use=in_use)}
    assert found == {Kind.PERFORMANCE: Status.BREACHED, Kind.WINDOW: Status.OK}
