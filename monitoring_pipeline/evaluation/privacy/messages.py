"""Error messages without row values, shortened."""

import re

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets

LONGEST_MESSAGE = 300
SHORTEST_IDENTIFIER = 5
_DATE_OR_VALUE = re.compile(
    r"""(?P<date>\b\d{4}-\d{2}-\d{2}\b)|(?<!\w)(?P<quote>['"`]).*?(?P=quote)|\b\w*(?:\d\w*){3,}\b"""
)


def message_without_values(message: str) -> str:
    """Return the first line of an unexpected error's message, without anything that may be a value of a row.

    Quoted text becomes ``...``, as do words of at least five characters with three digits or more. Dates stay.
    """
    return shortened(_DATE_OR_VALUE.sub(_masked, _first_line(without_secrets(message))))


def shortened(message: str) -> str:
    """Return the first line of a message, at most 300 characters of it."""
    line = _first_line(without_secrets(message))
    return line if len(line) <= LONGEST_MESSAGE else f"{line[: LONGEST_MESSAGE - 3]}..."


def _first_line(message: str) -> str:
    return next((line.strip() for line in message.splitlines() if line.strip()), "")


def _masked(match: re.Match[str]) -> str:
    is_value = match["quote"] or (match["date"] is None and len(match[0]) >= SHORTEST_IDENTIFIER)
    return "..." if is_value else match[0]
