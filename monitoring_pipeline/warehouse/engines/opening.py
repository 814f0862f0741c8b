"""The table of engines: the scheme of a warehouse's URL chooses the engine. A further engine takes a row."""

from collections.abc import Callable
from dataclasses import dataclass

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.engine import Engine, EngineLimits
from monitoring_pipeline.warehouse.errors import WarehouseMissingError

PACKAGE = "monitoring-pipeline"

OpenEngine = Callable[[WarehouseAddress, EngineLimits], Engine]


@dataclass(frozen=True, kw_only=True)
class EngineKind:
    """One kind of database.

    Args:
        schemes: the schemes of its URLs.
        form: the form of a URL, for messages.
        open: opens it; imports its packages when it is called, because not everybody has them.
        extra: the extra of this package that installs them; empty if everybody has them.
    """

    schemes: tuple[str, ...]
    form: str
    open: OpenEngine
    extra: str = ""


def _duckdb(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    from monitoring_pipeline.warehouse.engines.duckdb.opening import open_engine

    return open_engine(address, limits)


def _files(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    from monitoring_pipeline.warehouse.engines.files.opening import open_engine

    return open_engine(address, limits)


def _postgresql(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    from monitoring_pipeline.warehouse.engines.postgresql.opening import open_engine

    return open_engine(address, limits)


def _snowflake(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    from monitoring_pipeline.warehouse.engines.snowflake.opening import open_engine

    return open_engine(address, limits)


def _bigquery(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    from monitoring_pipeline.warehouse.engines.bigquery.opening import open_engine

    return open_engine(address, limits)


def _databricks(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    from monitoring_pipeline.warehouse.engines.databricks.opening import open_engine

    return open_engine(address, limits)


def _spark(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    from monitoring_pipeline.warehouse.engines.spark.opening import open_engine

    return open_engine(address, limits)


ENGINES = (
    EngineKind(schemes=("duckdb",), form="duckdb:///path/of/a/file", open=_duckdb),
    EngineKind(schemes=("files", "file"), form="files:///path/of/a/folder", open=_files),
    EngineKind(schemes=("s3",), form="s3://bucket/folder", open=_files, extra="s3"),
    EngineKind(schemes=("gs", "gcs"), form="gs://bucket/folder", open=_files, extra="gcs"),
    EngineKind(schemes=("az", "abfs"), form="az://container/folder", open=_files, extra="azure"),
    EngineKind(
        schemes=("postgresql", "postgres"),
        form="postgresql://user:password@host/database",
        open=_postgresql,
        extra="postgresql",
    ),
    EngineKind(
        schemes=("snowflake",),
        form="snowflake://user:password@account/database/schema?warehouse=w",
        open=_snowflake,
        extra="snowflake",
    ),
    EngineKind(schemes=("bigquery",), form="bigquery://project/dataset", open=_bigquery, extra="bigquery"),
    EngineKind(
        schemes=("databricks",),
        form="databricks://token:TOKEN@host?http_path=/sql/1.0/warehouses/w&catalog=c&schema=s",
        open=_databricks,
        extra="databricks",
    ),
    EngineKind(schemes=("spark", "sc"), form="spark://?spark.master=local[2]&schema=s", open=_spark, extra="spark"),
)


def open_engine(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    """Return the engine of an address. It does not connect yet.

    Raises:
        WarehouseMissingError: when no engine has the scheme, or its packages are not installed.
    """
    kind = next((kind for kind in ENGINES if address.scheme in kind.schemes), None)
    if kind is None:
        message = (
            f"{address.variable}: {address.shown}: no engine for {address.scheme}://; "
            f"allowed are the path of a DuckDB file and {', '.join(kind.form for kind in ENGINES)}"
        )
        raise WarehouseMissingError(message)
    try:
        return kind.open(address, limits)
    except ImportError as error:
        if not kind.extra:
            raise
        message = (
            f"{address.variable}: {address.shown}: {error.name or 'a package'} is not installed; "
            f"install it with: pip install '{PACKAGE}[{kind.extra}]'"
        )
        raise WarehouseMissingError(message) from error
