"""Contents of the store after replacing results, on both databases."""

import contextlib
import dataclasses
import datetime as dt
import gc

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.reference import Reference, reference_document
from monitoring_pipeline.evaluation.results import Snapshot
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.records.measurement import Kind, Measurement, Provenance, Status, Verdict, VerdictStatus
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS

DAY = "2013-04-22"


def psi(value: float, subject: str = "wind") -> Measurement:
    return Measurement(kind=Kind.DRIFT, subject=subject, name="psi", model_version="1", value=value)


def verdict(status: VerdictStatus) -> Verdict:
    return Verdict(status=status, reasons=(), measured=1, breaches=0, skipped=0)


def rows_in(store, table):
    return store.query(f"SELECT * FROM {table}", {})[1]


def test_results_with_every_field_are_read_as_written(store, full_results, measured_at):
    store.replace(full_results, run_id="run", measured_at=measured_at)
    assert store.measurements("flight_delay", DAY) == list(full_results.measurements)
    assert store.profiles("flight_delay", DAY, "drift") == full_results.profiles
    assert store.verdict("flight_delay", DAY) == full_results.verdict
    assert store.snapshot("flight_delay", DAY, "predictions") == full_results.snapshot
    assert store.provenance("flight_delay", DAY, full_results.producer) == full_results.provenance


def test_times_of_any_zone_are_read_in_utc(store, make_results, measured_at):
    latest_at = dt.datetime(2013, 4, 22, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-4)))
    snapshot = Snapshot(kind="labels", uri="u", fingerprint="f", rows=1, latest_at=latest_at)
    store.replace(make_results(snapshot=snapshot), run_id="run", measured_at=measured_at)
    stored = store.snapshot("flight_delay", DAY, "labels").latest_at
    assert stored.isoformat() == "2013-04-23T03:30:00+00:00"


def test_numpy_numbers_are_stored_as_numbers(store, make_results, measured_at):
    measured = dataclasses.replace(psi(0.0), value=np.float64(0.1), lower=np.float32(0.5), rows=np.int64(7))
    store.replace(make_results(DAY, measured), run_id="run", measured_at=measured_at)
    [stored] = store.measurements("flight_delay", DAY)
    assert (stored.value, stored.lower, stored.rows) == (0.1, 0.5, 7)


def test_empty_store_has_no_results(store):
    assert store.measurements("flight_delay", DAY) == []
    assert store.profiles("flight_delay", DAY) == ()
    assert store.verdict("flight_delay", DAY) is None
    assert store.verdicts("flight_delay") == {}
    assert store.snapshot("flight_delay", DAY, "labels") is None
    assert store.snapshots("flight_delay", "labels") == {}
    assert store.provenance("flight_delay", DAY, "drift") is None
    assert store.reference_document("flight_delay", "1") is None


def test_equal_provenance_keeps_the_revision_and_leaves_no_duplicates(store, full_results, measured_at):
    revisions = [store.replace(full_results, run_id=run, measured_at=measured_at) for run in ("a", "b")]
    assert revisions == [1, 1]
    assert store.measurements("flight_delay", DAY) == list(full_results.measurements)
    counts = {"chunk_revisions": 1, "measurements": 2, "profiles": 3, "verdicts": 1, "snapshots": 1}
    assert {table: len(rows_in(store, table)) for table in counts} == counts
    assert store.query("SELECT DISTINCT run_id FROM measurements", {})[1] == [("b",)]


@pytest.mark.parametrize("changed", ["spec_hash", "reference_hash", "input_fingerprint", "code_version"])
def test_changed_provenance_makes_a_revision_and_keeps_the_old(store, make_results, measured_at, changed):
    first = make_results(DAY, psi(0.1))
    provenance = dataclasses.replace(first.provenance, **{changed: "new"})
    second = dataclasses.replace(first, provenance=provenance, measurements=(psi(0.2),))
    assert [store.replace(r, run_id="run", measured_at=measured_at) for r in (first, second)] == [1, 2]
    assert store.measurements("flight_delay", DAY) == [psi(0.2)]
    assert store.provenance("flight_delay", DAY, "drift") == provenance
    all_values = store.query("SELECT revision, value FROM measurements ORDER BY revision", {})[1]
    assert all_values == [(1, 0.1), (2, 0.2)]
    assert store.query("SELECT revision, value FROM current_measurements", {})[1] == [(2, 0.2)]


