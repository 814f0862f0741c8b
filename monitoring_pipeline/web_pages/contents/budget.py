"""The budget of false alarms on the page of a model: what was spent of it, and by which rules."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.budget.realized import (
    Alarm,
    Contribution,
    Judged,
    Spent,
    contributions,
    first_of_quarter,
    part_words,
    spent,
    words_of,
)
from monitoring_pipeline.evaluation.rule_check.expected_openings import ALL, PAGES, WARNINGS
from monitoring_pipeline.records.measurement import Role, Severity
from monitoring_pipeline.web_pages.contents.table import Cell, Table
from monitoring_pipeline.web_pages.reading import ModelRecords

_NAMES = {Severity.CRITICAL: ("pages", "a quarter"), Severity.WARNING: ("warnings", "a month")}


@dataclass(frozen=True, kw_only=True)
class BudgetContents:
    """What was spent, in sentences and as tables."""

    sentences: tuple[str, ...]
    table: Table
    rules: Table


def budget_contents(records: ModelRecords) -> BudgetContents:
    """Return what the last quarter of a year up to the page's chunk spent of the budget."""
    spec, last = records.spec, records.chunk
    first = first_of_quarter(spec, last)
    rows = spent(spec, records.alarms, first, last)
    return BudgetContents(
        sentences=tuple(f"{words_of(row)}." for row in rows),
        table=Table(
            caption=f"False alarms from {first.key} to {last.key}",
            columns=("alarms", "false", str(Judged.UNKNOWN), str(Judged.NOT_FALSE), "false in a period",
                     "90 % interval", "budget", "expected by replay"),
            rows=tuple(_row(row, records) for row in rows),
        ),
        rules=_rules(records.alarms),
    )  # fmt: skip


def _row(row: Spent, records: ModelRecords) -> tuple[Cell, ...]:
    name, period = _NAMES[row.severity]
    lower, upper = row.interval
    status = "critical" if row.is_exceeded else "warning" if row.may_be_exceeded else "ok"
    return (
        Cell(name, status),
        Cell(str(row.false), is_number=True),
        Cell(str(row.unknown), is_number=True),
        Cell(str(row.counts.get(Judged.NOT_FALSE, 0)), is_number=True),
        Cell(f"{row.rate:.2g} {period}", is_number=True),
        Cell(f"{lower:.2g} to {upper:.2g}", is_number=True),
        Cell(f"{row.allowed:g} {period}"),
        Cell(_expected(row, records), is_number=True),
    )


def _expected(row: Spent, records: ModelRecords) -> str:
    """Return what the rules of the serving version were expected to give, with the interval; empty without a replay."""
    name = PAGES if row.severity is Severity.CRITICAL else WARNINGS
    serving = {m.model_version for m in records.measurements if m.role is Role.CHAMPION}
    found = [m for m in records.expected if (m.name, m.subject) == (name, ALL) and m.model_version in serving]
    return ", ".join(f"{m.value or 0.0:.2g} ({m.lower or 0.0:.2g} to {m.upper or 0.0:.2g})" for m in found)


def _rules(alarms: Sequence[Alarm]) -> Table:
    return Table(
        caption="Which rules gave the alarms",
        columns=("cause", "number", "alarms", "pages", "false", str(Judged.UNKNOWN), "part of the budget"),
        rows=tuple(map(_rule, contributions(alarms))),
    )


def _rule(each: Contribution) -> tuple[Cell, ...]:
    return (
        Cell(str(each.family).replace("_", " ")),
        Cell(each.rule),
        Cell(str(each.alarms), is_number=True),
        Cell(str(each.pages), is_number=True),
        Cell(str(each.counts.get(Judged.FALSE, 0)), is_number=True),
        Cell(str(each.counts.get(Judged.UNKNOWN, 0)), is_number=True),
        Cell(part_words(each.family)),
    )
