"""The clock."""

import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """Returns the present time in UTC; in a rehearsal, the time of the simulated night."""

    def __call__(self) -> dt.datetime: ...
