"""Findings about a spec: the field, the fact that was seen, and the remedy."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The weight of a finding: an error makes numbers wrong or impossible, a warning may be intended."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Observation:
    """A fact about a field of a spec that a person has to look at.

    Args:
        field: dotted path of the field, as the YAML file has it.
        seen: the fact, with its numbers; of rows only names of classes, columns and types.
        remedy: what to do.
    """

    field: str
    seen: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """An observation of a check, with the weight that the check has."""

    check: str
    level: Level
    observation: Observation
