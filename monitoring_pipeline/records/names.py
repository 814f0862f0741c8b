"""Names of numbers and of parts of the rows, each with one text form: ``recall[cancelled]``, ``city=Berlin``.

Code compares the parts. The text forms are for people, for the stored column ``name`` and for the keys of a spec; only
this module writes and reads them.
"""

import re
from typing import NamedTuple, Self

_TEXT = re.compile(r"(?P<name>[^\[\]]+)(?:\[(?P<of>.*)\])?(?P<ordinal>#[0-9]+)?", re.DOTALL)
_ORDINAL = re.compile(r"(?<=.)#[0-9]+\Z", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)|=", re.DOTALL)
ARROW = "->"


class MetricName(NamedTuple):
    """A bare name, and the part that it is measured of.

    Args:
        name: without brackets.
        of: the class, the other metric, the pair of versions, the segment or the condition; empty for the whole.
    """

    name: str
    of: str = ""

    def __str__(self) -> str:
        """Return the text form."""
        return text_of(self.name, self.of)


def text_of(name: str, of: str) -> str:
    """Return ``name``, or ``name[of]``; the number of a second of two alike stays at the end: ``name[of]#2``."""
    if not of:
        return name
    ordinal = _ORDINAL.search(name)
    if ordinal is None:
        return f"{name}[{of}]"
    return f"{name[: ordinal.start()]}[{of}]{ordinal.group()}"


def name_and_of(text: str) -> MetricName:
    """Return the parts of a text form: the first bracket opens, the last one closes, whatever stands between them.

    Raises:
        ValueError: when the text has no name before its brackets, or a bracket that is not closed.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        message = f"{text!r} is no name: write name, or name[part]"
        raise ValueError(message)
    return MetricName(match["name"] + (match["ordinal"] or ""), match["of"] or "")


def metric_of_key(text: str) -> MetricName:
    """Return the name that a key of a spec means.

    Raises:
        ValueError: when it is no text form of a name.
    """
    name = name_and_of(text)
    if str(name) != text:
        message = f"{text!r} is no name: write {name}"
        raise ValueError(message)
    return name


def subject_and_name(text: str) -> tuple[str | None, MetricName]:
    """Return the parts of ``subject.name``, which splits at the last dot that leaves a name behind it.

    A dot inside the brackets of the name does not split it: ``age.column_values_to_not_be_null[share == 0.5]``.

    Raises:
        ValueError: when no name is left.
    """
    for dot in (found.start() for found in reversed(list(re.finditer(r"\.", text)))):
        behind = _TEXT.fullmatch(text, dot + 1)
        if dot and behind is not None and "." not in behind["name"]:
            return text[:dot], metric_of_key(text[dot + 1 :])
    return None, metric_of_key(text)


def is_bare(name: str) -> bool:
    """Return whether a name has no brackets."""
    return "[" not in name and "]" not in name


def pair_text(first: str, second: str) -> str:
    """Return ``first->second``; backslashes mark each arrow and backslash of the first as its own."""
    escaped = first.replace("\\", "\\\\").replace(ARROW, f"\\{ARROW}")
    return f"{escaped}{ARROW}{second}"


class Segment(NamedTuple):
    """The rows whose column has a value."""

    column: str
    value: str

    def __str__(self) -> str:
        """Return ``column=value``; backslashes mark each ``=`` and backslash of the column as its own."""
        column = self.column.replace("\\", "\\\\").replace("=", "\\=")
        return f"{column}={self.value}"

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Return the segment of a text form.

        Raises:
            ValueError: when the text has no ``=``.
        """
        for mark in _ESCAPED.finditer(text):
            if mark.group() == "=":
                column = re.sub(r"\\(.)", r"\1", text[: mark.start()], flags=re.DOTALL)
                return cls(column, text[mark.end() :])
        message = f"{text!r} is no segment: write column=value"
        raise ValueError(message)
