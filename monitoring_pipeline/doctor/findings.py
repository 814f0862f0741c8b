"""Findings about a deployment."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The weight of a finding: with a problem something does not work, a warning may be intended."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One fact about a deployment.

    Args:
        level: its weight.
        seen: the fact, with its numbers.
        remedy: what to do; empty if nothing is to be done.
    """

    level: Level
    seen: str
    remedy: str = ""


@dataclass(frozen=True)
class Checked:
    """A finding of the check of that name."""

    check: str
    finding: Finding


def ok(seen: str) -> Finding:
    """Return a fact that needs no action."""
    return Finding(Level.OK, seen)


def warning(seen: str, remedy: str) -> Finding:
    """Return a fact that may be intended."""
    return Finding(Level.WARNING, seen, remedy)


def problem(seen: str, remedy: str) -> Finding:
    """Return a fact with which something does not work."""
    return Finding(Level.PROBLEM, seen, remedy)
