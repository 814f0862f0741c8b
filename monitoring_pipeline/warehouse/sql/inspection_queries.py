"""The queries by which a source is inspected: counts, and the first rows of a chunk."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace

from monitoring_pipeline.evaluation.spec_check.facts import NullValue
from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.sql.catalogue import Column, Table
from monitoring_pipeline.warehouse.sql.columns import has_value_of, readable
from monitoring_pipeline.warehouse.sql.label_queries import LabelJoin, labels_query
from monitoring_pipeline.warehouse.sql.queries import (
    PREDICTIONS_ALIAS,
    PredictionsQuery,
    Query,
    prediction_time,
    predictions_query,
    with_used_values,
)
from monitoring_pipeline.warehouse.sql.times import span_values

MOST_COUNTS = 200_000
"""Rows of counts that are read at most, for a source whose version differs in every row."""


def predictions_extent_query(spec: ModelSpec, table: Table) -> Query:
    """Return the query for the numbers of ``PredictionsExtent``.

    Raises:
        MissingColumnError: when the column of the time does not exist.
        WrongTimeTypeError: when it holds no times.
    """
    instant = prediction_time(spec, table).instant
    return Query(read_sql("warehouse/predictions_extent.sql").format(predictions=table.listed.sql, instant=instant), {})


def null_values_query(table: Table, columns: Mapping[NullValue, Column]) -> Query:
    """Return the query for the number of rows with each null value, in their order."""
    counts = ", ".join(
        f"count(CASE WHEN {has_value_of(column, PREDICTIONS_ALIAS, (each.value,))} THEN 1 END) AS n{place}"
        for place, (each, column) in enumerate(columns.items())
    )
    return Query(f"SELECT {counts} FROM {table.listed.sql} AS {PREDICTIONS_ALIAS}", {})


def labels_extent_query(join: LabelJoin) -> Query:
    """Return the query for the numbers of ``LabelsExtent``."""
    return Query(read_sql("warehouse/labels_extent.sql").format(label=join.label, **join.placeholders), {})


def counted_predictions_query(spec: ModelSpec, table: Table, window: Chunk) -> Query:
    """Return the query for the number of predictions in a window, by version and quarter of an hour.

    Raises:
        MissingColumnError: when the column of the time does not exist.
        WrongTimeTypeError: when it holds no times.
    """
    time = prediction_time(spec, table)
    column = table.column(spec.predictions.model_version) if spec.predictions.model_version else None
    dialect = table.listed.dialect
    no_version = f"CAST(NULL AS {dialect.types.text})"
    sql = read_sql("warehouse/predictions_counted.sql").format(
        version=readable(column, PREDICTIONS_ALIAS, as_number=False) if column else no_version,
        seconds=dialect.times.to_epoch(time.instant),
        integer=dialect.types.integer,
        predictions=table.listed.sql,
        most_rows=MOST_COUNTS,
        in_chunk=time.between("chunk_start", "chunk_end"),
    )
    return with_used_values(dialect, sql, span_values(chunk_start=window.start, chunk_end=window.end))


def first_predictions_query(spec: ModelSpec, table: Table, chunk: Chunk, most_rows: int) -> PredictionsQuery:
    """Return the query for at most so many predictions of a chunk."""
    wanted = predictions_query(spec, table, chunk)
    return replace(wanted, query=_first(wanted.query, most_rows))


def first_labels_query(join: LabelJoin, chunk: Chunk, as_of: dt.datetime, most_rows: int) -> Query:
    """Return the query for at most so many labels of a chunk."""
    return _first(labels_query(join, chunk, as_of), most_rows)


def _first(query: Query, most_rows: int) -> Query:
    return replace(query, sql=f"{query.sql}\nLIMIT {most_rows:d}")
