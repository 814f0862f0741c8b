"""The canonical rows of a chunk as a SELECT: id, time, version, and the counted columns ``c0``, ``c1``, ..."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind, Task
from monitoring_pipeline.warehouse.sql.catalogue import Table
from monitoring_pipeline.warehouse.sql.columns import id_text, readable
from monitoring_pipeline.warehouse.sql.counting.canonical import (
    Countable,
    decided_class,
    probability,
    read_columns,
    sum_is_off,
)
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Kind
from monitoring_pipeline.warehouse.sql.queries import (
    PREDICTIONS_ALIAS,
    Query,
    id_columns,
    prediction_time,
    with_used_values,
)
from monitoring_pipeline.warehouse.sql.times import TimeColumn, span_values

KEYS = ("row_id", "predicted_at", "model_version")


class NotCountableError(ValueError):
    """Rows cannot be counted where they are; the message has the reason."""


@dataclass(frozen=True)
class ChunkRows:
    """The rows of a chunk that have an id.

    Args:
        spec: the model.
        table: the table of predictions.
        chunk: the chunk.
        has_repeated: whether ids occur several times, so that the latest row of each has to be found.
        has_sums: whether the scores of all classes sum to 1, but for few rows, which have no scores then.
    """

    spec: ModelSpec
    table: Table
    chunk: Chunk
    has_repeated: bool = False
    has_sums: bool = True

    @property
    def dialect(self) -> Dialect:
        """The SQL of the engine."""
        return self.table.listed.dialect

    @cached_property
    def columns(self) -> dict[str, Countable]:
        """The columns that are read from the table, by canonical name."""
        return read_columns(self.spec, self.table)

    @cached_property
    def time(self) -> TimeColumn:
        """The time of predictions."""
        return prediction_time(self.spec, self.table)

    @property
    def scores(self) -> tuple[str, ...]:
        """The canonical names of the scores."""
        return tuple(name for name in self.spec.output_columns if name != "prediction")

    def reason(self, name: str) -> str | None:
        """Return the reason why a canonical column is not counted in the database; None if it is."""
        needed = self._needed([name])
        return next(
            (self.columns[each].reason for each in needed if each in self.columns and self.columns[each].reason), None
        )

    def place(self, name: str) -> str:
        """Return the name that a canonical column has in the SELECT."""
        return f"c{self.spec.canonical_columns.index(name)}"

    def query(self, sql: str) -> Query:
        """Return a query with the values that it names."""
        return with_used_values(self.dialect, sql, span_values(chunk_start=self.chunk.start, chunk_end=self.chunk.end))

    def select(self, names: Sequence[str], *, drawn: str = "") -> str:
        """Return the SELECT of the canonical rows, each id and version once.

        Args:
            names: canonical columns, of which each is countable.
            drawn: a further condition on the rows of the table.
        """
        if not self.has_repeated:
            return self._every_row(names, drawn)
        ordered = [name for name in self.spec.canonical_columns[len(KEYS) :] if self.reason(name) is None]
        orders = [self._order(name) for name in ordered]
        return read_sql("warehouse/counting/once.sql").format(
            rows=self._every_row(ordered, drawn),
            columns="".join(f", e.{self.place(name)}" for name in names),
            order="".join(f", {order} DESC NULLS LAST" for order in orders),
        )

    @property
    def with_id(self) -> str:
        """The SELECT of all rows with an id, without other columns."""
        return self._every_row(())

    def read(self, columns: str) -> str:
        """Return the SELECT of some SQL from the rows with an id as the table has them."""
        return (
            f"SELECT {columns} FROM {self.table.listed.sql} AS {PREDICTIONS_ALIAS} "
            f"WHERE {self.in_chunk} AND {self.id} IS NOT NULL"
        )

    @property
    def in_chunk(self) -> str:
        """The condition that a row of the table belongs to the chunk."""
        return self.time.between("chunk_start", "chunk_end")

    @property
    def id(self) -> str:
        """The id of a row of the table as text."""
        ids = id_columns(self.table, self.spec.predictions.id_columns, f"{self.spec.name}: predictions.id")
        return id_text(ids, PREDICTIONS_ALIAS)

    @property
    def version(self) -> str:
        """The version of a row of the table as text.

        Raises:
            NotCountableError: when versions are neither text nor integers.
        """
        name = self.spec.predictions.model_version
        column = self.table.column(name) if name else None
        if column is None:
            return self.dialect.literal(next(iter(self.spec.reference)))
        if column.kind not in {Kind.TEXT, Kind.INTEGER, Kind.UUID, Kind.READ_AS_TEXT}:
            raise NotCountableError(f"predictions.model_version: {column.name} is {column.type}, text is needed")
        text = readable(column, PREDICTIONS_ALIAS, as_number=False)
        return f"coalesce(CAST({text} AS {self.dialect.types.text}), '')"

    def _needed(self, names: Iterable[str]) -> list[str]:
        """Return the columns of the table that canonical columns are made from."""
        wanted = set(names)
        from_scores = self.spec.task is Task.MULTICLASS and bool(wanted & set(self.scores))
        derived = "prediction" in wanted and "prediction" not in self.columns
        if from_scores or derived:
            wanted |= set(self.scores)
        return [name for name in self.spec.canonical_columns if name in wanted]

    def _every_row(self, names: Sequence[str], drawn: str = "") -> str:
        needed = self._needed(names)
        read = {name: self.columns[name].sql for name in needed if name in self.columns}
        keys = dict(zip(KEYS, (self.id, self.time.instant, self.version), strict=True))
        selected = keys | {self.place(name): sql for name, sql in read.items()}
        conditions = " AND ".join(filter(None, (self.in_chunk, f"{self.id} IS NOT NULL", drawn)))
        rows = f"SELECT {_listed(selected)} FROM {self.table.listed.sql} AS {PREDICTIONS_ALIAS} WHERE {conditions}"
        scores = {name: self.place(name) for name in self.scores if name in read}
        if scores and self.spec.task is not Task.REGRESSION:
            rows = self._layer(rows, read, {n: probability(self.dialect, f"r.{place}") for n, place in scores.items()})
        if len(scores) > 1 and self.has_sums:
            off = sum_is_off(self.dialect, [f"r.{place}" for place in scores.values()])
            kept = {n: f"CASE WHEN NOT ({off}) THEN r.{place} END" for n, place in scores.items()}
            rows = self._layer(rows, read, kept)
        if "prediction" in needed and "prediction" not in read:
            decided = decided_class(self.spec, self.dialect, [f"r.{place}" for place in scores.values()])
            rows = self._layer(rows, read, {"prediction": decided})
        return rows

    def _layer(self, rows: str, read: Iterable[str], changed: dict[str, str]) -> str:
        """Return a SELECT of rows with some columns changed or added."""
        unchanged = {self.place(name): f"r.{self.place(name)}" for name in read}
        new = {self.place(name): sql for name, sql in changed.items()}
        return f"SELECT {_listed({key: f'r.{key}' for key in KEYS} | unchanged | new)} FROM ({rows}) AS r"

    def _order(self, name: str) -> str:
        column = f"a.{self.place(name)}"
        return self.dialect.by_code(column) if self.spec.columns.get(name) is FeatureKind.CATEGORICAL else column


def _listed(columns: dict[str, str]) -> str:
    return ", ".join(f"{sql} AS {name}" for name, sql in columns.items())
