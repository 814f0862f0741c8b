"""The cost of a chunk does not grow with the history of tables of files: the bytes of rows that are read are counted.

DuckDB's own counts of scanned rows and bytes are estimates for Parquet.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import polars as pl
import pytest
from fsspec.implementations.local import LocalFileSystem

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.files.places import place_of
from monitoring_pipeline.warehouse.engines.files.tables import FileTables
from monitoring_pipeline.warehouse.sql.duckdb_dialect import DUCKDB
from monitoring_pipeline.warehouse.sql.queries import Query
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.lake_tables import (
    delete_in_delta,
    delete_positions,
    iceberg_catalog,
    make_iceberg,
)
from monitoring_pipeline_tests.warehouse.test_flat_cost import (
    ROW_GROUP,
    ROWS_A_DAY,
    TWO_MONTHS,
    TWO_YEARS,
    queries,
    statements,
)

ROWS_A_FILE = 20 * ROWS_A_DAY
DELETED = range(7)
UNBOUNDED = "a column of the whole table"
MOST_FURTHER = 0.05
"""The largest share of further bytes that may be read: a count of null reads the heads of all pages."""

Write = Callable[[Mapping[str, pl.DataFrame], Path], None]


def _parquet_folders(tables: Mapping[str, pl.DataFrame], lake: Path) -> None:
    for name, frame in tables.items():
        (lake / name).mkdir()
        for n, rows in enumerate(frame.iter_slices(ROWS_A_FILE)):
            rows.write_parquet(lake / name / f"{n:03}.parquet")


def _parquet_files(tables: Mapping[str, pl.DataFrame], lake: Path) -> None:
    for name, frame in tables.items():
        frame.write_parquet(lake / f"{name}.parquet", row_group_size=ROW_GROUP)


def _days(tables: Mapping[str, pl.DataFrame], lake: Path) -> None:
    """Write a folder for each day; it is the only place that has the time."""
    for name, frame in tables.items():
        time = "made_at" if name == "scores" else "known_at"
        for (day,), rows in frame.group_by(time):
            (lake / name / f"{time}={day}").mkdir(parents=True)
            rows.drop(time).write_parquet(lake / name / f"{time}={day}" / "rows.parquet")


def _delta(tables: Mapping[str, pl.DataFrame], lake: Path) -> None:
    for name, frame in tables.items():
        for rows in frame.iter_slices(ROWS_A_FILE):
            deltalake.write_deltalake(lake / name, rows.to_arrow(), mode="append")
        delete_in_delta(lake / name, {".parquet": DELETED})


def _iceberg(tables: Mapping[str, pl.DataFrame], lake: Path) -> None:
    with iceberg_catalog(f"file://{lake}") as catalog:
        for name, frame in tables.items():
            properties = {"write.parquet.row-group-limit": str(ROW_GROUP)}
            table = make_iceberg(catalog, f"file://{lake}/{name}", frame, properties=properties)
            (path,) = [task.file.file_path for task in table.scan().plan_files()]
            delete_positions(table, path, DELETED)


def _tables(kind: str, days: int) -> dict[str, pl.DataFrame]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for statement in statements(kind, days, "(SELECT range AS n FROM range({}))"):
            connection.execute(statement)
        return {name: connection.table(name).pl() for name in ("scores", "truths")}


class _CountedFiles(LocalFileSystem):
    """Files on disk whose bytes are counted when they are read."""

    protocol = "counted"
    bytes_read = 0

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        opened = super()._open(path, mode, **options)
        read = opened.f.read

        def counted(size: int = -1) -> bytes:
            found = read(size)
            _CountedFiles.bytes_read += len(found)
            return found

        opened.read = counted
        return opened

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return LocalFileSystem._strip_protocol(path.removeprefix("counted://"))


def _bytes_of_rows(lake: Path, spec: ModelSpec, kind: str) -> dict[str, int]:
    """Return the bytes of rows that each query reads. The footers of files are read before."""
    tables = FileTables(place_of(WarehouseAddress(f"files://{lake}", "WAREHOUSE")), "WAREHOUSE")
    with duckdb.connect() as connection:
        connection.register_filesystem(_CountedFiles())
        connection.execute("SET TimeZone = 'UTC'; SET parquet_metadata_cache = true")
        connection.execute("SET enable_external_file_cache = false")
        for name in tables.names():
            select = tables.named(name, name, lambda sql: connection.execute(sql).fetchall()).select
            counted = select.replace(f"'{lake}", f"'counted://{lake}")
            connection.execute(f"CREATE TEMP VIEW {name} AS {counted}")
            connection.execute(f"SELECT count(*) FROM {name}").fetchall()
        named = queries(spec, DUCKDB, "temp", "main", kind) | {UNBOUNDED: Query("SELECT sum(id) FROM scores", {})}
        return {name: _bytes_of_query(connection, query) for name, query in named.items()}


def _bytes_of_query(connection: duckdb.DuckDBPyConnection, query: Query) -> int:
    before = _CountedFiles.bytes_read
    connection.execute(query.sql, dict(query.values)).fetchall()
    return _CountedFiles.bytes_read - before


def _bytes_of_files(lake: Path) -> int:
    return sum(path.stat().st_size for path in lake.rglob("*.parquet"))


@pytest.mark.parametrize(("write", "kind"), [
    (_parquet_folders, "TIMESTAMPTZ"), (_parquet_files, "TIMESTAMP"), (_days, "DATE"), (_delta, "TIMESTAMPTZ"),
    (_iceberg, "TIMESTAMPTZ"),
])  # fmt: skip
def test_bytes_that_are_read_for_a_chunk_are_the_same_with_two_years(
    tmp_path: Path, make_spec: SpecMaker, write: Write, kind: str
) -> None:
    spec = make_spec(labels={"reach": "10d"}, start="2013-01-01")
    short, long = tmp_path / "two months", tmp_path / "two years"
    for lake, days in ((short, TWO_MONTHS), (long, TWO_YEARS)):
        lake.mkdir()
        write(_tables(kind, days), lake)
        for path in lake.rglob("*.parquet"):
            # DuckDB does not keep the footers of files that changed in the last seconds.
            os.utime(path, (0, 0))
    of_short, of_long = _bytes_of_rows(short, spec, kind), _bytes_of_rows(long, spec, kind)
    assert min(of_short["predictions"], of_short["labels"]) > 0
    further = MOST_FURTHER * (_bytes_of_files(long) - _bytes_of_files(short))
    growing = {name for name, read in of_long.items() if read > of_short[name] + further}
    assert growing == {UNBOUNDED}
