"""Simulated nights in sequence: their incidents, announced events, and decisions about retraining.

Outcomes are inverted on two days, so that the champion is worse than chance there. Income doubles later.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import GateEvidence, RetrainingEvidence
from monitoring_pipeline.records.evidence_json import evidence_kind, evidence_of_json
from monitoring_pipeline.records.incident import IncidentState
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.steps.versions.decisions import decide_after_chunk
from monitoring_pipeline_tests.worlds.living_world import (
    PROMPTLY,
    TRAINER,
    TURNED_ROUND,
    TWO_NIGHTS,
    LivingWorld,
    night_of,
    settle,
)
from monitoring_pipeline_tests.worlds.world import LOANS

NIGHTS = tuple(f"2024-{day}" for day in ("03-29", "03-30", "03-31", "04-01", "04-02", "04-03", "04-04"))
BAD = ("2024-03-30", "2024-03-31")
DOUBLED = "2024-04-03"
"""From this day on the income is doubled, which opens at once."""
NEXT = "2024-04-05"
DAY = dt.timedelta(days=1)
A_YEAR = 365 * DAY
RETRAINING = {"trainer": TRAINER, "holdout_days": 8, "breached": {"chunks": 2, "of": 10}}
SHORT = {"cool_down": "12d", "shadow": {"maximum_days": 20}, "probation": {"days": 14}}


def _settled(source: Path, folder: Path, instance: dg.DagsterInstance) -> LivingWorld:
    world = settle(source, folder, instance, incidents=TWO_NIGHTS, retraining=RETRAINING)
    world.execute(PROMPTLY)
    for day in BAD:
        world.on(day, TURNED_ROUND)
    return world


@pytest.fixture(scope="module")
def lived(untouched_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivingWorld]:
    """A world after all nights, one by one; tests only read it."""
    with dg.DagsterInstance.ephemeral() as instance:
        world = _settled(untouched_folder, tmp_path_factory.mktemp("lived") / "world", instance)
        for day in NIGHTS:
            assert world.live(day).success
        yield world


@pytest.fixture
def later(lived: LivingWorld, tmp_path: Path) -> Iterator[LivingWorld]:
    """A copy of that world, two hours after the last night."""
    with dg.DagsterInstance.ephemeral() as instance:
        world = settle(lived.folder, tmp_path / "world", instance)
        world.clock.now = night_of(world, NIGHTS[-1]) + dt.timedelta(hours=2)
        yield world


def _backfill(world: LivingWorld) -> None:
    world.clock.now = night_of(world, NIGHTS[-1]) + A_YEAR
    assert world.failures(LOANS, NIGHTS[0], NIGHTS[-1]) == ()


def _of_the_model(world):
    """Return the incidents with their events, except those about the pipeline, such as an unjudged retraining."""
    stored = [entry for entry in world.incidents() if entry.incident.cause.text != "pipeline"]
    return [(entry, [logged.event for logged in world.log(entry.incident_id)]) for entry in stored]


# ----------------------------------------------------------------------------------------------------- night by night


def test_each_night_announces_new_events_only(lived):
    assert lived.told == {day: [] for day in NIGHTS} | {
        "2024-03-31": ["performance opened 2024-03-31"],
        "2024-04-02": ["performance resolved 2024-04-02", "pipeline opened 2024-04-02"],
        "2024-04-03": ["inputs opened 2024-04-03"],
    }


def test_incidents_contain_dates_subjects_and_titles(lived):
    by_cause = {entry.incident.cause.text: entry for entry in lived.incidents()}
    performance = by_cause["performance"].incident
    assert (performance.since, performance.opened, performance.resolved) == ("2024-03-30", "2024-03-31", "2024-04-02")
    assert performance.title.startswith("auroc is 0 (0 to 0.02")
    inputs = by_cause["inputs"].incident
    assert (inputs.state, inputs.since) == (IncidentState.ONGOING, "2024-04-03")
    assert inputs.subjects == ("features", "income")
    waiting = by_cause["pipeline"].incident
    assert "no gate has judged the retraining that was asked for after 2024-03-31" in waiting.title
    assert {entry.owner for entry in by_cause.values()} == {"risk@example.com"}
    assert all(logged.told for entry in by_cause.values() for logged in lived.log(entry.incident_id))


def test_each_night_records_a_retraining_decision_with_a_reason(lived):
    decided = lived.decisions(Topic.RETRAINING)
    assert [(d.chunk, d.answer) for d in decided] == [(day, "yes" if day == "2024-03-31" else "no") for day in NIGHTS]
    assert [d.at for d in decided] == [night_of(lived, day) for day in NIGHTS]
    reasons = {d.chunk: d.reason.partition(":")[0] for d in decided}
    assert reasons["2024-03-30"] == "not asked for"
    assert reasons["2024-04-01"] == "a retraining is running already, or failed"
    asked = next(d for d in decided if d.answer == "yes")
    assert asked.grounds(RetrainingEvidence).labelled_breached == tuple(BAD)
    assert asked.incident_id == next(e.incident_id for e in lived.incidents() if e.incident.cause.text == "performance")


@pytest.mark.parametrize(("days", "judged", "answers"), [(6, False, []), (7, False, ["yes"]), (7, True, [])])
def test_unjudged_retraining_expires_after_seven_days_without_cool_down(days, judged, answers, later):
    later.change_spec(LOANS, incidents=TWO_NIGHTS | {"horizon": "30d"}, retraining=RETRAINING)
    spec = later.loaded(LOANS).spec
    asked = next(d for d in later.decisions(Topic.RETRAINING) if d.answer == "yes")
    with later.store() as store:
        if judged:
            store.decide(
                replace(asked, topic=Topic.GATE, answer=Answer.REFUSED, key=asked.key.gate(), evidence=GateEvidence())
            )
        decided = decide_after_chunk(spec, spec.calendar.chunk(NIGHTS[-1]), store=store, now=asked.at + days * DAY)
    assert [decision.answer for decision in decided] == answers


def _changed(world: LivingWorld, topic: str, answer: str, version: str, at: dt.datetime, **evidence: str) -> None:
    """Record a change of versions as the roll-out does."""
    grounds = evidence_of_json(evidence_kind(Topic(topic), Answer(answer)), evidence)
    decision = Decision(
        model=LOANS, topic=Topic(topic), answer=Answer(answer), reason="", actor="test", at=at, key=DecisionKey(topic),
        model_version=version, evidence=grounds,
    )  # fmt: skip
    with world.store() as store:
        if topic in {"promotion", "rollback"}:
            store.set_role(LOANS, version, Role.CHAMPION, at, window=None, by="test")
            store.set_role(LOANS, evidence["former"], Role.RETIRED, at, window=None, by="test")
        store.decide(decision)


OWN, THEIRS = "2024.1", "7"
ROLES = {
    "none": (),
    "a shadow": (("shadow", "started", THEIRS, OWN),),
    "replaced": (("promotion", "promoted", THEIRS, OWN),),
    "promoted": (("promotion", "promoted", OWN, THEIRS),),
    "rolled back": (("promotion", "promoted", THEIRS, OWN), ("rollback", "rolled_back", OWN, THEIRS)),
    "served by hand": (("promotion", "promoted", THEIRS, "6"), ("probation", "passed", THEIRS, "6")),
}
"""Decisions on consecutive days: topic, answer, the version, and the other version."""


@pytest.mark.parametrize(("roles", "days", "reason"), [
    ("none", 1, "performance is breached on 2 of "),
    ("a shadow", 1, "version 7 runs as a shadow, to end by 2024-04-30"),
    ("a shadow", 28, "version 7 runs as a shadow, to end by 2024-04-30"),
    ("a shadow", 30, "performance is breached on 2 of "),
    ("replaced", 1, "version 7 has no judged day yet"),
    ("replaced", 300, "version 7 has no judged day yet"),
    ("promoted", 1, "version 2024.1 is on probation, to end by 2024-04-24"),
    ("promoted", 22, "version 2024.1 is on probation, to end by 2024-04-24"),
    ("promoted", 24, "performance is breached on 2 of "),
    ("rolled back", 11, "cooling down until 2024-04-21"),
    ("rolled back", 13, "performance is breached on 2 of "),
    ("served by hand", 2, "cooling down until 2024-04-20"),
    ("served by hand", 13, "performance is breached on 2 of "),
])  # fmt: skip
def test_change_of_versions_delays_the_next_retraining(roles, days, reason, later):
    """Labels take 2 days, a shadow at most 20 days, a probation 14 days and a cool-down 12 days.

    A trial that is not ended in time blocks retraining for one more week.
    """
    later.change_spec(LOANS, incidents=TWO_NIGHTS | {"horizon": "1000d"}, retraining=RETRAINING | SHORT)
    spec = later.loaded(LOANS).spec
    began = next(d.at for d in later.decisions(Topic.RETRAINING) if d.answer == "yes") + 7 * DAY
    for number, (topic, answer, version, other) in enumerate(ROLES[roles]):
        names = {"champion": other} if topic == "shadow" else {"former": other}
        _changed(later, topic, answer, version, began + number * DAY, **names)
    with later.store() as store:
        now = began + days * DAY
        (decided,) = decide_after_chunk(spec, spec.calendar.chunk(NEXT), store=store, now=now)[:1]
    assert decided.reason.startswith(reason)
    assert decided.answer == ("yes" if reason.startswith("performance") else "no")


def test_repeated_night_announces_and_decides_nothing(later):
    before = later.incidents(), later.decisions()
    assert later.live(NIGHTS[-1]).success
    assert later.told[NIGHTS[-1]] == []
    assert (later.incidents(), later.decisions()) == before


# ------------------------------------------------------------------------------------------------------------ history


def test_backfill_of_old_days_sends_no_alerts_and_requests_no_retraining(lived, untouched_folder, tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        world = _settled(untouched_folder, tmp_path / "world", instance)
        _backfill(world)
        assert world.due() == []
        assert world.ask("SELECT COUNT(*) FROM alerts") == [(0,)]
        assert [(d.topic, d.answer, d.chunk) for d in world.decisions()] == [("retraining", "no", NIGHTS[-1])]
        assert "history asks for nothing" in world.decisions()[0].reason
        assert _of_the_model(world) == _of_the_model(lived)
        assert not any(logged.told for entry in world.incidents() for logged in world.log(entry.incident_id))

        # A problem that the backfill left open is announced by the first night that also finds it, here two days late.
        world.clock.now = night_of(world, NEXT) + dt.timedelta(days=2)
        assert world.run_at_once(world.nightly, NEXT).success
        assert world.due() == [f"inputs opened {NEXT}"]
        inputs = next(entry for entry in world.incidents() if entry.incident.cause.text == "inputs")
        before, now = world.log(inputs.incident_id)
        assert (before.event.chunk, before.told, now.told) == (DOUBLED, False, True)
        assert now.event.summary == f"open since {DOUBLED}, told only now: {inputs.incident.title}"


def test_backfill_over_monitored_nights_changes_no_incidents_and_no_decisions(later):
    before = later.incidents(), later.decisions(), later.ask("SELECT * FROM incident_events ORDER BY event_id")
    _backfill(later)
    assert later.due() == []
    assert (
        later.incidents(), later.decisions(), later.ask("SELECT * FROM incident_events ORDER BY event_id"),
    ) == before  # fmt: skip


def test_late_labels_announce_recent_days_and_change_old_days_silently(later):
    for day in (NIGHTS[-2], NIGHTS[-1], NIGHTS[0]):
        later.on(day, TURNED_ROUND)
    assert later.late_labels(NIGHTS[0]).success
    assert later.due() == []
    performance = next(entry for entry in later.incidents() if entry.incident.cause.text == "performance")
    assert (performance.incident.since, performance.incident.opened) == (NIGHTS[0], BAD[0])
    assert [logged.event.chunk for logged in later.log(performance.incident_id) if not logged.told] == [BAD[0]]

    for day in NIGHTS[-2:]:
        assert later.late_labels(day).success
    assert later.due() == [f"performance reopened {NIGHTS[-1]}"]
    again = next(entry for entry in later.incidents() if entry.incident.cause.text == "performance")
    assert again.incident_id == performance.incident_id
    assert (again.incident.state, again.incident.reopened) == (IncidentState.REOPENED, 1)


# ------------------------------------------------------------------------------------------------------- broken data

BREAKS = {
    "a column of another type": (
        'ALTER TABLE "Loan Scores" ALTER "Scored At" TYPE TIMESTAMP[] USING ["Scored At"]',
        'ALTER TABLE "Loan Scores" ALTER "Scored At" TYPE TIMESTAMP USING "Scored At"[1]',
        "Scored At",
    ),
    "a table that is gone": (
        'ALTER TABLE "Loan Scores" RENAME TO moved',
        'ALTER TABLE moved RENAME TO "Loan Scores"',
        "Loan Scores",
    ),
}


@pytest.mark.parametrize("fault", BREAKS)
def test_unreadable_source_is_announced_in_the_same_night_although_the_run_fails(later, fault):
    broken, mended, culprit = BREAKS[fault]
    later.execute(broken)
    assert not later.live(NEXT).success
    assert later.told[NEXT] == [f"source opened {NEXT}"]
    source = next(entry.incident for entry in later.incidents() if entry.incident.cause.text == "source")
    assert culprit in source.title
    assert source.severity == "critical"
    last = later.decisions(Topic.RETRAINING)[-1]
    assert (last.chunk, last.answer, last.reason) == (NEXT, "no", f"data quality is failing on {NEXT}")

    later.execute(mended)
    assert later.live(NEXT).success
    assert [told for told in later.told[NEXT] if told.startswith("source")] == [f"source resolved {NEXT}"]
    assert later.decisions(Topic.RETRAINING)[-1] == last
