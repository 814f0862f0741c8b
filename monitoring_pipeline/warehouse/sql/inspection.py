"""Inspects the source of a model through the templates: counts, and bounded numbers of rows."""

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import polars as pl

from monitoring_pipeline.evaluation.rows.class_texts import version_texts
from monitoring_pipeline.evaluation.spec_check.columns import column_of, columns_of_labels, columns_of_predictions
from monitoring_pipeline.evaluation.spec_check.facts import (
    LabelsExtent,
    NullValue,
    PredictionsExtent,
    SourceTable,
    SourceTables,
    Unreadable,
)
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.errors import MissingTableError
from monitoring_pipeline.warehouse.sql.catalogue import Table
from monitoring_pipeline.warehouse.sql.inspection_queries import (
    counted_predictions_query,
    first_labels_query,
    first_predictions_query,
    labels_extent_query,
    null_values_query,
    predictions_extent_query,
)
from monitoring_pipeline.warehouse.sql.open_source import OpenSource, label_join_of

SECONDS_PER_QUARTER = 900


class OpensSource(Protocol):
    """A warehouse that is opened for some queries."""

    @property
    def rows(self) -> RowsElsewhere | None:
        """Rows that replace the table of predictions."""
        ...

    def with_predictions_of(self, rows: RowsElsewhere) -> "OpensSource":
        """Return this warehouse with other rows in place of the table of predictions."""
        ...

    def open(self) -> AbstractContextManager[OpenSource]:
        """Open it; errors are those of the warehouse."""
        ...


@dataclass(frozen=True)
class SqlInspection:
    """Inspects sources in a warehouse. Its methods raise the errors of the warehouse."""

    warehouse: OpensSource

    def with_predictions_of(self, rows: RowsElsewhere) -> "SqlInspection":
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

        with self.warehouse.open() as source:
            of_predictions = columns_of_predictions(spec).values()
            predictions = find("predictions.table", of_predictions, lambda: source.predictions(spec))
            labels, declared = None, spec.labels
            if declared is not None and (declared.table or predictions):
                place, named = f"{spec.name}: labels.table", declared.table
                labels = find(
                    "labels.table",
                    columns_of_labels(spec).values(),
                    lambda: source.predictions(spec) if named is None else source.table(named, place),
                )
        return SourceTables(predictions, labels, tuple(unreadable))

    def predictions_extent(self, spec: ModelSpec) -> PredictionsExtent:
        """Return the number of predictions of the whole table, and their first and last time."""
        with self.warehouse.open() as source:
            return PredictionsExtent(*source.frame(predictions_extent_query(spec, source.predictions(spec))).row(0))

    def null_values_of(self, spec: ModelSpec, wanted: Collection[NullValue]) -> frozenset[NullValue]:
        """Return those declared null values that any row of the whole table of predictions has."""
        with self.warehouse.open() as source:
            table = source.predictions(spec)
            names = {each: column_of(spec, each.column) for each in wanted}
            columns = {each: column for each, name in names.items() if name and (column := table.column(name))}
            if not columns:
                return frozenset()
            (row,) = source.frame(null_values_query(table, columns)).rows()
        return frozenset(each for each, count in zip(columns, row, strict=True) if count)

    def labels_extent(self, spec: ModelSpec) -> LabelsExtent:
        """Return the numbers of label rows of the whole table."""
        with self.warehouse.open() as source:
            return LabelsExtent(*source.frame(labels_extent_query(label_join_of(source, spec))).row(0))

    def counted_predictions(self, spec: ModelSpec, window: Chunk) -> pl.DataFrame:
        """Return the number of predictions in a window: model_version, moment (UTC, a quarter of an hour), rows."""
        with self.warehouse.open() as source:
            counted = source.frame(counted_predictions_query(spec, source.predictions(spec), window))
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
        with self.warehouse.open() as source:
            table = source.predictions(spec)
            wanted = [first_predictions_query(spec, table, chunk, most_rows) for chunk in chunks]
            frames = [source.frame(each.query) for each in wanted]
        for frame, each in zip(frames, wanted, strict=True):
            frame.columns = list(each.names)
        return pl.concat(frames, how="vertical_relaxed")

    def first_labels(
        self, spec: ModelSpec, chunks: Sequence[Chunk], as_of: dt.datetime, most_rows: int
    ) -> pl.DataFrame:
        """Return at most so many labels of each chunk's predictions that were known at ``as_of``."""
        with self.warehouse.open() as source:
            join = label_join_of(source, spec)
            queries = [first_labels_query(join, chunk, as_of, most_rows) for chunk in chunks]
            return pl.concat([source.frame(query) for query in queries], how="vertical_relaxed")
