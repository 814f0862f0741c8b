"""The clock."""

import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """The time now, in UTC; a rehearsal of past nights sets its own."""

    def __call__(self) -> dt.datetime: ...
