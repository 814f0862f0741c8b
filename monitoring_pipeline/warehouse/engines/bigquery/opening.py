"""Opens a project of BigQuery as a warehouse."""

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.bigquery.address import parsed_address
from monitoring_pipeline.warehouse.engines.bigquery.session import BigQueryServer
from monitoring_pipeline.warehouse.engines.engine import Engine, EngineLimits
from monitoring_pipeline.warehouse.engines.server.opening import engine_of


def open_engine(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    """Return the engine of a project. A client is made for each call only.

    Raises:
        WarehouseMissingError: when the address is wrong.
    """
    parsed = parsed_address(address.text, f"{address.variable}: {address.shown}")
    return engine_of(BigQueryServer(parsed, address.shown), limits)
