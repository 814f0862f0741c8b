"""Makes the facets of a warehouse on a server."""

from monitoring_pipeline.warehouse.engines.engine import Engine, EngineLimits
from monitoring_pipeline.warehouse.engines.server.session import Server
from monitoring_pipeline.warehouse.engines.server.warehouse import ServerWarehouse
from monitoring_pipeline.warehouse.sql.inspection import SqlInspection
from monitoring_pipeline.warehouse.sql.tables import SqlTables


def engine_of(server: Server, limits: EngineLimits) -> Engine:
    """Return the engine of a server."""
    warehouse = ServerWarehouse(
        server, business_timeout_seconds=limits.business_seconds, read_timeout_seconds=limits.read_seconds
    )
    return Engine(warehouse, SqlInspection(warehouse), SqlTables(warehouse))
