"""The views and the documented queries, run on both databases over a history with known answers."""

import datetime as dt
from dataclasses import replace

import pytest
import sqlalchemy as sa

from monitoring_pipeline.evaluation.incidents.changes import find_changes
from monitoring_pipeline.evaluation.incidents.handling import Person, acknowledge, record_outcome
from monitoring_pipeline.records.cause import Cause
from monitoring_pipeline.records.incident import (
    EventKind,
    Incident,
    IncidentEvent,
    IncidentHistory,
    IncidentState,
    Outcome,
    PlannedAlert,
)
from monitoring_pipeline.records.measurement import (
    Kind,
    Maturity,
    Measurement,
    Severity,
    Status,
    Verdict,
    VerdictStatus,
)
from monitoring_pipeline.shipped_files import read_sql, sql_directory
from monitoring_pipeline_tests.spec.cases import binary_spec

STATUS = {"o": Status.OK, "b": Status.BREACHED, "s": Status.SKIPPED}


def measured(letter: str, value: float, *, name: str = "psi", severity: Severity = Severity.WARNING) -> Measurement:
    """One measurement of the column wind: o(k), b(reached) or s(kipped)."""
    status = STATUS[letter]
    return Measurement(
        kind=Kind.DRIFT,
        subject="wind",
        name=name,
        model_version="1",
        status=status,
        severity=severity,
        value=None if status is Status.SKIPPED else value,
        reason=None if status is Status.OK else f"{name} {letter} {value}",
    )


def day(number: int) -> str:
    return f"2013-04-{number:02}"


@pytest.fixture
def write(store, make_results, measured_at):
    """A function that stores measurements, and a verdict, of one day."""

    def write(number, *measurements, model="flight_delay", verdict="ok", input_fingerprint="input-1"):
        judgement = Verdict(
            status=VerdictStatus(verdict), reasons=("because",), measured=len(measurements), breaches=0, skipped=0
        )
        for results in (
            make_results(day(number), *measurements, model=model, input_fingerprint=input_fingerprint),
            make_results(day(number), model=model, producer="verdict", verdict=judgement),
        ):
            store.replace(results, run_id="run", measured_at=measured_at)

    return write


@pytest.fixture
def ask(store):
    """A function that runs one documented query and returns its rows as dictionaries."""

    def ask(query, **parameters):
        columns, rows = store.query(read_sql(f"queries/{query}.sql"), parameters)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    return ask


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("oooo", []),
        ("obbo", [(2, 3, 2, False, 3)]),
        ("obbb", [(2, 4, 3, True, 4)]),
        ("bbob", [(1, 2, 2, False, 2), (4, 4, 1, True, 4)]),
        ("bsb", [(1, 3, 2, True, 3)]),
        ("obs", [(2, 2, 1, True, 2)]),
        ("bsob", [(1, 1, 1, False, 1), (4, 4, 1, True, 4)]),
        ("b.bo", [(1, 3, 2, False, 3)]),
        ("bb..", [(1, 2, 2, False, 2)]),
        ("ssss", []),
    ],
)
def test_problems_are_the_islands_of_breached_chunks(store, write, history, expected):
    # Written in reverse: a backfill may come in any order.
    for number, letter in reversed(list(enumerate(history, start=1))):
        write(number, *([] if letter == "." else [measured(letter, float(number))]))
    found = store.query("SELECT since, until, chunks, ongoing, last_value FROM problems ORDER BY since", {})[1]
    assert found == [(day(since), day(until), *rest) for since, until, *rest in expected]


def test_changed_chunk_joins_two_problems(store, write):
    for number, letter in enumerate("bob", start=1):
        write(number, measured(letter, 1.0))
    write(2, measured("b", 5.0), input_fingerprint="labels came")
    assert store.query("SELECT since, until, chunks FROM problems", {})[1] == [(day(1), day(3), 3)]


def test_problems_of_different_numbers_and_models_are_separate(store, write):
    write(1, measured("b", 1.0), measured("b", 2.0, name="ks"))
    write(2, measured("o", 1.0), measured("b", 3.0, name="ks"))
    write(3, measured("b", 9.0), model="arrival_delay")
    found = store.query("SELECT model, name, since, until, ongoing FROM problems ORDER BY model, name", {})[1]
    assert found == [
        ("arrival_delay", "psi", day(3), day(3), True),
        ("flight_delay", "ks", day(1), day(2), True),
        ("flight_delay", "psi", day(1), day(1), False),
    ]


def test_what_is_wrong_reads_the_newest_judged_chunk_of_each_model(write, ask):
    write(1, measured("b", 1.0), measured("o", 1.0, name="ks"), verdict="warning")
    write(2, measured("b", 2.0), measured("b", 3.0, name="ks", severity=Severity.CRITICAL), verdict="critical")
    write(1, measured("b", 4.0), model="arrival_delay", verdict="warning")
    write(3, measured("s", 0.0), model="arrival_delay", verdict="unknown")
    write(3, measured("o", 0.1), model="healthy")
    found = ask("what_is_wrong", chunk=None)
    columns = ("model", "chunk", "verdict", "severity", "name", "value", "since")
    assert [tuple(row[column] for column in columns) for row in found] == [
        ("flight_delay", day(2), "critical", "critical", "ks", 3.0, day(2)),
        ("flight_delay", day(2), "critical", "warning", "psi", 2.0, day(1)),
        ("arrival_delay", day(3), "unknown", None, None, None, None),
    ]
    assert found[-1]["reason"]
    found = ask("what_is_wrong", chunk=day(1))
    assert [(r["model"], r["name"], r["reason"], r["since"]) for r in found] == [
        ("arrival_delay", "psi", "psi b 4.0", day(1)),
        ("flight_delay", "psi", "psi b 1.0", day(1)),
    ]


