"""Errors of reading rows."""


class SourceError(RuntimeError):
    """The rows of a chunk cannot be read from their source; the message contains the reason and the remedy."""


class SourceUnreachableError(SourceError):
    """The source is unreachable, or lost the rows that it had; results from earlier reads of the chunk remain valid."""


class RowsError(SourceError):
    """The rows contradict the model spec; the message names column, value and the allowed values."""
