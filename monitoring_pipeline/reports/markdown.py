"""Reports as Markdown, for a comment on a pull request."""

from collections.abc import Iterable, Iterator, Sequence

from monitoring_pipeline.reports.report import Cell, Report, Shortened


def markdown_text(reports: Iterable[Report]) -> str:
    """Return the title, the table and the note of each report."""
    return "\n\n".join("\n\n".join(_parts(report)) for report in reports)


def _parts(report: Report) -> Iterator[str]:
    yield f"**{_escaped(report.title)}**"
    if report.lines and not any(report.columns):
        yield "\n".join(("```", *("  ".join(map(_text, line)) for line in report.lines), "```"))
    elif report.lines:
        rows = [report.columns, ["---"] * len(report.columns), *report.lines]
        yield "\n".join(map(_row, rows))
    if report.note:
        yield "\n\n".join(map(_escaped, report.note.splitlines()))


def _row(cells: Sequence[Cell]) -> str:
    return f"| {' | '.join(_escaped(_text(cell)) for cell in cells)} |"


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    return cell.full if isinstance(cell, Shortened) else cell.text


def _escaped(text: str) -> str:
    """Return a text in which no character begins a cell, an element of HTML or emphasis."""
    for character, written in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("_", "\\_"), ("*", "\\*")):
        text = text.replace(character, written)
    return " ".join(text.split())