def test_what_is_wrong_on_a_chunk_is_not_about_another_one_that_began_with_it(store, make_results, measured_at, ask):
    judgement = Verdict(status=VerdictStatus.WARNING, reasons=("because",), measured=1, breaches=1, skipped=0)
    for key, value in ((day(1), 1.0), (f"{day(1)}T00", 2.0)):
        for results in (
            make_results(day(1), measured("b", value)),
            make_results(day(1), producer="verdict", verdict=judgement),
        ):
            of_key = replace(results, chunk=replace(results.chunk, key=key))
            store.replace(of_key, run_id="run", measured_at=measured_at)
    assert [(r["chunk"], r["value"]) for r in ask("what_is_wrong", chunk=day(1))] == [(day(1), 1.0)]
    assert [(r["chunk"], r["value"]) for r in ask("what_is_wrong", chunk=f"{day(1)}T00")] == [(f"{day(1)}T00", 2.0)]


def test_since_when_lists_lasting_problems_first(write, ask):
    for number, (psi, ks) in enumerate(zip("bobb", "bbbo", strict=True), start=1):
        write(number, measured(psi, float(number)), measured(ks, float(number), name="ks"))
    found = ask("since_when", model="flight_delay", name=None)
    assert [(r["name"], r["since"], r["until"], r["chunks"], r["ongoing"], r["last_reason"]) for r in found] == [
        ("psi", day(3), day(4), 2, True, "psi b 4.0"),
        ("ks", day(1), day(3), 3, False, "ks b 3.0"),
        ("psi", day(1), day(1), 1, False, "psi b 1.0"),
    ]
    assert [r["name"] for r in ask("since_when", model="flight_delay", name="ks")] == ["ks"]
    assert ask("since_when", model="arrival_delay", name=None) == []


def test_metric_history_is_in_chunk_order_and_of_the_current_revision(write, ask):
    for number, letter in ((3, "s"), (1, "o"), (2, "b")):
        write(number, measured(letter, float(number)), measured("o", 0.0, name="ks"))
    write(1, measured("o", 1.5), input_fingerprint="labels came")
    found = ask("metric_history", model="flight_delay", name="psi", subject=None)
    assert [(r["chunk"], r["value"], r["status"], r["reason"]) for r in found] == [
        (day(1), 1.5, "ok", None),
        (day(2), 2.0, "breached", "psi b 2.0"),
        (day(3), None, "skipped", "psi s 3.0"),
    ]
    assert len(ask("metric_history", model="flight_delay", name="psi", subject="wind")) == 3
    assert ask("metric_history", model="flight_delay", name="psi", subject="score") == []


