"""Builds warehouses on fakesnow, which runs Snowflake's SQL on DuckDB."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fakesnow
import snowflake.connector
import sqlglot
from fakesnow.cursor import FakeSnowflakeCursor

from monitoring_pipeline.warehouse.engines.server.warehouse import ServerWarehouse
from monitoring_pipeline.warehouse.engines.snowflake.session import SnowflakeServer

URL = "snowflake://reader:secret@account/DB/PUBLIC"


@contextmanager
def open_fake_account() -> Iterator[None]:
    """Replace the connector by one to an empty account."""
    with fakesnow.patch():
        # The connector's own name of it; fakesnow has the table only.
        FakeSnowflakeCursor.fetch_arrow_all = lambda self, **_: self._arrow_table
        connection = snowflake.connector.connect(database="DB", schema="PUBLIC")
        # fakesnow passes this function through under a name that it makes of it, and DuckDB's reverses the bytes.
        connection._duck_conn.execute(
            "CREATE MACRO main.m_d5_number_upper64(x) AS CAST('0x' || substr(md5(x), 1, 16) AS UBIGINT)"
        )
        yield


def build_snowflake(_account: None, _folder: Path, statements: tuple[str, ...]) -> ServerWarehouse:
    """Return a warehouse in the account."""
    with snowflake.connector.connect(database="DB", schema="PUBLIC") as connection:
        for statement in statements:
            for translated in in_snowflake(statement):
                connection.cursor().execute(translated)
    return ServerWarehouse(SnowflakeServer(URL, "snowflake://reader@account/DB/PUBLIC"))


def in_snowflake(statement: str) -> list[str]:
    """Return statements of DuckDB in Snowflake's SQL, in which an identifier without quotes has capital letters."""
    trees = [tree for tree in sqlglot.parse(statement, read="duckdb") if tree is not None]
    return [tree.sql("snowflake") for tree in trees]
