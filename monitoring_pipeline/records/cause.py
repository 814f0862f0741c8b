"""The cause that the breaches of an incident share, and its text form; only this module has the syntax of the text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, Self

_CHARACTER = re.compile(r"\\([\\,@])|(.)", re.DOTALL)
NAMES_SHOWN = 5
_SEPARATORS = re.compile(r"[\\,@]")


class Family(StrEnum):
    """The kind of a cause. Causes of data come first, then those of the model, then those of its use."""

    SOURCE = "source"
    PIPELINE = "pipeline"
    VOLUME = "volume"
    FRESHNESS = "freshness"
    TABLE = "table"
    COLUMN = "column"
    LABELS = "labels"
    UNMONITORED = "unmonitored"
    NOT_MEASURED = "not_measured"
    UNMEASURED = "unmeasured"
    INPUTS = "inputs"
    OUTPUTS = "outputs"
    PERFORMANCE = "performance"
    SEGMENT = "segment"
    FAIRNESS = "fairness"
    SERVING = "serving"
    BUSINESS = "business"
    OBJECTIVE = "objective"
    SPEC = "spec"
    CHANNEL = "channel"
    PROBE = "probe"


@dataclass(frozen=True)
class Cause:
    r"""A cause of breaches.

    The text form is ``family:name,name@version``, such as ``column:age,plan``, ``performance@7`` or ``source``. A
    backslash precedes each ``\``, ``,`` and ``@`` of a name or version, so that two causes never have the same text.

    Args:
        family: the kind of the cause.
        about: names that distinguish causes of one family, such as columns or an objective.
        version: version of the challenger that the cause is about; empty for the champion, and for broken data, which
            is the same for all versions.
    """

    family: Family
    about: tuple[str, ...] = ()
    version: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the cause that has a text form.

        Raises:
            ValueError: if the text does not begin with the name of a family.
        """
        family, colon, _ = text.partition("@")[0].partition(":")
        names = _read_names(text[len(family) + len(colon) :])
        return cls(Family(family), names.about if colon else (), names.version)

    @cached_property
    def text(self) -> str:
        """The text form, as stored and shown."""
        about = f":{','.join(map(_escaped, self.about))}" if self.about else ""
        return self.family.value + about + (f"@{_escaped(self.version)}" if self.version else "")

    def shown(self, in_order: Sequence[str] = ()) -> str:
        """Return the text form for people, with the first names and how many more there are.

        Args:
            in_order: the names that matter most, first; names that it lacks come after them.
        """
        names = sorted(self.about, key=lambda name: list(in_order).index(name) if name in in_order else len(in_order))
        more = len(names) - NAMES_SHOWN
        text = Cause(self.family, tuple(names[:NAMES_SHOWN]), self.version).text
        return f"{text} and {more} more" if more > 0 else text

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a cause of broken columns is about; none for another family."""
        return self.about if self.family is Family.COLUMN else ()

    def __str__(self) -> str:
        """Return the text form."""
        return self.text

    def __hash__(self) -> int:
        """Return the hash of the text form, which Python keeps."""
        return hash(self.text)

    def __lt__(self, other: "Cause") -> bool:
        """Order causes by their text."""
        return self.text < other.text


class _Names(NamedTuple):
    about: tuple[str, ...]
    version: str


def _read_names(text: str) -> _Names:
    """Return the names and the version of ``name,name@version``."""
    about: list[str] = []
    name = ""
    for character in _CHARACTER.finditer(text):
        match character[0]:
            case "@":
                return _Names((*about, name), _unescaped(text[character.end() :]))
            case ",":
                about.append(name)
                name = ""
            case _:
                name += _unescaped(character[0])
    return _Names((*about, name), "")


def _escaped(name: str) -> str:
    return _SEPARATORS.sub(r"\\\g<0>", name)


def _unescaped(text: str) -> str:
    return _CHARACTER.sub(lambda character: character[1] or character[2], text)
