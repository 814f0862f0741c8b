"""Damaged and missing snapshots: their rows are read again, or it is said what is lost; no number changes."""

import datetime as dt
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

from monitoring_pipeline.composition import open_outside
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.ports.snapshots import SnapshotLostError
from monitoring_pipeline.records.measurement import Severity, Status
from monitoring_pipeline.records.producer import reference_producer
from monitoring_pipeline.steps.chunk.labels import take_labels
from monitoring_pipeline.steps.inputs import LABELS, PREDICTIONS
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, SPECS, World

DAY = DAYS[2]
REFERENCE = "2024-03-15/2024-03-25"
OF_LOANS = reference_producer("2024.1")
SEEN = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
KINDS = {PREDICTIONS: DAY, LABELS: DAY, OF_LOANS: REFERENCE}


@pytest.fixture
def kept(lived_in_world: World) -> World:
    """A monitored world of its own."""
    return lived_in_world


def pointer(world: World, kind: str, chunk: str, model: str = LOANS) -> Snapshot:
    with world.store() as store:
        found = store.snapshot(model, chunk, kind)
    assert found is not None
    return found


def path_of(world: World, kind: str, chunk: str) -> Path:
    return Path(world.settings.snapshots) / pointer(world, kind, chunk).uri


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)


FAULTS = {"damaged": damage, "gone": Path.unlink}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_unusable_snapshot_is_read_again_and_written_as_it_was(kept, kind, fault, caplog):
    path, uri = path_of(kept, kind, KINDS[kind]), pointer(kept, kind, KINDS[kind]).uri
    before, rows = path.read_bytes(), SnapshotFiles(kept.settings.snapshots).read(uri)
    FAULTS[fault](path)
    with open_outside(kept.settings) as outside:
        assert_frame_equal(outside.snapshots.read(uri), rows)
    assert path.read_bytes() == before
    assert "are those that were judged" in caplog.text


def test_late_labels_on_a_damaged_snapshot_change_no_number(kept):
    tables = kept.tables()
    for kind, chunk in KINDS.items():
        damage(path_of(kept, kind, chunk))
    assert kept.failures(LOANS, DAY) == ()
    assert kept.tables() == tables


@pytest.mark.parametrize(
    ("kind", "change", "lost"),
    [
        (PREDICTIONS, 'UPDATE "Loan Scores" SET "Annual Income" = "Annual Income" + 1', "its performance with later"),
        (LABELS, "DELETE FROM Outcomes WHERE hash(Ref) % 5 = 0", "its performance, segments"),
        (PREDICTIONS, 'DROP TABLE "Loan Scores"', "its performance with later"),
        (OF_LOANS, 'UPDATE "Loan Scores" SET "Annual Income" = "Annual Income" + 1', "splits of changes"),
    ],
)
def test_what_is_lost_is_said_where_the_warehouse_has_changed(kept, kind, change, lost):
    path, uri = path_of(kept, kind, KINDS[kind]), pointer(kept, kind, KINDS[kind]).uri
    damage(path)
    as_damaged = path.read_bytes()
    kept.execute(change)
    with open_outside(kept.settings) as outside, pytest.raises(SnapshotLostError) as raised:
        outside.snapshots.scan(uri)
    message = str(raised.value)
    assert lost in message
    assert LOANS in message
    assert KINDS[kind] in message
    assert str(path) in message
    assert path.read_bytes() == as_damaged


def taken(world: World, as_of: dt.datetime) -> ChunkResults:
    """Read the labels of the day, and store them."""
    with open_outside(world.settings) as outside:
        results = take_labels(world.loaded(LOANS).spec, world.loaded(LOANS).spec.calendar.chunk(DAY), as_of, outside)
        outside.store.replace(results, run_id="test", measured_at=as_of)
    return results


@pytest.fixture
def seen_twice(kept: World) -> World:
    """A world whose labels have no times, and were seen a half at a time."""
    kept.change_spec(LOANS, labels=SPECS[LOANS]["labels"] | {"known_at": None})
    kept.execute(
        "CREATE TABLE whole AS SELECT * FROM Outcomes", "DELETE FROM Outcomes WHERE hash(Ref) % 2 = 0",
    )  # fmt: skip
    taken(kept, SEEN)
    kept.execute("CREATE OR REPLACE TABLE Outcomes AS SELECT * FROM whole")
    taken(kept, SEEN + dt.timedelta(days=1))
    return kept


def test_times_at_which_labels_were_first_seen_are_taken_from_the_snapshot_before(seen_twice):
    uri = pointer(seen_twice, LABELS, DAY).uri
    rows = SnapshotFiles(seen_twice.settings.snapshots).read(uri)
    assert rows["known_at"].max() == SEEN + dt.timedelta(days=1)
    damage(path_of(seen_twice, LABELS, DAY))
    with open_outside(seen_twice.settings) as outside:
        assert_frame_equal(outside.snapshots.read(uri), rows)


def test_lost_times_of_labels_are_a_measurement_and_do_not_stop_the_day(seen_twice):
    with seen_twice.store() as store:
        kept = store.kept_rows(LOANS, pointer(seen_twice, LABELS, DAY).uri)
    assert kept is not None
    for each in (kept.snapshot, *kept.before):
        (Path(seen_twice.settings.snapshots) / each.uri).unlink()
    results = taken(seen_twice, SEEN + dt.timedelta(days=2))
    (lost,) = [m for m in results.measurements if m.name == "labels_first_seen"]
    assert (lost.status, lost.severity) == (Status.SKIPPED, Severity.WARNING)
    assert "are lost, so that they count as seen now" in str(lost.reason)
    assert "labels_first_seen" not in {m.name for m in taken(seen_twice, SEEN + dt.timedelta(days=3)).measurements}
