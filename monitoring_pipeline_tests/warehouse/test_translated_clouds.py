"""The SQL of BigQuery and Databricks, translated to DuckDB: the same rows and numbers as DuckDB's own SQL gives."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from monitoring_pipeline.evaluation.business.business_metrics import BusinessQueryError
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.sql.inspection import SqlInspection
from monitoring_pipeline.warehouse.sql.queries import Query
from monitoring_pipeline.warehouse.sql.tables import SqlTables
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.test_snowflake import LATER, TIMES, comparable, statements
from monitoring_pipeline_tests.warehouse.translated_server import CLOUDS, build_translated

ZONE = "America/New_York"
FORMS_OF_TEXT = (
    "2013-03-10", "2013-03-10 05:30:00", "2013-03-10T05:30", "2013-03-10 05:30:00.25+05",
    "2013-03-10T05:30:00+0530", "2013-03-10T05:30:00.123456-08:00", " 2013-03-10T05:30:00Z ", "2013-02-30", "soon",
    "2013", "05:30:00", "2013-03-10 25:00:00", "",
)  # fmt: skip


@pytest.fixture(params=CLOUDS)
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., tuple[Any, Any]]:
    """Return a function that makes the same rows readable by DuckDB and through the SQL of a cloud."""

    def make(*written: str) -> tuple[Any, Any]:
        path = tmp_path / "warehouse.duckdb"
        with duckdb.connect(path) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for statement in written:
                connection.execute(statement)
        return DuckDBWarehouse(path), build_translated(path, request.param)

    return make


@pytest.mark.slow
@pytest.mark.parametrize("time", TIMES)
def test_rows_labels_and_states_equal_those_of_duckdb(cloud: Callable, make_spec: SpecMaker, time: str) -> None:
    both = cloud(*statements(time))
    features = {"age": "numeric", "amount": "numeric", "code": {"kind": "categorical", "column": "amount"}}
    common = {"timezone": ZONE, "features": features}
    predictions = {"time_zone": ZONE, "model_version": "v", "table": "Scores"}
    inside = {"table": None, "id": None, "label": "v", "known_at": None}
    for spec in (
        make_spec(predictions=predictions, **common),
        make_spec(predictions=predictions, labels={"known_at": None}, **common),
        make_spec(predictions=predictions | {"id": ["id", "age"]}, labels=inside, **common),
    ):
        chunks = [spec.calendar.chunk(f"2013-03-{day:02}") for day in (10, 11)]
        for chunk in chunks:
            ours, theirs = (each.read_predictions(spec, chunk) for each in both)
            assert ours.frame.height > 10
            assert comparable(ours.frame) == comparable(theirs.frame)
            assert ours.rows_without_time == theirs.rows_without_time
            ours, theirs = (each.read_labels(spec, chunk, LATER) for each in both)
            assert comparable(ours.frame) == comparable(theirs.frame)
            assert (ours.accounting, ours.state) == (theirs.accounting, theirs.state)
        ours, theirs = (each.label_states(spec, chunks, LATER) for each in both)
        assert ours == theirs
        assert all(state.rows for state in ours.values())


def test_inspections_equal_those_of_duckdb(cloud: Callable, make_spec: SpecMaker) -> None:
    duck, other = cloud(*statements("TIMESTAMPTZ"))
    spec = make_spec(timezone=ZONE, predictions={"model_version": "v"})
    both, window = (SqlInspection(duck), SqlInspection(other)), spec.calendar.chunk("2013-03-10")
    for answers in (
        [each.predictions_extent(spec) for each in both],
        [each.labels_extent(spec) for each in both],
        [each.counted_predictions(spec, window).rows() for each in both],
    ):
        assert answers[0] == answers[1]
    names = both[0].tables(spec), both[1].tables(spec)
    assert names[0].predictions.columns == names[1].predictions.columns
    tables = SqlTables(other)
    assert set(tables.table_names()) == {"scores", "truths"}
    sample = tables.table_sample("scores", 10)
    assert (sample.rows, sample.counts["id"].distinct, sample.counts["made_at"].nulls) == (60, 50, 3)


def test_text_in_each_form_is_the_time_that_duckdb_reads(cloud: Callable, make_spec: SpecMaker) -> None:
    rows = ", ".join(f"({n}, '{text}', 0.5, 1)" for n, text in enumerate(FORMS_OF_TEXT))
    both = cloud(
        "CREATE TABLE scores (id INTEGER, made_at VARCHAR, score DOUBLE, age INTEGER)",
        f"INSERT INTO scores VALUES {rows}",
    )
    spec = make_spec(timezone=ZONE, predictions={"time_zone": ZONE})
    for day in ("2013-03-09", "2013-03-10"):
        ours, theirs = (each.read_predictions(spec, spec.calendar.chunk(day)) for each in both)
        assert comparable(ours.frame) == comparable(theirs.frame)
        assert ours.rows_without_time == theirs.rows_without_time == 6


def test_business_sql_has_bound_values(cloud: Callable, make_spec: SpecMaker) -> None:
    both, spec = cloud(*statements("TIMESTAMPTZ")), make_spec()
    chunk = spec.calendar.chunk("2013-03-10")
    in_chunk = "FROM main.scores WHERE made_at >= :chunk_start AND made_at < :chunk_end AND v = :model_version"
    ours, theirs = (each.business_metric(spec, f"SELECT sum(amount) {in_chunk};", chunk, "1") for each in both)
    assert ours == theirs
    assert theirs is not None
    with pytest.raises(BusinessQueryError, match="one SELECT is needed, got DELETE"):
        both[1].business_metric(spec, "DELETE FROM scores", chunk, "1")


def test_text_with_an_offset_but_without_seconds_is_a_time(cloud: Callable) -> None:
    _, other = cloud()
    text = other.server.dialect.times.instant_of_text("'2013-03-10T05:30+0100'")
    if other.server.language == "databricks":
        pytest.skip("the cast is DuckDB's here, which needs seconds; Spark's documentation has them as optional")
    with other.open() as source:
        found = source.frame(Query(f"SELECT {text} AS t", {})).item()
    assert found == dt.datetime(2013, 3, 10, 4, 30, tzinfo=dt.UTC)


def test_ids_of_different_types_are_joined_as_in_duckdb(cloud: Callable, make_spec: SpecMaker) -> None:
    both = cloud(
        "CREATE TABLE scores (id DOUBLE, day TIMESTAMP, made_at TIMESTAMPTZ, score DOUBLE, age INTEGER)",
        "INSERT INTO scores SELECT 1, '2013-03-10', '2013-03-10', 0.5, 1",
        "INSERT INTO scores SELECT 'nan', NULL, '2013-03-10', 0.5, 1",
        "INSERT INTO scores SELECT 2.5, '2013-03-10 01:00', '2013-03-10', 0.5, 1",
        "INSERT INTO scores SELECT 'inf', '2013-03-10', '2013-03-10', 0.5, 1",
        "CREATE TABLE truths (id DECIMAL(9, 1), day DATE, churned BOOLEAN, known_at TIMESTAMPTZ)",
        "INSERT INTO truths VALUES (1, '2013-03-10', true, '2013-03-11'), (2.5, '2013-03-10', true, '2013-03-11')",
    )
    chunk = make_spec().calendar.chunk("2013-03-10")
    for ids in ("id", ["id", "day"]):
        spec = make_spec(predictions={"id": ids}, labels={"id": ids})
        ours, theirs = (each.read_predictions(spec, chunk) for each in both)
        assert comparable(ours.frame) == comparable(theirs.frame)
        ours, theirs = (each.read_labels(spec, chunk, LATER) for each in both)
        assert ours.frame.height >= 1
        assert comparable(ours.frame) == comparable(theirs.frame)


def test_values_inside_of_columns_are_those_of_duckdb(cloud: Callable, make_spec: SpecMaker) -> None:
    both = cloud(
        "CREATE TABLE scores (id INTEGER, made_at TIMESTAMPTZ, score DOUBLE, body STRUCT(age INT, parts INT[]))",
        "INSERT INTO scores VALUES (1, '2013-03-10', 0.5, {'age': 7, 'parts': [3, 4]}), (2, '2013-03-10', 0.5, NULL)",
    )
    features = {
        "age": {"kind": "numeric", "column": "Body.age"},
        "second": {"kind": "numeric", "column": "body.parts.1"},
    }
    spec = make_spec(features=features)
    ours, theirs = (each.read_predictions(spec, spec.calendar.chunk("2013-03-10")) for each in both)
    assert comparable(ours.frame) == comparable(theirs.frame)
    assert sorted(theirs.frame["second"].drop_nulls()) == [4]
