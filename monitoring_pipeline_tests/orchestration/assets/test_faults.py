"""Faults of the users' tables: each gives a clear status or error, and changes no other results."""

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from monitoring_pipeline.orchestration.assets import table as assets_table
from monitoring_pipeline.records.measurement import Kind, Measurement, Status, Verdict, VerdictStatus
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, FIRST, FIRST_ROW, LOANS, World

DAY = DAYS[6]
LOANS_TABLE = '"Loan Scores"'


def _on(world: World, day: str, statement: str) -> None:
    """Execute a statement after appending a condition that selects the rows of a day."""
    chunk = world.loaded(LOANS).spec.calendar.chunk(day)
    window = {"start": chunk.start.replace(tzinfo=None), "end": chunk.end.replace(tzinfo=None)}
    world.execute(f'{statement} "Scored At" >= $start AND "Scored At" < $end', **window)


def _results_of(world: World, day: str = DAY, model: str = LOANS) -> tuple[dict[tuple[str, str], Measurement], Verdict]:
    """Return the measurements of a day, without those of its windows, by subject and name, and its verdict."""
    with world.store() as store:
        verdict = store.verdict(model, day)
        assert verdict is not None
        measured = store.measurements(model, day)
        return {(m.subject, m.name): m for m in measured if m.kind is not Kind.WINDOW}, verdict


def _reasons(world: World, kind: str) -> set[str | None]:
    with world.store() as store:
        return {m.reason for m in store.measurements(LOANS, DAY) if m.status is Status.SKIPPED and m.kind == kind}


def test_empty_day_is_critical_and_skips_drift_and_performance(world):
    _on(world, DAY, f"DELETE FROM {LOANS_TABLE} WHERE")
    assert world.failures(LOANS, DAY) == ()
    measured, verdict = _results_of(world)
    assert measured["chunk", "rows"].reason == "0 predictions, at least 1 expected"
    assert verdict.status is VerdictStatus.CRITICAL
    assert verdict.reasons[0] == "critical: quality chunk rows: 0 predictions, at least 1 expected"
    assert _reasons(world, "drift") == _reasons(world, "performance") == {"no predictions"}
    assert _reasons(world, "estimated_performance") == {"no predictions"}
    assert _reasons(world, "quality") == {"no rows", "no predictions", "0 predictions, at least 50 needed"}


def test_day_without_labels_is_a_warning_and_skips_performance(world):
    around = 'abs("Scored At"::DATE - $day) <= 1'
    ids = f'SELECT "Application ID" FROM {LOANS_TABLE} WHERE {around}'
    world.execute(f"DELETE FROM Outcomes WHERE Ref IN ({ids})", day=dt.date.fromisoformat(DAY))
    assert world.failures(LOANS, DAY) == ()
    measured, verdict = _results_of(world)
    assert (measured["label", "maturity"].value, measured["label", "maturity"].maturity) == (0.0, "final")
    in_chunk = "0 labelled rows in the chunk, at least 50 needed"
    assert _reasons(world, "performance") == {"0 labelled rows, at least 50 needed", in_chunk}
    assert verdict.status is VerdictStatus.WARNING
    assert verdict.reasons[0] == (
        "warning: quality label labels_arrived_ratio: 0 labels are known, 200 were expected by now"
    )
    assert "not measured: performance (18): 0 labelled rows, at least 50 needed" in verdict.reasons


def test_column_without_values_is_a_warning_and_has_drifted(world):
    _on(world, DAY, f"UPDATE {LOANS_TABLE} SET age = NULL WHERE")
    assert world.failures(LOANS, DAY) == ()
    measured, verdict = _results_of(world)
    assert measured["age", "null_share"].reason == "every value of age is null; in the reference 0.0% are"
    assert measured["age", "jensen_shannon"].status is Status.BREACHED
    assert measured["model", "auroc"].value is not None
    assert verdict.status is VerdictStatus.WARNING
    assert any("every value of age is null" in reason for reason in verdict.reasons)


