"""Opens a SQL warehouse of Databricks as a warehouse."""

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.databricks.address import connection_options
from monitoring_pipeline.warehouse.engines.databricks.session import DatabricksServer
from monitoring_pipeline.warehouse.engines.engine import Engine, EngineLimits
from monitoring_pipeline.warehouse.engines.server.opening import engine_of


def open_engine(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    """Return the engine of a SQL warehouse, which is connected to for each call only.

    Raises:
        WarehouseMissingError: when the address is wrong.
    """
    options = connection_options(address.text, f"{address.variable}: {address.shown}")
    return engine_of(DatabricksServer(options, address.shown), limits)
