"""Opens a Spark session as a warehouse."""

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.engine import Engine, EngineLimits
from monitoring_pipeline.warehouse.engines.server.opening import engine_of
from monitoring_pipeline.warehouse.engines.spark.address import spark_address
from monitoring_pipeline.warehouse.engines.spark.session import SparkServer


def open_engine(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    """Return the engine of a Spark session, which is made at the first call.

    Raises:
        WarehouseMissingError: when the address is wrong.
    """
    parts = spark_address(address.text, f"{address.variable}: {address.shown}")
    return engine_of(SparkServer(parts, address.shown), limits)
