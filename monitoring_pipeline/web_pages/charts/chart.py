"""A chart with its sentence and its numbers, for readers who do not see the drawing."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing that is part of a page.

    Args:
        sentence: what it shows, in one sentence.
        draw: draws it, when somebody looks at it; equal charts are drawn once.
        columns: headers of the table of its numbers.
        rows: the numbers as texts.
    """

    sentence: str
    draw: Callable[[], str]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def filled(self) -> tuple[int, ...]:
        """The places of the columns that have a text in some row; a page leaves out the others."""
        return tuple(place for place in range(len(self.columns)) if any(row[place] for row in self.rows))

    @property
    def svg(self) -> str:
        """The drawing, whose colours are variables of the page's style."""
        return self.draw()
