"""Values that are bound to a query of DuckDB arrive as they are."""

import datetime as dt
import subprocess
import sys

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.warehouse.engines.duckdb.binding import constant, run_bound, with_constants
from monitoring_pipeline.warehouse.sql.queries import Query

INSTANTS = st.datetimes(timezones=st.just(dt.UTC))
VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | INSTANTS


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    opened.execute("SET TimeZone = 'UTC'")
    return opened


@given(value=VALUES, other=VALUES)
def test_value_is_that_of_the_binding_in_python(connection, value, other):
    sql = "SELECT $a AS a, typeof($a) AS type, $b AS b, 'of $a' AS \"$b\""
    bound = run_bound(connection, Query(sql, {"a": value, "b": other})).to_arrow_table()
    in_python = connection.execute(sql, {"a": value, "b": other}).to_arrow_table()
    assert bound["a"].to_pylist() == in_python["a"].to_pylist() == [value]
    assert bound["b"].to_pylist() == in_python["b"].to_pylist() == [other]
    assert bound["$b"].to_pylist() == ["of $a"]
    if isinstance(value, str | dt.datetime | bool):
        assert bound["type"] == in_python["type"]


@pytest.mark.parametrize("text", ["", "'", "''); DROP TABLE t; --", "\\'", "\x01\n", "Zürich 🛫", "$a"])
def test_text_is_no_sql(connection, text):
    assert set(constant(text)) <= set("decode(from_hex('0123456789abcdef'))")
    assert run_bound(connection, Query("SELECT $t", {"t": text})).fetchall() == [(text,)]


@pytest.mark.parametrize("value", [1.5, b"x", dt.datetime.fromisoformat("2024-01-01"), dt.date(2024, 1, 1), [1]])
def test_value_that_no_query_binds_is_refused(value):
    with pytest.raises(TypeError, match=r"\w+ cannot be bound to a query"):
        constant(value)


def test_bound_query_imports_no_pandas():
    code = (
        "import sys, datetime as dt, duckdb, polars;"
        "from monitoring_pipeline.warehouse.engines.duckdb.binding import run_bound;"
        "from monitoring_pipeline.warehouse.sql.queries import Query;"
        "values = {'a': 'x', 'b': dt.datetime.now(dt.UTC), 'c': None, 'd': 1};"
        "answer = run_bound(duckdb.connect(), Query('SELECT $a, $b, $c, $d', values));"
        "frame = polars.DataFrame(answer.to_arrow_table());"
        "assert frame.shape == (1, 4);"
        "print('pandas' in sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "False"


def test_parameter_in_a_comment_text_or_quoted_name_stays() -> None:
    sql = "-- it's $a\nSELECT $a, '$a', \"$a\", $ab /* $a's */ FROM t"
    assert with_constants(Query(sql, {"a": 1})) == sql.replace("SELECT $a", "SELECT 1")
