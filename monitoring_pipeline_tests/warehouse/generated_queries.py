"""Every query to a warehouse, generated for columns of given types."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from monitoring_pipeline.evaluation.spec_check.facts import NullValue
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable, Table
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Kind
from monitoring_pipeline.warehouse.sql.inspection_queries import (
    counted_predictions_query,
    first_labels_query,
    first_predictions_query,
    labels_extent_query,
    null_values_query,
    predictions_extent_query,
)
from monitoring_pipeline.warehouse.sql.label_queries import (
    label_accounting_query,
    label_join,
    label_states_query,
    labels_query,
)
from monitoring_pipeline.warehouse.sql.queries import (
    Query,
    columns_query,
    prediction_states_query,
    predictions_query,
    predictions_without_time_query,
    tables_query,
)
from monitoring_pipeline.warehouse.sql.table_queries import counts_query, rows_query, sample_query
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker

AS_OF = dt.datetime(2013, 7, 1, 12, 30, tzinfo=dt.UTC)
ODD = 'odd name"'
NAMES = ("made_at", "known_at", "id", "churned", "score", "v", ODD, "it's")
TIMES = (Kind.INSTANT, Kind.LOCAL_TIME, Kind.DATE, Kind.TEXT, Kind.INTEGER, Kind.FLOAT)


def all_queries(dialect: Dialect, types: Sequence[str], make_spec: SpecMaker) -> Iterator[tuple[str, Query]]:
    """Yield every query with its name, for columns of every type in every role that the type can have."""
    listed = ListedTable("warehouse", "main", "scores", in_default_schema=True, dialect=dialect)
    yield "tables", tables_query(dialect)
    yield "columns", columns_query(listed)
    for name, query in _of_tables(listed, types):
        yield name, query
    times = [kind for kind in types if dialect.kind(kind) in TIMES]
    text = next(kind for kind in types if dialect.kind(kind) is Kind.TEXT)
    number = next(kind for kind in types if dialect.kind(kind) is Kind.FLOAT)
    of_times = [(time, zone, "") for time, zone in product(times, ("UTC", "America/New_York"))]
    for time, zone, of_id in (*of_times, *((times[0], "UTC", kind) for kind in types)):
        columns = {"made_at": time, "id": of_id or text, "score": number, "v": text, ODD: of_id or number}
        labels = {"known_at": time, "id": text, "churned": of_id or text, "part": number}
        for shape, spec, table in _specs(make_spec, zone):
            predictions = Table(listed, columns | {"known_at": time, "churned": text})
            other = Table(ListedTable("warehouse", "main", table, in_default_schema=True, dialect=dialect), labels)
            of_labels = predictions if table == "scores" else other
            for name, query in _of_spec(spec, predictions, of_labels):
                yield f"{name} of {shape}, time {time} in {zone}, id {of_id}", query


def _specs(make_spec: SpecMaker, zone: str) -> Iterator[tuple[str, ModelSpec, str]]:
    predictions = {"time_zone": zone, "model_version": "v"}
    features = {"amount": {"kind": "numeric", "column": ODD}, "part": "numeric"}
    common = {"timezone": "America/New_York", "features": features}
    yield "labels", make_spec(predictions=predictions, labels={"time_zone": zone}, **common), "truths"
    several = {"id": ["id", ODD]}
    yield "two ids", make_spec(predictions=predictions | several, labels={"id": ["id", "part"]}, **common), "truths"
    yield "undated labels", make_spec(predictions=predictions, labels={"known_at": None}, **common), "truths"
    inside = {"table": None, "id": None}
    yield "labels inside", make_spec(predictions=predictions, labels=inside, **common), "scores"


def _of_tables(listed: ListedTable, types: Sequence[str]) -> Iterator[tuple[str, Query]]:
    names: Mapping[str, str] = {NAMES[n] if n < len(NAMES) else f"c{n}": kind for n, kind in enumerate(types)}
    table = Table(listed, names)
    yield "rows", rows_query(table)
    countable = [name for name, kind in names.items() if listed.dialect.kind(kind) is not Kind.READ_AS_TEXT]
    yield "counts", counts_query(table, countable)
    yield "sample", sample_query(table, 1_000_000, 1000)
    yield "whole table", sample_query(table, 10, 1000)


def _of_spec(spec: ModelSpec, predictions: Table, labels: Table) -> Iterator[tuple[str, Query]]:
    chunks = [spec.calendar.chunk(f"2013-03-{day:02}") for day in (9, 10)]
    chunk, join = chunks[1], label_join(spec, predictions, labels)
    yield "predictions", predictions_query(spec, predictions, chunk).query
    yield "prediction states", prediction_states_query(spec, predictions, chunks)
    yield "without time", predictions_without_time_query(spec, predictions)
    yield "extent", predictions_extent_query(spec, predictions)
    columns = [predictions.column(name) for name in predictions.types]
    wanted = {NullValue(column.name, "-999"): column for column in columns if column is not None}
    yield "null values", null_values_query(predictions, wanted)
    yield "counted", counted_predictions_query(spec, predictions, chunk)
    yield "first predictions", first_predictions_query(spec, predictions, chunk, 5).query
    yield "labels", labels_query(join, chunk, AS_OF)
    yield "accounting", label_accounting_query(join, chunk, AS_OF)
    yield "states", label_states_query(join, chunks, AS_OF)
    yield "extent of labels", labels_extent_query(join)
    yield "first labels", first_labels_query(join, chunk, AS_OF, 5)
