"""Earlier incidents of the same cause are found, and the sentence about them names what people found."""

import datetime as dt
from dataclasses import replace

from monitoring_pipeline.evaluation.incidents.handling import Person, comment, record_outcome
from monitoring_pipeline.evaluation.incidents.seen_before import earlier_incidents, seen_before
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import Incident, IncidentState, Outcome, StoredIncident
from monitoring_pipeline.records.measurement import Severity

ANNA = Person(name="Anna", at=dt.datetime(2026, 3, 3, tzinfo=dt.UTC), reason="the vendor changed its file")


def _incident(name, opened, *, column="plan", resolved=None):
    incident = Incident(
        model="loans", cause=Cause(Family.COLUMN, (column,)), opened=opened, since=opened, last_breached=opened,
        resolved=resolved, state=IncidentState.RESOLVED if resolved else IncidentState.ONGOING,
        severity=Severity.WARNING, breached_chunks=1, reopened=0, title="", findings=(), subjects=(column,),
    )  # fmt: skip
    return StoredIncident(incident_id=name, incident=incident)


FIRST = _incident("aaa", "2026-01-01", resolved="2026-01-03")
SECOND = _incident("bbb", "2026-02-01", resolved="2026-02-05")
NOW = _incident("ccc", "2026-03-01")


def test_only_earlier_incidents_of_the_same_cause_and_model_count():
    other_model = replace(FIRST, incident=replace(FIRST.incident, model="flights"))
    later = _incident("ddd", "2026-04-01")
    others = [FIRST, NOW, other_model, _incident("eee", "2026-01-01", column="age"), later, SECOND]
    assert earlier_incidents(NOW, others) == [SECOND, FIRST]


def test_sentence_names_how_often_when_last_and_that_nobody_answered():
    assert seen_before([], []) == ""
    words = "once, last 2026-01-01 to 2026-01-03 (aaa): nobody recorded an outcome"
    assert seen_before([FIRST], []) == words


def test_outcome_of_the_last_one_outweighs_a_later_comment():
    outcome = record_outcome(ANNA, Outcome.PLANNED)(SECOND).decision
    said = comment(replace(ANNA, name="Ben", reason="thanks"))(SECOND).decision
    of_first = record_outcome(ANNA, Outcome.NOISE)(FIRST).decision
    words = "2 times, last 2026-02-01 to 2026-02-05 (bbb): planned by Anna, the vendor changed its file"
    assert seen_before([SECOND, FIRST], [of_first, outcome, said]) == words
    assert seen_before([SECOND, FIRST], [said]).endswith("commented by Ben, thanks")
