"""A user's SELECT on a DuckDB file: values are bound, one number is returned, and errors describe the result."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from monitoring_pipeline.evaluation.business.business_metrics import BusinessQueryError
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.errors import WarehouseMissingError

SpecMaker = Callable[..., ModelSpec]

ORDERS = """
CREATE TABLE orders (
    ordered_at TIMESTAMPTZ, naive TIMESTAMP, day DATE, version VARCHAR, amount DECIMAL(9, 2), note VARCHAR
);
INSERT INTO orders SELECT ordered_at, ordered_at::TIMESTAMP, ordered_at::DATE, version, amount, note FROM (VALUES
    ('2013-03-10 04:59:59+00'::TIMESTAMPTZ, '1', 1000, 'before'),
    ('2013-03-10 05:00:00+00', '1', 1.50, 'first'),
    ('2013-03-10 12:00:00+00', '2', 20, 'x'),
    ('2013-03-11 03:59:59+00', '1', 300, 'last'),
    ('2013-03-11 04:00:00+00', '1', 4000, 'after')
) AS given (ordered_at, version, amount, note);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(ORDERS)
    return path


@pytest.fixture
def ask(path: Path, make_spec: SpecMaker) -> Callable[..., float | None]:
    # The clocks change on this day, so it has 23 hours: 05:00 to 04:00 UTC.
    spec = make_spec(timezone="America/New_York")
    chunk = spec.calendar.chunk("2013-03-10")

    def ask(sql: str, version: str = "1", seconds: float = 60.0) -> float | None:
        warehouse = DuckDBWarehouse(path, lock_timeout_seconds=1, business_timeout_seconds=seconds)
        return warehouse.business_metric(spec, sql, chunk, version)

    return ask


@pytest.mark.parametrize("column", ["ordered_at", "naive"])
def test_bounds_of_the_chunk_compare_with_timestamps_with_and_without_zone(ask, column):
    in_chunk = f"FROM orders WHERE {column} >= :chunk_start AND {column} < :chunk_end"
    assert ask(f"SELECT sum(amount) {in_chunk}") == 321.5
    assert ask(f"SELECT sum(amount) {in_chunk} AND version = :model_version", "2") == 20.0
    assert ask(f"SELECT sum(amount) {in_chunk} AND version = :model_version", "none of them") is None
    assert ask("SELECT date_diff('hour', :chunk_start, :chunk_end)") == 23.0
    assert ask("SELECT count(*) FROM orders WHERE day = :chunk_start::DATE") == 3.0


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT 3", 3.0),
        ("SELECT 10::HUGEINT", 10.0),
        ("SELECT 1.25::DECIMAL(5, 2); -- with a comment after it", 1.25),
        ("WITH a AS (SELECT 2 AS b) FROM a", 2.0),
        ("VALUES (4)", 4.0),
        ("SELECT length(':chunk_start'::VARCHAR)", 12.0),
        ("SELECT NULL", None),
        ("SELECT avg(amount) FROM orders WHERE false", None),
    ],
)
def test_query_with_one_number_or_null_returns_it(ask, sql, value):
    assert ask(sql) == value


def test_model_version_with_quotes_is_bound_as_a_value(ask):
    injection = "1' OR '1' = '1"
    assert ask("SELECT count(*) FROM orders WHERE version = :model_version", injection) == 0.0
    assert ask("SELECT length(:model_version)", injection) == len(injection)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1, 2", "one row with one column is needed, got one row with 2 columns"),
        ("SELECT amount FROM orders", "got more than one row with 1 column"),
        ("SELECT amount FROM orders WHERE false", "got no row with 1 column"),
        ("SELECT note FROM orders LIMIT 1", "a number is needed, got a value of type str"),
        ("SELECT true", "a number is needed, got a value of type bool"),
        ("SELECT ordered_at FROM orders LIMIT 1", "a number is needed, got a value of type datetime"),
        ("SELECT 'nan'::DOUBLE", "a finite number is needed, got nan"),
        ("SELECT '-inf'::DOUBLE", "a finite number is needed, got -inf"),
        ("", "one SELECT is needed, got no statement"),
        ("SELECT 1; SELECT 2", "one SELECT is needed, got SELECT and SELECT"),
        ("DELETE FROM orders", "one SELECT is needed, got DELETE"),
        ("COPY orders TO 'somewhere.csv'", "one SELECT is needed, got COPY"),
        ("SET TimeZone = 'Asia/Kolkata'", "one SELECT is needed, got SET"),
        ("ATTACH 'other.duckdb'", "one SELECT is needed, got ATTACH"),
        ("SELECT $1", r"parameters are written as :name; got \$1"),
        ("SELECT ?", r"parameters are written as :name; got \$1"),
        ("SELECT $chunk_start, $other", r"parameters are written as :name; got \$chunk_start, \$other"),
        ("SELECT :chunk", "unknown parameter :chunk in line 1; known: :chunk_end, :chunk_start, :model_version"),
        ("SELECT amout FROM orders", 'DuckDB refuses it: Binder Error: Referenced column "amout" not found'),
        ("SELEC 1", "DuckDB refuses it: Parser Error"),
        ("SELECT 1 FROM nowhere", "DuckDB refuses it: Catalog Error: Table with name nowhere does not exist"),
    ],
)
def test_query_without_exactly_one_number_is_refused_with_the_reason(ask, path, sql, message):
    before = path.read_bytes()
    with pytest.raises(BusinessQueryError, match=message):
        ask(sql)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_error_about_data_shows_no_value_of_a_row(ask):
    with pytest.raises(BusinessQueryError, match="DuckDB cannot compute it: ConversionException") as raised:
        ask("SELECT sum(note::INTEGER) FROM orders")
    assert "before" not in str(raised.value)


def test_query_beyond_the_timeout_is_interrupted(ask):
    endless = (
        "SELECT sum(a.range * b.range) FROM range(100000000) a, range(100000000) b WHERE a.range % 7 = b.range % 5"
    )
    with pytest.raises(BusinessQueryError, match=r"interrupted after 0\.2 seconds"):
        ask(endless, seconds=0.2)
    assert ask("SELECT 1", seconds=60) == 1.0


def test_missing_warehouse_raises_the_same_error_as_other_reads(path, make_spec):
    path.unlink()
    spec = make_spec()
    with pytest.raises(WarehouseMissingError):
        DuckDBWarehouse(path).business_metric(spec, "SELECT 1", spec.calendar.chunk("2013-03-10"), "1")
