"""The facets of an open engine, and the limits within which it reads."""

from dataclasses import dataclass, field

from monitoring_pipeline.ports.source_inspection import SourceInspection, TableReading
from monitoring_pipeline.ports.warehouse import Warehouse


@dataclass(frozen=True)
class Engine:
    """A database that can be read: for measuring, for checking specs, and for drafting them.

    No facet connects before its first use. ``tables`` is None if no spec can be drafted from the database.
    """

    warehouse: Warehouse
    inspection: SourceInspection
    tables: TableReading | None = None


@dataclass(frozen=True, kw_only=True)
class EngineLimits:
    """The limits of every engine; an engine ignores those that it has no use for.

    Args:
        lock_seconds: maximum time to wait for a lock.
        read_seconds: time after which a read is interrupted.
        business_seconds: time after which the SQL of a business metric is stopped.
        folders: folders or beginnings of addresses that may be read; ``None`` for those of the warehouse itself.
        extensions: names of installed extensions that are loaded.
        memory: maximum of memory, such as ``8GB``; ``None`` for the default of the engine.
        pushdown_rows: number of predictions of a chunk above which they are counted where they are.
    """

    lock_seconds: float = 60.0
    read_seconds: float = 3600.0
    business_seconds: float = 300.0
    folders: tuple[str, ...] | None = field(default=None, repr=False)
    extensions: tuple[str, ...] = ()
    memory: str | None = None
    pushdown_rows: int = 2_000_000
