"""What can be wrong with a warehouse, apart from what its engine says itself."""

from monitoring_pipeline.evaluation.rows.errors import SourceError, SourceUnreachableError


class WarehouseError(SourceError):
    """A warehouse that cannot be read as the model spec says; the message names culprit and what exists."""


class WarehouseMissingError(WarehouseError, SourceUnreachableError):
    """There is no warehouse at the configured place."""


class WarehouseLockedError(WarehouseError, SourceUnreachableError):
    """Another process kept the warehouse locked for longer than the reader waits."""


class UnreadableWarehouseError(WarehouseError):
    """The engine cannot read the warehouse; the message holds what it said."""


class WarehouseFailedError(UnreadableWarehouseError, SourceUnreachableError):
    """The engine cannot get at the rows: file, disk, network or memory fail, or what a view refers to is gone."""


class MissingTableError(WarehouseError, SourceUnreachableError):
    """A table of the spec does not exist, or its name fits several."""


class MissingColumnError(WarehouseError):
    """A column without which nothing can be read does not exist."""


class WrongTimeTypeError(WarehouseError):
    """A time column is neither a timestamp nor a date."""