@pytest.mark.parametrize("path", sorted((sql_directory() / "queries").glob("*.sql")), ids=lambda path: path.stem)
def test_each_query_states_its_question_and_documents_its_parameters(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("-- ")
    assert lines[0].endswith("?")
    first, last = lines.index("-- Parameters"), next(i for i, line in enumerate(lines) if line.startswith("-- Output:"))
    documented = {line.split()[1] for line in lines[first + 1 : last]}
    assert documented == set(sa.text("\n".join(lines))._bindparams)


def test_what_was_known_on_a_day_is_the_revision_of_that_day(store, make_results, measured_at, ask):
    early, late = (dt.datetime(2013, 4, n, 23, 59, tzinfo=dt.UTC) for n in (2, 4))
    for moment, value in ((early, 0.1), (late, 0.2)):
        results = make_results(day(1), measured("o", value, name="auroc"), input_fingerprint=f"labels of {moment}")
        store.replace(replace(results, as_of=moment), run_id="run", measured_at=measured_at)
    knew = [
        [(row["value"], row["revision"]) for row in ask("what_we_knew", model="flight_delay", chunk=day(1),
                                                        on_day=day(n), name=None)]
        for n in (1, 2, 3, 4, 9)
    ]  # fmt: skip
    assert knew == [[], [(0.1, 1)], [(0.1, 1)], [(0.2, 2)], [(0.2, 2)]]
    now = ask("what_we_knew", model="flight_delay", chunk=day(1), on_day=None, name=None)
    assert [(row["value"], row["revision"]) for row in now] == knew[-1]


def test_known_since_is_unchanged_by_running_again(store, make_results, measured_at, ask):
    first = dt.datetime(2013, 4, 2, 12, tzinfo=dt.UTC)
    for hours in (0, 48, 1):
        results = make_results(day(1), measured("o", 0.1))
        store.replace(replace(results, as_of=first + dt.timedelta(hours=hours)), run_id="run", measured_at=measured_at)
    [row] = ask("what_we_knew", model="flight_delay", chunk=day(1), on_day=day(2), name="psi")
    assert row["known_since"] in (first, first.replace(tzinfo=None).isoformat(" ", "microseconds"))


def test_estimates_are_compared_with_final_labels(store, make_results, measured_at, ask):
    def both(estimated, realized, maturity):
        shared = {"subject": "model", "name": "auroc", "model_version": "1"}
        bounds = {"lower": estimated - 0.05, "upper": estimated + 0.05}
        return (
            Measurement(kind=Kind.ESTIMATED_PERFORMANCE, value=estimated, **bounds, **shared),
            Measurement(kind=Kind.PERFORMANCE, value=realized, maturity=maturity, **shared),
        )

    days = [(0.70, 0.66, Maturity.FINAL), (0.70, 0.60, Maturity.FINAL), (0.70, 0.10, Maturity.PROVISIONAL)]
    for number, values in enumerate(days, start=1):
        for producer, measured in zip(("estimate", "performance"), both(*values), strict=True):
            results = make_results(day(number), measured, producer=producer)
            store.replace(results, run_id="run", measured_at=measured_at)
    [row] = ask("estimate_quality", model="flight_delay")
    assert (row["name"], row["chunks"]) == ("auroc", 2)
    assert [float(row[name]) for name in ("mean_error", "mean_absolute_error", "inside_interval")] == pytest.approx(
        [0.07, 0.07, 0.5]
    )


AT = dt.datetime(2013, 4, 5, 10, tzinfo=dt.UTC)


def incident_of(cause: str, events: tuple[IncidentEvent, ...], model: str = "flight_delay") -> IncidentHistory:
    return IncidentHistory(
        incident=Incident(
            model=model, cause=Cause.parse(cause), opened=day(4), since=day(3), last_breached=day(4), resolved=None,
            state=IncidentState.OPEN, severity=Severity.CRITICAL, breached_chunks=2, reopened=0, title=f"{cause} fell",
            findings=(), subjects=(),
        ),
        events=events,
    )  # fmt: skip


def happened(kind: EventKind, severity: Severity = Severity.CRITICAL, number: int = 4) -> IncidentEvent:
    return IncidentEvent(kind=kind, chunk=day(number), severity=severity, summary=f"{kind.value}, {severity.value}")


@pytest.fixture
def incidents(store):
    """Two announced incidents and one that was not announced; the first was real."""
    spec = binary_spec(name="flight_delay")
    histories = [
        incident_of("performance", (happened(EventKind.OPENED),)),
        incident_of("volume", (happened(EventKind.OPENED, Severity.WARNING),)),
        incident_of("labels", (happened(EventKind.OPENED, number=1),)),
    ]

    def judge(evidence, known):
        return find_changes(
            spec, histories, known, newest_chunk=day(4), is_young=lambda _, chunk: chunk >= day(3), now=AT
        )

    def plan(stored, event):
        mode = "now" if event.severity is Severity.CRITICAL else "digest"
        return [PlannedAlert(channel=channel, due_at=AT, mode=mode) for channel in ("slack", "mail")]

    store.update_incidents("flight_delay", judge, plan, at=AT)
    names = {entry.incident.cause.text: entry.incident_id for entry in store.incidents()}
    person = Person(name="ann", at=AT, reason="seen")
    store.handle_incident(names["performance"], acknowledge(person), plan=lambda *_: (), at=AT)
    store.handle_incident(names["performance"], record_outcome(person, Outcome.REAL), plan=lambda *_: (), at=AT)
    store.handle_incident(names["volume"], record_outcome(person, Outcome.NOISE), plan=lambda *_: (), at=AT)


def test_query_who_was_told_lists_each_event_and_channel(store, incidents, ask):
    claimed = store.claim(AT, lease=dt.timedelta(minutes=1))
    store.mark_sent([claimed[0].alert_id], AT, "slack-1")
    rows = ask("who_was_told", model="flight_delay")
    found = {(row["kind"], row["summary"], row["channel"], row["mode"], row["state"]) for row in rows}
    assert found == {
        ("opened", "opened, critical", "slack", "now", "sent"),
        ("opened", "opened, critical", "mail", "now", "sending"),
        ("opened", "opened, warning", "slack", "digest", "sending"),
        ("opened", "opened, warning", "mail", "digest", "sending"),
    }
    assert ask("who_was_told", model="other") == []


def test_alert_precision_counts_pages_once_and_reads_outcomes(store, incidents, ask):
    rows = {row["cause"]: row for row in ask("alert_precision", model=None)}
    assert set(rows) == {"performance", "volume"}
    assert {name: rows["performance"][name] for name in ("pages", "real_ones", "noise", "acknowledged")} == {
        "pages": 1, "real_ones": 1, "noise": 0, "acknowledged": 1,
    }  # fmt: skip
    assert (rows["performance"]["precision_of_alerts"], rows["volume"]["precision_of_alerts"]) == (1.0, 0.0)
    assert rows["volume"]["pages"] == 0
