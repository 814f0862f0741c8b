"""Lay a table out as lines: for a terminal of some width, or for a pipe with one line per row.

Numbers, names and dates are never cut. If a table is too wide, long sentences are folded at words. If it still is,
the columns that do not fit stand below their row, each with its header. Characters that hide or turn other text are
replaced.
"""

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from monitoring_pipeline.web_pages.safe_text import visible

GAP = "  "
INDENT = "    "
END = ";"
"""Ends a line of short cells if more follow."""
WORDS_OF_A_SENTENCE = 3
LEAST_WIDTH_OF_A_SENTENCE = 14
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?(%( [a-z]+)?|\*)?|-?")
INTERVAL = re.compile(r"\S+ \[\S+, \S+\]")
SENTENCE_IS_LONGER_THAN = 22

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Line:
    """One line of a table; ``row`` is the row that it shows, None for the header."""

    text: str
    row: int | None = None
    is_header: bool = False


@dataclass(frozen=True)
class _Column:
    header: str
    cells: tuple[str, ...]

    @property
    def width(self) -> int:
        return max(map(cell_len, (self.header, *self.cells)))

    @property
    def is_sentence(self) -> bool:
        """Whether it may be folded: some cell is long and has several words."""
        return any(
            cell_len(cell) > SENTENCE_IS_LONGER_THAN and len(cell.split()) >= WORDS_OF_A_SENTENCE
            and not INTERVAL.fullmatch(cell)
            for cell in self.cells
        )  # fmt: skip

    @property
    def least_width(self) -> int:
        """The width to which it may be folded."""
        if not self.is_sentence:
            return self.width
        words = (word for cell in (self.header, *self.cells) for word in cell.split())
        return min(self.width, max(LEAST_WIDTH_OF_A_SENTENCE, *map(cell_len, words)))

    @property
    def is_numeric(self) -> bool:
        return all(NUMBER.fullmatch(cell) for cell in self.cells)


def laid_out(headers: Sequence[str], rows: Rows, width: int | None) -> Iterator[Line]:
    """Yield the lines of a table.

    Args:
        headers: the header of each column; without a header line if all are empty.
        rows: the cells of each row.
        width: columns of the terminal, which shows no empty columns; None for a pipe, with one line per row.
    """
    one_line = [[visible(" ".join(cell.split())) for cell in row] for row in rows]
    columns = [
        _Column(visible(header), tuple(row[place] for row in one_line))
        for place, header in enumerate(headers)
        if width is None or any(row[place] for row in one_line)
    ]
    if not columns:
        return
    if width is None or _total([column.width for column in columns]) <= width:
        yield from _in_columns(columns, [column.width for column in columns])
    elif _total([column.least_width for column in columns]) <= width:
        yield from _in_columns(columns, _folded_widths(columns, width))
    else:
        yield from _stacked(columns, width)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * max(len(widths) - 1, 0)


def _folded_widths(columns: Sequence[_Column], width: int) -> list[int]:
    """Return widths that fill a terminal: each sentence has its least width, and the rest goes to the widest."""
    widths = [column.least_width for column in columns]
    for _ in range(width - _total(widths)):
        place = max(range(len(columns)), key=lambda at: columns[at].width / widths[at])
        widths[place] += 1
    return widths


def _in_columns(columns: Sequence[_Column], widths: Sequence[int]) -> Iterator[Line]:
    if any(column.header for column in columns):
        for text in _row_text([column.header for column in columns], columns, widths):
            yield Line(text, is_header=True)
    for row in range(len(columns[0].cells)):
        for text in _row_text([column.cells[row] for column in columns], columns, widths):
            yield Line(text, row)


def _row_text(cells: Sequence[str], columns: Sequence[_Column], widths: Sequence[int]) -> Iterator[str]:
    folded = [
        wrapped(cell, width) if column.is_sentence or cell == column.header else [cell]
        for cell, column, width in zip(cells, columns, widths, strict=True)
    ]
    for place in range(max(map(len, folded))):
        parts = (part[place] if place < len(part) else "" for part in folded)
        yield GAP.join(
            _padded(part, width, right=column.is_numeric)
            for part, column, width in zip(parts, columns, widths, strict=True)
        ).rstrip()


def _padded(text: str, width: int, *, right: bool) -> str:
    filling = " " * (width - cell_len(text))
    return filling + text if right else text + filling


def wrapped(text: str, width: int | None) -> list[str]:
    """Return a text folded at words; a word that is longer than the width stays whole. None is for no folding."""
    if width is None:
        return [text]
    return textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False) or [""]


def _stacked(columns: Sequence[_Column], width: int) -> Iterator[Line]:
    """Yield each row as a line of the first columns, and the other columns below it."""
    first = _fitting(columns, width)
    lines = list(_in_columns(first, [column.width for column in first])) if first else []
    yield from (line for line in lines if line.is_header)
    for row in range(len(columns[0].cells)):
        yield from (line for line in lines if line.row == row)
        yield from (Line(text, row) for text in _below(columns[len(first) :], row, width))


def _fitting(columns: Sequence[_Column], width: int) -> list[_Column]:
    """Return the first columns, as many as fit side by side without folding."""
    fitting: list[_Column] = []
    for column in columns:
        if column.is_sentence or _total([other.width for other in (*fitting, column)]) > width:
            break
        fitting.append(column)
    return fitting


def _below(columns: Sequence[_Column], row: int, width: int) -> Iterator[str]:
    """Yield the cells of a row with their headers: short ones side by side, each sentence in lines of its own."""
    given = [(column, f"{column.header}: {column.cells[row]}") for column in columns if column.cells[row]]
    folded = [column.is_sentence or cell_len(text) > width - len(INDENT) for column, text in given]
    line = ""
    for text in (text for (_, text), is_folded in zip(given, folded, strict=True) if not is_folded):
        longer = f"{line}; {text}" if line else f"{INDENT}{text}"
        if line and cell_len(longer) + len(END) > width:
            yield line + END if cell_len(line + END) <= width else line
            longer = f"{INDENT}{text}"
        line = longer
    if line:
        yield line
    for text in (text for (_, text), is_folded in zip(given, folded, strict=True) if is_folded):
        yield from (f"{INDENT}{part}" for part in wrapped(text, width - len(INDENT)))
