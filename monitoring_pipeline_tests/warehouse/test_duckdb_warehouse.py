"""Properties of a DuckDB file only: its lock, its types, and that reading changes no file."""

import datetime as dt
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import duckdb
import polars as pl
import pytest

from monitoring_pipeline.evaluation.rows.errors import SourceUnreachableError
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.duckdb import warehouse as duckdb_warehouse
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.errors import (
    UnreadableWarehouseError,
    WarehouseFailedError,
    WarehouseLockedError,
    WarehouseMissingError,
)

SpecMaker = Callable[..., ModelSpec]

SCORES = "CREATE TABLE scores (id VARCHAR, made_at TIMESTAMP, age INTEGER, score DOUBLE)"
TRUTHS = "CREATE TABLE truths (id VARCHAR, churned BOOLEAN, known_at TIMESTAMP)"
LATER = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)


def write(path: Path, *statements: str) -> None:
    with duckdb.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)


@contextmanager
def locked(path: Path) -> Iterator[Callable[[], None]]:
    """Hold the file's lock in another process; yield a function that releases it."""
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(flush=True); sys.stdin.read(); c.close()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        holder.stdout.readline()
        yield holder.stdin.close


def test_read_of_a_locked_file_waits_and_logs_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "warehouse.duckdb"
    write(path, SCORES)
    with locked(path) as release, caplog.at_level(logging.WARNING):
        timer = threading.Timer(0.3, release)
        timer.start()
        assert "id" in DuckDBWarehouse(path).columns("scores")
        timer.join()
    assert f"{path}: locked by another process" in caplog.text


def test_wait_for_the_lock_ends_at_the_timeout_and_is_logged_every_ten_seconds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "warehouse.duckdb"
    write(path, SCORES)
    slept: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: 1000.0 + sum(slept), sleep=slept.append)
    monkeypatch.setattr(duckdb_warehouse, "time", clock)
    with locked(path), caplog.at_level(logging.WARNING), pytest.raises(WarehouseLockedError) as raised:
        DuckDBWarehouse(path, lock_timeout_seconds=35).columns("scores")
    assert sum(slept) == pytest.approx(35)
    assert len(caplog.records) == 4
    for part in (str(path), "waited 35.0 seconds", "lock_timeout_seconds", "PID"):
        assert part in str(raised.value)


