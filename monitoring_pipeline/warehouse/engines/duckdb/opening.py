"""Opens a DuckDB file as a warehouse."""

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.duckdb.session import Access
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.engines.engine import Engine, EngineLimits
from monitoring_pipeline.warehouse.sql.inspection import SqlInspection
from monitoring_pipeline.warehouse.sql.tables import SqlTables


def open_engine(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    """Return the engine of a DuckDB file, which is opened for each call only."""
    warehouse = DuckDBWarehouse(
        address.path,
        lock_timeout_seconds=limits.lock_seconds,
        business_timeout_seconds=limits.business_seconds,
        read_timeout_seconds=limits.read_seconds,
        access=Access(folders=limits.folders, extensions=limits.extensions, memory=limits.memory),
    )
    return Engine(warehouse, SqlInspection(warehouse), SqlTables(warehouse))
