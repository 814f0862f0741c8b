"""A PostgreSQL server by its URL: users' SQL, rows of references, tables without a spec, and errors without values."""

import datetime as dt
import uuid
from pathlib import Path

import pytest

from monitoring_pipeline.evaluation.business.business_metrics import BusinessQueryError
from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.engine import EngineLimits
from monitoring_pipeline.warehouse.engines.opening import open_engine
from monitoring_pipeline.warehouse.errors import UnreadableWarehouseError, WarehouseFailedError
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.server_builders import build_postgresql
from monitoring_pipeline_tests.warehouse.test_warehouse_contract import SCORES, TRUTHS

NOON = dt.datetime(2013, 6, 2, 12, tzinfo=dt.UTC)
LATER = dt.datetime(2013, 7, 1, tzinfo=dt.UTC)


@pytest.fixture
def engine(postgresql_server: str, tmp_path: Path):
    build_postgresql(
        postgresql_server, tmp_path, (
            SCORES, TRUTHS, "INSERT INTO scores VALUES ('secret', '2013-06-02 12:00', 40, 0.25)",
            "INSERT INTO truths VALUES ('secret', true, '2013-06-03')",
        ),
    )  # fmt: skip
    url = build_postgresql(postgresql_server, tmp_path, ()).server.url
    return open_engine(WarehouseAddress(url, "MONITORING_PIPELINE_WAREHOUSE"), EngineLimits(business_seconds=1))


def test_business_sql_is_one_select_that_reads_only(engine, make_spec: SpecMaker) -> None:
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")

    def ask(sql: str) -> float | None:
        return engine.warehouse.business_metric(spec, sql, chunk, "1' OR '1' = '1")

    assert ask("SELECT 1.25::numeric(5, 2); -- with a comment after it") == 1.25
    assert ask("SELECT count(*) FROM scores WHERE made_at >= :chunk_start AND made_at < :chunk_end") == 1.0
    assert ask("SELECT count(*) FROM scores WHERE id = :model_version") == 0.0
    assert ask("SELECT NULL") is None
    for sql, message in (
        ("DELETE FROM scores", "one SELECT is needed, got DELETE"),
        ("WITH gone AS (DELETE FROM scores RETURNING 1) SELECT 1", "PostgreSQL cannot compute it"),
        ("SELECT amout FROM scores", 'PostgreSQL refuses it: column "amout" does not exist'),
        ("SELECT 1, 2", "got one row with 2 columns"),
        ("SELECT 'nan'::float8", "a finite number is needed, got nan"),
        ("SELECT pg_sleep(9)", "interrupted after 1 seconds"),
    ):
        with pytest.raises(BusinessQueryError, match=message):
            ask(sql)
    with pytest.raises(BusinessQueryError, match="a value cannot be computed") as raised:
        ask("SELECT sum(id::int) FROM scores")
    assert "secret" not in str(raised.value)
    assert ask("SELECT count(*) FROM scores") == 1.0


def test_rows_of_a_reference_come_from_a_table_or_query(engine, make_spec: SpecMaker) -> None:
    spec = make_spec()
    chunk = spec.calendar.chunk("2013-06-02")

    def rows(**source):
        elsewhere = RowsElsewhere(**({"place": "churn: reference.1", "name": "reference.1", "columns": {}} | source))
        return engine.warehouse.with_predictions_of(elsewhere)

    doubled = rows(query="SELECT *, score * 2 AS doubled FROM scores; -- all", columns={"score": "doubled"})
    assert doubled.read_predictions(spec, chunk).frame.rows() == [("secret", NOON, 40, 0.5)]
    assert doubled.read_labels(spec, chunk, LATER).frame["label"].to_list() == [True]
    assert rows(table="scores").read_predictions(spec, chunk).frame["score"].to_list() == [0.25]
    for source, message in (
        ({"query": "SELECT nope FROM scores"}, 'reference.1.query: column "nope" does not exist'),
        ({"query": "DROP TABLE scores"}, "one SELECT is needed, got DROP"),
        ({"file": "/rows.parquet"}, "PostgreSQL cannot read files"),
    ):
        with pytest.raises(UnreadableWarehouseError, match=message):
            rows(**source).read_predictions(spec, chunk)


def test_tables_are_listed_and_sampled_without_a_spec(engine) -> None:
    assert engine.tables.table_names() == ("scores", "truths")
    sample = engine.tables.table_sample("truths", 10)
    assert (sample.rows, sample.counts["churned"].distinct, sample.frame.columns) == (
        1, 1, ["id", "churned", "known_at"],
    )  # fmt: skip


def test_table_without_the_right_to_read_is_named(postgresql_server: str, tmp_path: Path, make_spec: SpecMaker) -> None:
    role = f"reader_{uuid.uuid4().hex[:8]}"
    url = build_postgresql(postgresql_server, tmp_path, (SCORES, TRUTHS, f"CREATE ROLE {role}")).server.url
    limited = f"{url}{'&' if '?' in url else '?'}options=-crole%3D{role}"
    engine = open_engine(WarehouseAddress(limited, "MONITORING_PIPELINE_WAREHOUSE"), EngineLimits())
    spec = make_spec()
    with pytest.raises((UnreadableWarehouseError, WarehouseFailedError), match="permission denied for"):
        engine.warehouse.read_predictions(spec, spec.calendar.chunk("2013-06-02"))


def test_server_that_does_not_answer_is_a_failed_warehouse(make_spec: SpecMaker) -> None:
    address = WarehouseAddress("postgresql://me@127.0.0.1:1/db", "MONITORING_PIPELINE_WAREHOUSE")
    spec = make_spec()
    with pytest.raises(WarehouseFailedError, match=r"PostgreSQL cannot read it: .*Failed to connect"):
        open_engine(address, EngineLimits()).warehouse.read_predictions(spec, spec.calendar.chunk("2013-06-02"))
