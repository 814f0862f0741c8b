"""Errors of reading rows."""


class SourceError(RuntimeError):
    """The rows of a chunk cannot be had from their source; the message says to a person why, and what to do."""


class SourceUnreachableError(SourceError):
    """The source is away, or holds none of the rows that it had: what was read of a chunk before still stands."""


class RowsError(SourceError):
    """Rows that contradict the model spec; the message names column, value and what is allowed."""
