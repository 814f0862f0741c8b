"""The retraining policy: each no with its reason, and the conditions of a yes."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.versions.retraining_policy import (
    JudgedChunk,
    RetrainingCase,
    decide_retraining,
    judged_chunk_of,
)
from monitoring_pipeline.records.evidence import RetrainingEvidence
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Role, Severity, Status
from monitoring_pipeline.spec.rules.retraining import RetrainingRules

RULES = RetrainingRules.model_validate(
    {
        "trainer": "own.module:train",
        "breached": {"chunks": 3, "of": 5},
        "estimated": {"chunks": 4, "of": 6},
        "cool_down": "28d",
    }
)
HORIZON = dt.timedelta(days=3)
OUTPUTS = frozenset({"score", "score[late]", "prediction", "label"})
FIRST = dt.datetime(2024, 3, 2, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
ASKED = {"serving": "1", "horizon": HORIZON, "last_change": None, "trial": None, "running": False}


def _night(number, **changes):
    healthy = JudgedChunk(
        chunk=str((FIRST + (number - 1) * DAY).date()),
        chunk_end=FIRST + number * DAY,
        maturity=Maturity.PROVISIONAL,
        performance_breached=False,
        estimated_breached=False,
        inputs_drifted=False,
        quality_failing=False,
        model_version="1",
    )
    return replace(healthy, **changes)


def _nights(told):
    """Return nights from letters, one letter a night.

    b breached, . fine, i breached and immature, - not measured, e estimate and drift, E estimate without drift,
    d drift alone, q breached while data are broken, Q estimate and drift while they are, o breached under another
    version.
    """
    states = {
        "b": {"performance_breached": True},
        ".": {},
        "i": {"performance_breached": True, "maturity": Maturity.IMMATURE, "estimated_breached": None},
        "-": {"performance_breached": None, "estimated_breached": None},
        "e": {"performance_breached": None, "estimated_breached": True, "inputs_drifted": True},
        "E": {"performance_breached": None, "estimated_breached": True},
        "d": {"performance_breached": None, "inputs_drifted": True},
        "q": {"performance_breached": True, "quality_failing": True},
        "Q": {
            "performance_breached": None,
            "estimated_breached": True,
            "inputs_drifted": True,
            "quality_failing": True,
        },
        "o": {"performance_breached": True, "model_version": "0"},
    }
    return [_night(number, **states[letter]) for number, letter in enumerate(told)]


def _decide(told, **changes):
    nights = _nights(told)
    now = nights[-1].chunk_end + dt.timedelta(hours=6) if nights else FIRST
    return decide_retraining(RULES, RetrainingCase(history=nights, **(ASKED | {"now": now} | changes)))


@pytest.mark.parametrize(("told", "answer"), [
    ("", "no"),
    (".....", "no"),
    ("bb...", "no"),
    ("bbb..", "yes"),
    ("bbb...", "no"),
    ("bb", "no"),
    ("bbb", "yes"),
    ("b-b--b", "yes"),
    ("iii", "no"),
    ("biibib", "yes"),
    ("bbb" + "-" * 12, "yes"),
    ("bbb" + "-" * 13, "no"),
    ("qqqq.", "no"),
    ("bqbqb", "yes"),
    ("QQQQe", "no"),
    ("eee", "no"),
    ("eeee", "yes"),
    ("EEEE", "no"),
    ("dddd", "no"),
    ("eeeeddd", "no"),
    ("bbeeii", "yes"),
    ("eeee..", "yes"),
    ("eee...", "no"),
    ("oob", "no"),
    ("ooobbb", "yes"),
])  # fmt: skip
def test_retraining_is_requested_if_enough_nights_are_breached(told, answer):
    assert _decide(told).answer == answer


def test_reason_of_a_no_contains_the_counts_of_breached_chunks():
    reason = _decide("bb.i.").reason
    assert reason == (
        "not asked for: performance is breached on 2 of 4 chunks (asked for at 3 of 5); it is, or its estimate while "
        "the inputs have drifted, on 2 of 4 chunks (asked for at 4 of 6)"
    )


def test_yes_has_evidence_of_its_breached_chunks():
    found = _decide("b.bb")
    assert found.reason.startswith("performance is breached on 3 of 4 chunks (asked for at 3 of 5)")
    assert found.evidence == RetrainingEvidence(
        chunk="2024-03-04",
        serving="1",
        labelled_breached=("2024-03-01", "2024-03-03", "2024-03-04"),
        labelled_measured=4,
        estimated_breached=("2024-03-01", "2024-03-03", "2024-03-04"),
        estimated_measured=4,
        cool_down_until=None,
    )


LAST = _nights("bbb")[-1].chunk_end
OLD = {"now": LAST + HORIZON + dt.timedelta(seconds=1)}
COOLING = {"last_change": LAST - 20 * DAY}
REPLACED = {"serving": "3"}
BESIDE = {"trial": "version 3 is on probation, to end by 2024-03-30"}


@pytest.mark.parametrize(("told", "changes", "reason"), [
    ("bbb", OLD | REPLACED, "2024-03-03 ended more than 3 days ago: history asks for nothing"),
    ("bbb", REPLACED | BESIDE | COOLING, "version 3 has no judged day yet"),
    ("...", BESIDE | COOLING | {"running": True}, "not asked for: "),
    ("bbbq", BESIDE | COOLING | {"running": True}, "data quality is failing on 2024-03-04"),
    ("bbb", BESIDE | COOLING | {"running": True}, "version 3 is on probation, to end by 2024-03-30"),
    ("bbb", COOLING | {"running": True}, "cooling down until 2024-03-12"),
    ("bbb", {"running": True}, "a retraining is running already, or failed: given up after 7 days"),
    ("", {}, "no chunk has been judged"),
])  # fmt: skip
def test_reason_of_a_no_is_the_first_that_applies(told, changes, reason):
    found = _decide(told, **changes)
    assert found.answer == "no"
    assert found.reason.startswith(reason)


def test_retraining_is_requested_at_the_last_instant_of_the_horizon():
    assert _decide("bbb", now=LAST + HORIZON).answer == "yes"


@pytest.mark.parametrize(("changed", "answer"), [
    ("2024-02-04 06:10", "yes"),  # exactly 28 days before, a few minutes later in the night
    ("2024-02-04 22:59", "yes"),
    ("2024-02-04 23:00", "no"),  # the next day in the time zone of the model
])  # fmt: skip
def test_cool_down_counts_days_in_the_time_zone_of_the_model(changed, answer):
    now = dt.datetime(2024, 3, 3, 6, tzinfo=dt.timezone(dt.timedelta(hours=1)))
    last_change = dt.datetime.fromisoformat(changed).replace(tzinfo=dt.UTC)
    assert _decide("bbb", now=now, last_change=last_change).answer == answer


def test_version_that_serves_again_is_judged_by_all_its_days():
    """They include days before its replacement. o are days of the version that replaced it and was rolled back."""
    assert _decide("bbo").answer == "no"
    assert _decide("bbob").answer == "yes"


@given(st.lists(st.sampled_from("b.i-eEdqQo"), min_size=1, max_size=40))
@settings(max_examples=100)
def test_backfill_trial_cool_down_or_running_retraining_gives_no(letters):
    told = "".join(letters)
    end = _nights(told)[-1].chunk_end
    for against in ({"now": end + 100 * DAY}, {"last_change": end - DAY}, BESIDE, REPLACED, {"running": True}):
        assert _decide(told, **against).answer == "no"


@given(st.text("b.", min_size=1, max_size=30), st.integers(0, 29))
@settings(max_examples=100)
def test_additional_breach_does_not_turn_a_yes_into_a_no(told, place):
    worse = told[: place % len(told)] + "b" + told[place % len(told) + 1 :]
    assert (_decide(told).answer, _decide(worse).answer) != ("yes", "no")


def _measured(kind=Kind.PERFORMANCE, status=Status.OK, severity=Severity.CRITICAL, **changes):
    fields = {
        "kind": kind, "subject": "model", "name": "auroc", "model_version": "1", "status": status,
        "severity": severity, "value": None if status is Status.SKIPPED else 0.6,
        "reason": None if status is Status.OK else "why", "threshold_lower": 0.62, "rows": 900,
        "maturity": Maturity.FINAL if kind is Kind.PERFORMANCE else None,
    }  # fmt: skip
    return Measurement(**(fields | changes))


BREACHED, SKIPPED = Status.BREACHED, Status.SKIPPED
WARNING, INFO = Severity.WARNING, Severity.INFO


@pytest.mark.parametrize(("measurements", "breached"), [
    ([], None),
    ([_measured(threshold_lower=None, severity=WARNING)], None),
    ([_measured()], False),
    ([_measured(status=BREACHED)], True),
    ([_measured(status=SKIPPED)], None),
    ([_measured(), _measured(name="mean_bias", severity=WARNING, status=BREACHED)], False),
    ([_measured(status=SKIPPED), _measured(name="mean_bias", severity=WARNING, status=BREACHED)], None),
    ([_measured(name="mean_bias", severity=WARNING, status=BREACHED)], True),
    ([_measured(name="mean_bias", severity=WARNING)], False),
    ([_measured(severity=INFO, status=BREACHED)], None),
    ([_measured(status=BREACHED, subject="relation")], None),
    ([_measured(status=BREACHED, segment="plan=pro")], None),
    ([_measured(status=BREACHED, role=Role.SHADOW)], None),
    ([_measured(), _measured(status=BREACHED, model_version="2", rows=100)], False),
    ([_measured(), _measured(status=BREACHED, model_version="0", rows=1000)], True),
])  # fmt: skip
def test_performance_of_the_champion_with_most_rows_is_judged_by_its_severest_rule(measurements, breached):
    for order in (measurements, measurements[::-1]):
        assert judged_chunk_of("2024-03-01", FIRST, order, outputs=OUTPUTS).performance_breached is breached


def test_judged_chunk_is_made_from_its_measurements():
    night = judged_chunk_of(
        "2024-03-01",
        FIRST,
        [
            _measured(status=BREACHED),
            _measured(Kind.ESTIMATED_PERFORMANCE, status=BREACHED, severity=WARNING),
            _measured(Kind.DRIFT, BREACHED, WARNING, subject="age", name="jensen_shannon"),
            _measured(Kind.QUALITY, BREACHED, subject="age", name="null_share"),
        ],
        outputs=OUTPUTS,
    )
    assert night == JudgedChunk(
        chunk="2024-03-01",
        chunk_end=FIRST,
        maturity=Maturity.FINAL,
        performance_breached=True,
        estimated_breached=True,
        inputs_drifted=True,
        quality_failing=True,
        model_version="1",
    )


@pytest.mark.parametrize(("subject", "severity", "drifted"), [
    ("age", WARNING, True),
    ("features", Severity.CRITICAL, True),
    ("age", INFO, False),
    ("score", WARNING, False),
    ("score[late]", WARNING, False),
    ("prediction", WARNING, False),
    ("prediction[old]", WARNING, True),
])  # fmt: skip
def test_drift_of_outputs_or_of_severity_info_is_no_drift_of_inputs(subject, severity, drifted):
    night = judged_chunk_of(
        "2024-03-01", FIRST, [_measured(Kind.DRIFT, BREACHED, severity, subject=subject)], outputs=OUTPUTS
    )
    assert night.inputs_drifted is drifted


@pytest.mark.parametrize(("kind", "severity", "failing"), [
    (Kind.QUALITY, Severity.CRITICAL, True),
    (Kind.QUALITY, WARNING, False),
    (Kind.OPERATIONS, Severity.CRITICAL, False),
])  # fmt: skip
def test_only_critical_quality_breaches_count_as_failing_quality(kind, severity, failing):
    night = judged_chunk_of("2024-03-01", FIRST, [_measured(kind, BREACHED, severity, subject="age")], outputs=OUTPUTS)
    assert night.quality_failing is failing


def test_long_label_delay_extends_the_lookback_for_breaches():
    nights = [*_nights("bbb"), *(_night(4 + n, performance_breached=None, maturity=None) for n in range(30))]
    asked = ASKED | {"now": nights[-1].chunk_end}
    assert decide_retraining(RULES, RetrainingCase(history=nights, **asked)).answer == "no"
    assert decide_retraining(RULES, RetrainingCase(history=nights, label_delay=30 * DAY, **asked)).answer == "yes"
    assert decide_retraining(RULES, RetrainingCase(history=nights, label_delay=17 * DAY, **asked)).answer == "no"
