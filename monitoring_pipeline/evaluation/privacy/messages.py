"""Error messages without row values, shortened."""

import re

LONGEST_MESSAGE = 300


_DATE_OR_VALUE = re.compile(
    r"""(?P<date>\b\d{4}-\d{2}-\d{2}\b)|(?<!\w)(?P<quote>['"`]).*?(?P=quote)|\b\w*(?:\d\w*){3,}\b"""
)


SHORTEST_IDENTIFIER = 5


def message_without_values(message: str) -> str:
    """Return the first line of an unexpected error's message, without what may be a value of somebody's row.

    Quoted text and words with three digits or more, of at least five characters, become ``...``; dates stay.
    """
    return shortened(_DATE_OR_VALUE.sub(_masked, _first_line(message)))


def shortened(message: str) -> str:
    """Return the first line of a message, at most 300 characters of it."""
    line = _first_line(message)
    return line if len(line) <= LONGEST_MESSAGE else f"{line[: LONGEST_MESSAGE - 3]}..."


def _first_line(message: str) -> str:
    return next((line.strip() for line in message.splitlines() if line.strip()), "")


def _masked(found: re.Match[str]) -> str:
    is_value = found["quote"] or (found["date"] is None and len(found[0]) >= SHORTEST_IDENTIFIER)
    return "..." if is_value else found[0]
