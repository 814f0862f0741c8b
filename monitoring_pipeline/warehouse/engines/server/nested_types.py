"""Types that a catalogue writes with angle brackets: ``STRUCT<a INT64, b ARRAY<STRING>>``, ``struct<a:int>``."""

import re
from collections.abc import Callable, Iterator

from monitoring_pipeline.warehouse.sql.nested import Inner, Inside, Step, inner_value, named_prefix, parts_of

PLACE = re.compile(r"0|[1-9]\d{0,8}")
"""A place in a list. It counts from 0, as in JSON."""

_ARGUMENTS = re.compile(r"(\w+)<(.*)>", re.DOTALL)
_TOKEN = re.compile(r"(`(?:[^`]|``)*`)|([<(])|([>)])|(,)")
_FIELD = re.compile(r"(`(?:[^`]|``)*`|[^\s:]+)(?:\s*:\s*|\s+)(.*)", re.DOTALL)


def arguments(kind: str, name: str) -> list[str]:
    """Return the arguments of a type of some name, such as the two of ``MAP<STRING, INT>``; none for another type."""
    found = _ARGUMENTS.fullmatch(kind)
    return parts_of(found[2], _TOKEN) if found is not None and found[1].upper() == name else []


def fields(kind: str) -> dict[str, str]:
    """Return the fields of a STRUCT with their types; none for another type, and none without a name."""
    found = [_FIELD.fullmatch(part) for part in arguments(kind, "STRUCT")]
    return {_name(field[1]): field[2] for field in found if field is not None}


def is_named(name: str) -> Callable[[str], bool]:
    """Return whether a type has a name, with or without arguments."""
    return lambda kind: kind.partition("<")[0].upper() == name


def in_struct(quoted: Callable[[str], str], inside: Callable[[], Inside]) -> Callable[[str, str], Iterator[Inner]]:
    """Return the function that finds the fields of a STRUCT, for engines that write ``column.field``."""

    def values(kind: str, path: str) -> Iterator[Inner]:
        existing = fields(kind)
        for name, rest in named_prefix(path, existing):
            if (inner := inner_value(existing[name], rest, inside())) is not None:
                yield Inner((Step("", f".{quoted(name)}"), *inner.steps), inner.type)

    return values


def in_array(step: Callable[[int], Step], inside: Callable[[], Inside]) -> Callable[[str, str], Iterator[Inner]]:
    """Return the function that finds the values of an ARRAY by their place."""

    def values(kind: str, path: str) -> Iterator[Inner]:
        place, _, rest = path.partition(".")
        of_values = arguments(kind, "ARRAY")
        if len(of_values) != 1 or not PLACE.fullmatch(place):
            return
        if (inner := inner_value(of_values[0], rest or None, inside())) is not None:
            yield Inner((step(int(place)), *inner.steps), inner.type)

    return values


def _name(text: str) -> str:
    return text[1:-1].replace("``", "`") if text.startswith("`") else text
