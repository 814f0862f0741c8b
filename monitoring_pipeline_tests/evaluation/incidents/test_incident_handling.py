"""Acts of people on an incident: the new handling, the event, and the entry of the audit."""

import datetime as dt
from dataclasses import replace

import pytest

from monitoring_pipeline.evaluation.incidents.handling import Person, acknowledge, comment, mute, record_outcome, unmute
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import EventKind, Handling, Incident, IncidentState, Outcome, StoredIncident
from monitoring_pipeline.records.measurement import Severity

NOW = dt.datetime(2024, 3, 9, 7, 30, tzinfo=dt.UTC)
UNTIL = dt.datetime(2024, 3, 12, 18, tzinfo=dt.UTC)
ANA = Person(name="ana", at=NOW, reason="the upstream table is late")
STORED = StoredIncident(
    incident_id="ab12cd34",
    incident=Incident(
        model="churn",
        cause=Cause(Family.COLUMN, ("age",)),
        opened="2024-03-05",
        since="2024-03-04",
        last_breached="2024-03-08",
        resolved=None,
        state=IncidentState.ONGOING,
        severity=Severity.WARNING,
        breached_chunks=4,
        reopened=0,
        title="every value of age is null",
        findings=(),
        subjects=("age",),
    ),
)
ACTS = {
    "acknowledged": (acknowledge(ANA), EventKind.ACKNOWLEDGED, "acknowledgement"),
    "muted until 2024-03-12 18:00 UTC": (mute(ANA, UNTIL), EventKind.MUTED, "mute"),
    "unmuted": (unmute(ANA), EventKind.UNMUTED, "mute"),
    "commented": (comment(ANA), EventKind.COMMENTED, "comment"),
    "noise": (record_outcome(ANA, Outcome.NOISE), EventKind.OUTCOME, "outcome"),
}


@pytest.mark.parametrize("answer", ACTS)
def test_act_adds_an_event_of_the_newest_breached_chunk_and_an_audit_entry(answer):
    act, kind, topic = ACTS[answer]
    done = act(STORED)
    assert (done.event.kind, done.event.chunk, done.event.severity) == (kind, "2024-03-08", Severity.WARNING)
    assert done.event.summary == f"{answer} by ana: the upstream table is late"
    decision = done.decision
    assert (decision.model, decision.topic, decision.answer_text, decision.actor) == ("churn", topic, answer, "ana")
    assert (decision.reason, decision.at, decision.incident_id) == (ANA.reason, NOW, "ab12cd34")


@pytest.mark.parametrize("answer", ACTS)
def test_key_of_an_act_depends_on_its_time_and_its_incident(answer):
    later = Person(name="ana", at=NOW + dt.timedelta(microseconds=1), reason="")
    keys = [make(STORED).decision.key for make in (ACTS[answer][0], ACTS[answer][0], acknowledge(later))]
    assert keys[0] == keys[1] != keys[2]
    of_another = ACTS[answer][0](replace(STORED, incident_id="ffffffff")).decision.key
    assert of_another != keys[0]


def test_act_without_a_reason_has_a_summary_without_a_reason():
    act = record_outcome(replace(ANA, reason=""), Outcome.REAL)(STORED)
    assert (act.event.summary, act.decision.reason) == ("real by ana", "")


def test_act_keeps_what_earlier_acts_set():
    said = Handling()
    for act in (acknowledge(ANA), mute(ANA, UNTIL), record_outcome(ANA, Outcome.PLANNED)):
        said = act(replace(STORED, handling=said)).handling
    assert said == Handling(
        acknowledged_by="ana",
        acknowledged_at=NOW,
        muted_until=UNTIL,
        muted_severity=Severity.WARNING,
        outcome=Outcome.PLANNED,
    )
    unmuted = unmute(ANA)(replace(STORED, handling=said)).handling
    assert unmuted == replace(said, muted_until=None, muted_severity=None)


@pytest.mark.parametrize("severity", list(Severity))
def test_mute_records_the_severity_that_the_incident_has_now(severity):
    stored = replace(STORED, incident=replace(STORED.incident, severity=severity))
    assert mute(ANA, UNTIL)(stored).handling.muted_severity is severity


def test_outcome_of_a_resolved_incident_is_recorded():
    over = replace(STORED, incident=replace(STORED.incident, state=IncidentState.RESOLVED, resolved="2024-03-09"))
    assert record_outcome(ANA, Outcome.REAL)(over).handling.outcome is Outcome.REAL