def test_return_to_old_inputs_makes_a_new_revision(store, make_results, measured_at):
    results = [make_results(DAY, psi(0.1), input_fingerprint=name) for name in ("x", "y", "x")]
    assert [store.replace(r, run_id="run", measured_at=measured_at) for r in results] == [1, 2, 3]


def test_new_revision_without_facts_hides_the_old_facts(store, full_results, make_results, measured_at):
    store.replace(full_results, run_id="run", measured_at=measured_at)
    empty = make_results(DAY, producer=full_results.producer, input_fingerprint="nothing left")
    assert store.replace(empty, run_id="run", measured_at=measured_at) == 2
    assert store.measurements("flight_delay", DAY) == []
    assert store.profiles("flight_delay", DAY) == ()
    assert store.verdict("flight_delay", DAY) is None
    assert store.snapshots("flight_delay", "predictions") == {}
    for view in ("current_measurements", "current_profiles", "current_verdicts"):
        assert rows_in(store, view) == []
    assert len(rows_in(store, "measurements")) == 2


def test_replacing_affects_no_other_producer_chunk_or_model(store, make_results, measured_at):
    everything = [
        make_results(day, psi(value), model=model, producer=producer)
        for value, (day, model, producer) in enumerate(
            (day, model, producer)
            for day in (DAY, "2013-04-23")
            for model in ("flight_delay", "arrival_delay")
            for producer in ("drift", "performance")
        )
    ]
    for results in everything:
        store.replace(results, run_id="run", measured_at=measured_at)
    store.replace(make_results(DAY, psi(99), input_fingerprint="new"), run_id="run", measured_at=measured_at)
    assert store.measurements("flight_delay", DAY, "drift") == [psi(99)]
    assert store.measurements("flight_delay", DAY) == [psi(99), psi(1)]
    for results in everything[1:]:
        stored = store.measurements(results.chunk.model, results.chunk.key, results.producer)
        assert stored == list(results.measurements)


@pytest.mark.parametrize("input_fingerprint", ["input-1", "input-2"], ids=["same revision", "new revision"])
def test_failed_replacement_leaves_the_old_rows(store, full_results, measured_at, input_fingerprint):
    store.replace(full_results, run_id="run", measured_at=measured_at)
    before = {table: rows_in(store, table) for table in ("chunk_revisions", "measurements", "profiles", "snapshots")}
    # The snapshot is written last and its time cannot be stored.
    broken = dataclasses.replace(
        full_results,
        provenance=dataclasses.replace(full_results.provenance, input_fingerprint=input_fingerprint),
        measurements=(psi(0.5),),
        snapshot=dataclasses.replace(full_results.snapshot, latest_at=measured_at.replace(tzinfo=None)),
    )
    with pytest.raises(exc.StatementError, match="2013-05-01 10:00:00 has no time zone"):
        store.replace(broken, run_id="broken", measured_at=measured_at)
    assert {table: rows_in(store, table) for table in before} == before


def test_histories_are_in_chunk_order_without_reference_windows(store, make_results, measured_at):
    window = make_results(DAY, psi(9))
    window = dataclasses.replace(window, chunk=dataclasses.replace(window.chunk, key="2013-04-20/2013-04-23"))
    days = ("2013-04-23", "2013-04-21", "2013-04-22", "2013-04-24")
    several = [make_results(day, psi(int(day[-2:])), psi(0, "chunk")) for day in days]
    for results in (window, *several):
        store.replace(results, run_id="run", measured_at=measured_at)
    found = store.chunk_measurements("flight_delay", [MetricName("psi")], "2013-04-21", "2013-04-23")
    assert [(chunk, m.value) for chunk, m in found if m.subject == "wind"] == [
        ("2013-04-21", 21),
        ("2013-04-22", 22),
        ("2013-04-23", 23),
    ]
    assert store.chunk_measurements("flight_delay", None, "2013-04-21", "2013-04-23") == found
    assert store.chunk_measurements("flight_delay", [MetricName("ks")], "2013-04-21", "2013-04-23") == []
    assert store.measurements("flight_delay", "2013-04-20/2013-04-23") == [psi(9)]


