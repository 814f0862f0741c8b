"""Opens a PostgreSQL server as a warehouse."""

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.engine import Engine, EngineLimits
from monitoring_pipeline.warehouse.engines.postgresql.session import PostgreSQLServer
from monitoring_pipeline.warehouse.engines.server.opening import engine_of


def open_engine(address: WarehouseAddress, limits: EngineLimits) -> Engine:
    """Return the engine of a server, which is connected to for each call only."""
    return engine_of(PostgreSQLServer(address.text, address.shown), limits)
