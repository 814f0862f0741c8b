"""Failures of the monitoring as measurements, and overdue chunks."""

import datetime as dt

import pytest

from monitoring_pipeline.evaluation.incidents.horizon import is_within_horizon
from monitoring_pipeline.evaluation.judgement.decisive import about_the_model, decisive_measurements
from monitoring_pipeline.evaluation.operations.pipeline_health import (
    FailedRun,
    due_at,
    overdue_chunks,
    overdue_measurement,
    recovered,
    run_failure_measurement,
    with_failure,
)
from monitoring_pipeline.evaluation.privacy.messages import message_without_values, shortened
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline_tests.spec.cases import binary_spec

UTC = dt.UTC
NIGHTLY, LATE = "churn_nightly", "churn_late_labels"
SPEC = binary_spec(start="2024-01-01")
CHUNK = SPEC.calendar.chunk("2024-03-10")


def _failure(job: str = NIGHTLY, **parts: str) -> Measurement:
    return run_failure_measurement(FailedRun(job=job, run_id="abc", **parts))


def test_failed_run_is_a_critical_breach_whose_reason_contains_step_and_run():
    measurement = _failure(step="churn__drift", message="ValueError: no")
    assert (measurement.kind, measurement.subject, measurement.name) == (Kind.OPERATIONS, "pipeline", "run")
    assert (measurement.status, measurement.severity) == (Status.BREACHED, Severity.CRITICAL)
    assert measurement.reason == "run abc failed in step churn__drift: ValueError: no"
    assert _failure().reason == "run abc failed"


def test_reason_of_an_overdue_chunk_contains_the_local_time_at_which_it_was_due():
    measurement = overdue_measurement(SPEC, CHUNK)
    assert (measurement.status, measurement.severity) == (Status.BREACHED, Severity.CRITICAL)
    assert (measurement.reason or "").startswith("no verdict by 2024-03-11 09:00 Europe/Berlin;")


def test_newest_failure_of_a_name_replaces_the_earlier_one():
    overdue = overdue_measurement(SPEC, CHUNK)
    first, second = _failure(message="first"), _failure(message="second")
    assert with_failure((), first) == (first,)
    assert with_failure((overdue, first), second) == with_failure((second,), overdue) == (overdue, second)


def test_nightly_success_recovers_all_failures_and_another_job_only_its_failures():
    overdue, night, late = overdue_measurement(SPEC, CHUNK), _failure(NIGHTLY), _failure(LATE)
    for failure, job, expected in (
        (night, NIGHTLY, Status.OK),
        (night, LATE, Status.BREACHED),
        (late, LATE, Status.OK),
        (late, NIGHTLY, Status.OK),
    ):
        healthy_overdue, run = recovered((overdue, failure), job, NIGHTLY)
        assert run.status is expected
        assert (healthy_overdue.status, healthy_overdue.value, healthy_overdue.reason) == (Status.OK, 0.0, None)
    once = recovered((overdue, night), NIGHTLY, NIGHTLY)
    assert recovered(once, NIGHTLY, NIGHTLY) == once
    assert recovered((), NIGHTLY, NIGHTLY) == ()


def _measurement(kind: Kind, status: Status = Status.OK, subject: str = "model") -> Measurement:
    value, reason = (None, "none") if status is Status.SKIPPED else (1.0, None)
    return Measurement(
        kind=kind, subject=subject, name="x", model_version="", status=status, value=value, reason=reason
    )


def test_decisive_measurements_are_counted_and_zero_with_rows_is_a_warning():
    some = [
        _measurement(Kind.DRIFT), _measurement(Kind.PERFORMANCE, Status.BREACHED), _measurement(Kind.QUALITY),
        _measurement(Kind.ESTIMATED_PERFORMANCE, Status.SKIPPED),
    ]  # fmt: skip
    counted = decisive_measurements(some, 50)
    assert (counted.value, counted.status, counted.rows) == (2.0, Status.OK, 50)
    nothing = decisive_measurements(some[2:], 50)
    assert (nothing.value, nothing.status, nothing.severity) == (0.0, Status.BREACHED, Severity.WARNING)
    assert nothing.reason == "nothing decisive could be measured, though there are 50 predictions"
    assert decisive_measurements(some[2:], 0).status is Status.OK


