"""The clock."""

import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """Tells the time, in UTC; a replay of past nights brings its own."""

    def __call__(self) -> dt.datetime:
        """Return now."""
        ...
