"""Tables of a page, without HTML."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """One cell: its text, the status that colours it, the address that it links to, and whether it is a number."""

    text: str
    status: str = ""
    link: str = ""
    is_number: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table with the line that says what it is."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def is_empty(self) -> bool:
        """Whether it has no row."""
        return not self.rows

    @property
    def without_empty_columns(self) -> "Table":
        """The table without the columns that have no text in any row."""
        filled = [place for place in range(len(self.columns)) if any(row[place].text for row in self.rows)]
        return Table(
            caption=self.caption,
            columns=tuple(self.columns[place] for place in filled),
            rows=tuple(tuple(row[place] for place in filled) for row in self.rows),
        )


@dataclass(frozen=True)
class Fact:
    """A name with its value, as at the head of a page."""

    name: str
    value: str
    status: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Day:
    """One chunk in a calendar of verdicts."""

    key: str
    status: str
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Week:
    """A row of the calendar: its name, and a place for each chunk; None where no chunk was judged."""

    name: str
    days: tuple[Day | None, ...] = field(default=())
