"""Which values of rows may be quoted in what is stored as a reason, printed or sent, and in which form."""

import math

LONGEST_SHOWN = 80
LEAST_ROWS_SHOWN = 20
"""Values of fewer rows are not quoted, because they may identify a person, unless the settings have another number."""
_DIGITS = 2


class _Rule:
    """The rule of this process. The settings set it, so that every sentence follows the same one."""

    def __init__(self) -> None:
        self.least_rows = LEAST_ROWS_SHOWN


_rule = _Rule()


def show_values_from(rows: int) -> None:
    """Quote values of at least so many rows from now on, in this process."""
    _rule.least_rows = rows


def least_rows_shown() -> int:
    """Return the least number of rows that must have a value before it is quoted."""
    return _rule.least_rows


def may_show(rows: int) -> bool:
    """Return whether a value that so many rows have may be quoted."""
    return rows >= _rule.least_rows


def cut(value: str) -> str:
    """Return at most 80 characters of a value."""
    return value if len(value) <= LONGEST_SHOWN else f"{value[: LONGEST_SHOWN - 3]}..."


def clipped(value: str) -> str:
    """Return a value as one line of at most 80 characters."""
    return cut(" ".join(value.split()))


def quoted(value: str) -> str:
    """Return a value as it is quoted in a sentence."""
    return repr(clipped(value))


def about(extreme: float) -> str:
    """Return the smallest or largest value of a column with two significant digits, because one row may have it."""
    if not math.isfinite(extreme) or not extreme:
        return f"{extreme:g}"
    return f"{float(f'{extreme:.{_DIGITS - 1}e}'):g}"
