"""Guesses the role of columns by the rules of ``roles_table``; a near second is a doubt."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts, TableFacts
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import (
    LEAST_WEIGHT,
    LEAST_WEIGHT_BY_NAME,
    NAME_RULES,
    VALUE_RULES,
    Role,
    plain_name,
    without_zone,
)
from monitoring_pipeline.evaluation.drafting.hints import Advice

NEAR = 1
"""A candidate whose weight is smaller by at most this is asked about."""


@dataclass(frozen=True)
class Candidate:
    """A column that may have a role, the evidence, and its weight."""

    column: ColumnFacts
    weight: int
    evidence: str


@dataclass(frozen=True)
class RoleGuess:
    """The column that is taken for a role, with its evidence, and others that may have it as well."""

    column: ColumnFacts
    evidence: str
    others: tuple[ColumnFacts, ...] = ()


def weigh(role: Role, column: ColumnFacts) -> Candidate | None:
    """Return a column as a candidate for a role; None if its values exclude it."""
    weight, said = _weight_of_name(role, column.name), list[str]()
    for rule in VALUE_RULES:
        if rule.role is not role:
            continue
        if rule.holds(column):
            weight += rule.weight
            said.append(rule.evidence)
        elif rule.is_needed:
            return None
    return Candidate(column, weight, ", ".join(filter(None, said)))


def guess(role: Role, table: TableFacts, advice: Advice, taken: Collection[str]) -> RoleGuess | None:
    """Return the guess for a role among the columns that have none yet; None if no column has enough weight."""
    named, origin = advice.columns_of(role, table.columns)
    if named:
        column = table.columns[named[0]]
        return RoleGuess(column.as_label if role is Role.LABEL else column, f"named by {origin}")
    candidates = sorted(_candidates(role, table, taken), key=lambda each: (-each.weight, each.column.position))
    if not candidates:
        return None
    best = candidates[0]
    near = tuple(each.column for each in candidates[1:] if each.weight >= best.weight - NEAR)
    by_name = f"its name, {best.evidence}" if _weight_of_name(role, best.column.name) > 0 else best.evidence
    return RoleGuess(best.column, by_name.removesuffix(", "), near)


def _candidates(role: Role, table: TableFacts, taken: Collection[str]) -> Iterator[Candidate]:
    least = LEAST_WEIGHT.get(role, LEAST_WEIGHT_BY_NAME)
    for name, whole in table.columns.items():
        column = whole.as_label if role is Role.LABEL else whole
        if name not in taken and (candidate := weigh(role, column)) and candidate.weight >= least:
            yield candidate


def _weight_of_name(role: Role, name: str) -> int:
    plain = plain_name(name)
    plain = without_zone(plain) if role is Role.TIME or role is Role.KNOWN_AT else plain
    matches = [rule.weight for rule in NAME_RULES if rule.role is role and rule.pattern.fullmatch(plain)]
    return max((each for each in matches if each > 0), default=0) + min(
        (each for each in matches if each < 0), default=0
    )