def test_measurements_of_several_chunks_are_chosen_by_kind_status_and_subject(monitored):
    with monitored.store() as store:
        everything = store.chunk_measurements(LOANS, None, DAYS[0], DAYS[-1])
        for kinds, statuses, subject in (
            ([Kind.PERFORMANCE, Kind.DRIFT], None, None),
            (None, [Status.BREACHED], None),
            ([Kind.DRIFT], [Status.OK, Status.BREACHED], "income"),
            ([], None, None),
        ):
            found = store.chunk_measurements(
                LOANS, None, DAYS[0], DAYS[-1], kinds=kinds, statuses=statuses, subject=subject
            )
            assert found == [
                (key, m)
                for key, m in everything
                if (kinds is None or m.kind in kinds)
                and (statuses is None or m.status in statuses)
                and (subject is None or m.subject == subject)
            ]
            assert bool(found) is (kinds != [])


def test_verdicts_and_snapshots_of_all_chunks_are_in_chunk_order(store, make_results, measured_at):
    judged = {"2013-04-21": VerdictStatus.OK, "2013-04-22": VerdictStatus.CRITICAL}
    labels = {day: Snapshot(kind="labels", uri=day, fingerprint="f", rows=3) for day in judged}
    for day in reversed(judged):
        for results in (
            make_results(day, producer="verdict", verdict=verdict(judged[day])),
            make_results(day, producer="labels", snapshot=labels[day]),
            make_results(day, producer="predictions", snapshot=dataclasses.replace(labels[day], kind="predictions")),
        ):
            store.replace(results, run_id="run", measured_at=measured_at)
    assert list(store.verdicts("flight_delay").items()) == [(d, verdict(s)) for d, s in judged.items()]
    assert list(store.snapshots("flight_delay", "labels").items()) == list(labels.items())


def reference(**parts) -> Reference:
    profile = ChunkProfile("1", rows=10, columns=())
    made = {"bins": {}, "profile": profile, "performance": (), "labelled_rows": 9}
    return Reference(model="flight_delay", model_version="1", window="2013-01-01/2013-03-01", **made | parts)


def test_saved_reference_is_current_and_saving_again_changes_nothing(store, measured_at):
    start, end = measured_at, measured_at + dt.timedelta(days=59)
    provenance = Provenance(spec_hash="spec", reference_hash="", input_fingerprint="input", code_version="0")

    def save(made: Reference, run_id: str = "run") -> None:
        chunk = Chunk("flight_delay", made.window, start, end)
        store.save_reference(made, provenance, chunk, origin=Origin(run_id=run_id, at=measured_at))

    a, b = reference(), reference(labelled_rows=8)
    save(a)
    assert store.reference_document("flight_delay", "1") == reference_document(a)
    save(b)
    assert store.reference_document("flight_delay", "1") == reference_document(b)
    before = rows_in(store, "model_references")
    save(b, run_id="again")
    assert sorted(rows_in(store, "model_references")) == sorted(before)
    save(a)
    assert store.reference_document("flight_delay", "1") == reference_document(a)
    current = store.query("SELECT reference_hash, run_id FROM model_references WHERE is_current", {})[1]
    assert current == [(a.reference_hash, "run")]
    assert store.reference_document("flight_delay", "2") is None


