"""A report: the same facts as lines that a person reads, and as records that a program reads."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from rich.console import Console, ConsoleOptions
from rich.text import Text

from monitoring_pipeline.reports.terminal.layout import Line, laid_out, wrapped
from monitoring_pipeline.web_pages.safe_text import visible


class Styled(NamedTuple):
    """A cell with a style of the terminal, such as ``bold red``."""

    text: str
    style: str


class Shortened(NamedTuple):
    """A cell that is shorter in a terminal than in a pipe, where nothing is left out."""

    text: str
    full: str


Cell = str | Styled | Shortened
Record = Mapping[str, object]


@dataclass(frozen=True)
class Report:
    """A table.

    Args:
        title: the line above the table.
        columns: headers for people; all empty for a table without a header.
        lines: cells for people, one line per row.
        fields: names for programs, which stay stable.
        records: values for programs, in full precision; each has all fields.
        name: its key if a command prints several reports.
        note: the lines below the table.
    """

    title: str
    columns: tuple[str, ...]
    lines: tuple[tuple[Cell, ...], ...]
    fields: tuple[str, ...]
    records: tuple[Record, ...]
    name: str = ""
    note: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Yield the lines for a terminal, or for a pipe, in which each row is one line."""
        width = options.max_width if console.is_terminal else None
        yield Text("\n".join(wrapped(visible(self.title), width)), style="bold")
        form = _text if console.is_terminal else _full_text
        for line in laid_out(self.columns, [[form(cell) for cell in line] for line in self.lines], width):
            yield self._styled(line)
        if self.note:
            lines = (line for sentence in self.note.splitlines() for line in wrapped(visible(sentence), width))
            yield Text("\n".join(lines), style="dim")

    def _styled(self, line: Line) -> Text:
        """Return a line in which the text of each styled cell has its style."""
        if line.row is None:
            return Text(line.text, style="bold" if line.is_header else "")
        shown = Text(line.text)
        for cell in self.lines[line.row]:
            if isinstance(cell, Styled):
                shown.highlight_regex(rf"(?<!\S){re.escape(visible(cell.text))}(?=[\s;]|$)", cell.style)
        return shown


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell.text


def _full_text(cell: Cell) -> str:
    return cell.full if isinstance(cell, Shortened) else _text(cell)


def report_of_records(
    title: str, fields: Sequence[str], rows: Iterable[Sequence[object]], *, headers: Sequence[str] = (), name: str = ""
) -> Report:
    """Return a report whose lines are its records, with numbers of four digits.

    Args:
        title: the line above the table, to which ``nothing`` is added if there are no rows.
        fields: names for programs.
        rows: values in the order of the fields.
        headers: headers for people; the fields by default.
        name: its key if a command prints several reports.
    """
    listed = [tuple(row) for row in rows]
    return without_empty_columns(
        Report(
            title=title if listed else f"{title}: nothing",
            columns=tuple(headers or fields),
            lines=tuple(tuple(text_of(value) for value in row) for row in listed),
            fields=tuple(fields),
            records=tuple(dict(zip(fields, row, strict=True)) for row in listed),
            name=name,
        )
    )


def without_empty_columns(report: Report) -> Report:
    """Return a report without the columns that are empty in every line; a report without lines keeps all."""
    kept = [place for place in range(len(report.columns)) if any(_text(line[place]) for line in report.lines)]
    if not kept:
        return report
    return replace(
        report,
        columns=tuple(report.columns[place] for place in kept),
        lines=tuple(tuple(line[place] for place in kept) for line in report.lines),
    )


def text_of(value: object) -> str:
    """Return a value for people: four digits of a number, words for true and false, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value))
    return str(value)
