"""Inspects the source of a model in a DuckDB file: counts, and bounded numbers of rows."""

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

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
from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.duckdb.rows import frame_of, label_join_of, predictions_table, table_named
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse, connection_to
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

    def with_predictions_of(self, rows: RowsElsewhere) -> "DuckDBInspection":
        """Return an inspection of other rows in place of the table of predictions."""
        return replace(self, warehouse=self.warehouse.with_predictions_of(rows))

    def tables(self, spec: ModelSpec) -> SourceTables:
        """Return the tables that the spec names; those that do not exist are listed with the reason."""
        unreadable: list[Unreadable] = []

        def find(field: str, names: Collection[str], read: Callable[[], Table]) -> SourceTable | None:
            try:
                table = read()
            except MissingTableError as error:
                if self.warehouse.rows is not None:
                    # The message names the field of the other source.
                    raise
                reason = str(error).removeprefix(f"{spec.name}: ").removeprefix(f"{field}: ")
                unreadable.append(Unreadable(field, reason))
                return None
            types = {name: column.type for name in names if (column := table.column(name)) is not None}
            return SourceTable(table.listed.text, table.paths, types)

        with connection_to(self.warehouse) as connection:

            def of_predictions() -> Table:
                return predictions_table(connection, spec, self.warehouse.rows)

            predictions = find("predictions.table", columns_of_predictions(spec).values(), of_predictions)
            labels, source = None, spec.labels
            if source is not None and (source.table or predictions):
                place, named = f"{spec.name}: labels.table", source.table
                labels = find(
                    "labels.table",
                    columns_of_labels(spec).values(),
                    of_predictions if named is None else lambda: table_named(connection, named, place),
                )
        return SourceTables(predictions, labels, tuple(unreadable))

    def predictions_extent(self, spec: ModelSpec) -> PredictionsExtent:
        """Return the number of predictions of the whole table, and their first and last time."""
        with connection_to(self.warehouse) as connection:
            query = predictions_extent_query(spec, predictions_table(connection, spec, self.warehouse.rows))
            return PredictionsExtent(*frame_of(connection, query).row(0))

    def labels_extent(self, spec: ModelSpec) -> LabelsExtent:
        """Return the numbers of label rows of the whole table."""
        with connection_to(self.warehouse) as connection:
            return LabelsExtent(
                *frame_of(connection, labels_extent_query(label_join_of(connection, spec, self.warehouse.rows))).row(0)
            )

    def counted_predictions(self, spec: ModelSpec, window: Chunk) -> pl.DataFrame:
        """Return the number of predictions in a window: model_version, moment (UTC, a quarter of an hour), rows."""
        with connection_to(self.warehouse) as connection:
            table = predictions_table(connection, spec, self.warehouse.rows)
            counted = frame_of(connection, counted_predictions_query(spec, table, window))
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

    def first_predictions(self, spec: ModelSpec, chunks: Sequence[Chunk], most_rows: int) -> pl.DataFrame:
        """Return at most so many predictions of each chunk under canonical names, with the warehouse's types."""
        with connection_to(self.warehouse) as connection:
            table = predictions_table(connection, spec, self.warehouse.rows)
            wanted = [first_predictions_query(spec, table, chunk, most_rows) for chunk in chunks]
            frames = [frame_of(connection, each.query) for each in wanted]
        for frame, each in zip(frames, wanted, strict=True):
            frame.columns = list(each.names)
        return pl.concat(frames, how="vertical_relaxed")

    def first_labels(
        self, spec: ModelSpec, chunks: Sequence[Chunk], as_of: dt.datetime, most_rows: int
    ) -> pl.DataFrame:
        """Return at most so many labels of each chunk's predictions that were known at ``as_of``."""
        with connection_to(self.warehouse) as connection:
            join = label_join_of(connection, spec, self.warehouse.rows)
            queries = [first_labels_query(join, chunk, as_of, most_rows) for chunk in chunks]
            return pl.concat([frame_of(connection, query) for query in queries], how="vertical_relaxed")
