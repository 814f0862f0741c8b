"""Writes a draft as YAML with comments; names and values may contain anything."""

import datetime as dt
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH = 120
INDENT = "  "
_PLAIN = re.compile(r"[A-Za-z_]([A-Za-z0-9_./:-]*[A-Za-z0-9_./-])?( [A-Za-z0-9_./-]+)*|[0-9]+[mhd]")
_NOT_PLAIN = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t"}

Scalar = str | bool | int | float | dt.date


@dataclass(frozen=True)
class Entry:
    """A key with its value, and a comment.

    Args:
        key: the key.
        value: a value, a list of values, or the entries of a part.
        comment: the evidence; it is written beside the value, or above it if it is long.
        is_flow: whether a part is written in one line.
        is_off: whether the entry is written as a comment, so that it has no effect.
    """

    key: str
    value: "Scalar | Sequence[Scalar] | Sequence[Entry]"
    comment: str = ""
    is_flow: bool = False
    is_off: bool = False


def as_dictionary(entries: Sequence[Entry]) -> dict[str, object]:
    """Return the keys and values that have an effect."""
    return {entry.key: _plain_value(entry) for entry in entries if not entry.is_off}


def yaml_text(entries: Sequence[Entry], head: Sequence[str] = ()) -> str:
    """Return the entries as YAML, below the lines of a comment."""
    lines = [*(f"# {_one_line(line)}".rstrip() for line in head)]
    for entry in entries:
        if _parts(entry) and not entry.is_flow and lines:
            lines.append("")
        lines.extend(_lines(entry, 0))
    return "\n".join(lines) + "\n"


def quoted_if_needed(text: str) -> str:
    """Return a text as YAML: without quotes if nothing could take it for another type."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_PLAIN:
        return text
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _lines(entry: Entry, depth: int) -> Iterator[str]:
    indent, mark = INDENT * depth, "# " if entry.is_off else ""
    key = f"{quoted_if_needed(entry.key)}:"
    parts = _parts(entry)
    if parts and not entry.is_flow:
        yield from _comment_above(entry.comment, indent)
        yield f"{indent}{mark}{key}"
        for part in parts:
            yield from _lines(part, depth + 1)
        return
    line = f"{indent}{mark}{key} {_written(entry)}"
    beside = f"{line} # {_one_line(entry.comment)}" if entry.comment else line
    if len(beside) <= WIDTH:
        yield beside
        return
    yield from _comment_above(entry.comment, indent)
    yield line


def _comment_above(comment: str, indent: str) -> Iterator[str]:
    for line in textwrap.wrap(
        _one_line(comment), WIDTH - len(indent) - 2, break_long_words=False, break_on_hyphens=False
    ):
        yield f"{indent}# {line}"


def _written(entry: Entry) -> str:
    if parts := _parts(entry):
        return "{" + ", ".join(f"{quoted_if_needed(part.key)}: {_written(part)}" for part in parts) + "}"
    value = entry.value
    return f"[{', '.join(map(_scalar, value))}]" if isinstance(value, list | tuple) else _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, int | float):
        return repr(value)
    return quoted_if_needed(str(value))


def _plain_value(entry: Entry) -> object:
    if parts := _parts(entry):
        return as_dictionary(parts)
    return list(entry.value) if isinstance(entry.value, list | tuple) else entry.value


def _parts(entry: Entry) -> tuple[Entry, ...]:
    """Return the entries of a part; none if the value is no part."""
    value = entry.value
    return tuple(each for each in value if isinstance(each, Entry)) if isinstance(value, list | tuple) else ()


def _one_line(text: str) -> str:
    """Return a text without anything that could end a comment."""
    return "".join(character if character.isprintable() else " " for character in " ".join(text.split()))


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    return character if character.isprintable() else f"\\U{ord(character):08x}"
