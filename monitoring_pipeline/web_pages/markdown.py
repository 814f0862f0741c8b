"""An incident, or the whole report of a model, as Markdown, for a ticket, a chat or an assistant."""

import re
from collections.abc import Iterable

from monitoring_pipeline.web_pages.contents.incident import IncidentContents
from monitoring_pipeline.web_pages.contents.model import ModelContents
from monitoring_pipeline.web_pages.contents.table import Cell, Fact, Table
from monitoring_pipeline.web_pages.safe_text import is_safe_address, shortened

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def incident_markdown(shown: IncidentContents) -> str:
    """Return the section of an incident as Markdown; characters that Markdown reads as marks are escaped."""
    return "\n".join(_lines(shown)) + "\n"


def model_markdown(page: ModelContents) -> str:
    """Return the report of a model as Markdown: what its page says, in the same order, without the drawings."""
    return "\n".join(_report(page)) + "\n"


def _report(page: ModelContents) -> Iterable[str]:
    yield f"# {escaped(page.name)}"
    yield from ("", escaped(page.sentence), "")
    yield from _listed(page.facts)
    yield from (f"- {escaped(reason)}" for reason in page.reasons)
    for incident in page.incidents:
        yield from ("", *_lines(incident))
    for chart in (*filter(None, [page.when]), *page.performance, *filter(None, [page.confusion]), *page.business):
        yield from ("", escaped(chart.sentence))
    for table in (
        page.metrics,
        page.windows,
        page.attribution,
        *page.segment_changes,
        *page.splits,
        page.failed_checks,
    ):
        yield from _section(table)
    for dimension in page.dimensions:
        yield f"- {escaped(dimension.name)}: {escaped(dimension.words)}"
    yield from _columns(page)
    for table in (
        page.together,
        page.objectives,
        page.serving,
        page.value,
        page.value_of_segments,
        page.cost,
        page.measures,
        page.versions,
        page.decisions,
    ):
        yield from _section(table)
    yield from ("", "## Made from", "")
    yield from _listed(page.audit)


def _listed(facts: Iterable[Fact]) -> Iterable[str]:
    return (f"- {escaped(fact.name)}: {escaped(fact.value)}" for fact in facts)


def _section(table: Table) -> Iterable[str]:
    return () if table.is_empty else ("", f"## {escaped(table.caption)}", "", *_table(table))


def _columns(page: ModelContents) -> Iterable[str]:
    rows = tuple(
        (
            Cell(c.name),
            Cell(c.status),
            Cell(c.statistic),
            Cell(c.effect_text),
            Cell(c.importance_text),
            Cell("; ".join(c.shifts)),
            Cell(c.reason),
        )
        for c in page.columns
    )
    names = ("column", "drift", "statistic", "effect of floor", "importance", "what changed", "about")
    return _section(Table(caption="Columns", columns=names, rows=rows).without_empty_columns)


def _lines(shown: IncidentContents) -> Iterable[str]:
    yield f"### {escaped(shown.title)}"
    yield ""
    yield escaped(shown.sentence)
    yield ""
    for fact in shown.facts:
        yield f"- {escaped(fact.name)}: {escaped(fact.value)}"
    for column in shown.columns:
        for shift in column.shifts:
            yield f"- `{shortened(column.name).replace('`', chr(39))}` {escaped(shift)}"
    for cause in shown.causes:
        yield f"- {escaped(cause)}"
    if shown.history is not None:
        yield f"- {escaped(shown.history.sentence)}"
    if not shown.findings.is_empty:
        yield ""
        yield from _table(shown.findings)
    yield from _contributions(shown)
    if shown.runbook and is_safe_address(shown.runbook):
        yield ""
        yield f"Runbook: <{shown.runbook}>"


def _contributions(shown: IncidentContents) -> Iterable[str]:
    for table in shown.contributions:
        yield from ("", f"**{escaped(table.caption)}**", "", *_table(table))


def _table(table: Table) -> Iterable[str]:
    yield "| " + " | ".join(map(escaped, table.columns)) + " |"
    yield "|" + " --- |" * len(table.columns)
    for row in table.rows:
        yield "| " + " | ".join(escaped(cell.text) for cell in row) + " |"


def escaped(text: str) -> str:
    """Return a text in one line, as long as pages show it, with a backslash before each mark of Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(shortened(text).split()))
