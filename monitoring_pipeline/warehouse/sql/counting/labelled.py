"""Counts labelled rows in the database: by score and label, or by the error of a regression."""

import datetime as dt
from collections.abc import Iterator, Mapping
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


def count_labelled(source: OpenSource, rows: ChunkRows, as_of: dt.datetime, bins: BinsOfVersions) -> LabelledRows:
    """Count the labelled rows of each version; only their number if labels or outputs cannot be counted."""
    label = _typed_label(source, rows)
    if label.reason is not None:
        return LabelledRows(_numbers(_Labelled(source, rows, as_of, LABEL)), not_counted=label.reason)
    labelled = _Labelled(source, rows, as_of, label.sql)
    found = _numbers(labelled)
    if reason := next((reason for name in rows.spec.output_columns if (reason := rows.reason(name))), None):
        return LabelledRows(found, not_counted=reason)
    profiles = tuple(profile for version in bins for profile in _profiles(labelled, version, bins[version]))
    return LabelledRows(found, profiles)


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


def _profiles(labelled: _Labelled, version: str, bins: Mapping[str, Bins]) -> Iterator[ChunkProfile]:
    """Yield the profiles of ``profile_labelled``."""
    rows = labelled.rows
    if rows.spec.task is Task.REGRESSION:
        residual = f"j.{rows.place('prediction')} - j.label"
        errors = (_Value("residual", residual), _Value("absolute_error", f"abs({residual})"))
        if all(error.name in bins for error in errors):
            columns = tuple(_sides(labelled, version, error, bins[error.name])[1] for error in errors)
            yield ChunkProfile(version, columns[0].rows, columns, ERRORS_SEGMENT)
        return
    names = rows.spec.classes or ("1",)
    for (column, positive, negative), name in zip(sides_of(rows.spec), names, strict=True):
        is_class = f"CASE WHEN j.label = {rows.dialect.literal(name)} THEN 1 ELSE 0 END"
        if column in bins:
            counted = _sides(labelled, version, _Value(column, f"j.{rows.place(column)}", is_class), bins[column])
            for segment, side in ((positive, 1), (negative, 0)):
                yield ChunkProfile(version, counted[side].rows, (counted[side],), segment)


@dataclass(frozen=True)
class _Value:
    """A number of labelled rows as SQL, and the side that a row belongs to, 0 or 1."""

    name: str
    sql: str
    side: str = "1"


def _sides(labelled: _Labelled, version: str, value: _Value, bins: Bins) -> tuple[ColumnProfile, ColumnProfile]:
    """Return the profiles of a number for the rows of side 0 and of side 1."""
    rows = labelled.rows
    conditions = (*_usable(rows), f"j.model_version = {rows.dialect.literal(version)}")
    joined = labelled.joined(rows.spec.output_columns)
    values = f"SELECT {value.sql} AS x, {value.side} AS side FROM ({joined}) AS j WHERE {' AND '.join(conditions)}"
    numeric = bins if isinstance(bins, NumericBins) else NumericBins((), (0,), 0.0)
    groups: dict[int, list[CellGroup]] = {0: [], 1: []}
    for side, cell, count, *sums in labelled.ask(cells_sql(rows.dialect, numeric, values)):
        groups[int(side)].append(CellGroup(int(cell), int(count), *sums))
    return profile_of_cells(value.name, numeric, groups[0]), profile_of_cells(value.name, numeric, groups[1])


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
