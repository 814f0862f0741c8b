"""The warehouses of a deployment as one: each call goes to the warehouse that the spec names."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from monitoring_pipeline.evaluation.rows.private_columns import with_private_columns_treated
from monitoring_pipeline.evaluation.spec_check.facts import LabelsExtent, NullValue, PredictionsExtent, SourceTables
from monitoring_pipeline.ports.counting import Counting
from monitoring_pipeline.ports.source_inspection import SourceInspection, TableReading
from monitoring_pipeline.ports.warehouse import LabelsRead, LabelState, PredictionsRead, PredictionState, Warehouse
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.column_names import suggestion
from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.engine import Engine, EngineLimits
from monitoring_pipeline.warehouse.engines.opening import open_engine
from monitoring_pipeline.warehouse.errors import WarehouseMissingError
from monitoring_pipeline.warehouse.private import PrivateCounting, treated_read
from monitoring_pipeline.warehouse.sql.counting.counting import SqlCounting

DEFAULT = ""
"""The name of the warehouse of specs that name none."""


@dataclass(frozen=True)
class Engines:
    """The engines of a deployment. Each is opened when a call first needs it.

    Args:
        addresses: the address of each warehouse by its name.
        limits: the limits of all of them.
    """

    addresses: Mapping[str, WarehouseAddress] = field(repr=False)
    limits: EngineLimits
    _opened: dict[str, Engine] = field(default_factory=dict[str, Engine], repr=False, compare=False)

    def of(self, spec: ModelSpec) -> Engine:
        """Return the engine of the warehouse that a spec names.

        Raises:
            WarehouseMissingError: when there is no warehouse of that name, or it cannot be opened.
        """
        return self._named(spec.warehouse or DEFAULT, spec.name)

    def tables(self, warehouse: str | None) -> TableReading:
        """Return the reader of the tables of a warehouse, for tables of which no spec exists yet.

        Raises:
            WarehouseMissingError: when there is no warehouse of that name, or no spec can be drafted from it.
        """
        engine = self._named(warehouse or DEFAULT, "init")
        if engine.tables is None:
            shown = self.addresses[warehouse or DEFAULT].shown
            raise WarehouseMissingError(f"{shown}: no spec can be drafted from a database of this kind")
        return engine.tables

    def _named(self, name: str, place: str) -> Engine:
        if name not in self._opened:
            address = self.addresses.get(name)
            if address is None:
                known = suggestion(name, [each for each in self.addresses if each != DEFAULT], "warehouses")
                raise WarehouseMissingError(f"{place}: warehouse: no warehouse {name!r} in the settings; {known}")
            self._opened[name] = open_engine(address, self.limits)
        return self._opened[name]


@dataclass(frozen=True)
class RoutedWarehouse:
    """The warehouse of each spec. ``rows`` replace the table of predictions.

    Columns that a spec's privacy names leave it hashed with ``key``, or generalised: nothing behind it sees the values.
    """

    engines: Engines
    key: bytes = field(repr=False)
    rows: RowsElsewhere | None = None

    def with_predictions_of(self, rows: RowsElsewhere) -> "RoutedWarehouse":
        """Return this warehouse with other rows in place of the table of predictions."""
        return replace(self, rows=rows)

    def read_predictions(self, spec: ModelSpec, chunk: Chunk) -> PredictionsRead:
        """Read a chunk's predictions."""
        return treated_read(spec, self._of(spec).read_predictions(spec, chunk), self.key)

    def read_labels(self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime) -> LabelsRead:
        """Read the labels of a chunk's predictions that were known at ``as_of``."""
        return self._of(spec).read_labels(spec, chunk, as_of)

    def business_metric(self, spec: ModelSpec, sql_text: str, chunk: Chunk, model_version: str) -> float | None:
        """Run a user's query for a chunk; return its single number, None if it is null."""
        return self._of(spec).business_metric(spec, sql_text, chunk, model_version)

    def counting(self, spec: ModelSpec) -> Counting | None:
        """Return the counting of a model's rows in the warehouse, with the limit of the settings."""
        found = self._of(spec).counting(spec)
        if isinstance(found, SqlCounting):
            found = replace(found, row_limit=self.engines.limits.pushdown_rows)
        return PrivateCounting(found, self.key) if found and spec.privacy else found

    def prediction_states(self, spec: ModelSpec, chunks: Sequence[Chunk]) -> Mapping[str, PredictionState]:
        """Return number and latest time of the predictions of each chunk, by chunk key."""
        return self._of(spec).prediction_states(spec, chunks)

    def label_states(self, spec: ModelSpec, chunks: Sequence[Chunk], as_of: dt.datetime) -> Mapping[str, LabelState]:
        """Return the states of the labels known at ``as_of``, by chunk key."""
        return self._of(spec).label_states(spec, chunks, as_of)

    def _of(self, spec: ModelSpec) -> Warehouse:
        warehouse = self.engines.of(spec).warehouse
        return warehouse if self.rows is None else warehouse.with_predictions_of(self.rows)


@dataclass(frozen=True)
class RoutedInspection:
    """The inspection of the source of each spec. ``rows`` replace the table of predictions.

    Columns that a spec's privacy names are hashed with ``key``, or generalised.
    """

    engines: Engines
    key: bytes = field(repr=False)
    rows: RowsElsewhere | None = None

    def with_predictions_of(self, rows: RowsElsewhere) -> "RoutedInspection":
        """Return an inspection of other rows in place of the table of predictions."""
        return replace(self, rows=rows)

    def tables(self, spec: ModelSpec) -> SourceTables:
        """Return the tables that the spec names; those that do not exist are listed with the reason."""
        return self._of(spec).tables(spec)

    def predictions_extent(self, spec: ModelSpec) -> PredictionsExtent:
        """Return the number of predictions of the whole table, and their first and last time."""
        return self._of(spec).predictions_extent(spec)

    def null_values_of(self, spec: ModelSpec, wanted: Collection[NullValue]) -> frozenset[NullValue]:
        """Return those declared null values that any row of the whole table of predictions has."""
        return self._of(spec).null_values_of(spec, wanted)

    def labels_extent(self, spec: ModelSpec) -> LabelsExtent:
        """Return the numbers of label rows of the whole table."""
        return self._of(spec).labels_extent(spec)

    def counted_predictions(self, spec: ModelSpec, window: Chunk) -> pl.DataFrame:
        """Return the number of predictions in a window by version and quarter of an hour."""
        return self._of(spec).counted_predictions(spec, window)

    def first_predictions(self, spec: ModelSpec, chunks: Sequence[Chunk], most_rows: int) -> pl.DataFrame:
        """Return at most so many predictions of each chunk."""
        return with_private_columns_treated(spec, self._of(spec).first_predictions(spec, chunks, most_rows), self.key)

    def first_labels(
        self, spec: ModelSpec, chunks: Sequence[Chunk], as_of: dt.datetime, most_rows: int
    ) -> pl.DataFrame:
        """Return at most so many labels of each chunk's predictions that were known at ``as_of``."""
        return self._of(spec).first_labels(spec, chunks, as_of, most_rows)

    def _of(self, spec: ModelSpec) -> SourceInspection:
        inspection = self.engines.of(spec).inspection
        return inspection if self.rows is None else inspection.with_predictions_of(self.rows)
