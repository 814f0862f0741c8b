from dataclasses import replace

import pytest

from monitoring_pipeline.evaluation.explanation.effect import Effect, effects_by_version, weighed_by_effect
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status, VerdictStatus
from monitoring_pipeline_tests.spec.cases import binary_spec

AGE = Measurement(
    kind=Kind.DRIFT, subject="age", name="jensen_shannon", model_version="1", value=0.3, threshold_upper=0.1,
    status=Status.BREACHED, reason="0.300 is at least 0.1", rows=800,
)  # fmt: skip
SCORE = replace(AGE, subject="score", value=0.02, status=Status.OK, reason=None)
AUROC = Measurement(
    kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", value=0.66, lower=0.64, upper=0.68,
    threshold_lower=0.62, severity=Severity.CRITICAL, rows=800,
)  # fmt: skip
ESTIMATE = replace(AUROC, kind=Kind.ESTIMATED_PERFORMANCE, severity=Severity.WARNING)
F1 = replace(AUROC, name="f1", threshold_lower=None)
BY_SCORE = Measurement(
    kind=Kind.PERFORMANCE, subject="relation", name="change_by_score", of="auroc", model_version="1", value=-0.05,
    lower=-0.06, upper=-0.04, severity=Severity.INFO,
)  # fmt: skip
REST = replace(BY_SCORE, name="change_given_score", value=-0.01, lower=-0.03, upper=0.01)


def _breached(measurement, **changes):
    return replace(measurement, status=Status.BREACHED, reason="beyond", **changes)


def _skipped(measurement):
    return replace(measurement, status=Status.SKIPPED, value=None, lower=None, upper=None, reason="few rows")


LOW = _breached(AUROC, value=0.58, lower=0.55, upper=0.61)


@pytest.mark.parametrize(("others", "severity", "words"), [
    ((), Severity.WARNING, ""),
    ((_skipped(SCORE), _skipped(ESTIMATE), F1), Severity.WARNING, ""),
    ((replace(SCORE, model_version="2"),), Severity.WARNING, ""),
    ((replace(AUROC, segment="plan=free"),), Severity.WARNING, ""),
    ((SCORE,), Severity.INFO, "without effect on the model: score is within limits"),
    (
        (SCORE, replace(SCORE, subject="prediction"), ESTIMATE, F1), Severity.INFO,
        "without effect on the model: score and estimated auroc are within limits",
    ),
    ((SCORE, AUROC, ESTIMATE), Severity.INFO, "without effect on the model: score and auroc are within limits"),
    ((_breached(SCORE, value=0.4), AUROC), Severity.WARNING, ""),
    ((SCORE, _breached(ESTIMATE)), Severity.WARNING, ""),
    # Labels have given the metric, so its estimate no longer counts.
    (
        (SCORE, _breached(ESTIMATE), AUROC), Severity.INFO,
        "without effect on the model: score and auroc are within limits",
    ),
    ((SCORE, LOW), Severity.WARNING, ""),
    ((SCORE, replace(LOW, segment="plan=free")), Severity.WARNING, ""),
])  # fmt: skip
def test_drift_is_for_information_exactly_where_its_effect_could_be_seen_and_is_not(others, severity, words):
    age, *same = weighed_by_effect(binary_spec(), [AGE, *others])
    assert age == replace(AGE, severity=severity, reason="; ".join(filter(None, (AGE.reason, words))))
    assert same == list(others)


def test_nothing_but_drifted_inputs_is_weighed():
    nulls = replace(AGE, kind=Kind.QUALITY, name="null_share")
    output = _breached(SCORE, subject="prediction")
    assert weighed_by_effect(binary_spec(), [nulls, AUROC]) == [nulls, AUROC]
    assert weighed_by_effect(binary_spec(), [output, AUROC]) == [output, AUROC]
    ignored = replace(AGE, severity=Severity.INFO)
    assert weighed_by_effect(binary_spec(), [ignored, AUROC]) == [ignored, AUROC]


def test_declared_severity_is_respected():
    spec = binary_spec(drift={"severity": "critical"})
    declared = replace(AGE, severity=Severity.CRITICAL)
    assert weighed_by_effect(spec, [declared, SCORE]) == [declared, SCORE]


def test_verdict_of_a_chunk_with_nothing_but_drift_without_effect_is_ok():
    assert judge(weighed_by_effect(binary_spec(), [AGE, SCORE])).status is VerdictStatus.OK
    assert judge(weighed_by_effect(binary_spec(), [AGE])).status is VerdictStatus.WARNING


@pytest.mark.parametrize(("measured", "effect"), [
    ([LOW], Effect(("auroc",), is_shown=False)),
    ([LOW, BY_SCORE, REST], Effect(("auroc",), is_shown=True)),
    # The score explains a third of the loss.
    ([LOW, BY_SCORE, replace(REST, value=-0.1)], Effect(("auroc",), is_shown=False)),
    # The whole chunk's attribution shows nothing about a segment.
    ([replace(LOW, segment="plan=free"), BY_SCORE, REST], Effect(("auroc",), is_shown=False)),
    ([_breached(ESTIMATE)], Effect(("estimated auroc",), is_shown=True)),
    ([_breached(SCORE), AUROC], Effect(("score",), ("auroc",), is_shown=True)),
])  # fmt: skip
def test_realized_performance_beside_drift_shows_an_effect_only_with_the_attribution(measured, effect):
    assert effects_by_version(measured) == {"1": effect}
    assert effect.words == (
        f"{'with an effect on the model' if effect.is_shown else 'at the same time'}: {effect.seen[0]} is beyond limits"
    )


def test_score_of_each_class_counts_as_the_score():
    scores = [replace(SCORE, subject=f"score[{name}]") for name in "ab"]
    (effect,) = effects_by_version(scores).values()
    assert effect.unchanged == ("score",)