RENAME = "ALTER TABLE {} RENAME {} TO {}"
BROKEN = {
    "renamed id": (
        [RENAME.format(LOANS_TABLE, '"Application ID"', "ApplicationRef")],
        [RENAME.format(LOANS_TABLE, "ApplicationRef", '"Application ID"')],
        [f"{LOANS}: predictions.id", "'Application ID'", "ApplicationRef"],
    ),
    "renamed time": (
        [RENAME.format(LOANS_TABLE, '"Scored At"', "scored_on")],
        [RENAME.format(LOANS_TABLE, "scored_on", '"Scored At"')],
        [f"{LOANS}: predictions.time", "'Scored At'", "scored_on"],
    ),
    "time in a list": (
        [f'ALTER TABLE {LOANS_TABLE} ALTER "Scored At" TYPE TIMESTAMP[] USING ["Scored At"]'],
        [f'ALTER TABLE {LOANS_TABLE} ALTER "Scored At" TYPE TIMESTAMP USING "Scored At"[1]'],
        [f"{LOANS}: predictions.time", "Scored At", "TIMESTAMP[]"],
    ),
}
BROKEN_LABELS = {
    "renamed labels": (
        ["ALTER TABLE Outcomes RENAME Outcome TO Result"],
        ["ALTER TABLE Outcomes RENAME Result TO Outcome"],
        [f"{LOANS}: labels.label", "'Outcome'", "Result"],
    ),
    "labels of another type": (
        ["ALTER TABLE Outcomes ALTER Outcome TYPE DOUBLE USING CASE Outcome WHEN 'default' THEN 1.5 ELSE 0 END"],
        ["ALTER TABLE Outcomes ALTER Outcome TYPE VARCHAR USING CASE Outcome WHEN 0 THEN 'repaid' ELSE 'default' END"],
        ["labels.label", "'default'", "Float64"],
    ),
}

MISSING = {
    "missing predictions": (
        ['DROP TABLE "Loan Scores"'],
        [],
        [f"{LOANS}: predictions.table", "'Loan Scores'", "Outcomes"],
    ),
}


BROKEN_FEATURES = {
    "renamed": (RENAME.format(LOANS_TABLE, "age", "years"), "the chunk has no column age"),
    "text": (
        f"ALTER TABLE {LOANS_TABLE} ALTER age TYPE VARCHAR USING if(age % 2 = 0, 'old', CAST(age AS VARCHAR))",
        "values are no numbers, such as 'old'",
    ),
    "nested": (f"ALTER TABLE {LOANS_TABLE} ALTER age TYPE BIGINT[] USING [age]", "age: has type "),
}


@pytest.mark.parametrize("broken", BROKEN_FEATURES)
def test_broken_feature_is_reported_and_left_out_while_all_else_is_measured(lived_in_world, broken):
    world = lived_in_world
    breaking, reason = BROKEN_FEATURES[broken]
    before, _ = _results_of(world)
    world.execute(breaking)
    assert world.failures(LOANS, DAY) == ()
    measured, verdict = _results_of(world)
    assert verdict.status is VerdictStatus.CRITICAL
    assert any("age" in text and reason in text for text in verdict.reasons)
    assert measured["age", "jensen_shannon"].status is Status.SKIPPED
    assert "could not be read when the chunk was read" in str(measured["age", "jensen_shannon"].reason)
    others = {key for key, m in before.items() if m.value is not None and m.subject in {"income", "score", "model"}}
    assert {key for key in others if measured[key].value is None} == set()
    assert measured["model", "auroc"].value == before["model", "auroc"].value
    assert measured["income", "jensen_shannon"].value == before["income", "jensen_shannon"].value


def test_feature_that_was_broken_from_the_start_is_left_out_of_the_reference_too(world):
    world.execute(BROKEN_FEATURES["text"][0])
    assert world.failures(LOANS, DAY) == ()
    measured, verdict = _results_of(world)
    assert verdict.status is VerdictStatus.CRITICAL
    assert measured["income", "jensen_shannon"].value is not None
    assert measured["age", "jensen_shannon"].status is Status.SKIPPED


@pytest.mark.parametrize("broken", [*BROKEN, *BROKEN_LABELS])
def test_broken_source_refuses_one_day_until_it_is_corrected(lived_in_world, broken):
    world = lived_in_world
    breaking, mending, culprits = (BROKEN | BROKEN_LABELS)[broken]
    refused = {"predictions", "verdict"} if broken in BROKEN else {"labels", "verdict"}
    before, (measured, verdict) = world.tables(), _results_of(world)
    world.execute(*breaking)

    failures = world.failures(LOANS, DAY)
    assert len(failures) == 1
    for part in (f"{LOANS} {DAY}", *culprits):
        assert part in failures[0]
    after = world.tables()
    for table, rows in before.items():
        assert set(rows) <= set(after[table])
        assert {(row[0], row[1]) for row in set(after[table]) - set(rows)} <= {(LOANS, DAY)}
    assert {row[2] for row in set(after["chunk_revisions"]) - set(before["chunk_revisions"])} == refused
    judged = _results_of(world)[1]
    assert judged.status is VerdictStatus.CRITICAL
    assert any(culprits[0].split()[0] in reason for reason in judged.reasons)

    assert world.failures(DELIVERIES, DAY) == ()
    of_deliveries = {table: [row for row in rows if row[0] == DELIVERIES] for table, rows in before.items()}
    assert world.tables(DELIVERIES) == of_deliveries
    world.execute(*mending)
    assert world.failures(LOANS, DAY) == ()
    assert _results_of(world) == (measured, verdict)


