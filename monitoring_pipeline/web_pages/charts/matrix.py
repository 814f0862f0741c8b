"""How often each class is decided as each class: the chunk beside the reference."""

from collections.abc import Iterable
from functools import lru_cache, partial
from typing import NamedTuple

from monitoring_pipeline.evaluation.performance.confusion import Confusion
from monitoring_pipeline.evaluation.privacy.shown_values import clipped, least_rows_shown, may_show
from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.svg import CHARTS_KEPT, LETTER_WIDTH, drawn
from monitoring_pipeline.web_pages.charts.theme import CURRENT, FAINT, INK, REFERENCE
from monitoring_pipeline.web_pages.numbers import number, percent

CELL_HEIGHT, WIDEST_CELL, NARROWEST_CELL, WIDTH = 34, 74, 34, 300
LONGEST_CLASS = 14
FAINTEST, STRONGEST = 0.06, 0.55


def matrix_chart(current: Confusion, reference: Confusion | None) -> Chart:
    """Return the chart of the shares of each actual class that are decided as each class.

    A cell of fewer rows than may be shown has neither share nor shade.
    """
    sides = [("the chunk", current, CURRENT)]
    if reference is not None and reference.classes == current.classes:
        sides.append(("the reference", reference, REFERENCE))
    panels = tuple(_Panel(title, colour, tuple(_cells(side))) for title, side, colour in sides)
    return Chart(
        sentence=_sentence(*(side for _, side, _ in sides)),
        draw=partial(_svgs, panels),
        columns=("actual class", "rows", "decided as", "share", *(["share of the reference"] if sides[1:] else [])),
        rows=tuple(_rows(*(side for _, side, _ in sides))),
    )


class _Cell(NamedTuple):
    actual: str
    decided: str
    text: str
    opacity: float


class _Panel(NamedTuple):
    title: str
    colour: str
    cells: tuple[_Cell, ...]


def _sentence(current: Confusion, reference: Confusion | None = None) -> str:
    """Return the share that moved farthest, of right decisions if others moved as far; without a reference the least.

    Cells that may not be shown are left out.
    """
    places = range(len(current.classes))
    cells = [(actual, decided) for actual in places for decided in places]
    known = [(cell, share) for cell in cells if (share := _shown(current, *cell)) is not None]
    if not known:
        return f"Decided classes: no cell has {least_rows_shown()} rows."
    compared = [
        (round(abs(share - before), 9), cell[0] == cell[1], cell, share, before)
        for cell, share in known
        if (before := None if reference is None else _shown(reference, *cell)) is not None
    ]
    if not compared:
        (actual, decided), share = min(known, key=lambda entry: (entry[0][0] != entry[0][1], entry[1]))
        words = _as(current, actual, decided)
        return f"{percent(share)} of the rows that are {_name(current, actual)} are decided {words}."
    _, _, (actual, decided), share, before = max(compared)
    return (
        f"{percent(share)} of the {number(current.rows[actual])} rows that are {_name(current, actual)} are decided "
        f"{_as(current, actual, decided)}, and {percent(before)} of the reference's: no cell moved farther."
    )


def _as(side: Confusion, actual: int, decided: int) -> str:
    return "right" if actual == decided else f"as {_name(side, decided)}"


def _name(side: Confusion, place: int) -> str:
    return clipped(side.classes[place])


def _shown(side: Confusion, actual: int, decided: int) -> float | None:
    """Return the share in a cell; None if it was not measured, or has too few rows to be shown."""
    shares = side.shares[actual]
    return shares[decided] if shares is not None and may_show(side.decided(actual, decided)) else None


def _text(side: Confusion, actual: int, decided: int) -> str:
    if side.shares[actual] is None:
        return "no rows" if not side.rows[actual] else "not measured"
    share = _shown(side, actual, decided)
    return f"below {least_rows_shown()} rows" if share is None else percent(share)


def _rows(current: Confusion, reference: Confusion | None = None) -> Iterable[tuple[str, ...]]:
    for actual in range(len(current.classes)):
        rows = number(current.rows[actual]) if may_show(current.rows[actual]) else f"below {least_rows_shown()}"
        for decided in range(len(current.classes)):
            sides = (current,) if reference is None else (current, reference)
            texts = (_text(side, actual, decided) for side in sides)
            yield _name(current, actual), rows, _name(current, decided), *texts


def _cells(side: Confusion) -> Iterable[_Cell]:
    names = tuple(_short(side.classes, place) for place in range(len(side.classes)))
    for actual, decided in ((a, d) for a in range(len(names)) for d in range(len(names))):
        share = _shown(side, actual, decided)
        text = f"< {least_rows_shown()}" if share is None else f"{100 * share:.0f}%"
        is_known = side.shares[actual] is not None
        opacity = 0.0 if share is None else round(FAINTEST + (STRONGEST - FAINTEST) * share, 2)
        yield _Cell(names[actual], names[decided], text if is_known else "", opacity)


def _short(classes: tuple[str, ...], place: int) -> str:
    """Return the name of a class as an axis has it: distinct names stay distinct."""
    names = [name if len(name) <= LONGEST_CLASS else f"{name[: LONGEST_CLASS - 1]}…" for name in map(clipped, classes)]
    name = names[place]
    return name if names.count(name) == 1 else f"{name[: LONGEST_CLASS - 4]}… {place + 1}"


def _svgs(panels: tuple[_Panel, ...]) -> str:
    return "".join(map(_svg, panels))


@lru_cache(maxsize=CHARTS_KEPT)
def _svg(panel: _Panel) -> str:
    import altair as alt

    names = list(dict.fromkeys(cell.actual for cell in panel.cells))
    width = max(min(WIDTH // len(names), WIDEST_CELL), NARROWEST_CELL)
    longest = max(map(len, names))
    is_upright = longest * LETTER_WIDTH > width
    x = alt.X(
        "decided:N",
        sort=names,
        title="decided as",
        axis=alt.Axis(
            orient="top", ticks=False, domain=False, labelAngle=-90 if is_upright else 0, labelLimit=LETTER_WIDTH * 20
        ),
    )
    y = alt.Y(
        "actual:N",
        sort=names,
        title="actual",
        axis=alt.Axis(ticks=False, domain=False, labelLimit=LETTER_WIDTH * 20, minExtent=LETTER_WIDTH * (longest + 1)),
    )
    values = alt.Data(values=[cell._asdict() for cell in panel.cells])
    base = alt.Chart(values).encode(x=x, y=y)
    shade = base.mark_rect(color=panel.colour, stroke=FAINT).encode(
        fillOpacity=alt.FillOpacity("opacity:Q", scale=None, legend=None)
    )
    return drawn(
        alt.layer(shade, base.mark_text(color=INK).encode(text="text:N")).properties(
            title=alt.Title(panel.title, color=INK, fontSize=11, fontWeight="normal", anchor="start"),
            width=width * len(names),
            height=CELL_HEIGHT * len(names),
        )
    )
