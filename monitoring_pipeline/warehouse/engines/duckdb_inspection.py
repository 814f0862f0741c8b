"""Inspects the source of a model in a DuckDB file: counts, and bounded numbers of rows."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import duckdb
import polars as pl

from monitoring_pipeline.evaluation.rows.class_texts import version_texts
from monitoring_pipeline.evaluation.spec_check.columns import columns_of_labels, columns_of_predictions
from monitoring_pipeline.evaluation.spec_check.facts import (
    LabelsExtent,
    PredictionsExtent,
    SourceTable,
    SourceTables,
    Unreadable,
)
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.duckdb import DuckDBWarehouse, connection_to
from monitoring_pipeline.warehouse.engines.duckdb_rows import frame_of, label_join_of, table_named
from monitoring_pipeline.warehouse.errors import MissingTableError
from monitoring_pipeline.warehouse.sql.catalogue import Table
from monitoring_pipeline.warehouse.sql.inspection_queries import (
    counted_predictions_query,
    first_labels_query,
    first_predictions_query,
    labels_extent_query,
    predictions_extent_query,
)

SECONDS_PER_QUARTER = 900


@dataclass(frozen=True)
class DuckDBInspection:
    """Inspects sources in the file of a warehouse. Its methods raise the errors of the warehouse."""

    warehouse: DuckDBWarehouse

    def tables(self, spec: ModelSpec) -> SourceTables:
        """Return the tables that the spec names; those that do not exist are listed with the reason."""
        unreadable: list[Unreadable] = []

        def find(text: str, field: str, names: Collection[str]) -> SourceTable | None:
            try:
                table = table_named(connection, text, field)
            except MissingTableError as error:
                unreadable.append(Unreadable(field, str(error).removeprefix(f"{field}: ")))
                return None
            types = {name: column.type for name in names if (column := table.column(name)) is not None}
            return SourceTable(table.listed.text, table.paths, types)

        table = spec.predictions.table
        with connection_to(self.warehouse) as connection:
            predictions = find(table, "predictions.table", columns_of_predictions(spec).values())
            labels = None
            if spec.labels is not None and (spec.labels.table or predictions):
                labels = find(spec.labels.table or table, "labels.table", columns_of_labels(spec).values())
        return SourceTables(predictions, labels, tuple(unreadable))

    def predictions_extent(self, spec: ModelSpec) -> PredictionsExtent:
        """Return the number of predictions of the whole table, and their first and last time."""
        with connection_to(self.warehouse) as connection:
            query = predictions_extent_query(spec, _predictions(connection, spec))
            return PredictionsExtent(*frame_of(connection, query).row(0))

    def labels_extent(self, spec: ModelSpec) -> LabelsExtent:
        """Return the numbers of label rows of the whole table."""
        with connection_to(self.warehouse) as connection:
            return LabelsExtent(
                *frame_of(connection, labels_extent_query(label_join_of(connection, spec, None))).row(0)
            )

    def counted_predictions(self, spec: ModelSpec, window: Chunk) -> pl.DataFrame:
        """Return the number of predictions in a window: model_version, moment (UTC, a quarter of an hour), rows."""
        with connection_to(self.warehouse) as connection:
            counted = frame_of(connection, counted_predictions_query(spec, _predictions(connection, spec), window))
        versions = version_texts(counted["model_version"], spec.reference)
        if spec.predictions.model_version is None:
            versions = versions.fill_null(next(iter(spec.reference)))
        return pl.DataFrame(
            {
                "model_version": versions.fill_null(""),
                "moment": pl.from_epoch(counted["quarter"] * SECONDS_PER_QUARTER).dt.replace_time_zone("UTC"),
                "rows": counted["row_count"],
            }
        )

    def first_predictions(self, spec: ModelSpec, chunk: Chunk, most_rows: int) -> pl.DataFrame:
        """Return at most so many predictions of a chunk under canonical names, with the warehouse's types."""
        with connection_to(self.warehouse) as connection:
            wanted = first_predictions_query(spec, _predictions(connection, spec), chunk, most_rows)
            frame = frame_of(connection, wanted.query)
        frame.columns = list(wanted.names)
        return frame

    def first_labels(self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, most_rows: int) -> pl.DataFrame:
        """Return at most so many labels of a chunk's predictions that were known at ``as_of``."""
        with connection_to(self.warehouse) as connection:
            return frame_of(
                connection, first_labels_query(label_join_of(connection, spec, None), chunk, as_of, most_rows)
            )


def _predictions(connection: duckdb.DuckDBPyConnection, spec: ModelSpec) -> Table:
    return table_named(connection, spec.predictions.table, f"{spec.name}: predictions.table")
