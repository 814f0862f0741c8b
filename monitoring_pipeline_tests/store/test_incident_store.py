"""Incidents, their events, alerts and decisions are stored in one transaction, announced once, and kept."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest
import sqlalchemy as sa

from monitoring_pipeline.evaluation.incidents.changes import find_changes
from monitoring_pipeline.evaluation.incidents.fold import fold_incidents
from monitoring_pipeline.evaluation.incidents.handling import Person, acknowledge, mute, record_outcome
from monitoring_pipeline.evaluation.judgement.verdict import judge as judge_measurements
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import GateCheck, GateEvidence, RetrainingEvidence
from monitoring_pipeline.records.incident import EventKind, IncidentState, Outcome, PlannedAlert
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Role, Severity, Status
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline.store.engine import create_store_engine
from monitoring_pipeline.store.incident_inputs import read_chunk_measurements
from monitoring_pipeline.store.incidents import UnknownIncidentError
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.schema import HEAD_REVISION, VIEWS
from monitoring_pipeline.store.tables.columns import metadata
from monitoring_pipeline.store.tables.incidents import ACTION_TABLES
from monitoring_pipeline.store.tables.results import efforts
from monitoring_pipeline.store.tables.upkeep import audit, forgotten_rows, spec_texts
from monitoring_pipeline_tests.alerting.outbox_contract import Desk, OutboxContract
from monitoring_pipeline_tests.alerting.test_stored_outbox import desk_of
from monitoring_pipeline_tests.spec.cases import binary_spec

MODEL = "churn"
SPEC = binary_spec(
    incidents={"open": {"chunks": 2, "of": 3}, "resolve": {"chunks": 2, "of": 2}, "escalate": {"chunks": 4, "of": 5}}
)
NOW = dt.datetime(2024, 3, 20, 6, tzinfo=dt.UTC)
AUROC = Measurement(
    kind=Kind.PERFORMANCE,
    subject="model",
    name="auroc",
    model_version="1",
    value=0.58,
    lower=0.1 + 0.2,
    threshold_lower=0.62,
    q_value=1e-300,
    rows=2**40,
    maturity=Maturity.FINAL,
)
LETTERS = {"w": (Status.BREACHED, Severity.WARNING), "c": (Status.BREACHED, Severity.CRITICAL),
           "o": (Status.OK, Severity.WARNING)}  # fmt: skip


def _plan(stored, event):
    return (PlannedAlert(channel="ml-oncall", due_at=NOW), PlannedAlert(channel="boss", due_at=NOW, mode="digest"))


def _judge(evidence, known):
    newest = evidence[-1].chunk if evidence else ""
    return find_changes(
        SPEC, fold_incidents(SPEC, evidence), known, newest_chunk=newest, is_young=lambda *_: True, now=NOW
    )


def _silently(evidence, known):
    return find_changes(
        SPEC, fold_incidents(SPEC, evidence), known, newest_chunk="", is_young=lambda *_: False, now=NOW
    )


@pytest.fixture
def measure(store, make_results):
    """A function that writes auroc, one letter a day from 1 March, and a verdict."""

    def write(letters: str, model: str = MODEL) -> None:
        for place, letter in enumerate(letters):
            status, severity = LETTERS[letter]
            measured = replace(AUROC, status=status, severity=severity, reason="low" if letter != "o" else None)
            day, words = f"2024-03-{place + 1:02}", f"{place}{letter}"
            for producer, own in (("performance", (measured,)), ("verdict", ())):
                results = make_results(
                    day,
                    *own,
                    model=model,
                    producer=producer,
                    input_fingerprint=words,
                    verdict=judge_measurements(own) if producer == "verdict" else None,
                )
                store.replace(results, run_id="run", measured_at=NOW)

    return write


@pytest.fixture
def asked(store):
    """A function that queries the store in SQL."""
    return lambda sql, **values: store.query(sql, values)[1]


def _update(store, judge=_judge, plan=_plan, at=NOW):
    return [str(event.kind) for event in store.update_incidents(MODEL, judge, plan, at=at)]


# ------------------------------------------------------------------------------------------------ one transaction


def test_incident_events_and_alerts_are_written_together(store, measure, asked):
    measure("oww")
    assert _update(store) == ["opened"]
    (entry,) = store.incidents(MODEL)
    finding = entry.incident.findings[0]
    assert (finding.lower, finding.q_value, finding.rows) == (0.1 + 0.2, 1e-300, 2**40)
    (logged,) = store.incident_log(entry.incident_id)
    assert (logged.event.kind, logged.event.chunk, logged.told, logged.at) == (
        EventKind.OPENED, "2024-03-03", True, NOW,
    )  # fmt: skip
    assert asked("SELECT channel, mode, state, attempts FROM alerts ORDER BY alert_id") == [
        ("ml-oncall", "now", "due", 0),
        ("boss", "digest", "due", 0),
    ]


def test_messages_of_an_incident_are_listed_with_what_became_of_them(store, measure):
    measure("oww")
    _update(store)
    (entry,) = store.incidents(MODEL)
    claimed = {alert.channel: alert.alert_id for alert in store.claim(NOW, lease=dt.timedelta(minutes=5))}
    store.mark_sent([claimed["ml-oncall"]], NOW, "m1")
    store.mark_failed([claimed["boss"]], "no such address", None)
    listed = [(d.channel, d.mode, d.state, d.kind, d.chunk, d.error) for d in store.deliveries(entry.incident_id)]
    assert listed == [
        ("ml-oncall", "now", "sent", EventKind.OPENED, "2024-03-03", None),
        ("boss", "digest", "failed", EventKind.OPENED, "2024-03-03", "no such address"),
    ]
    assert [d.sent_at for d in store.deliveries(entry.incident_id)] == [NOW, None]
    assert store.deliveries("another") == []


def test_error_while_planning_alerts_stores_nothing(store, measure, asked):
    measure("oww")

    def fails(stored, event):
        raise ArithmeticError(event.summary)

    with pytest.raises(ArithmeticError):
        _update(store, plan=fails)
    for table in ("incidents", "incident_events", "alerts"):
        assert asked(f"SELECT COUNT(*) FROM {table}") == [(0,)]
    assert _update(store) == ["opened"]


def test_error_while_judging_leaves_the_store_unchanged(store, measure, asked):
    measure("oww")
    _update(store)
    before = [asked(f"SELECT * FROM {table} ORDER BY 1") for table in ("incidents", "incident_events", "alerts")]
    measure("owwww")
    with pytest.raises(ZeroDivisionError):
        _update(store, judge=lambda evidence, known: 1 / 0)
    assert [
        asked(f"SELECT * FROM {table} ORDER BY 1") for table in ("incidents", "incident_events", "alerts")
    ] == before


def test_second_update_of_the_same_history_changes_no_row(store, measure, asked):
    measure("owwwwwoo")
    _update(store)
    before = [asked(f"SELECT * FROM {table} ORDER BY 1") for table in ("incidents", "incident_events", "alerts")]
    assert _update(store, at=NOW + dt.timedelta(hours=1)) == []
    after = [asked(f"SELECT * FROM {table} ORDER BY 1") for table in ("incidents", "incident_events", "alerts")]
    assert after == before


def test_nightly_updates_and_one_update_store_the_same_incidents(store, measure, asked):
    letters = "owwwwwoow"
    told = []
    for last in range(1, len(letters) + 1):
        measure(letters[:last])
        told += _update(store)
    assert told == ["opened", "escalated", "resolved"]
    columns = "kind, chunk, severity, summary"
    by_night = asked(f"SELECT {columns} FROM incident_events ORDER BY event_id")
    stored = store.incidents(MODEL)
    measure(letters, model="other")
    spec = binary_spec(name="other", incidents=SPEC.incidents.model_dump())

    def silently(evidence, known):
        histories = fold_incidents(spec, evidence)
        return find_changes(spec, histories, known, newest_chunk="2024-03-09", is_young=lambda *_: False, now=NOW)

    assert store.update_incidents("other", silently, _plan, at=NOW) == ()
    assert [replace(entry.incident, model=MODEL) for entry in store.incidents("other")] == [e.incident for e in stored]
    own = "SELECT kind, chunk, severity, summary, told FROM incident_events WHERE model = 'other' ORDER BY chunk"
    assert [row[:4] for row in asked(own)] == by_night
    assert not any(row[4] for row in asked(own))
    assert asked("SELECT COUNT(*) FROM alerts WHERE model = 'other'") == [(0,)]


def test_two_concurrent_updates_announce_each_event_once(store, store_url, measure, asked):
    measure("oww")
    start = Barrier(4)

    def update(_):
        with ResultStore.open(store_url) as own:
            start.wait()
            return _update(own)

    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(update, range(4)))
    assert sorted(told) == [[], [], [], ["opened"]]
    assert asked("SELECT COUNT(*) FROM alerts") == [(2,)]
    assert asked("SELECT COUNT(*) FROM incident_events") == [(1,)]


# ------------------------------------------------------------------------------------------- late labels and backfill


def test_escalation_that_was_withdrawn_is_not_announced_again(store, measure, asked):
    measure("owww")
    _update(store)
    for letters in ("owwww", "owwow", "owwww"):
        measure(letters)
        _update(store)
    log = [(str(row[0]), row[1]) for row in asked("SELECT kind, told FROM incident_events ORDER BY event_id")]
    assert log.count(("escalated", True)) == 1
    assert asked("SELECT COUNT(*) FROM alerts") == [(4,)]


def test_announced_events_stay_in_the_log_and_others_follow_the_history(store, measure, asked):
    measure("oww")
    _update(store)
    measure("wwwww")
    _update(store, judge=_silently)
    assert asked("SELECT kind, chunk, told FROM incident_events ORDER BY chunk, kind") == [
        ("opened", "2024-03-02", False),
        ("opened", "2024-03-03", True),
        ("escalated", "2024-03-04", False),
    ]
    measure("wwwoo")
    _update(store, judge=_silently)
    assert asked("SELECT kind, chunk, told FROM incident_events ORDER BY chunk, kind") == [
        ("opened", "2024-03-02", False),
        ("opened", "2024-03-03", True),
        ("resolved", "2024-03-05", True),
    ]


def test_unannounced_incident_without_breaches_is_deleted(store, measure, asked):
    measure("oww")
    _update(store, judge=_silently)
    assert len(store.incidents(MODEL)) == 1
    measure("ooo")
    assert _update(store) == []
    assert store.incidents(MODEL) == []
    assert asked("SELECT COUNT(*) FROM incident_events") == [(0,)]


def test_lasting_unannounced_incident_is_announced_on_the_next_recent_chunk(store, measure, asked):
    measure("oww")
    _update(store, judge=_silently)
    measure("owwow")

    def judge(evidence, known):
        histories = fold_incidents(SPEC, evidence)
        return find_changes(
            SPEC, histories, known, newest_chunk="", is_young=lambda _, chunk: chunk >= "2024-03-05", now=NOW
        )

    assert [_update(store, judge, at=NOW + dt.timedelta(days=day)) for day in range(2)] == [["opened"], []]
    (entry,) = store.incidents(MODEL)
    log = [(str(e.event.kind), e.event.chunk, e.told, e.at) for e in store.incident_log(entry.incident_id)]
    assert log == [("opened", "2024-03-03", False, NOW), ("opened", "2024-03-05", True, NOW)]
    assert asked("SELECT COUNT(*) FROM alerts") == [(2,)]
    measure("owwowoo")
    assert [_update(store), _update(store)] == [["resolved"], []]


def test_end_of_an_unannounced_incident_is_not_announced_after_acknowledgement(store, measure, asked):
    measure("oww")
    _update(store, judge=_silently)
    (entry,) = store.incidents(MODEL)
    store.handle_incident(entry.incident_id, acknowledge(Person(name="ana", at=NOW, reason="")), _plan, at=NOW)
    measure("owwoo")
    assert _update(store) == []
    assert [(str(e.event.kind), e.told) for e in store.incident_log(entry.incident_id)][-1] == ("resolved", False)


def test_announced_incident_without_breaches_is_resolved_and_kept(store, measure, asked):
    measure("oww")
    _update(store)
    measure("ooo")
    assert _update(store) == ["resolved"]
    assert _update(store) == []
    (entry,) = store.incidents(MODEL)
    assert (entry.incident.state, entry.incident.resolved) == (IncidentState.RESOLVED, "2024-03-03")
    assert asked("SELECT kind, told FROM incident_events ORDER BY event_id") == [("opened", True), ("resolved", True)]
    measure("oww")
    assert _update(store) == ["reopened"]
    assert [e.incident_id for e in store.incidents(MODEL)] == [entry.incident_id]


def test_incidents_of_other_models_are_unchanged_by_an_update(store, measure):
    measure("oww")
    measure("ooo", model="other")
    _update(store)
    store.update_incidents("other", _judge, _plan, at=NOW)
    assert [e.incident.state for e in store.incidents()] == [IncidentState.OPEN]


# -------------------------------------------------------------------------------------------------- actions of people


def test_action_of_a_person_is_stored_with_event_alert_and_decision(store, measure, asked):
    measure("oww")
    _update(store)
    (entry,) = store.incidents(MODEL)
    ana = Person(name="ana", at=NOW, reason="known")

    def fails(stored, event):
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        store.handle_incident(entry.incident_id, acknowledge(ana), fails, at=NOW)
    assert store.incidents(MODEL) == [entry]
    assert store.decisions(MODEL) == []

    until = NOW + dt.timedelta(days=1)
    for act in (acknowledge(ana), mute(ana, until), record_outcome(ana, Outcome.NOISE)):
        after = store.handle_incident(entry.incident_id[:3], act, _plan, at=NOW)
    assert store.incidents(MODEL) == [after]
    handling = after.handling
    assert (handling.acknowledged_by, handling.acknowledged_at, handling.muted_until) == ("ana", NOW, until)
    assert (handling.muted_severity, handling.outcome) == (Severity.WARNING, Outcome.NOISE)
    assert [(d.topic, d.incident_id) for d in store.decisions(MODEL)] == [
        (topic, entry.incident_id) for topic in ("acknowledgement", "mute", "outcome")
    ]
    kinds = [str(logged.event.kind) for logged in store.incident_log(entry.incident_id)]
    assert kinds == ["opened", "acknowledged", "muted", "outcome"]
    assert asked("SELECT COUNT(*) FROM alerts") == [(8,)]
    # The next night judges again, and leaves it.
    measure("owwww")
    assert _update(store) == ["escalated"]
    assert store.incidents(MODEL)[0].handling == handling
    assert [str(logged.event.kind) for logged in store.incident_log(entry.incident_id)] == [*kinds, "escalated"]


def test_incident_is_found_by_a_unique_beginning_of_its_name(store, measure):
    measure("oww")
    measure("oww", model="other")
    _update(store)
    spec = binary_spec(name="other", incidents=SPEC.incidents.model_dump())
    store.update_incidents(
        "other",
        lambda evidence, known: find_changes(
            spec, fold_incidents(spec, evidence), known, newest_chunk="2024-03-03", is_young=lambda *_: True, now=NOW
        ),
        _plan,
        at=NOW,
    )
    one, other = sorted(entry.incident_id for entry in store.incidents())
    shared = next(n for n in range(9) if one[: n + 1] != other[: n + 1])
    assert store.incident(one[: shared + 1]).incident_id == one
    assert store.incident(other).incident_id == other
    for name, message in (("%", "no incident '%'"), ("_" * 8, "no incident"), ("nope", "no incident 'nope'"),
                          (one[:shared], "2 incidents" if shared else "")):  # fmt: skip
        with pytest.raises(UnknownIncidentError, match=message):
            store.incident(name)
    with pytest.raises(UnknownIncidentError, match="`monitoring-pipeline incidents` lists their names"):
        store.handle_incident("nope", acknowledge(Person(name="a", at=NOW, reason="")), _plan, at=NOW)


# --------------------------------------------------------------------------------------------------------- decisions


def _decision(**parts):
    own = {"model": MODEL, "topic": Topic.RETRAINING, "answer": Answer.YES, "reason": "3 of 5", "actor": "a", "at": NOW}
    evidence = RetrainingEvidence(chunk="2024-03-01", labelled_breached=("2024-02-29", "2024-03-01"))
    return Decision(**(own | {"key": DecisionKey("k"), "evidence": evidence} | parts))


def test_decision_with_a_taken_key_is_not_stored(store):
    assert store.decide(_decision())
    assert not store.decide(_decision(answer=Answer.NO, at=NOW + dt.timedelta(days=1)))
    assert store.decide(_decision(model="other"))
    check = GateCheck(name="log_loss", passed=None, champion=0.1 + 0.2, challenger=1 / 3, difference=None, lower=None,
                      upper=None, allowed=-0.0, reason="few rows")  # fmt: skip
    evidence = GateEvidence(champion="1", held_out_start=dt.date(2024, 3, 1), rows=3, checks=(check,))
    gate = _decision(key=DecisionKey("k2"), topic=Topic.GATE, answer=Answer.UNMEASURED, evidence=evidence,
                     at=NOW - dt.timedelta(days=1))  # fmt: skip
    assert store.decide(gate)
    assert store.decision(MODEL, DecisionKey("k")) == _decision()
    assert store.decision(MODEL, DecisionKey("nope")) is None
    assert store.decisions(MODEL) == [gate, _decision()]
    assert store.decisions(MODEL, topic=Topic.RETRAINING) == [_decision()]


def test_decision_by_four_threads_at_once_is_stored_once(store, store_url):
    start = Barrier(4)

    def decide(number):
        with ResultStore.open(store_url) as own:
            start.wait()
            return own.decide(_decision(actor=str(number)))

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(decide, range(4))) == [False, False, False, True]
    assert len(store.decisions(MODEL)) == 1


def test_role_at_a_moment_follows_the_history(store):
    window = ReferenceWindow(start=dt.date(2024, 2, 1), end=dt.date(2024, 3, 1))
    later, last = NOW + dt.timedelta(days=1), NOW + dt.timedelta(days=2)
    store.set_role(MODEL, "2", Role.SHADOW, NOW, window=window, by="a")
    store.set_role(MODEL, "2", Role.CHAMPION, NOW, window=None, by="again, and too late")
    store.set_role(MODEL, "2", Role.CHAMPION, later, window=None, by="a")
    store.set_role(MODEL, "1", Role.RETIRED, later, window=None, by="a")
    store.set_role("other", "2", Role.RETIRED, NOW, window=None, by="a")
    assert [(r.model_version, r.role, r.since) for r in store.role_history(MODEL)] == [
        ("2", Role.SHADOW, NOW),
        ("1", Role.RETIRED, later),
        ("2", Role.CHAMPION, later),
    ]
    assert sorted((r.model_version, r.role, r.window) for r in store.versions(MODEL)) == [
        ("1", Role.RETIRED, None),
        ("2", Role.CHAMPION, window),
    ]
    moments = (NOW - dt.timedelta(seconds=1), NOW, later, last)
    assert [store.role_at(MODEL, "2", moment) for moment in moments] == [
        Role.SHADOW, Role.SHADOW, Role.CHAMPION, Role.CHAMPION,
    ]  # fmt: skip
    assert [store.role_at(MODEL, "1", moment) for moment in moments] == [
        Role.CHAMPION, Role.CHAMPION, Role.RETIRED, Role.RETIRED,
    ]  # fmt: skip
    assert store.role_at(MODEL, "never heard of", last) is Role.CHAMPION


# ------------------------------------------------------------------------------------------------------------ outbox


class TestOutbox(OutboxContract):
    """The contract on SQLite and on PostgreSQL."""

    @pytest.fixture
    def desk(self, store: ResultStore) -> Iterator[Desk]:
        return desk_of(store)


def test_history_of_a_finding_has_its_current_values_in_order(store, measure):
    measure("oww")
    _update(store)
    measure("owwc")
    points = store.history(store.incidents(MODEL)[0])
    assert [(p.chunk[-2:], p.breached) for p in points] == [("01", False), ("02", True), ("03", True), ("04", True)]
    assert {p.value for p in points} == {0.58}


# --------------------------------------------------------------------------------------------------- an older store


def test_store_from_before_incidents_opens_and_keeps_its_rows(store_url, make_results, full_results):
    with ResultStore.open(store_url) as newest:
        newest.replace(full_results, run_id="r", measured_at=NOW)
        before = newest.measurements("flight_delay", "2013-04-22")
    _make_it_of_revision_2(store_url)
    with ResultStore.open(store_url) as opened:
        assert opened.measurements("flight_delay", "2013-04-22") == before
        assert opened.verdict("flight_delay", "2013-04-22") == full_results.verdict
        assert opened.incidents() == opened.decisions("flight_delay") == []
        assert opened.decide(_decision())
        assert opened.query("SELECT version_num FROM alembic_version", {})[1] == [(HEAD_REVISION,)]
        opened.query("SELECT * FROM told_events", {})


def _make_it_of_revision_2(url):
    """Change the database to the schema of the version before incidents."""
    engine = create_store_engine(url)
    with engine.begin() as connection:
        for view in reversed(VIEWS):
            connection.execute(sa.text(f"DROP VIEW {view}"))
        metadata.drop_all(connection, tables=(*ACTION_TABLES, efforts, audit, forgotten_rows, spec_texts))
        connection.execute(sa.text("ALTER TABLE snapshots DROP COLUMN state"))
        connection.execute(sa.text("ALTER TABLE model_references DROP COLUMN declaration"))
        connection.execute(sa.text("DROP INDEX measurements_breached"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0002'"))
    engine.dispose()


def test_attribution_is_read_apart_from_the_breaches_and_names_the_cause(store, measure, make_results):
    measure("www")
    part = replace(AUROC, subject="relation", severity=Severity.INFO, status=Status.OK, threshold_lower=None)
    drift = replace(
        AUROC, kind=Kind.DRIFT, subject="age", name="jensen_shannon", status=Status.BREACHED, reason="moved",
        threshold_lower=None,
    )  # fmt: skip
    for day in ("2024-03-01", "2024-03-02", "2024-03-03"):
        parts = (
            replace(part, name="change_by_inputs", of="auroc", value=-0.07, lower=-0.08, upper=-0.06),
            replace(part, name="change_of_relation", of="auroc", value=-0.01, lower=-0.02, upper=0.01),
        )
        for producer, own in (("attribution", parts), ("drift", (drift,))):
            results = make_results(day, *own, model=MODEL, producer=producer, input_fingerprint=day)
            store.replace(results, run_id="run", measured_at=NOW)
    _update(store)
    stored = {entry.incident.cause.family: entry.incident for entry in store.incidents(MODEL)}
    assert stored[Family.PERFORMANCE].related == stored[Family.PERFORMANCE].explained_by == (Cause(Family.INPUTS),)
    assert stored[Family.INPUTS].explained_by == ()


# ------------------------------------------------------------------------------------------------------- a long history


def test_measurements_of_incidents_are_looked_up_and_not_searched_for(store_url, make_results):
    if not store_url.startswith("sqlite"):
        pytest.skip("PostgreSQL reads a small table as a whole")
    with ResultStore.open(store_url) as store:
        breach = Measurement(kind=Kind.DRIFT, subject="wind", name="psi", model_version="1", value=1.0).breached("far")
        store.replace(make_results("2013-04-22", breach), run_id="r", measured_at=NOW)
    engine = create_store_engine(store_url)
    plans: list[str] = []

    def explain(connection, _cursor, statement, parameters, _context, _many):
        if statement.lstrip().startswith("SELECT"):
            rows = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.extend(str(row[3]) for row in rows)

    sa.event.listen(engine, "before_cursor_execute", explain)
    with engine.begin() as connection:
        (history,) = read_chunk_measurements(connection, "flight_delay")
    engine.dispose()
    assert [m.name for m in history.measurements] == ["psi"]
    read = [plan for plan in plans if plan.startswith(("SCAN measurements", "SEARCH measurements"))]
    assert {plan.split("INDEX ")[1].split(" ")[0] for plan in read} == {"measurements_breached", "measurements_by_name"}
