"""A time zone of a spec."""

from difflib import get_close_matches
from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator

_OF_THE_MACHINE = frozenset({"localtime", "Factory", "posixrules"})
"""Names in the database whose clocks are those of the machine, or of no place."""


def known_time_zone(name: str) -> str:
    """Return the name of a time zone.

    Raises:
        ValueError: when the IANA database has no such zone, or its clocks depend on the machine.
    """
    if name in _OF_THE_MACHINE:
        message = f"{name!r} depends on the machine; write the zone's own name, such as Europe/Berlin or UTC"
        raise ValueError(message)
    if name not in _time_zones():
        close = get_close_matches(name, _time_zones(), n=1)
        example = f"did you mean {close[0]}?" if close else "write one such as Europe/Berlin or UTC"
        message = f"{name!r} is not a time zone of the IANA database; {example}"
        raise ValueError(message)
    return name


@cache
def _time_zones() -> set[str]:
    # Cached because it opens every file of the time zone database.
    return available_timezones() - _OF_THE_MACHINE


TimeZone = Annotated[str, AfterValidator(known_time_zone)]
