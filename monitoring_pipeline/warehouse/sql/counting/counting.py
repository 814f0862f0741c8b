"""Counts the rows of a chunk in the database, through the templates in ``sql/warehouse/counting/``."""

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

import polars as pl

from monitoring_pipeline.evaluation.profiles.bins import Bins, CategoricalBins, NumericBins
from monitoring_pipeline.evaluation.profiles.groups import CellGroup, profile_of_categories, profile_of_cells
from monitoring_pipeline.evaluation.profiles.profile import UNSEEN_NAMES_KEPT, ChunkProfile, ColumnProfile
from monitoring_pipeline.evaluation.quality.conditions import Condition, ConditionCounts
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.evaluation.rows.pushdown import ChunkFacts, ScoreFacts, VersionFacts
from monitoring_pipeline.ports.counting import BinsOfVersions, CountedColumns, LabelledRows, RowsCounted
from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.reads import LabelsRead, PredictionsRead
from monitoring_pipeline.warehouse.sql.counting.bins import cells_sql
from monitoring_pipeline.warehouse.sql.counting.canonical import (
    is_outside,
    known_code,
    probability,
    sum_is_off,
    sum_of,
)
from monitoring_pipeline.warehouse.sql.counting.conditions import by_query, countable, counts_sql
from monitoring_pipeline.warehouse.sql.counting.labelled import count_labelled
from monitoring_pipeline.warehouse.sql.counting.rows import ChunkRows, NotCountableError
from monitoring_pipeline.warehouse.sql.dialect import Dialect
from monitoring_pipeline.warehouse.sql.open_source import OpenSource, read_labels_where, read_predictions_where
from monitoring_pipeline.warehouse.sql.queries import predictions_without_time_query

ROW_LIMIT = 2_000_000
"""Chunks with more rows are counted where they are, unless the settings or the spec say otherwise."""


class OpensSource(Protocol):
    """A warehouse that can be opened for some queries."""

    def open(self) -> AbstractContextManager[OpenSource]:
        """Open it."""
        ...


