from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.judgement.verdict import judge, without_replaced_estimates
from monitoring_pipeline.evaluation.rows.expected_gap import as_expected_gap
from monitoring_pipeline.records.measurement import Kind, Measurement, Role, Severity, Status, Verdict, VerdictStatus


def _measured(kind, status=Status.OK, severity=Severity.WARNING, *, name="a number", subject="age", reason="why"):
    value = None if status is Status.SKIPPED else 1.0
    return Measurement(
        kind=kind, subject=subject, name=name, model_version="1", value=value, status=status, severity=severity,
        reason=None if status is Status.OK else reason,
    )  # fmt: skip


OK_DRIFT = _measured(Kind.DRIFT)
OK_PERFORMANCE = _measured(Kind.PERFORMANCE)
OK_QUALITY = _measured(Kind.QUALITY)
SKIPPED_DRIFT = _measured(Kind.DRIFT, Status.SKIPPED)
SKIPPED_PERFORMANCE = _measured(Kind.PERFORMANCE, Status.SKIPPED)


def _breach(kind, severity):
    return _measured(kind, Status.BREACHED, severity)


@pytest.mark.parametrize(("measurements", "status"), [
    ([], VerdictStatus.UNKNOWN),
    ([OK_QUALITY], VerdictStatus.UNKNOWN),
    ([OK_QUALITY, SKIPPED_DRIFT, SKIPPED_PERFORMANCE], VerdictStatus.UNKNOWN),
    ([OK_DRIFT], VerdictStatus.OK),
    ([OK_PERFORMANCE], VerdictStatus.OK),
    ([OK_DRIFT, SKIPPED_PERFORMANCE], VerdictStatus.OK),
    ([_breach(Kind.DRIFT, Severity.INFO)], VerdictStatus.OK),
    ([_breach(Kind.DRIFT, Severity.WARNING), OK_PERFORMANCE], VerdictStatus.WARNING),
    ([OK_DRIFT, _breach(Kind.QUALITY, Severity.WARNING)], VerdictStatus.WARNING),
    ([OK_DRIFT, _breach(Kind.OPERATIONS, Severity.WARNING)], VerdictStatus.WARNING),
    ([OK_DRIFT, _breach(Kind.QUALITY, Severity.INFO)], VerdictStatus.OK),
    ([SKIPPED_DRIFT, _breach(Kind.QUALITY, Severity.WARNING)], VerdictStatus.WARNING),
    ([SKIPPED_DRIFT, SKIPPED_PERFORMANCE, _breach(Kind.QUALITY, Severity.INFO)], VerdictStatus.UNKNOWN),
    ([_breach(Kind.QUALITY, Severity.CRITICAL)], VerdictStatus.CRITICAL),
    ([_breach(Kind.DRIFT, Severity.WARNING), _breach(Kind.PERFORMANCE, Severity.CRITICAL)], VerdictStatus.CRITICAL),
])  # fmt: skip
def test_status_of_a_chunk_is_that_of_its_most_severe_breach(measurements, status):
    assert {judge(order).status for order in permutations(measurements)} == {status}


def test_chunk_that_needs_no_predictions_is_unknown_for_that_reason_alone():
    rows = replace(OK_QUALITY, name="rows", subject="predictions")
    gap = as_expected_gap([rows], "no predictions are expected: the reference has none on Sundays")
    verdict = judge([*gap, SKIPPED_DRIFT, SKIPPED_PERFORMANCE])
    assert verdict.status is VerdictStatus.UNKNOWN
    assert verdict.reasons == ("no predictions are expected: the reference has none on Sundays",)
    worse = judge([*gap, _breach(Kind.OPERATIONS, Severity.CRITICAL)])
    assert worse.status is VerdictStatus.CRITICAL
    assert not any("expected" in reason for reason in worse.reasons)


@given(
    st.lists(
        st.builds(_measured, st.sampled_from(Kind), st.sampled_from(Status), st.sampled_from(Severity)), max_size=8
    )
)
def test_unknown_status_has_no_breach_above_info(measurements):
    worst = {m.severity for m in without_replaced_estimates(measurements) if m.status is Status.BREACHED}
    status = judge(measurements).status
    assert (status is VerdictStatus.CRITICAL) == (Severity.CRITICAL in worst)
    assert (status is VerdictStatus.WARNING) == (Severity.WARNING in worst and Severity.CRITICAL not in worst)
    if status is VerdictStatus.UNKNOWN:
        assert worst <= {Severity.INFO}


