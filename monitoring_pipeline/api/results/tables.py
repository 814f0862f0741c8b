"""Tables of results for people: as text of at most 80 columns, and as HTML for notebooks."""

import html
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitoring_pipeline.api.results.reasons import Reasons
from monitoring_pipeline.reports.terminal.layout import laid_out

if TYPE_CHECKING:
    from monitoring_pipeline.api.results.result import MeasuredChunk

WIDTH = 80
ROWS_SHOWN = 40
_STYLE = (
    "border-collapse:collapse;font-size:90%;color:inherit;background:transparent",
    "text-align:left;padding:2px 10px;border-bottom:1px solid #8888;font-weight:bold",
    "padding:2px 10px;border-bottom:1px solid #8883",
)
"""Colours are inherited or half transparent, so that dark and light notebooks can be read."""
_MARKS = {"critical": "#d33", "warning": "#c80", "ok": "#2a5", "unknown": "#888"}


@dataclass(frozen=True)
class Rows:
    """The cells of a table; columns in ``numbers`` are aligned to the right in HTML, and ``legend`` explains them."""

    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    numbers: frozenset[str] = frozenset()
    legend: str = ""

    @property
    def filled(self) -> "Rows":
        """The table without the columns in which every cell is empty."""
        kept = [place for place in range(len(self.columns)) if any(row[place] for row in self.cells)]
        return Rows(
            columns=tuple(self.columns[place] for place in kept),
            cells=tuple(tuple(row[place] for place in kept) for row in self.cells),
            numbers=self.numbers,
            legend=self.legend,
        )


@dataclass(frozen=True)
class Table:
    """The table of one sort of result: a function from chunks and their reasons to cells."""

    rows_of: "Callable[[Sequence[MeasuredChunk], Reasons], Rows]"

    def of(self, chunks: "Sequence[MeasuredChunk]", reasons: Reasons) -> Rows:
        """Return the cells of some chunks."""
        return self.rows_of(chunks, reasons).filled


@dataclass(frozen=True, kw_only=True)
class View:
    """A result as people read it."""

    title: str
    verdict: str
    notes: tuple[str, ...]
    reasons: Reasons
    rows: Rows

    def text(self) -> str:
        """Return the view as text of at most 80 columns."""
        lines = [*_wrapped(self.title), *(line for note in self.notes for line in _wrapped(note, "  "))]
        lines += [f"verdict: {self.verdict}"]
        if self.rows.cells:
            lines += ["", *_table_lines(self.rows), ""]
        for place, reason in enumerate(self.reasons.shown, start=1):
            mark = f"{place}. " if self.reasons.is_numbered else "- "
            lines += _wrapped(f"{mark}{reason}", " " * len(mark), first="")
        lines += [line for more in self._further for line in _wrapped(f"- {more}", "  ", first="")]
        return "\n".join(lines)

    def html(self) -> str:
        """Return the view as HTML without scripts, links or classes."""
        mark = _MARKS[self.verdict]
        parts = [
            f"<p><b>{html.escape(self.title)}</b><br>{'<br>'.join(map(html.escape, self.notes))}</p>",
            f'<p>verdict: <b style="color:{mark}">{html.escape(self.verdict)}</b></p>',
        ]
        if self.rows.cells:
            parts.append(_table_html(self.rows))
        if self.reasons.shown:
            kind = "ol" if self.reasons.is_numbered else "ul"
            parts.append(f"<{kind}>{_items(self.reasons.shown)}</{kind}>")
        if self._further:
            parts.append(f"<ul>{_items(self._further)}</ul>")
        return f"<div>{''.join(parts)}</div>"

    @property
    def _further(self) -> tuple[str, ...]:
        """The lines below the reasons: how many more there are, and those for information."""
        more = [f"{self.reasons.more} more in .reasons"] if self.reasons.more else []
        return (*more, *([self.reasons.informational] if self.reasons.informational else []))


def number(value: float | None) -> str:
    """Return a number with three or four significant digits; empty if there is none."""
    if value is None:
        return ""
    if value == 0 or 0.001 <= abs(value) < 10_000:  # noqa: PLR2004
        return f"{value:.4g}"
    return f"{value:.2e}"


def _items(lines: Sequence[str]) -> str:
    return "".join(f"<li>{html.escape(line)}</li>" for line in lines)


def _wrapped(text: str, indent: str = "", *, first: str | None = None) -> list[str]:
    start = indent if first is None else first
    return textwrap.wrap(" ".join(text.split()), WIDTH, initial_indent=start, subsequent_indent=indent) or [""]


def _table_lines(rows: Rows) -> list[str]:
    cells = [[_one_line(cell) for cell in row] for row in _shown(rows)]
    more = len(rows.cells) - ROWS_SHOWN
    lines = [line.text for line in laid_out(list(map(_one_line, rows.columns)), cells, WIDTH)]
    lines += [f"... {more} more rows in to_polars()"] if more > 0 else []
    return lines + (_wrapped(rows.legend) if rows.legend else [])


def _shown(rows: Rows) -> tuple[tuple[str, ...], ...]:
    return rows.cells[:ROWS_SHOWN]


def _one_line(cell: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in cell)


def _table_html(rows: Rows) -> str:
    table, head, cell = _STYLE
    heads = "".join(f'<th style="{head}">{html.escape(name)}</th>' for name in rows.columns)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="{cell};text-align:{"right" if name in rows.numbers else "left"}">{html.escape(text)}</td>'
            for name, text in zip(rows.columns, row, strict=True)
        )
        + "</tr>"
        for row in _shown(rows)
    )
    more = len(rows.cells) - ROWS_SHOWN
    note = f"<p>{more} more rows in to_polars()</p>" if more > 0 else ""
    note += f"<p>{html.escape(rows.legend)}</p>" if rows.legend else ""
    return f'<table style="{table}"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{note}'
