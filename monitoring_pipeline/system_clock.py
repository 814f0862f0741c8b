"""The clock of the machine. Only entry points of runs and commands read it; all other code receives a clock."""

import datetime as dt


def system_clock() -> dt.datetime:
    """Return the present time in UTC."""
    return dt.datetime.now(dt.UTC)
