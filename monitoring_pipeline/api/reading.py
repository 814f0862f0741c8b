"""Reads frames as the pipeline reads tables: from a DuckDB file, which is deleted at the end."""

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from monitoring_pipeline.api.frames import ArgumentError
from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.evaluation.reference.known_categories import number_codes
from monitoring_pipeline.evaluation.rows.canonical import (
    CanonicalRows,
    canonical_labels,
    canonical_predictions,
    versions_of,
)
from monitoring_pipeline.evaluation.rows.derived import Projection, fit_projections
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.ports.warehouse import PredictionsRead, Warehouse
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import EARLIEST, LATEST, ReferenceWindow
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.private import treated_read

FILE = "warehouse.duckdb"
SEVERAL = "all"


@contextmanager
def temporary_folder(tables: Mapping[str, pl.DataFrame]) -> Iterator[Path]:
    """Yield a folder with a DuckDB file that has the frames as tables; it is deleted at the end of the block."""
    import duckdb

    with TemporaryDirectory(prefix="monitoring_pipeline-") as name:
        folder = Path(name)
        with closing(duckdb.connect(str(folder / FILE))) as connection:
            # The file is read once or twice; to compress it takes as long as all else.
            connection.execute("SET force_compression = 'uncompressed'")
            for table, frame in tables.items():
                connection.register("given", frame.to_arrow())
                connection.execute(f'CREATE TABLE "{table}" AS SELECT * FROM given')
                connection.unregister("given")
        yield folder


@contextmanager
def reading(tables: Mapping[str, pl.DataFrame]) -> Iterator[Warehouse]:
    """Yield a warehouse with the frames as tables."""
    with temporary_folder(tables) as folder:
        yield warehouse_in(folder)


def warehouse_in(folder: Path) -> Warehouse:
    """Return the warehouse of a temporary folder."""
    return DuckDBWarehouse(folder / FILE)


@dataclass(frozen=True)
class ReadRows:
    """The rows of a table in canonical form.

    Args:
        frame: the rows.
        measurements: the rows that were left out.
        codes: categorical columns that hold numbers or booleans.
        projections: the projections with which texts and vectors were read.
    """

    frame: pl.DataFrame
    measurements: tuple[Measurement, ...]
    codes: tuple[str, ...]
    projections: Mapping[str, Projection]


def read_rows(
    spec: ModelSpec,
    table: str,
    warehouse: Warehouse,
    *,
    argument: str,
    projections: Mapping[str, Projection] | None = None,
) -> ReadRows:
    """Return all rows of a table in canonical form.

    Args:
        spec: the model.
        table: the table.
        warehouse: has the table.
        argument: its name in messages.
        projections: the projections of texts and vectors; None to fit them to these rows.

    Raises:
        ArgumentError: if they do not fit the arguments.
    """
    of_table = _reading_from(spec, table)
    with clear_errors(spec, argument):
        read = _read(of_table, warehouse)
        if read.frame.is_empty() and read.rows_without_time:
            raise ArgumentError(f"time: no row of {argument} has a time in column {spec.predictions.time!r}")
        used = fit_projections(of_table, read.frame, id_key()) if projections is None else projections
        rows = canonical_predictions(
            of_table,
            read.frame,
            id_key=id_key(),
            without_time=read.rows_without_time,
            projections=dict.fromkeys(versions_of(of_table, read.frame).unique(), used),
        )
        return ReadRows(rows.frame, rows.measurements, number_codes(of_table, read.frame, read.table_columns), used)


def read_by_spec(spec: ModelSpec, rows: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return rows with the names and types that a spec gives to its columns, and the number of rows without a time.

    Raises:
        ArgumentError: if a column that every row needs does not exist.
    """
    table = "rows"
    of_table = _reading_from(spec, table)
    with reading({table: rows}) as warehouse, clear_errors(spec, table):
        read = _read(of_table, warehouse)
    keys = [name for name in ("predicted_at", "row_id") if name in read.frame.columns]
    # Some expectations are about the order of values.
    return read.frame.sort(keys), read.rows_without_time


def _read(spec: ModelSpec, warehouse: Warehouse) -> PredictionsRead:
    return treated_read(spec, warehouse.read_predictions(spec, _all_of(spec)), id_key())


def read_labels(
    spec: ModelSpec, table: str, rows: pl.DataFrame, warehouse: Warehouse, *, argument: str
) -> CanonicalRows:
    """Return the labels of a table in canonical form, those that are null left out.

    Raises:
        ArgumentError: if they do not fit the arguments.
    """
    of_table = _reading_from(spec, table)
    with clear_errors(spec, argument):
        read = warehouse.read_labels(of_table, _all_of(of_table), dt.datetime.max.replace(tzinfo=dt.UTC, year=9998))
        return canonical_labels(of_table, read.frame, rows, read.accounting, id_key=id_key())


def read_times(spec: ModelSpec, warehouse: Warehouse) -> pl.Series:
    """Return the times of all rows.

    Raises:
        ArgumentError: if the column holds no times.
    """
    of_rows = spec.with_features_in(())
    with clear_errors(spec, "time"):
        return warehouse.read_predictions(of_rows, _all_of(of_rows)).frame["predicted_at"]


@contextmanager
def clear_errors(spec: ModelSpec, argument: str) -> Iterator[None]:
    """Raise an error about rows as one about the argument that they come from."""
    try:
        yield
    except SourceError as error:
        raise ArgumentError(f"{argument}: {str(error).removeprefix(f'{spec.name}: ')}") from None


def id_key() -> bytes:
    """Return the key of the hash of ids. Samples are drawn by that hash, so the key of the deployment is used."""
    return Settings().id_key.get_secret_value().encode()


def chunk_key(spec: ModelSpec, rows: pl.DataFrame) -> str:
    """Return the key of the chunk of canonical rows; ``all`` if they are of several."""
    keys = chunk_keys(spec.calendar, rows["predicted_at"]).drop_nulls().unique()
    return keys[0] if keys.len() == 1 else SEVERAL


def _reading_from(spec: ModelSpec, table: str) -> ModelSpec:
    return spec.model_copy(update={"predictions": spec.predictions.model_copy(update={"table": table})})


def _all_of(spec: ModelSpec) -> Chunk:
    return spec.calendar.window(ReferenceWindow(start=EARLIEST, end=LATEST))
