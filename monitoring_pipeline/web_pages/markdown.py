"""An incident as Markdown, for a ticket, a chat or an assistant."""

import re
from collections.abc import Iterable

from monitoring_pipeline.web_pages.contents.incident import IncidentContents
from monitoring_pipeline.web_pages.contents.table import Table
from monitoring_pipeline.web_pages.safe_text import is_safe_address, shortened

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#])")


def incident_markdown(shown: IncidentContents) -> str:
    """Return the section of an incident as Markdown; characters that Markdown reads as marks are escaped."""
    return "\n".join(_lines(shown)) + "\n"


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
    if shown.runbook and is_safe_address(shown.runbook):
        yield ""
        yield f"Runbook: <{shown.runbook}>"


def _table(table: Table) -> Iterable[str]:
    yield "| " + " | ".join(map(escaped, table.columns)) + " |"
    yield "|" + " --- |" * len(table.columns)
    for row in table.rows:
        yield "| " + " | ".join(escaped(cell.text) for cell in row) + " |"


def escaped(text: str) -> str:
    """Return a text in one line, as long as pages show it, with a backslash before each mark of Markdown."""
    return _SPECIAL.sub(r"\\\1", " ".join(shortened(text).split()))