@pytest.mark.parametrize("broken", [*BROKEN, *MISSING])
def test_source_that_was_broken_from_the_start_fails_the_reference(world, broken):
    breaking, _, culprits = (BROKEN | MISSING)[broken]
    world.execute(*breaking)
    (failure,) = world.failures(LOANS, DAY)
    for part in culprits:
        assert part in failure
    assert world.ask("SELECT DISTINCT producer FROM chunk_revisions ORDER BY 1") == []
    assert world.ask("SELECT * FROM model_references") == []


def test_missing_warehouse_fails_the_run_and_is_named(lived_in_world):
    before = lived_in_world.tables(DELIVERIES)
    away = lived_in_world.folder / "elsewhere.duckdb"
    Path(lived_in_world.settings.warehouse).rename(away)
    (failure,) = lived_in_world.failures(LOANS, DAY)
    assert "warehouse.duckdb: no such DuckDB file" in failure
    assert "MONITORING_PIPELINE_WAREHOUSE" in failure
    away.rename(Path(lived_in_world.settings.warehouse))
    assert lived_in_world.failures(LOANS, DAY) == ()
    assert lived_in_world.tables(DELIVERIES) == before


def test_corrupt_warehouse_fails_the_run_and_is_named(lived_in_world):
    Path(lived_in_world.settings.warehouse).write_bytes(b"not a database" * 1000)
    (failure,) = lived_in_world.failures(LOANS, DAY)
    assert "warehouse.duckdb: DuckDB cannot read it: " in failure
    assert "not a valid DuckDB database" in failure


def test_locked_warehouse_fails_the_run_until_it_is_released(lived_in_world):
    # The writer is another process, because two connections of one process would share the lock.
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(Path(lived_in_world.settings.warehouse))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as writer:  # fmt: skip
        assert writer.stdout.readline() == b"open\n"
        (failure,) = lived_in_world.failures(LOANS, DAY)
        writer.stdin.close()
    assert "locked by another process" in failure
    assert lived_in_world.failures(LOANS, DAY) == ()


def test_version_without_a_reference_is_a_warning_and_an_incident(world):
    _on(world, DAY, f"UPDATE {LOANS_TABLE} SET VERSION = '2024.2' WHERE")
    assert world.failures(LOANS, DAY) == ()
    measured, verdict = _results_of(world)
    unknown = measured["versions", "rows_without_reference"]
    assert (unknown.status, unknown.value, unknown.model_version) == (Status.BREACHED, 200, "2024.2")
    assert unknown.reason == (
        "version '2024.2' made 200 of 200 predictions and has no reference, so its drift is not measured and nothing "
        "is estimated; declare its window under reference, which has '2024.1'"
    )
    assert verdict.status is VerdictStatus.WARNING
    assert verdict.reasons[0] == f"warning: operations versions rows_without_reference: {unknown.reason}"
    assert world.ask("SELECT cause, severity FROM incidents") == [("unmonitored:versions", "warning")]
    assert measured["chunk", "drifted_columns"].reason == "no version has a reference"
    assert measured["model", "auroc"].model_version == "2024.2"
    assert measured["model", "auroc"].reference_value is None
    assert "not measured: drift (1): no version has a reference" in verdict.reasons


def test_two_versions_in_one_day_are_measured_separately(world):
    _on(world, DAY, f"UPDATE {LOANS_TABLE} SET VERSION = '2024.2' WHERE \"Application ID\" LIKE '%0' AND")
    assert world.failures(LOANS, DAY) == ()
    with world.store() as store:
        auroc = {m.model_version: m for m in store.measurements(LOANS, DAY) if m.metric == ("auroc", "")}
        drift = {m.model_version for m in store.measurements(LOANS, DAY) if m.name == "jensen_shannon"}
        rows = {
            version: profile.rows for version, profile in ((p.model_version, p) for p in store.profiles(LOANS, DAY))
        }
    assert {version: m.status for version, m in auroc.items()} == {"2024.1": Status.OK, "2024.2": Status.SKIPPED}
    assert auroc["2024.2"].reason == "20 labelled rows, at least 50 needed"
    assert drift == {"2024.1"}
    assert rows == {"2024.1": 180}