def test_reasons_are_ordered_by_severity_and_end_with_unmeasured_kinds():
    measurements = [
        _measured(Kind.PERFORMANCE, Status.SKIPPED, name="f1", reason="no labels"),
        _measured(Kind.PERFORMANCE, Status.SKIPPED, name="auroc", reason="no labels"),
        _measured(Kind.QUALITY, Status.SKIPPED, reason="no suite"),
        _measured(Kind.DRIFT, Status.BREACHED, Severity.INFO, name="psi", reason="0.3"),
        _measured(Kind.QUALITY, Status.BREACHED, Severity.WARNING, name="null_share", reason="all null"),
        _measured(Kind.DRIFT, Status.BREACHED, Severity.WARNING, name="psi", subject="plan", reason="0.4"),
        _measured(Kind.QUALITY, Status.BREACHED, Severity.CRITICAL, name="rows", subject="chunk", reason="0 rows"),
        OK_DRIFT,
    ]
    expected = Verdict(
        status=VerdictStatus.CRITICAL,
        reasons=(
            "critical: quality chunk rows: 0 rows",
            "warning: quality age null_share: all null",
            "warning: drift plan psi: 0.4",
            "info: drift age psi: 0.3",
            "not measured: performance (2): no labels",
        ),
        measured=5,
        breaches=4,
        skipped=3,
    )
    assert judge(measurements) == judge(measurements[::-1]) == expected


def test_reasons_of_one_severity_begin_with_what_breaks_data_and_end_with_drift():
    quality = [
        ("age", "null_share"), ("age", "column_to_exist"), ("chunk", "volume_ratio"), ("label", "labels_arrived_ratio"),
        ("chunk", "rows"),
    ]  # fmt: skip
    measured = [
        _measured(Kind.OPERATIONS, Status.BREACHED, subject="performance", name="guarded_metrics"),
        _measured(Kind.DRIFT, Status.BREACHED, subject="age", name="psi"),
        _measured(Kind.OBJECTIVE, Status.BREACHED, subject="good_days", name="error_budget"),
        _measured(Kind.BUSINESS, Status.BREACHED, subject="business", name="revenue"),
        _measured(Kind.ESTIMATED_PERFORMANCE, Status.BREACHED, subject="model", name="auroc"),
        _measured(Kind.PERFORMANCE, Status.BREACHED, subject="model", name="f1"),
        *(_measured(Kind.QUALITY, Status.BREACHED, subject=subject, name=name) for subject, name in quality),
    ]
    expected = (
        "chunk rows", "age column_to_exist", "age null_share", "chunk volume_ratio", "label labels_arrived_ratio",
        "model f1", "model auroc", "business revenue", "good_days error_budget", "age psi",
        "performance guarded_metrics",
    )  # fmt: skip
    assert tuple(" ".join(r.split(": ")[1].split()[1:]) for r in judge(measured).reasons) == expected


def test_of_two_columns_the_one_farther_beyond_its_limit_comes_first():
    slight = replace(_breach(Kind.DRIFT, Severity.WARNING), value=0.12, threshold_upper=0.1)
    # By .1 the second is farther beyond in its unit, but not relative to its limit.
    high_limit = replace(slight, subject="carrier", value=0.9, threshold_upper=0.8)
    low = replace(slight, subject="delay", value=-0.3, threshold_upper=None, threshold_lower=-0.1)
    never = replace(slight, subject="plan", value=0.01, threshold_upper=0.0)
    subjects = [reason.split()[2] for reason in judge([high_limit, slight, never, low]).reasons]
    assert subjects == ["plan", "delay", "age", "carrier"]


def test_reason_contains_role_and_version_unless_it_is_the_champion():
    low = _breach(Kind.PERFORMANCE, Severity.CRITICAL)
    of_roles = [
        replace(low, model_version=version, role=role) for version, role in (("8", "shadow"), ("7", "challenger"))
    ]
    assert judge([*of_roles, low]).reasons == (
        "critical: performance age a number: why",
        "critical: challenger 7: performance age a number: why",
        "critical: shadow 8: performance age a number: why",
    )
    few = replace(SKIPPED_DRIFT, model_version="7", role=Role.CHALLENGER, reason="few rows")
    assert judge([OK_DRIFT, few]).reasons == ("not measured: challenger 7: drift (1): few rows",)


def test_verdict_from_measurements_of_a_shadow_alone_is_unknown():
    of_shadow = replace(OK_DRIFT, model_version="7", role=Role.SHADOW)
    assert judge([of_shadow]).status is VerdictStatus.UNKNOWN
    assert judge([replace(of_shadow, role=Role.CHALLENGER)]).status is VerdictStatus.OK


def test_missed_objective_is_one_reason_of_each_severity():
    numbers = [
        _measured(Kind.OBJECTIVE, Status.BREACHED, severity, subject=subject, name=name)
        for subject, name, severity in (
            ("ranking", "burn_rate", Severity.WARNING),
            ("ranking", "error_budget_left", Severity.WARNING),
            ("ranking", "burn_rate", Severity.CRITICAL),
            ("fresh", "burn_rate", Severity.WARNING),
        )
    ]
    verdict = judge(numbers)
    assert (verdict.status, verdict.breaches) == (VerdictStatus.CRITICAL, 3)
    assert [reason.rsplit(":", 1)[0] for reason in verdict.reasons] == [
        "critical: objective ranking burn_rate",
        "warning: objective fresh burn_rate",
        "warning: objective ranking burn_rate",
    ]