def test_lock_timeout_of_zero_raises_at_once(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    write(path, SCORES)
    with locked(path), pytest.raises(WarehouseLockedError):
        DuckDBWarehouse(path, lock_timeout_seconds=0).columns("scores")


def test_file_that_is_no_database_raises_without_retry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock on file.duckdb"
    path.write_text("no database " * 1000)
    monkeypatch.setattr(duckdb_warehouse, "time", SimpleNamespace(monotonic=lambda: 0.0))
    with pytest.raises(UnreadableWarehouseError, match=r"lock on file\.duckdb.*not a valid DuckDB database"):
        DuckDBWarehouse(path).columns("scores")


@pytest.mark.parametrize(("source", "is_away"), [
    ("read_parquet('kept.parquet')", True),
    ("gone", True),
    ("(SELECT CAST(id AS INTEGER) AS id, made_at, age, score FROM kept)", False),
    ("(SELECT error('disk on fire') AS id, made_at, age, score FROM kept)", False),
])  # fmt: skip
def test_missing_source_of_a_view_is_unreachable_and_refused_rows_are_not(
    tmp_path: Path, make_spec: SpecMaker, source: str, *, is_away: bool
) -> None:
    path = tmp_path / "warehouse.duckdb"
    parquet = tmp_path / "kept.parquet"
    write(
        path,
        SCORES.replace("scores", "kept") + "; INSERT INTO kept VALUES ('a', '2013-06-02', 1, 0)",
        SCORES.replace("scores", "gone"),
        f"COPY kept TO '{parquet}'",
        f"CREATE VIEW scores AS FROM {source.replace('kept.parquet', str(parquet))}",
        "DROP TABLE gone",
    )
    parquet.unlink()
    spec = make_spec(predictions={"table": "scores"})
    with pytest.raises(UnreadableWarehouseError) as raised:
        DuckDBWarehouse(path).read_predictions(spec, spec.calendar.chunk("2013-06-02"))
    assert isinstance(raised.value, SourceUnreachableError) is is_away


def test_error_about_a_missing_file_names_path_and_variable(tmp_path: Path) -> None:
    path = tmp_path / "nowhere.duckdb"
    with pytest.raises(WarehouseMissingError, match="MONITORING_PIPELINE_WAREHOUSE") as raised:
        DuckDBWarehouse(path).columns("scores")
    assert str(path) in str(raised.value)
    assert not path.exists()


def test_reading_changes_no_file_and_spills_elsewhere(tmp_path: Path, make_spec: SpecMaker) -> None:
    path = tmp_path / "warehouse.duckdb"
    write(
        path,
        f"{SCORES}; INSERT INTO scores VALUES ('a', '2013-06-02', 1, 0)",
        f"{TRUTHS}; INSERT INTO truths VALUES ('a', true, '2013-06-02')",
        "CREATE VIEW settings AS SELECT *, current_setting('temp_directory') AS spill FROM scores",
    )
    before = path.read_bytes()
    warehouse = DuckDBWarehouse(path)
    spec = make_spec(predictions={"table": "settings"}, features={"spill": "categorical"})
    chunk = spec.calendar.chunk("2013-06-02")

    spill = warehouse.read_predictions(spec, chunk).frame["spill"].item()
    warehouse.read_labels(spec, chunk, LATER)
    warehouse.label_states(spec, [chunk], LATER)

    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    assert tmp_path not in Path(spill).parents


def test_file_replaced_between_calls_is_read_again(tmp_path: Path) -> None:
    path, successor = tmp_path / "warehouse.duckdb", tmp_path / "successor.duckdb"
    write(path, "CREATE TABLE scores (old INTEGER)")
    write(successor, "CREATE TABLE scores (young INTEGER)")
    warehouse = DuckDBWarehouse(path)
    assert warehouse.columns("scores") == {"old": "INTEGER"}
    successor.replace(path)
    assert warehouse.columns("scores") == {"young": "INTEGER"}


@pytest.mark.parametrize("name", ["main", "ml", "scores"])
def test_file_with_the_name_of_a_schema_or_table_is_readable(tmp_path: Path, make_spec: SpecMaker, name: str) -> None:
    path, draft = tmp_path / f"{name}.duckdb", tmp_path / "draft.duckdb"
    write(draft, "CREATE SCHEMA ml", SCORES, SCORES.replace("scores", "ml.scores"))
    draft.rename(path)
    for table in ("scores", "ml.scores"):
        spec = make_spec(predictions={"table": table})
        assert DuckDBWarehouse(path).read_predictions(spec, spec.calendar.chunk("2013-06-02")).frame.is_empty()


@pytest.mark.parametrize(
    ("time_type", "last_before"),
    [("TIMESTAMP_S", "23:59:59"), ("TIMESTAMP_MS", "23:59:59.999"), ("TIMESTAMP_NS", "23:59:59.999999999")],
)
def test_timestamps_of_every_precision_belong_to_the_right_chunk(
    tmp_path: Path, make_spec: SpecMaker, time_type: str, last_before: str
) -> None:
    path = tmp_path / "warehouse.duckdb"
    write(
        path,
        SCORES.replace("TIMESTAMP", time_type),
        TRUTHS.replace("TIMESTAMP", time_type),
        f"INSERT INTO scores VALUES ('early', '2013-06-01 {last_before}', 1, 0), ('first', '2013-06-02', 1, 0),"
        f" ('last', '2013-06-02 {last_before}', 1, 0), ('after', '2013-06-03', 1, 0)",
        f"INSERT INTO truths VALUES ('first', true, '2013-06-03 {last_before}')",
    )
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")
    warehouse = DuckDBWarehouse(path)
    assert sorted(warehouse.read_predictions(spec, chunk).frame["row_id"]) == ["first", "last"]
    counts = warehouse.label_states(spec, [chunk], LATER)
    assert counts[chunk.key].latest_at == warehouse.read_labels(spec, chunk, LATER).frame["known_at"].item()


def test_enums_and_huge_integers_are_readable(tmp_path: Path, make_spec: SpecMaker) -> None:
    path = tmp_path / "warehouse.duckdb"
    write(
        path,
        "CREATE TABLE scores AS SELECT 1 AS id, TIMESTAMP '2013-06-02' AS made_at, 0.5::FLOAT AS score,"
        " sum(3) AS total, 'red'::ENUM ('red', 'green') AS colour",
    )
    spec = make_spec(features={"total": "numeric", "colour": "categorical"})
    frame = DuckDBWarehouse(path).read_predictions(spec, spec.calendar.chunk("2013-06-02")).frame
    assert frame.select("total", "colour").rows() == [(3.0, "red")]


def test_folder_in_place_of_a_file_names_the_url_of_files(tmp_path: Path) -> None:
    with pytest.raises(WarehouseMissingError, match=f"a folder of files is written files://{tmp_path}"):
        DuckDBWarehouse(tmp_path).columns("scores")


def test_file_of_rows_in_place_of_a_database_names_the_url_of_files(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    pl.DataFrame({"id": [1]}).write_parquet(path)
    with pytest.raises(WarehouseFailedError, match=f"a file of rows, such as Parquet, is written files://{path}"):
        DuckDBWarehouse(path).columns("rows")
