"""Counts labelled rows in the database: by score and label, or by the error of a regression."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from monitoring_pipeline.evaluation.profiles.bins import Bins, NumericBins
from monitoring_pipeline.evaluation.profiles.groups import CellGroup, profile_of_cells
from monitoring_pipeline.evaluation.profiles.labelled import ERRORS_SEGMENT, sides_of
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile
from monitoring_pipeline.evaluation.rows.positive_class import positive_label
from monitoring_pipeline.ports.counting import BinsOfVersions, LabelledRows
from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.spec.sources import FeatureKind, Task
from monitoring_pipeline.statistics.inputs import LARGEST_MAGNITUDE
from monitoring_pipeline.warehouse.sql.catalogue import Column
from monitoring_pipeline.warehouse.sql.counting.bins import cells_sql
from monitoring_pipeline.warehouse.sql.counting.canonical import (
    NUMBERS,
    Countable,
    counted_number,
    number,
    positive_text,
)
from monitoring_pipeline.warehouse.sql.counting.rows import ChunkRows
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Kind
from monitoring_pipeline.warehouse.sql.label_queries import labels_query
from monitoring_pipeline.warehouse.sql.open_source import OpenSource, label_join_of
from monitoring_pipeline.warehouse.sql.queries import Query

LABEL = "k.label"
UNUSABLE = 2


def count_labelled(source: OpenSource, rows: ChunkRows, as_of: dt.datetime, bins: BinsOfVersions) -> LabelledRows:
    """Count the labelled rows of each version; only their number if labels or outputs cannot be counted."""
    label = _typed_label(source, rows)
    if label.reason is not None:
        return LabelledRows(_numbers(_Labelled(source, rows, as_of, LABEL)), not_counted=label.reason)
    labelled = _Labelled(source, rows, as_of, label.sql)
    if reason := next((reason for name in rows.spec.output_columns if (reason := rows.reason(name))), None):
        return LabelledRows(_numbers(labelled), not_counted=reason)
    counted = {version: tuple(_sides_of_version(labelled, version, bins[version])) for version in bins}
    if any(not sides for sides in counted.values()):
        return LabelledRows(_numbers(labelled), not_counted="a reference has no bins of errors")
    profiles = tuple(profile for sides in counted.values() for profile in _profiles(rows, sides))
    # Each number of a version is counted over all its labelled rows.
    numbers = {version: sides[0].rows for version, sides in counted.items()}
    return LabelledRows(numbers if _versions(source, rows) <= bins.keys() else _numbers(labelled), profiles)


def _versions(source: OpenSource, rows: ChunkRows) -> set[str]:
    return set(source.frame(rows.query(f"SELECT DISTINCT r.model_version FROM ({rows.with_id}) AS r")).to_series())


@dataclass(frozen=True)
class _Labelled:
    """Predictions joined with the label of each id, as SQL."""

    source: OpenSource
    rows: ChunkRows
    as_of: dt.datetime
    label: str

    def joined(self, outputs: tuple[str, ...]) -> str:
        """Return the SELECT of labelled predictions with some outputs, the version, and the label as ``label``."""
        labels = read_sql("warehouse/counting/labels_once.sql").format(label=self.label, labels=self._labels.sql)
        columns = "".join(f", p.{self.rows.place(name)}" for name in outputs)
        return (
            f"SELECT p.model_version, l.label{columns} FROM ({self.rows.select(outputs)}) AS p "
            f"JOIN ({labels}) AS l ON l.row_id = p.row_id"
        )

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        values = {**self._labels.values, **self.rows.query(sql).values}
        used = self.rows.dialect.names_in(sql)
        return self.source.frame(Query(sql, {name: value for name, value in values.items() if name in used})).rows()

    @property
    def _labels(self) -> Query:
        return labels_query(label_join_of(self.source, self.rows.spec), self.rows.chunk, self.as_of)


def _numbers(labelled: _Labelled) -> dict[str, int]:
    sql = f"SELECT j.model_version, count(*) AS row_count FROM ({labelled.joined(())}) AS j GROUP BY j.model_version"
    return {version: int(rows) for version, rows in sorted(labelled.ask(sql))}


@dataclass(frozen=True)
class _Value:
    """A number of labelled rows as SQL, and the side that a row belongs to, 0 or 1."""

    name: str
    sql: str
    side: str = "1"


@dataclass(frozen=True)
class _Sides:
    """The profiles of a number for the rows of side 0 and of side 1, and all labelled rows of the version."""

    version: str
    profiles: tuple[ColumnProfile, ColumnProfile]
    rows: int


def _profiles(rows: ChunkRows, sides: Sequence[_Sides]) -> Iterator[ChunkProfile]:
    """Yield the profiles of ``profile_labelled`` of one version."""
    version = sides[0].version
    if rows.spec.task is Task.REGRESSION:
        columns = tuple(side.profiles[1] for side in sides)
        yield ChunkProfile(version, columns[0].rows, columns, ERRORS_SEGMENT)
        return
    for (_, positive, negative), side in zip(sides_of(rows.spec), sides, strict=True):
        for segment, place in ((positive, 1), (negative, 0)):
            profile = side.profiles[place]
            yield ChunkProfile(version, profile.rows, (profile,), segment)


def _sides_of_version(labelled: _Labelled, version: str, bins: Mapping[str, Bins]) -> Iterator[_Sides]:
    values = tuple(_values(labelled.rows))
    if all(value.name in bins for value in values):
        for value in values:
            yield _sides(labelled, version, value, bins[value.name])


def _values(rows: ChunkRows) -> Iterator[_Value]:
    """Yield the numbers that are counted: the errors of a regression, or each score by its class."""
    if rows.spec.task is Task.REGRESSION:
        residual = f"j.{rows.place('prediction')} - j.label"
        yield _Value("residual", residual)
        yield _Value("absolute_error", f"abs({residual})")
        return
    for (column, *_), name in zip(sides_of(rows.spec), rows.spec.classes or ("1",), strict=True):
        is_class = f"CASE WHEN j.label = {rows.dialect.literal(name)} THEN 1 ELSE 0 END"
        yield _Value(column, f"j.{rows.place(column)}", is_class)


def _sides(labelled: _Labelled, version: str, value: _Value, bins: Bins) -> _Sides:
    rows = labelled.rows
    # Rows that no metric can use are on a side of their own, so that one query counts all labelled rows.
    side = f"CASE WHEN {' AND '.join(_usable(rows))} THEN {value.side} ELSE {UNUSABLE} END"
    joined = labelled.joined(rows.spec.output_columns)
    of_version = f"j.model_version = {rows.dialect.literal(version)}"
    values = f"SELECT {value.sql} AS x, {side} AS side FROM ({joined}) AS j WHERE {of_version}"
    numeric = bins if isinstance(bins, NumericBins) else NumericBins((), (0,), 0.0)
    groups: dict[int, list[CellGroup]] = {0: [], 1: [], UNUSABLE: []}
    for found, cell, count, *sums in labelled.ask(cells_sql(rows.dialect, numeric, values)):
        groups[int(found)].append(CellGroup(int(cell), int(count), *sums))
    profiles = tuple(profile_of_cells(value.name, numeric, groups[place]) for place in (0, 1))
    total = sum(group.rows for of_side in groups.values() for group in of_side)
    return _Sides(version, (profiles[0], profiles[1]), total)


def _usable(rows: ChunkRows) -> Iterator[str]:
    """Yield the conditions of ``usable``."""
    for output in rows.spec.output_columns:
        column = f"j.{rows.place(output)}"
        if rows.spec.columns[output] is FeatureKind.NUMERIC:
            yield f"NOT {rows.dialect.is_nan(column)}"
            yield f"abs({column}) <= {number(rows.dialect, LARGEST_MAGNITUDE)}"
    yield f"j.{rows.place('prediction')} IS NOT NULL"


def _typed_label(source: OpenSource, rows: ChunkRows) -> Countable:
    """Return labels as ``typed_label`` makes them; those of a binary model as the text 1 or 0."""
    spec = rows.spec
    declared = spec.declared_labels
    if declared.values:
        return Countable(reason="labels.values maps labels")
    table = rows.table if declared.table is None else source.table(declared.table, f"{spec.name}: labels.table")
    column = table.required_column(declared.label, f"{spec.name}: labels.label")
    if spec.task is Task.BINARY:
        return positive_text(column, (), positive_label(spec), LABEL)
    if spec.task is Task.REGRESSION:
        return _number(column)
    return _class(column, rows.dialect)


def _number(column: Column) -> Countable:
    if column.kind not in NUMBERS:
        return Countable(reason=f"labels are {column.type}")
    found = counted_number(column, (), LABEL)
    return Countable(f"CASE WHEN NOT {column.dialect.is_nan(found.sql)} THEN {found.sql} END")


def _class(column: Column, dialect: Dialect) -> Countable:
    if column.kind is Kind.TEXT:
        return Countable(LABEL)
    if column.kind is Kind.INTEGER:
        return Countable(f"CAST({LABEL} AS {dialect.types.text})")
    return Countable(reason=f"labels are {column.type}")
