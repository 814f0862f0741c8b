"""The quantiles of a column over the chunks, before the band of the reference."""

import datetime as dt
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

from monitoring_pipeline.evaluation.profiles.quantiles import SHOWN
from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.distribution import HEIGHT, WIDTH
from monitoring_pipeline.web_pages.charts.history import ROWS_OF_THE_TABLE, TimeOf, at, form_of_time
from monitoring_pipeline.web_pages.charts.svg import CHARTS_KEPT, drawn
from monitoring_pipeline.web_pages.charts.theme import BAND, CURRENT, REFERENCE
from monitoring_pipeline.web_pages.numbers import NONE, number

Quantiles = tuple[float, ...]
NAMES = tuple(f"{100 * share:.0f} %" if share != SHOWN[2] else "median" for share in SHOWN)
_FIELDS = ("lowest", "low", "middle", "high", "highest")


def quantiles_chart(
    name: str, shown: Sequence[tuple[str, Quantiles | None]], reference: Quantiles | None, time_of: TimeOf
) -> Chart | None:
    """Return the chart of a column's quantiles; None unless two chunks have some.

    Args:
        name: the column.
        shown: its quantiles by the key of the chunk, oldest first; None where too few rows have a value.
        reference: those of the reference.
        time_of: the local time at which a chunk begins.
    """
    known = [(key, quantiles) for key, quantiles in shown if quantiles is not None]
    if len(known) < len(("first", "last")):
        return None
    times = [time_of(key) for key, _ in shown]
    return Chart(
        sentence=_sentence(name, *known[-1], reference),
        draw=partial(_svg, _drawing(times, [quantiles for _, quantiles in shown], reference)),
        columns=("chunk", *NAMES),
        rows=tuple(_rows(shown, reference)),
    )


class _Drawing(NamedTuple):
    form: str
    points: tuple[tuple[str, Quantiles | None], ...]
    reference: Quantiles | None


def _drawing(
    times: Sequence[dt.datetime], quantiles: Sequence[Quantiles | None], reference: Quantiles | None
) -> _Drawing:
    points = tuple((at(time), entry) for time, entry in zip(times, quantiles, strict=True))
    return _Drawing(form_of_time(times[-1] - times[0]), points, reference)


def _sentence(name: str, key: str, quantiles: Quantiles, reference: Quantiles | None) -> str:
    words = f"{name}: half of the values lie from {_half(quantiles)} on {key}"
    return f"{words}." if reference is None else f"{words}, from {_half(reference)} in the reference."


def _half(quantiles: Quantiles) -> str:
    return f"{number(quantiles[1])} to {number(quantiles[3])}"


def _rows(shown: Sequence[tuple[str, Quantiles | None]], reference: Quantiles | None) -> Iterable[tuple[str, ...]]:
    for key, quantiles in [*reversed(shown[-ROWS_OF_THE_TABLE:]), ("reference", reference)]:
        yield (key, *map(number, quantiles)) if quantiles is not None else (key, *(NONE for _ in NAMES))


@lru_cache(maxsize=CHARTS_KEPT)
def _svg(drawing: _Drawing) -> str:
    import altair as alt

    nothing = dict.fromkeys(_FIELDS)
    values = [
        {"t": time} | (nothing if entry is None else dict(zip(_FIELDS, entry, strict=True)))
        for time, entry in drawing.points
    ]
    x = alt.X(
        "t:T",
        title=None,
        scale=alt.Scale(type="utc", nice=False),
        axis=alt.Axis(format=drawing.form, tickCount=4, grid=False, labelOverlap=True, labelSeparation=8),
    )
    axis = alt.Axis(tickCount=3, grid=False)
    scale = alt.Scale(zero=False, nice=False)
    base = alt.Chart(alt.Data(values=values)).encode(x=x)
    layers = [
        *_of_reference(alt, drawing.reference, scale),
        base.mark_area(color=CURRENT, opacity=0.2).encode(alt.Y("lowest:Q", title=None, axis=axis), y2="highest:Q"),
        base.mark_area(color=CURRENT, opacity=0.35).encode(alt.Y("low:Q"), y2="high:Q"),
        base.mark_line(color=CURRENT, strokeWidth=1.8).encode(alt.Y("middle:Q", scale=scale)),
    ]
    return drawn(alt.layer(*layers).properties(width=WIDTH - 70, height=HEIGHT))


def _of_reference(alt: Any, reference: Quantiles | None, scale: Any) -> Iterable[Any]:
    if reference is None:
        return
    base = alt.Chart(alt.Data(values=[dict(zip(_FIELDS, reference, strict=True))]))
    yield base.mark_rect(color=BAND, opacity=0.6).encode(alt.Y("lowest:Q", scale=scale), y2="highest:Q")
    yield base.mark_rect(color=REFERENCE, opacity=0.3).encode(alt.Y("low:Q"), y2="high:Q")
    yield base.mark_rule(color=REFERENCE).encode(alt.Y("middle:Q"))
