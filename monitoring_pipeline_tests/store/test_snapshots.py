"""Snapshot files are named by content, written as a whole or not at all, and readable after a move."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from monitoring_pipeline.evaluation.rows.fingerprints import fingerprint
from monitoring_pipeline.ports.snapshots import OtherKeyError, SnapshotDamagedError, SnapshotMissingError
from monitoring_pipeline.store.snapshots import SnapshotFiles

ROWS = pl.DataFrame({"row_id": ["a", "b"], "wind": [1.5, None]})
OTHER_ROWS = pl.DataFrame({"row_id": ["c"], "wind": [2.5]})


def write(files, frame=ROWS, *, chunk="2013-04-22", fingerprint="abc", **parts):
    return files.write(
        frame, **({"model": "flight_delay", "kind": "predictions"} | parts), chunk=chunk, fingerprint=fingerprint
    )


def test_snapshot_is_read_as_written_and_by_columns(tmp_path):
    files = SnapshotFiles(str(tmp_path))
    uri = write(files)
    assert uri == "flight_delay/2013-04-22/predictions-abc.parquet"
    assert_frame_equal(files.read(uri), ROWS)
    assert_frame_equal(files.read(uri, ["wind"]), ROWS.select("wind"))
    assert_frame_equal(files.scan(uri).filter(pl.col("wind").is_null()).collect(), ROWS[1:])


def test_existing_snapshot_file_is_unchanged_by_a_second_write(tmp_path):
    files = SnapshotFiles(str(tmp_path))
    uri = write(files)
    before = (tmp_path / uri).stat()
    assert write(files, OTHER_ROWS) == uri
    after = (tmp_path / uri).stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert_frame_equal(files.read(uri), ROWS)


def test_snapshot_of_other_content_is_a_second_file(tmp_path):
    files = SnapshotFiles(str(tmp_path))
    first, second = write(files), write(files, OTHER_ROWS, fingerprint="def")
    assert_frame_equal(files.read(first), ROWS)
    assert_frame_equal(files.read(second), OTHER_ROWS)


def test_snapshot_is_readable_after_its_folder_moved(tmp_path):
    uri = write(SnapshotFiles(str(tmp_path / "old")))
    (tmp_path / "old").rename(tmp_path / "new")
    assert_frame_equal(SnapshotFiles(str(tmp_path / "new")).read(uri), ROWS)


def test_root_as_file_url_with_glob_characters_is_accepted(tmp_path):
    root = tmp_path / "a[1]*=b" / "c"
    files = SnapshotFiles(f"file://{root}")
    uri = write(files)
    assert (root / uri).is_file()
    assert_frame_equal(files.read(uri), ROWS)


def test_failed_write_leaves_no_file(tmp_path, monkeypatch):
    def write_half(_frame, file, **_options):
        file.write(b"PAR1")
        raise OSError("disk full")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", write_half)
    with pytest.raises(OSError, match="disk full"):
        write(SnapshotFiles(str(tmp_path)))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        ("2013-04-22", "flight_delay 2013-04-22 is gone: .*flight_delay/predictions asset of partition 2013-04-22"),
        ("2013-01-01/2013-03-01", "flight_delay 2013-01-01/2013-03-01 is gone: .*flight_delay/reference asset"),
    ],
)
@pytest.mark.parametrize("access", [SnapshotFiles.scan, SnapshotFiles.read])
def test_missing_snapshot_error_names_the_asset_that_restores_it(tmp_path, chunk, message, access):
    files = SnapshotFiles(str(tmp_path))
    uri = write(files, chunk=chunk)
    (tmp_path / uri).unlink()
    with pytest.raises(SnapshotMissingError, match=message):
        access(files, uri)
    assert write(files, chunk=chunk) == uri
    assert_frame_equal(files.read(uri), ROWS)


def test_snapshot_deleted_between_scan_and_read_is_reported_missing(tmp_path, monkeypatch):
    files = SnapshotFiles(str(tmp_path))
    uri = write(files)
    scanned = files.scan(uri)
    (tmp_path / uri).unlink()
    monkeypatch.setattr(files, "scan", lambda _uri: scanned)
    with pytest.raises(SnapshotMissingError, match="is gone"):
        files.read(uri)


@pytest.mark.parametrize("part", ["model", "chunk", "kind", "fingerprint"])
@pytest.mark.parametrize("value", ["..", ".hidden", "", "a b", "a\\b", "a\n"])
def test_snapshot_name_outside_the_root_is_refused(tmp_path, part, value):
    with pytest.raises(ValueError, match=f"{part} .* cannot name a snapshot file"):
        write(SnapshotFiles(str(tmp_path)), **{part: value})
    assert list(tmp_path.iterdir()) == []


def random_rows(seed: int = 7, rows: int = 400) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    score = random.random(rows)
    return pl.DataFrame(
        {
            "row_id": [f"{n:032x}" for n in range(rows)],
            "score": score,
            "carrier": random.choice(["AA", "BB", "CC"], rows),
            "delay": pl.Series(random.integers(0, 90, rows)).cast(pl.Int32),
            "predicted_at": pl.Series(random.integers(0, 10**15, rows)).cast(pl.Datetime("us", "UTC")),
        }
    )


def flipped(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def unsealed(path: Path, frame: pl.DataFrame) -> None:
    """Write a file as earlier versions did."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path, compression="lz4", row_group_size=50_000)


