"""The engines that the contract suite runs on; a further engine is one more row in ENGINES_UNDER_TEST.

Tables are written as SQL statements of DuckDB. An engine of another kind gets them from a DuckDB file beside it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.engines.engine import EngineLimits
from monitoring_pipeline.warehouse.engines.files.opening import open_engine
from monitoring_pipeline_tests.warehouse.server_builders import build_postgresql
from monitoring_pipeline_tests.warehouse.spark_builder import LACKS as LACKS_OF_SPARK
from monitoring_pipeline_tests.warehouse.spark_builder import build_spark, has_spark
from monitoring_pipeline_tests.warehouse.translated_server import ONLY_IN_DUCKDB, build_translated


@dataclass(frozen=True)
class EngineUnderTest:
    """An engine: the function that makes a warehouse with the tables of some statements, and what it lacks.

    ``lacks`` has, by the name that a test gives to ``Build.needs``, the reason why the engine cannot have it.
    ``fixture`` names the fixture of its server; ``build`` gets its value before the folder. ``is_slow`` marks all its
    tests.
    """

    build: Callable[..., Any]
    lacks: Mapping[str, str] = field(default_factory=dict)
    fixture: str = ""
    is_slow: bool = False


@dataclass(frozen=True)
class Build:
    """Makes a warehouse from SQL statements. A second call adds statements to the same tables."""

    engine: EngineUnderTest
    folder: Path
    server: tuple[Any, ...] = ()

    def __call__(self, *statements: str) -> Any:
        return self.engine.build(*self.server, self.folder, statements)

    def needs(self, *properties: str) -> None:
        """Skip the test if the engine lacks one of the properties."""
        for name in properties:
            if name in self.engine.lacks:
                pytest.skip(f"{name}: {self.engine.lacks[name]}")


def _written(folder: Path, statements: tuple[str, ...]) -> Path:
    path = folder / "warehouse.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for statement in statements:
            connection.execute(statement)
    return path


def _duckdb(folder: Path, statements: tuple[str, ...]) -> DuckDBWarehouse:
    return DuckDBWarehouse(_written(folder, statements), lock_timeout_seconds=5)


def _files(suffix: str) -> Callable[[Path, tuple[str, ...]], Any]:
    def build(folder: Path, statements: tuple[str, ...]) -> Any:
        path, lake = _written(folder, statements), folder / "lake"
        lake.mkdir(exist_ok=True)
        with duckdb.connect(path, read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            tables = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
            for (name,) in tables:
                quoted = name.replace('"', '""')
                connection.execute(f"COPY (FROM \"{quoted}\") TO '{lake / name}.{suffix}'")
        return open_engine(
            WarehouseAddress(f"files://{lake}", "MONITORING_PIPELINE_WAREHOUSE"), EngineLimits()
        ).warehouse

    return build


def _translated(language: str) -> Callable[[Path, tuple[str, ...]], Any]:
    def build(folder: Path, statements: tuple[str, ...]) -> Any:
        written = list(statements)
        for name, instead in ONLY_IN_DUCKDB.items():
            written = [re.sub(rf"\b{name}\b(?!')", instead, statement) for statement in written]
        return build_translated(_written(folder, tuple(written)), language)

    return build


def _spark(folder: Path, statements: tuple[str, ...]) -> Any:
    written = list(statements)
    for name, instead in ONLY_IN_DUCKDB.items():
        written = [re.sub(rf"\b{name}\b(?!')", instead, statement) for statement in written]
    return build_spark(_written(folder, tuple(written)), folder)


_OF_FILES = {
    "schemas": "a folder has tables only",
    "seconds": "Parquet has times in microseconds, so that years beyond 294,000 do not fit",
    "views": "files have values, and nothing that is computed",
}
_OF_TRANSLATIONS = {
    "uuids": "no cloud has the type",
    "schemas": "the translation reads the catalogue of DuckDB, of one schema",
    "views": "the errors are DuckDB's",
}
_OF_BIGQUERY = _OF_TRANSLATIONS | {"floats of 32 bits": "BigQuery has none"}
_OF_DATABRICKS = _OF_TRANSLATIONS | {"times of day": "Databricks has none"}
_OF_CSV = _OF_FILES | {"types": "CSV has text; the types are detected from all values"}

ENGINES_UNDER_TEST = {
    "duckdb": EngineUnderTest(_duckdb),
    "parquet": EngineUnderTest(_files("parquet"), _OF_FILES),
    "csv": EngineUnderTest(_files("csv"), _OF_CSV),
    "postgresql": EngineUnderTest(build_postgresql, fixture="postgresql_server"),
    "bigquery translated": EngineUnderTest(_translated("bigquery"), _OF_BIGQUERY, is_slow=True),
    "databricks translated": EngineUnderTest(_translated("databricks"), _OF_DATABRICKS, is_slow=True),
}

if has_spark():
    ENGINES_UNDER_TEST["spark"] = EngineUnderTest(_spark, LACKS_OF_SPARK, is_slow=True)

PARAMETERS = [
    pytest.param(name, marks=[pytest.mark.slow] if engine.is_slow else [])
    for name, engine in ENGINES_UNDER_TEST.items()
]
"""The engines as the parameters of a fixture."""


def build_of(request: pytest.FixtureRequest, folder: Path) -> Build:
    """Return what builds tables in the engine that a test is run for."""
    engine = ENGINES_UNDER_TEST[request.param]
    return Build(engine, folder, (request.getfixturevalue(engine.fixture),) if engine.fixture else ())
