"""Snapshot files are named by content, written as a whole or not at all, and readable after a move."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from monitoring_pipeline.store.snapshots import SnapshotFiles, SnapshotMissingError

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