# Without a seal some bytes have no effect on any value, and a flipped name of the seal leaves the file without one.
@pytest.mark.parametrize(("is_sealed", "least"), [(True, 145), (False, 100)])
def test_no_flipped_bit_is_read_as_another_value(tmp_path, is_sealed, least):
    rows = random_rows()
    content = fingerprint(rows)
    uri = write(SnapshotFiles(str(tmp_path)), rows, fingerprint=content)
    if not is_sealed:
        unsealed(tmp_path / uri, rows)
    whole = (tmp_path / uri).read_bytes()
    damaged = 0
    for bit in np.random.default_rng(17).integers(0, 8 * len(whole), 150):
        (tmp_path / uri).write_bytes(whole)
        flipped(tmp_path / uri, int(bit))
        try:
            read = SnapshotFiles(str(tmp_path)).read(uri)
        except SnapshotDamagedError:
            damaged += 1
        else:
            assert_frame_equal(read, rows)
    assert damaged >= least


def test_snapshot_of_another_day_under_this_name_is_damage(tmp_path):
    files = SnapshotFiles(str(tmp_path))
    uri, other = write(files), write(files, OTHER_ROWS, chunk="2013-04-23")
    shutil.copy(tmp_path / other, tmp_path / uri)
    with pytest.raises(SnapshotDamagedError, match="its bytes are not those that were written"):
        files.read(uri)


def test_cut_and_empty_snapshots_are_damage(tmp_path):
    files = SnapshotFiles(str(tmp_path))
    uri = write(files)
    whole = (tmp_path / uri).read_bytes()
    for size in (0, 7, 12, len(whole) // 2, len(whole) - 1):
        (tmp_path / uri).write_bytes(whole[:size])
        with pytest.raises(SnapshotDamagedError):
            files.scan(uri)


def test_damaged_snapshot_is_written_anew(tmp_path):
    files = SnapshotFiles(str(tmp_path))
    uri = write(files)
    whole = (tmp_path / uri).read_bytes()
    flipped(tmp_path / uri, 99)
    assert write(files) == uri
    assert (tmp_path / uri).read_bytes() == whole
    assert_frame_equal(files.read(uri), ROWS)


def test_snapshot_of_an_earlier_version_is_read_and_checked_again_when_it_changes(tmp_path):
    rows = random_rows()
    uri = f"flight_delay/2013-04-22/predictions-{fingerprint(rows)}.parquet"
    unsealed(tmp_path / uri, rows)
    files = SnapshotFiles(str(tmp_path))
    assert_frame_equal(files.read(uri, ["score"]), rows.select("score"))
    unsealed(tmp_path / uri, rows.with_columns(pl.col("score") + 1e-9))
    with pytest.raises(SnapshotDamagedError, match="its rows are not those that were written"):
        files.read(uri, ["carrier"])


def test_snapshot_without_rights_is_no_damage(tmp_path, monkeypatch):
    files = SnapshotFiles(str(tmp_path))
    uri = write(files)

    def refused(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(PermissionError):
        files.read(uri)


def test_snapshots_of_one_root_are_written_with_one_key(tmp_path):
    uri = write(SnapshotFiles(str(tmp_path), b"one"))
    before = {path.name for path in tmp_path.rglob("*")}
    with pytest.raises(OtherKeyError, match="written with another id key: set MONITORING_PIPELINE_ID_KEY") as refused:
        write(SnapshotFiles(str(tmp_path), b"two"), ROWS.head(1), fingerprint="f" * 32)
    assert str(tmp_path / "id_key.parquet") in str(refused.value)
    assert {path.name for path in tmp_path.rglob("*")} == before
    assert write(SnapshotFiles(str(tmp_path), b"one")) == uri
    (tmp_path / "id_key.parquet").unlink()
    assert write(SnapshotFiles(str(tmp_path), b"two")) == uri


def test_fingerprint_of_the_key_is_not_the_key(tmp_path):
    write(SnapshotFiles(str(tmp_path), b"a key of one's own"))
    content = (tmp_path / "id_key.parquet").read_bytes()
    assert b"a key of" not in content
    assert hashlib.blake2b(key=b"a key of one's own", person=b"id key", digest_size=8).hexdigest().encode() in content
