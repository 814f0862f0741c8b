"""The distribution of a column: the chunk drawn over the reference, and the cells that are no ordinary value."""

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from itertools import pairwise

from monitoring_pipeline.evaluation.privacy.shown_values import clipped, may_show
from monitoring_pipeline.evaluation.profiles.bins import Bins, CategoricalBins, NumericBins
from monitoring_pipeline.evaluation.profiles.histogram import Histogram, histograms
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile
from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.svg import CHARTS_KEPT, LETTER_WIDTH, drawn
from monitoring_pipeline.web_pages.charts.theme import CURRENT, REFERENCE
from monitoring_pipeline.web_pages.numbers import number, percent

WIDTH, HEIGHT = 300, 92
CATEGORIES_SHOWN = 8
LONGEST_CATEGORY = 24
SPECIAL = ("null", "nan", "-inf", "+inf")
Moved = tuple[str, float, float]
"""A cell with its share of the reference and of the chunk."""


def distribution_chart(name: str, bins: Bins, reference: ColumnProfile, current: ColumnProfile) -> Chart | None:
    """Return the chart of a column; None if neither side has a value."""
    if isinstance(bins, CategoricalBins):
        return _of_categories(name, bins, reference, current)
    return _of_numbers(name, bins, reference, current)


def special_cells(bins: Bins, reference: ColumnProfile, current: ColumnProfile) -> tuple[Moved, ...]:
    """Return null, NaN, infinities, other categories, and values outside the reference's range, where there are any."""
    cells = bins.cells
    special = {cell: place for place, cell in enumerate(cells) if cell in SPECIAL}
    if isinstance(bins, CategoricalBins):
        special = {"null": 0, "other": len(cells) - 1}
    elif bins.edges:
        special |= {f"below {number(bins.edges[0])}": 3, f"above {number(bins.edges[-1])}": len(cells) - 2}
    found = [(cell, _share(reference, place), _share(current, place)) for cell, place in special.items()]
    return tuple(entry for entry in found if entry[1] or entry[2])


def _share(profile: ColumnProfile, place: int) -> float:
    return profile.counts[place] / profile.rows if profile.rows else 0.0


def _of_numbers(name: str, bins: NumericBins, reference: ColumnProfile, current: ColumnProfile) -> Chart | None:
    found = histograms(bins, reference, current)
    if found is None:
        return None
    cells = [f"{number(a)} to {number(b)}" for a, b in pairwise(found.edges)]
    rows = [(cell, before, after) for cell, before, after in zip(cells, *found.shares, strict=True)]
    beyond = [(f"below {number(found.edges[0])}", *found.below), (f"above {number(found.edges[-1])}", *found.above)]
    rows += [(cell, before, after) for cell, before, after in beyond if before or after]
    rows += [row for row in special_cells(bins, reference, current) if row[0] in SPECIAL]
    return Chart(
        sentence=_sentence(name, rows),
        draw=partial(_steps, found),
        columns=("values", "reference", "chunk"),
        rows=_texts(rows),
    )


def _of_categories(name: str, bins: CategoricalBins, reference: ColumnProfile, current: ColumnProfile) -> Chart | None:
    shares = [
        (clipped(category), _share(reference, place), _share(current, place))
        for place, category in enumerate(bins.categories, start=1)
        if may_show(max(reference.counts[place], current.counts[place]))
    ]
    rows = [*shares, *special_cells(bins, reference, current)]
    if not any(before or after for _, before, after in rows):
        return None
    largest = sorted(rows, key=lambda row: -max(row[1], row[2], 4 * abs(row[1] - row[2])))[:CATEGORIES_SHOWN]
    shown = [row for row in rows if row in largest]
    return Chart(
        sentence=_sentence(name, rows),
        draw=partial(_bars, tuple(shown)),
        columns=("value", "reference", "chunk"),
        rows=_texts(rows[: 3 * CATEGORIES_SHOWN]),
    )


def _sentence(name: str, rows: Sequence[Moved]) -> str:
    cell, before, after = max(rows, key=lambda row: abs(row[2] - row[1]))
    return f"{name}: the largest move is {cell}, {percent(before)} of the reference and {percent(after)} now."


def _texts(rows: Iterable[Moved]) -> tuple[tuple[str, ...], ...]:
    return tuple((cell, percent(before), percent(after)) for cell, before, after in rows)


@lru_cache(maxsize=CHARTS_KEPT)
def _steps(found: Histogram) -> str:
    import altair as alt

    values = [
        {"x": edge, "reference": before, "current": after}
        for edge, before, after in zip(
            found.edges, (*found.shares[0], found.shares[0][-1]), (*found.shares[1], found.shares[1][-1]), strict=True
        )
    ]
    base = alt.Chart(alt.Data(values=values)).encode(
        x=alt.X("x:Q", title=None, scale=alt.Scale(nice=False, zero=False), axis=alt.Axis(tickCount=4, grid=False))
    )
    share = alt.Axis(format=".0%", tickCount=2, grid=False)
    area = base.mark_area(color=REFERENCE, opacity=0.35, interpolate="step-after")
    line = base.mark_line(color=CURRENT, strokeWidth=1.8, interpolate="step-after")
    layers = alt.layer(
        area.encode(y=alt.Y("reference:Q", title=None, axis=share)), line.encode(y=alt.Y("current:Q", axis=share))
    ).properties(width=WIDTH - 70, height=HEIGHT)
    return drawn(layers)


@lru_cache(maxsize=CHARTS_KEPT)
def _bars(rows: tuple[Moved, ...]) -> str:
    import altair as alt

    values = [
        {"cell": _clipped(cell), "reference": before, "current": after, "place": place}
        for place, (cell, before, after) in enumerate(rows)
    ]
    extent = min(LETTER_WIDTH * (1 + max(len(_clipped(cell)) for cell, _, _ in rows)), 110)
    y = alt.Y(
        "cell:N",
        title=None,
        sort=alt.EncodingSortField("place"),
        axis=alt.Axis(labelLimit=90, minExtent=extent, ticks=False),
    )
    share = alt.Axis(format=".0%", tickCount=3, grid=False)
    base = alt.Chart(alt.Data(values=values)).encode(y=y)
    bars = base.mark_bar(color=REFERENCE, opacity=0.35).encode(x=alt.X("reference:Q", title=None, axis=share))
    ticks = base.mark_tick(color=CURRENT, thickness=3).encode(x=alt.X("current:Q"))
    return drawn(alt.layer(bars, ticks).properties(width=WIDTH - 110, height=max(13 * len(rows), 40)))


def _clipped(category: str) -> str:
    return category if len(category) <= LONGEST_CATEGORY else f"{category[: LONGEST_CATEGORY - 1]}…"
