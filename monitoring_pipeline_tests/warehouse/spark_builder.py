"""Builds warehouses of Spark in local mode from the tables of a DuckDB file, where Spark and Java are installed."""

import hashlib
import shutil
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

import duckdb

from monitoring_pipeline.warehouse.engines.server.warehouse import ServerWarehouse

LACKS = {
    "uuids": "Spark has no such type",
    "schemas": "the tables are made in one database",
    "views": "the tables are files",
    "seconds": "Parquet has times in microseconds, so that years beyond 294,000 do not fit",
    "times of day": "Spark has none",
}


def has_spark() -> bool:
    """Return whether Spark can run here."""
    return find_spec("pyspark") is not None and shutil.which("java") is not None


def build_spark(warehouse: Path, folder: Path) -> ServerWarehouse:
    """Return a warehouse in a database of its own for each folder, with the tables of a DuckDB file."""
    from monitoring_pipeline.warehouse.engines.spark.address import spark_address
    from monitoring_pipeline.warehouse.engines.spark.session import SparkServer, _session

    schema = f"test_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    settings = {
        "spark.master": "local[2]", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(folder.parent / "spark"), "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }  # fmt: skip
    address = spark_address(f"spark://?{urlencode(settings | {'schema': schema})}", "spark")
    session = _session(address)
    session.sql(f"CREATE DATABASE IF NOT EXISTS {schema}")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall():
            place = folder / "spark" / name
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            quoted = name.replace('"', '""')
            connection.execute(f"COPY (FROM \"{quoted}\") TO '{place / 'rows.parquet'}'")
            session.sql(f"DROP TABLE IF EXISTS {schema}.`{name}`")
            session.sql(f"CREATE TABLE {schema}.`{name}` USING parquet LOCATION '{place}'")
    return ServerWarehouse(SparkServer(address, "spark"))