@dataclass(frozen=True)
class SqlCounting:
    """Counts rows of a warehouse. Its methods raise the errors of the warehouse."""

    warehouse: OpensSource
    row_limit: int = ROW_LIMIT

    def read_if_few(self, spec: ModelSpec, chunk: Chunk) -> PredictionsRead | None:
        """Read a chunk's predictions, unless they are more than ``row_limit``.

        Raises:
            MissingColumnError: when the column of the id or of the time does not exist.
            WrongTimeTypeError: when the time is neither timestamp nor date.
        """
        with self.warehouse.open() as source:
            rows = ChunkRows(spec, source.predictions(spec), chunk)
            is_large = _all_rows(source, rows) > self.row_limit
            return None if is_large else read_predictions_where(source, spec, chunk)

    def facts(self, spec: ModelSpec, chunk: Chunk) -> ChunkFacts:
        """Return the numbers of rows, and of scores that are no probabilities.

        Raises:
            SourceError: when versions cannot be counted.
        """
        with self.warehouse.open() as source:
            rows = ChunkRows(spec, source.predictions(spec), chunk)
            try:
                sql = read_sql("warehouse/counting/versions.sql").format(rows=rows.with_id)
            except NotCountableError as error:
                raise SourceError(f"{spec.name}: {error}") from None
            versions = tuple(VersionFacts(*row) for row in source.frame(rows.query(sql)).rows())
            ids = sum(version.kept for version in versions)
            if len(versions) > 1:
                ids = _number(source, rows, f"SELECT count(DISTINCT r.row_id) AS ids FROM ({rows.with_id}) AS r")
            scores = tuple(_score_facts(source, rows))
            return ChunkFacts(
                rows=_all_rows(source, rows),
                versions=versions,
                ids=ids,
                without_time=int(source.frame(predictions_without_time_query(spec, rows.table)).item()),
                scores=scores,
                sums=_sum_facts(source, rows),
            )

    def sample(self, spec: ModelSpec, chunk: Chunk, every: int) -> PredictionsRead:
        """Read one of so many predictions, chosen by a hash of the id.

        Raises:
            MissingColumnError: when the column of the id or of the time does not exist.
            WrongTimeTypeError: when the time is neither timestamp nor date.
        """
        with self.warehouse.open() as source:
            rows = ChunkRows(spec, source.predictions(spec), chunk)
            return read_predictions_where(source, spec, chunk, drawn(rows.dialect, rows.id, every))

    def profiles(self, spec: ModelSpec, chunk: Chunk, facts: ChunkFacts, bins: BinsOfVersions) -> CountedColumns:
        """Count the columns of each version over its bins, one column at a time."""
        with self.warehouse.open() as source:
            rows = replace(
                ChunkRows(spec, source.predictions(spec), chunk),
                has_repeated=facts.duplicates > 0,
                has_sums=facts.sums is None or facts.sums.are_few,
            )
            names = dict.fromkeys(name for of_version in bins.values() for name in of_version)
            reasons = {name: reason for name in names if (reason := rows.reason(name))}
            version_of_all = facts.versions[0].model_version if len(facts.versions) == 1 else None
            profiles = tuple(
                _profile(
                    _Version(source, rows, version.model_version, is_all=version.model_version == version_of_all),
                    version.kept,
                    {name: each for name, each in bins[version.model_version].items() if name not in reasons},
                )
                for version in facts.versions
                if version.model_version in bins
            )
            return CountedColumns(profiles, reasons)

    def conditions(
        self, spec: ModelSpec, chunk: Chunk, conditions: Sequence[Condition]
    ) -> list[ConditionCounts | None]:
        """Count conditions in all rows of a chunk; None for those that cannot be counted."""
        found: list[ConditionCounts | None] = [None] * len(conditions)
        with self.warehouse.open() as source:
            rows = ChunkRows(spec, source.predictions(spec), chunk)
            possible = {place: each for place, each in enumerate(conditions) if countable(rows, each)}
            for asked in by_query(possible):
                every, *counts = source.frame(rows.query(counts_sql(rows, tuple(asked.values())))).row(0)
                for place, values, unexpected in zip(asked, counts[::2], counts[1::2], strict=True):
                    found[place] = ConditionCounts(every, values, unexpected)
        return found

    def labels_sample(self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, every: int) -> LabelsRead:
        """Read the labels of the sampled predictions that were known at ``as_of``; their state is that of all labels.

        Raises:
            MissingColumnError: when a column of ids, times or labels does not exist.
            WrongTimeTypeError: when a time is neither timestamp nor date.
        """
        with self.warehouse.open() as source:
            rows = ChunkRows(spec, source.predictions(spec), chunk)
            return read_labels_where(source, spec, chunk, as_of, drawn(rows.dialect, rows.id, every))

    def labelled(
        self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, counted: RowsCounted, bins: BinsOfVersions
    ) -> LabelledRows:
        """Count the labelled rows of each version by score and label, or by error."""
        with self.warehouse.open() as source:
            rows = ChunkRows(
                spec, source.predictions(spec), chunk, has_repeated=counted.has_repeated, has_sums=counted.has_sums
            )
            return count_labelled(source, rows, as_of, bins)


def drawn(dialect: Dialect, row_id: str, every: int) -> str:
    """Return the condition that a row belongs to the sample; every engine draws the same rows."""
    return f"MOD({dialect.hash_60(row_id)}, {every:d}) = 0" if every > 1 else ""


@dataclass(frozen=True)
class _Version:
    """The rows of one version in an open source; ``is_all`` if no other version has rows in the chunk."""

    source: OpenSource
    rows: ChunkRows
    model_version: str
    is_all: bool

    def values(self, name: str, sql: str | None = None) -> str:
        """Return the SELECT of a column as ``x``."""
        where = "" if self.is_all else f" WHERE k.model_version = {self.rows.dialect.literal(self.model_version)}"
        column = f"k.{self.rows.place(name)}"
        return f"SELECT {sql or column} AS x, 0 AS side FROM ({self.rows.select([name])}) AS k{where}"

    def ask(self, sql: str) -> pl.DataFrame:
        """Return the result of a query."""
        return self.source.frame(self.rows.query(sql))


