"""Opens a folder of files as a warehouse."""

from pathlib import Path

import fsspec

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.duckdb.session import Access
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline.warehouse.engines.engine import Engine, EngineLimits
from monitoring_pipeline.warehouse.engines.files.places import FilePlace, place_of
from monitoring_pipeline.warehouse.engines.files.tables import FileTables
from monitoring_pipeline.warehouse.sql.inspection import SqlInspection
from monitoring_pipeline.warehouse.sql.tables import SqlTables


def open_engine(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    """Return the engine of a folder, or of one file."""
    files = place_of(address)
    if not files.is_local:
        # The package of the store is missing now or never.
        fsspec.get_filesystem_class(files.protocol)
    warehouse = DuckDBWarehouse(
        Path(files.root),
        business_timeout_seconds=limits.business_seconds,
        read_timeout_seconds=limits.read_seconds,
        access=Access(
            folders=(_folder(files), *(limits.folders or ())),
            extensions=limits.extensions,
            memory=limits.memory,
            stores=() if files.is_local else (files.protocol,),
        ),
        outside=FileTables(files, address.variable),
    )
    return Engine(warehouse, SqlInspection(warehouse), SqlTables(warehouse))


def _folder(files: FilePlace) -> str:
    """Return the folder that may be read."""
    if files.is_local and Path(files.root).is_file():
        return str(Path(files.root).parent)
    return files.text
