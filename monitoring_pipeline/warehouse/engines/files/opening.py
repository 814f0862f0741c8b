"""Opens a folder of files as a warehouse."""

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.duckdb.inspection import DuckDBInspection
from monitoring_pipeline.warehouse.engines.duckdb.session import Access
from monitoring_pipeline.warehouse.engines.duckdb.tables import DuckDBTables
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.engines.engine import Engine, EngineLimits
from monitoring_pipeline.warehouse.engines.files.tables import FileTables


def open_engine(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    """Return the engine of a folder, or of one file."""
    tables = FileTables(address.path.absolute(), address.variable)
    warehouse = DuckDBWarehouse(
        tables.root,
        business_timeout_seconds=limits.business_seconds,
        read_timeout_seconds=limits.read_seconds,
        access=Access(
            folders=(str(tables.folder), *(limits.folders or ())),
            extensions=limits.extensions,
            memory=limits.memory,
        ),
        outside=tables,
    )
    return Engine(warehouse, DuckDBInspection(warehouse), DuckDBTables(warehouse))