def _profile(version: _Version, kept: int, bins: dict[str, Bins]) -> ChunkProfile:
    columns = tuple(
        _cells(version, name, each) if isinstance(each, NumericBins) else _categories(version, name, each)
        for name, each in bins.items()
    )
    return ChunkProfile(version.model_version, kept, columns)


def _cells(version: _Version, name: str, bins: NumericBins) -> ColumnProfile:
    found = version.ask(cells_sql(version.rows.dialect, bins, version.values(name)))
    groups = [CellGroup(int(cell), int(rows), *sums) for _, cell, rows, *sums in found.rows()]
    return profile_of_cells(name, bins, groups)


def _categories(version: _Version, name: str, bins: CategoricalBins) -> ColumnProfile:
    dialect = version.rows.dialect
    countable = version.rows.columns.get(name)
    place = f"k.{version.rows.place(name)}"
    values = version.values(name, known_code(dialect, place, countable and countable.codes, bins.categories))
    is_known = f"c.x IN ({', '.join(map(dialect.literal, bins.categories))})" if bins.categories else "FALSE"
    is_other = f"c.x IS NOT NULL AND NOT ({is_known})"
    found = version.ask(
        read_sql("warehouse/counting/categories.sql").format(
            values=values, is_other=is_other, integer=dialect.types.integer
        )
    )
    known = {category: int(rows) for category, is_unseen, rows in found.rows() if not is_unseen}
    other = sum(int(rows) for _, is_unseen, rows in found.rows() if is_unseen)
    unseen: dict[str, int] = {}
    if other:
        unseen = dict(
            version.ask(
                read_sql("warehouse/counting/unseen.sql").format(
                    values=values, is_other=is_other, by_code=dialect.by_code("c.x"), most=UNSEEN_NAMES_KEPT
                )
            ).rows()
        )
    return profile_of_categories(name, bins, known, unseen, other=other)


def _all_rows(source: OpenSource, rows: ChunkRows) -> int:
    return _number(
        source, rows, f"SELECT count(*) AS row_count FROM {rows.table.listed.sql} AS p WHERE {rows.in_chunk}"
    )


def _number(source: OpenSource, rows: ChunkRows, sql: str) -> int:
    return int(source.frame(rows.query(sql)).item())


def _score_facts(source: OpenSource, rows: ChunkRows) -> Iterator[ScoreFacts]:
    for name in rows.scores:
        column = rows.columns.get(name)
        if column is None or column.reason:
            continue
        outside = f"CASE WHEN {is_outside(rows.dialect, 'r.x')} THEN r.x END"
        yield _values_outside(source, rows, name, rows.read(f"{column.sql} AS x"), outside)


def _sum_facts(source: OpenSource, rows: ChunkRows) -> ScoreFacts | None:
    if len(rows.scores) < 2 or any(name not in rows.columns or rows.columns[name].reason for name in rows.scores):  # noqa: PLR2004
        return None
    dialect = rows.dialect
    raw = ", ".join(f"{rows.columns[name].sql} AS {rows.place(name)}" for name in rows.scores)
    clipped = ", ".join(f"{probability(dialect, f'q.{rows.place(n)}')} AS {rows.place(n)}" for n in rows.scores)
    places = [f"s.{rows.place(name)}" for name in rows.scores]
    sums = (
        f"SELECT {sum_of(dialect, places)} AS x, {sum_is_off(dialect, places)} AS is_off "
        f"FROM (SELECT {clipped} FROM ({rows.read(raw)}) AS q) AS s"
    )
    return _values_outside(source, rows, "score", sums, "CASE WHEN r.is_off THEN r.x END")


def _values_outside(source: OpenSource, rows: ChunkRows, subject: str, values: str, outside: str) -> ScoreFacts:
    numbers = f"count(r.x) AS n, count({outside}) AS m, min({outside}) AS a, max({outside}) AS b"
    return ScoreFacts(subject, *source.frame(rows.query(f"SELECT {numbers} FROM ({values}) AS r")).row(0))
