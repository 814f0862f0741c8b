"""A chart with its sentence and its numbers, for readers who do not see the drawing."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A drawing that is part of a page.

    Args:
        sentence: what it shows, in one sentence.
        svg: the drawing, whose colours are variables of the page's style.
        columns: headers of the table of its numbers.
        rows: the numbers as texts.
    """

    sentence: str
    svg: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
