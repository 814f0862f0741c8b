"""Drifted columns are named by drift times importance where the importance to the model was measured."""

import pytest

from monitoring_pipeline.evaluation.drift.drifted import drifted_of
from monitoring_pipeline.evaluation.explanation.importance import stored_importance
from monitoring_pipeline.evaluation.incidents.importance import by_importance, importance_words
from monitoring_pipeline.evaluation.incidents.split_words import split_words
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import Finding
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status

WORDS = "a surrogate fitted to the scores, which explains 90% of their variance"


def _important(feature, value, before, version="1"):
    return Measurement(
        kind=Kind.PERFORMANCE, subject="relation", name="feature_importance", of=feature, model_version=version,
        severity=Severity.INFO, value=value, reference_value=before,
        definition=f"mean size of the part of a feature in the output of a row, by {WORDS}",
    )  # fmt: skip


def _drift(subject, value, version="1", **fields):
    return Finding(
        kind=Kind.DRIFT, subject=subject, name="jensen_shannon", model_version=version, value=value,
        threshold_upper=0.1, **fields,
    )  # fmt: skip


ATTRIBUTION = [_important("loud", 0.01, 0.01), _important("quiet", 0.10, 0.02), _important("broken", 0.0, 0.09)]
FINDINGS = [_drift("loud", 0.9), _drift("broken", 0.3), _drift("features", 0.7), _drift("quiet", 0.3)]


def test_the_larger_importance_of_both_sides_counts_so_that_a_broken_column_keeps_its_own():
    found = stored_importance(ATTRIBUTION, "1")
    assert found.shares == pytest.approx({"loud": 0.05, "quiet": 0.5, "broken": 0.45})
    assert found.words == WORDS
    assert stored_importance(ATTRIBUTION, "2").shares == {}
    assert stored_importance([]).weight("anything") == 1.0


def test_findings_stand_by_drift_times_importance_and_others_keep_their_places():
    # 9 x .05, 3 x .45 and 3 x .5.
    assert [f.subject for f in by_importance(FINDINGS, ATTRIBUTION)] == ["quiet", "broken", "features", "loud"]
    assert by_importance(FINDINGS, []) == tuple(FINDINGS)
    of_another = [_drift("loud", 0.9, "2"), _drift("quiet", 0.3, "2")]
    assert by_importance(of_another, ATTRIBUTION) == tuple(of_another)


def test_consequences_stay_behind_causes():
    findings = [_drift("loud", 0.2), _drift("quiet", 0.9, consequence=True)]
    assert [f.subject for f in by_importance(findings, ATTRIBUTION)] == ["loud", "quiet"]


def test_incident_of_inputs_states_their_importance_and_what_it_was_measured_with():
    ranked = by_importance(FINDINGS, ATTRIBUTION)
    words = f"share in what matters to the model, by {WORDS}: quiet 50%, broken 45%, loud 5%"
    assert importance_words(ranked, ATTRIBUTION) == words
    assert split_words(Cause(Family.INPUTS), ranked, ATTRIBUTION) == words
    assert split_words(Cause(Family.OUTPUTS), ranked, ATTRIBUTION) == ""
    assert importance_words(ranked, []) == ""


def test_drifted_columns_are_listed_by_what_they_matter():
    drift = [
        Measurement(kind=Kind.DRIFT, subject=name, name="jensen_shannon", model_version="1", value=value, reason="r",
                    threshold_upper=0.1, status=Status.BREACHED)
        for name, value in (("loud", 0.9), ("quiet", 0.3))
    ]  # fmt: skip
    assert drifted_of(drift).columns == ("loud", "quiet")
    assert drifted_of(drift, stored_importance(ATTRIBUTION).weight).columns == ("quiet", "loud")
