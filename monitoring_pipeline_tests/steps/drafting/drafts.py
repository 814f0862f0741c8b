"""Drafts of tables in a real DuckDB file."""

import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl

from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.evaluation.drafting.plan import Plan
from monitoring_pipeline.steps.drafting.drafting import Source, Wishes, draft_plan
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.sql.inspection import SqlInspection
from monitoring_pipeline.warehouse.sql.tables import SqlTables

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def write_tables(path: Path, tables: Mapping[str, pl.DataFrame]) -> None:
    with closing(duckdb.connect(str(path))) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, frame in tables.items():
            connection.register("frame", frame.to_arrow())
            quoted = '"' + name.replace('"', '""') + '"'
            connection.execute(f"CREATE TABLE {quoted} AS SELECT * FROM frame")
            connection.unregister("frame")


def draft(path: Path, wishes: Wishes | None = None, advice: Advice | None = None) -> Plan:
    warehouse = DuckDBWarehouse(path)
    source = Source(tables=SqlTables(warehouse), inspection=SqlInspection(warehouse), now=NOW)
    return draft_plan(source, wishes or Wishes(), advice or Advice())
