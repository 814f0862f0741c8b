"""Durations as people write them in a spec: 30m, 12h, 7d."""

import datetime as dt
import re
from typing import Annotated

from pydantic import BeforeValidator, Field

_PATTERN = re.compile(r"^([0-9]+)\s*(m|h|d)$")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
LONGEST = dt.timedelta(days=3650)


def parse_duration(text: object) -> dt.timedelta:
    """Return the duration that a text such as ``12h`` means; a timedelta is returned as it is.

    Raises:
        ValueError: when the text has another form, or means more than ten years.
    """
    if isinstance(text, dt.timedelta):
        return text
    match = _PATTERN.match(text.strip()) if isinstance(text, str) else None
    if match is None:
        message = "write a whole number and a unit: m (minutes), h (hours) or d (days), such as 12h"
        raise ValueError(message)
    try:
        duration = dt.timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError:
        duration = dt.timedelta.max
    if duration > LONGEST:
        message = f"at most {LONGEST.days}d"
        raise ValueError(message)
    return duration


Duration = Annotated[
    dt.timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=Annotated[str, Field(pattern=_PATTERN.pattern)]),
]