def test_reference_window_without_rows_fails_the_run(world):
    world.change_spec(LOANS, reference={"2024.1": {"start": dt.date(2023, 1, 1), "end": dt.date(2023, 2, 1)}})
    (failure,) = world.failures(LOANS, DAY)
    assert f"{LOANS}: reference.2024.1: no predictions of version '2024.1' in 2023-01-01/2023-02-01" in failure
    assert world.failures(DELIVERIES, DAY) == ()
    world.change_spec(LOANS, reference={"2024.1": {"start": FIRST_ROW, "end": FIRST}})
    assert world.failures(LOANS, DAY) == ()


@pytest.mark.parametrize(("text", "reason"), [
    ("expectations: [", "not YAML"),
    ("expectations:\n- {type: expect_column_to_shine, kwargs: {column: age}}\n", "unknown 'expect_column_to_shine'"),
])  # fmt: skip
def test_broken_suite_is_a_warning_with_a_reason(world, text, reason):
    world.loaded(LOANS).suite_path.write_text(text, encoding="utf-8")
    assert world.failures(LOANS, DAY) == ()
    measured, verdict = _results_of(world)
    assert measured["chunk", "suite"].status is Status.BREACHED
    assert f"{LOANS}.suite.yaml" in str(measured["chunk", "suite"].reason)
    assert reason in str(measured["chunk", "suite"].reason)
    assert (verdict.status, verdict.skipped) == (VerdictStatus.WARNING, 0)


def test_missing_suite_is_skipped_and_its_reason_names_the_draft_command(world):
    world.loaded(LOANS).suite_path.unlink()
    assert world.failures(LOANS, DAY) == ()
    assert f"monitoring-pipeline suite draft {LOANS}" in str(_results_of(world)[0]["chunk", "suite"].reason)


def test_run_killed_between_two_chunks_keeps_finished_results_and_can_be_repeated(lived_in_world, monkeypatch):
    world, days = lived_in_world, DAYS[2:5]
    before = world.tables(LOANS)
    world.execute(f"UPDATE {LOANS_TABLE} SET age = age + 1")
    whole = assets_table.profile_predictions

    def killed(spec, chunk, **ports):
        if chunk.key == days[1]:
            raise KeyboardInterrupt
        return whole(spec, chunk, **ports)

    with monkeypatch.context() as patched:
        patched.setattr(assets_table, "profile_predictions", killed)
        assert world.failures(LOANS, days[0], days[-1]) != ()
    added = set(world.tables(LOANS)["chunk_revisions"]) - set(before["chunk_revisions"])
    read = {(day, producer) for day in days for producer in ("predictions", "labels", "estimate")}
    assert {(row[1], row[2]) for row in added} == read | {(days[0], "profile")}
    columns = "SELECT COUNT(*) FROM profiles WHERE model = :model AND chunk = :day AND revision = 2"
    assert world.ask(columns, model=LOANS, day=days[0]) == [(5,)]
    assert world.failures(LOANS, days[0], days[-1]) == ()
    assert set(world.tables(LOANS)["chunk_revisions"]) > added


def test_range_with_a_refused_day_measures_the_other_days(world, monitored):
    days = DAYS[5:8]
    chunk = world.loaded(LOANS).spec.calendar.chunk(DAY)
    of_the_day = f"\"Scored At\" >= '{chunk.start:%F %T}' AND \"Scored At\" < '{chunk.end:%F %T}'"
    world.execute(
        f"ALTER TABLE {LOANS_TABLE} RENAME TO stored",
        f"CREATE VIEW {LOANS_TABLE} AS SELECT * REPLACE "
        f"(CASE WHEN {of_the_day} THEN error('canary of a row') ELSE age END AS age) FROM stored",
    )
    (failure,) = world.failures(LOANS, days[0], days[-1])
    assert failure.startswith(f"{LOANS} {DAY}: ")
    assert "DuckDB cannot read it: InvalidInputException: a value cannot be computed" in failure
    events = [world.instance.all_logs(run.run_id) for run in world.instance.get_runs()]
    assert "InvalidInputException" in str(events)
    for kept in (str(events), str(world.tables()), str(world.ask("SELECT * FROM incidents"))):
        assert "canary of a row" not in kept
    assert _results_of(world)[1].status is VerdictStatus.CRITICAL
    for day in (days[0], days[2]):
        assert _results_of(world, day) == _results_of(monitored, day)
    world.execute(f"DROP VIEW {LOANS_TABLE}", f"ALTER TABLE stored RENAME TO {LOANS_TABLE}")
    assert world.failures(LOANS, DAY) == ()
    assert _results_of(world) == _results_of(monitored)