def test_measurements_of_the_pipeline_are_left_out_of_a_verdict():
    own = [_measurement(Kind.DRIFT), _measurement(Kind.OPERATIONS, subject="label")]
    others = [_failure(), overdue_measurement(SPEC, CHUNK), decisive_measurements(own, 1)]
    assert about_the_model([others[0], own[0], others[1], own[1], others[2]]) == own


def _overdue(judged: list[str], now: dt.datetime, **spec: object) -> list[str]:
    return [chunk.key for chunk in overdue_chunks(binary_spec(start="2024-01-01", **spec), judged, now)]


def test_chunk_is_overdue_from_the_end_of_the_grace_after_the_nightly_run():
    # 06:00 in Berlin is 05:00 UTC in winter; three hours of grace.
    due = dt.datetime(2024, 3, 11, 8, tzinfo=UTC)
    assert due_at(SPEC, CHUNK) == due
    assert _overdue(["2024-03-09"], due - dt.timedelta(seconds=1)) == []
    assert _overdue(["2024-03-09"], due) == ["2024-03-10"]
    assert _overdue(["2024-03-10"], due) == []


def test_due_time_is_local_when_clocks_change():
    assert due_at(SPEC, SPEC.calendar.chunk("2024-03-30")) == dt.datetime(2024, 3, 31, 7, tzinfo=UTC)
    # 02:30 does not exist on that night: 01:30 UTC is 03:30.
    early = binary_spec(schedule="02:30")
    assert due_at(early, early.calendar.chunk("2024-03-30")) == dt.datetime(2024, 3, 31, 4, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("judged", "spec", "expected"),
    [
        ([], {}, []),
        (["2024-03-07"], {}, ["2024-03-08", "2024-03-09", "2024-03-10"]),
        (["2024-03-05", "2024-03-09"], {}, ["2024-03-10"]),
        (["2024-02-01"], {}, [f"2024-03-{day:02}" for day in range(4, 11)]),
        (["2024-03-07"], {"end": "2024-03-10"}, ["2024-03-08", "2024-03-09"]),
        (["2024-03-12"], {}, []),
    ],
)
def test_overdue_chunks_follow_the_newest_judged_one_within_seven_days(judged, spec, expected):
    assert _overdue(judged, dt.datetime(2024, 3, 11, 12, tzinfo=UTC), **spec) == expected


def test_chunk_is_within_the_horizon_up_to_its_last_instant():
    assert is_within_horizon(SPEC, CHUNK, CHUNK.end + dt.timedelta(days=3))
    assert not is_within_horizon(SPEC, CHUNK, CHUNK.end + dt.timedelta(days=3, microseconds=1))


def test_horizon_of_results_by_labels_starts_after_the_label_delay():
    last = CHUNK.end + SPEC.labels.delay + dt.timedelta(days=3)
    assert is_within_horizon(SPEC, CHUNK, last, by_labels=True)
    assert not is_within_horizon(SPEC, CHUNK, last + dt.timedelta(microseconds=1), by_labels=True)


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("\n  KeyError: 'Anna Schmidt'\nmore", "KeyError: ..."),
        ("ValueError: cannot parse \"12, 'x'\" of A-000123", "ValueError: cannot parse ... of A-..."),
        ("disk of 20 GB is full on 2024-03-10", "disk of 20 GB is full on 2024-03-10"),
        ("row 3fa85f64-5717 of `ids`", "row ...-5717 of ..."),
        ("it doesn't fit and can't", "it doesn't fit and can't"),
        ("", ""),
    ],
)
def test_message_of_an_error_is_shown_without_possible_values(message, shown):
    assert message_without_values(message) == shown


def test_long_message_is_cut_to_300_characters():
    assert shortened("word " * 100) == f"{('word ' * 100)[:297]}..."
    assert shortened("a" * 300) == "a" * 300
