"""Runs SQL that is written for a cloud on DuckDB, translated by sqlglot.

It compares rows with a second reading of the dialect. The casts are DuckDB's, so what a cast accepts is not tested.
Functions that sqlglot passes through are macros here. ``_translated`` has what sqlglot gets wrong.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import sqlglot
from sqlglot import exp

from monitoring_pipeline.warehouse.engines.bigquery import dialect as bigquery
from monitoring_pipeline.warehouse.engines.databricks import dialect as databricks
from monitoring_pipeline.warehouse.engines.server.session import BusinessValues
from monitoring_pipeline.warehouse.engines.server.values import NamedValues
from monitoring_pipeline.warehouse.engines.server.warehouse import ServerWarehouse
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Statement

CLOUDS = {
    "bigquery": (bigquery.bigquery_dialect("warehouse", "main"), bigquery.MARK),
    "databricks": (databricks.DATABRICKS, databricks.MARK),
}
ONLY_IN_DUCKDB = {
    "UUID": "VARCHAR", "HUGEINT": "DECIMAL(38, 0)", "TIMESTAMP_S": "TIMESTAMP", "TIMESTAMP_MS": "TIMESTAMP",
}  # fmt: skip
"""Types that no cloud has, and those that it would have instead."""
MACROS = (
    "timestamp_micros(n) AS make_timestamptz(CAST(n AS BIGINT))",
    "conv(digits, base, other) AS CAST(CAST('0x' || digits AS BIGINT) AS VARCHAR)",
    "farm_fingerprint(x) AS CAST(hash(x) >> 1 AS BIGINT)",
    "xxhash64(x) AS CAST(hash(x) >> 1 AS BIGINT)",
    "pmod(x, n) AS x % n",
    '"get"(list, place) AS list[place + 1]',
    "try_variant_get(x, path, kind) AS json_extract_string(CAST(x AS JSON), path)",
    "current_catalog() AS current_database()",
)
VIEWS = (
    "catalogue_tables AS SELECT * FROM information_schema.tables WHERE NOT starts_with(table_name, 'catalogue_')",
    "catalogue_columns AS SELECT *, data_type AS full_data_type, 'NO' AS is_hidden FROM information_schema.columns",
)


@dataclass(frozen=True)
class TranslatedServer:
    """A DuckDB file behind the dialect of a cloud."""

    path: Path
    dialect: Dialect
    language: str
    mark: str
    name: str = "a cloud"
    shown: str = "cloud://account"

    @property
    def business_values(self) -> Callable[[], BusinessValues]:
        """Values of a user's SQL, with the mark of the cloud."""
        return lambda: NamedValues(self.mark)

    @contextmanager
    def connect(self, _seconds: float) -> Iterator["TranslatedSession"]:
        """Open the file."""
        with duckdb.connect(self.path) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for macro in MACROS:
                connection.execute(f"CREATE OR REPLACE TEMP MACRO {macro}")
            for view in VIEWS:
                connection.execute(f"CREATE OR REPLACE TEMP VIEW {view}")
            yield TranslatedSession(connection, self.language)


@dataclass(frozen=True)
class TranslatedSession:
    """A connection that translates."""

    connection: duckdb.DuckDBPyConnection
    language: str

    def frame(self, statement: Statement) -> pl.DataFrame:
        """Return the result of a statement."""
        values: Any = statement.values
        assert isinstance(values, Mapping)
        frame = self.connection.execute(translated(statement.sql, self.language), dict(values)).pl()
        if "full_data_type" in frame.columns or "data_type" in frame.columns:
            names = [in_language(kind, self.language) for kind in frame.to_series(1)]
            frame = frame.with_columns(pl.Series(frame.columns[1], names))
        return frame

    def types(self, select: str) -> dict[str, str]:
        """Return the types of a query's columns."""
        rows = self.connection.execute(f"DESCRIBE {translated(select, self.language)}").fetchall()
        return {name: in_language(kind, self.language) for name, kind, *_ in rows}


def in_language(kind: str, language: str) -> str:
    """Return a type of DuckDB as the catalogue of a cloud names it."""
    return exp.DataType.build(kind, dialect="duckdb").sql(language)


@cache
def translated(sql: str, language: str) -> str:
    """Return SQL of a cloud as SQL of DuckDB."""
    tree = sqlglot.parse_one(sql, read=language, error_level=sqlglot.ErrorLevel.RAISE)
    return tree.transform(_translated).sql("duckdb")


def _translated(node: exp.Expression) -> exp.Expression:
    if isinstance(node, exp.Table) and "INFORMATION_SCHEMA" in node.sql().upper():
        return exp.to_table(f"catalogue_{node.name.rpartition('.')[2].lower()}")
    if isinstance(node, exp.FromTimeZone):
        # TO_UTC_TIMESTAMP takes the clock of an instant in the session's zone for that of another zone.
        clock = exp.AtTimeZone(this=node.this, zone=exp.Literal.string("UTC"))
        return exp.AtTimeZone(this=exp.paren(clock), zone=node.args["zone"])
    if isinstance(node, exp.DataType) and node.is_type(exp.DataType.Type.BIGDECIMAL):
        # sqlglot makes a DECIMAL with five digits after the point of it, whose text has them too.
        return exp.DataType.build("INT128")
    return node


def build_translated(path: Path, language: str) -> ServerWarehouse:
    """Return a warehouse that reads a DuckDB file through the SQL of a cloud."""
    dialect, mark = CLOUDS[language]
    return ServerWarehouse(TranslatedServer(path, dialect, language, mark))
