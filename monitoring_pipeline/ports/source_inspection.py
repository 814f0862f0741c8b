"""Facts about a model's source, read as counts and as bounded numbers of rows."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Protocol

import polars as pl

from monitoring_pipeline.evaluation.drafting.facts import TableSample
from monitoring_pipeline.evaluation.spec_check.facts import LabelsExtent, NullValue, PredictionsExtent, SourceTables
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.spec.model import ModelSpec


class SourceInspection(Protocol):
    """Reads what a spec is checked by. No method returns more than a fixed number of rows."""

    def with_predictions_of(self, rows: RowsElsewhere) -> "SourceInspection":
        """Return an inspection of other rows in place of the table of predictions."""
        ...

    def tables(self, spec: ModelSpec) -> SourceTables:
        """Return the tables that the spec names; those that do not exist are listed with the reason."""
        ...

    def predictions_extent(self, spec: ModelSpec) -> PredictionsExtent:
        """Return the number of predictions of the whole table, and their first and last time."""
        ...

    def null_values_of(self, spec: ModelSpec, wanted: Collection[NullValue]) -> frozenset[NullValue]:
        """Return those declared null values that any row of the whole table of predictions has."""
        ...

    def labels_extent(self, spec: ModelSpec) -> LabelsExtent:
        """Return the numbers of label rows of the whole table."""
        ...

    def counted_predictions(self, spec: ModelSpec, window: Chunk) -> pl.DataFrame:
        """Return the number of predictions in a window: model_version, moment (UTC, a quarter of an hour), rows."""
        ...

    def first_predictions(self, spec: ModelSpec, chunks: Sequence[Chunk], most_rows: int) -> pl.DataFrame:
        """Return at most so many predictions of each chunk under canonical names, with the warehouse's types."""
        ...

    def first_labels(
        self, spec: ModelSpec, chunks: Sequence[Chunk], as_of: dt.datetime, most_rows: int
    ) -> pl.DataFrame:
        """Return at most so many labels of each chunk's predictions that were known at ``as_of``."""
        ...


class TableReading(Protocol):
    """Reads the tables of a source of which no spec exists yet."""

    def table_names(self) -> tuple[str, ...]:
        """Return the names of all tables and views, as a spec would write them."""
        ...

    def table_sample(
        self, table: str, most_rows: int, *, counted: bool = True, paths: Sequence[str] = ()
    ) -> TableSample:
        """Return a table with always the same sample of about so many rows at most.

        Args:
            table: its name.
            most_rows: rows of the sample.
            counted: whether nulls and different values are counted over all rows of the table.
            paths: values inside of nested columns that are further columns of the sample if they exist.
        """
        ...
