"""Errors of reading a warehouse."""

from monitoring_pipeline.evaluation.rows.errors import SourceError, SourceUnreachableError


class WarehouseError(SourceError):
    """A warehouse cannot be read as the model spec declares; the message names the fault, and what exists."""


class WarehouseMissingError(WarehouseError, SourceUnreachableError):
    """There is no warehouse at the configured place."""


class WarehouseLockedError(WarehouseError, SourceUnreachableError):
    """Another process kept the warehouse locked for longer than the reader waits."""


class UnreadableWarehouseError(WarehouseError):
    """The engine cannot read the warehouse; the message contains no values of rows."""


class WarehouseFailedError(UnreadableWarehouseError, SourceUnreachableError):
    """The engine cannot reach the rows: file, disk, network or memory failed, or the source of a view is missing."""


class MissingTableError(WarehouseError, SourceUnreachableError):
    """A table of the spec does not exist, or its name fits several."""


class MissingColumnError(WarehouseError):
    """A required column (id, time or label) does not exist."""


class WrongTimeTypeError(WarehouseError):
    """A time column is neither a timestamp nor a date."""
