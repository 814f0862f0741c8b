"""The clock of the machine. Only what starts a run or a command reads it; everything else is given a clock."""

import datetime as dt


def system_clock() -> dt.datetime:
    """Return the present time in UTC."""
    return dt.datetime.now(dt.UTC)
