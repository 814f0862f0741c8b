"""What was spent of the budget of false alarms: counted by hand, beside Garwood's intervals."""

import pytest

from monitoring_pipeline.evaluation.budget.allowed import PARTS, Spender, allowed_of
from monitoring_pipeline.evaluation.budget.realized import (
    Judged,
    alarms_of,
    contributions,
    first_of_quarter,
    part_words,
    spent,
    words_of,
)
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import (
    EventKind,
    Finding,
    Handling,
    Incident,
    IncidentEvent,
    IncidentState,
    Outcome,
    StoredIncident,
)
from monitoring_pipeline.records.measurement import Kind, Severity
from monitoring_pipeline_tests.spec.cases import binary_spec

OPENED, REOPENED, ESCALATED, RESOLVED = (
    EventKind.OPENED, EventKind.REOPENED, EventKind.ESCALATED, EventKind.RESOLVED,
)  # fmt: skip
INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
SPEC = binary_spec()
LAST = SPEC.calendar.chunk("2024-06-30")
FIRST = first_of_quarter(SPEC, LAST)


def incident(*events, outcome=None, family=Family.INPUTS, name="wasserstein"):
    """Return an incident with its events, each a kind, a chunk and the severity then."""
    logged = [IncidentEvent(kind=kind, chunk=chunk, severity=severity, summary="") for kind, chunk, severity in events]
    finding = Finding(kind=Kind.DRIFT, subject="age", name=name, model_version="1")
    consequence = Finding(kind=Kind.DRIFT, subject="score", name="other", model_version="1", consequence=True)
    stored = StoredIncident(
        incident_id="x",
        handling=Handling(outcome=outcome),
        incident=Incident(
            model=SPEC.name, cause=Cause(family), opened=events[0][1], since=events[0][1], last_breached=events[-1][1],
            resolved=None, state=IncidentState.OPEN, severity=events[-1][2], breached_chunks=1, reopened=0, title="",
            findings=(consequence, finding), subjects=(),
        ),
    )  # fmt: skip
    return stored, logged


def alarms(*entries):
    return alarms_of(entries, FIRST.key, LAST.key)


def test_the_quarter_ends_with_its_chunk_and_begins_after_the_first_monitored_one():
    assert FIRST.key == "2024-03-31"
    early = SPEC.calendar.earlier(SPEC.calendar.first, -3)
    assert first_of_quarter(SPEC, early) == SPEC.calendar.first


def test_an_incident_counts_each_time_it_opens_by_its_worst_severity():
    found = alarms(
        incident(
            (OPENED, "2024-04-01", WARNING), (ESCALATED, "2024-04-09", CRITICAL), (RESOLVED, "2024-04-20", CRITICAL),
            (REOPENED, "2024-05-01", WARNING), (EventKind.COMMENTED, "2024-05-02", CRITICAL),
        )
    )  # fmt: skip
    assert [(alarm.chunk, alarm.severity) for alarm in found] == [("2024-04-01", CRITICAL), ("2024-05-01", WARNING)]


def test_what_is_for_information_or_of_another_time_is_no_alarm():
    assert not alarms(
        incident((OPENED, "2024-04-01", INFO)),
        incident((OPENED, "2024-03-30", WARNING), (RESOLVED, "2024-04-05", WARNING)),
        incident((OPENED, "2024-07-01", CRITICAL)),
    )


def test_only_noise_is_false_and_what_was_not_recorded_may_be():
    pages, warnings = spent(
        SPEC,
        alarms(
            incident((OPENED, "2024-04-01", CRITICAL), outcome=Outcome.NOISE),
            incident((OPENED, "2024-04-11", CRITICAL), outcome=Outcome.NOISE),
            incident((OPENED, "2024-05-01", WARNING), outcome=Outcome.REAL),
            incident((OPENED, "2024-05-11", WARNING), outcome=Outcome.PLANNED),
            *(incident((OPENED, f"2024-06-0{day}", WARNING)) for day in range(1, 5)),
        ),
        FIRST,
        LAST,
    )
    assert (pages.false, pages.unknown, pages.rate, pages.is_exceeded) == (2, 0, 2.0, True)
    # Garwood's 90 % interval of a count of 2.
    assert pages.interval == pytest.approx((0.355, 6.296), abs=1e-3)
    assert warnings.counts == {Judged.NOT_FALSE: 2, Judged.UNKNOWN: 4}
    # 92 days less an hour of summer time are 3.02 months, in which 3.02 warnings are allowed: 4 may be too many.
    assert warnings.periods == pytest.approx((92 - 1 / 24) / 30.4375)
    assert (warnings.is_exceeded, warnings.may_be_exceeded) == (False, True)
    assert words_of(pages) == "2 false pages since 2024-03-31: this exceeds the budget of 1 a quarter"
    assert words_of(warnings) == (
        "0 false warnings since 2024-03-31, 4 without a recorded outcome: this may exceed the budget of 1 a month"
    )


def test_a_young_model_has_a_whole_month():
    last = SPEC.calendar.earlier(SPEC.calendar.first, -3)
    warnings = spent(SPEC, (), SPEC.calendar.first, last)[1]
    assert (warnings.periods, warnings.is_exceeded, warnings.may_be_exceeded) == (1.0, False, False)
    assert words_of(warnings).endswith("this is within the budget of 1 a month")


def test_contributions_are_by_cause_and_by_the_number_that_is_no_consequence():
    found = contributions(
        alarms(
            incident((OPENED, "2024-04-01", WARNING), outcome=Outcome.NOISE),
            incident((OPENED, "2024-04-11", CRITICAL)),
            incident((OPENED, "2024-05-01", WARNING), family=Family.VOLUME, name="volume_ratio"),
        )
    )
    assert [(each.family, each.rule, each.alarms, each.pages) for each in found] == [
        (Family.INPUTS, "wasserstein", 2, 1),
        (Family.VOLUME, "volume_ratio", 1, 0),
    ]
    assert found[0].counts == {Judged.FALSE: 1, Judged.UNKNOWN: 1}


def test_every_family_of_causes_spends_exactly_one_part():
    assert sum(part.share for part in PARTS) == pytest.approx(1.0)
    for family in Family:
        assert sum(family in part.families for part in PARTS) == 1
    assert part_words(Family.VOLUME) == "20% for broken or missing data, and the pipeline"


@pytest.mark.parametrize(("cadence", "chunks"), [("hour", 24 * 30.4375), ("day", 30.4375), ("week", 30.4375 / 7)])
def test_the_budget_is_the_same_for_every_cadence(cadence, chunks):
    allowed = allowed_of(binary_spec(cadence=cadence, schedule="20m" if cadence == "hour" else "06:00"), Spender.DRIFT)
    assert allowed.warnings * chunks == pytest.approx(0.6)
    assert allowed.pages * chunks * 3 == pytest.approx(0.6)