def test_saved_reference_has_the_columns_that_queries_read(store, measured_at):
    made = reference(profile=ChunkProfile("1", rows=7, columns=()))
    chunk = Chunk("flight_delay", made.window, measured_at, measured_at + dt.timedelta(days=59))
    provenance = Provenance(spec_hash="s", reference_hash="r", input_fingerprint="i", code_version="c")
    store.save_reference(made, provenance, chunk, origin=Origin(run_id="run", at=measured_at))
    columns = "model, model_version, reference_hash, document, spec_hash, input_fingerprint, rows, run_id"
    assert store.query(f"SELECT {columns} FROM model_references", {})[1] == [
        ("flight_delay", "1", made.reference_hash, reference_document(made), "s", "i", 7, "run")
    ]


def test_query_that_writes_is_refused(store, make_results, measured_at):
    store.replace(make_results(DAY, psi(0.1)), run_id="run", measured_at=measured_at)
    for statement in ("DELETE FROM measurements", "DROP TABLE measurements"):
        with pytest.raises(exc.DBAPIError, match=r"(?i)read.?only"):
            store.query(statement, {})
    store.replace(make_results(DAY, psi(0.2)), run_id="run", measured_at=measured_at)
    columns, rows = store.query("SELECT chunk, value FROM measurements WHERE model = :model", {"model": "flight_delay"})
    assert (columns, rows) == (["chunk", "value"], [(DAY, 0.2)])


def test_query_that_sets_a_pragma_lets_no_later_query_write(store, store_url, full_results, measured_at):
    if not store_url.startswith("sqlite"):
        pytest.skip("PostgreSQL has no pragmas")
    store.replace(full_results, run_id="run", measured_at=measured_at)
    with contextlib.suppress(exc.ResourceClosedError):
        # It returns no rows.
        store.query("PRAGMA query_only = OFF", {})
    with pytest.raises(exc.DBAPIError, match="readonly"):
        store.query("DELETE FROM measurements", {})
    assert store.measurements(full_results.chunk.model, full_results.chunk.key)
    store.replace(full_results, run_id="again", measured_at=measured_at)


def test_open_store_is_closed_by_garbage_collection(tmp_path):
    store = ResultStore.open(f"sqlite:///{tmp_path}/results.sqlite")
    assert (tmp_path / "results.sqlite-wal").exists()
    del store
    gc.collect()
    # SQLite removes its log with the last connection.
    assert not (tmp_path / "results.sqlite-wal").exists()


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "mysql+pymysql://u:secret@host/db", "duckdb:///a.db"]
)
def test_other_database_is_refused_without_showing_the_password(url):
    with pytest.raises(ValueError, match=r"SQLite file.*PostgreSQL") as refused:
        ResultStore.open(url)
    assert "secret" not in str(refused.value)


def test_sqlite_is_in_wal_mode_with_a_long_busy_timeout(tmp_path):
    with ResultStore.open(f"sqlite:///{tmp_path}/new/folder/results.sqlite") as store:
        pragmas = [store.query(f"PRAGMA {name}", {})[1] for name in ("journal_mode", "busy_timeout", "synchronous")]
    assert pragmas == [[("wal",)], [(30_000,)], [(1,)]]


def test_postgresql_tables_are_in_the_schema_monitoring(store, store_url):
    if not store_url.startswith("postgresql"):
        pytest.skip("SQLite has no schemas")
    tables = "SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    assert store.query(tables, {})[1] == [("monitoring",)]
    assert sa.make_url(store_url).drivername == "postgresql"


@pytest.mark.parametrize("part", ["a[b", "a]", "]", "recall[a]", "a=b", "\n", "漢", "x]#2"])
def test_recall_of_a_class_named_with_brackets_is_stored_and_read_back(part, store, make_results, measured_at):
    recall = Measurement(
        kind=Kind.PERFORMANCE, subject="model", name="recall", of=part, model_version="1", value=0.5, rows=9
    )
    store.replace(make_results(DAY, recall), run_id="run", measured_at=measured_at)
    assert store.measurements("flight_delay", DAY) == [recall]
    assert store.query("SELECT name FROM current_measurements", {})[1] == [(f"recall[{part}]",)]
    assert store.chunk_measurements("flight_delay", [recall.metric], DAY, DAY) == [(DAY, recall)]
    assert store.chunk_measurements("flight_delay", [MetricName("recall")], DAY, DAY) == []
