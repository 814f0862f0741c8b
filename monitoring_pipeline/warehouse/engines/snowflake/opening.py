"""Opens a Snowflake account as a warehouse."""

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.engine import Engine, EngineLimits
from monitoring_pipeline.warehouse.engines.server.opening import engine_of
from monitoring_pipeline.warehouse.engines.snowflake.session import SnowflakeServer


def open_engine(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    """Return the engine of an account, which is connected to for each call only."""
    return engine_of(SnowflakeServer(address.text, address.shown), limits)
