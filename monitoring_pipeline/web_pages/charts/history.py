"""A number over the chunks: its interval, its reference, its limits, breaches, incidents and changes of version."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

from monitoring_pipeline.evaluation.reference.reference import ReferenceMetric
from monitoring_pipeline.records.measurement import Maturity, Measurement, Status
from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.svg import CHARTS_KEPT, drawn
from monitoring_pipeline.web_pages.charts.theme import BAND, CRITICAL, CURRENT, FAINT, PAPER, REFERENCE, STATUS_COLOURS
from monitoring_pipeline.web_pages.numbers import NONE, interval, named

WIDTH, HEIGHT = 700, 190
BAND_OPACITY = 0.5
LONGEST_TITLE = 26
ROWS_OF_THE_TABLE = 31
FORMS = (
    (dt.timedelta(days=2), "%b %d %H:%M"),
    (dt.timedelta(days=200), "%b %d"),
    (dt.timedelta.max, "%b %Y"),
)
"""Forms of the labels of time, by the longest span that each serves."""
TimeOf = Callable[[str], dt.datetime]


@dataclass(frozen=True)
class Span:
    """Chunks from the first to the last, such as those of an incident."""

    first: str
    last: str


@dataclass(frozen=True, kw_only=True)
class History:
    """What a chart of history shows.

    Args:
        name: name of the number.
        measured: its measurements with the keys of their chunks, oldest first.
        estimated: its estimates without labels, likewise.
        reference: its value on the reference.
        spans: incidents about it.
        time_of: the local time at which a chunk begins.
        noun: the word for a chunk.
        is_over: whether its incident has ended; then the table of its numbers has only the chunks of the incident.
    """

    name: str
    measured: Sequence[tuple[str, Measurement]]
    time_of: TimeOf
    estimated: Sequence[tuple[str, Measurement]] = ()
    reference: ReferenceMetric | None = None
    spans: Sequence[Span] = ()
    noun: str = "chunk"
    is_over: bool = False


def history_chart(history: History) -> Chart | None:
    """Return the chart; None if nothing was measured."""
    shown = [(key, m) for key, m in history.measured if m.value is not None]
    estimates = [(key, m) for key, m in history.estimated if m.value is not None]
    if not shown and not estimates:
        return None
    return Chart(
        sentence=_sentence(history, shown, estimates),
        draw=partial(_svg, _drawing(history, shown, estimates)),
        columns=("chunk", history.name, "95 % interval", "estimate", "version", "labels", "status"),
        rows=_rows(history, shown, estimates),
    )


def _sentence(
    history: History, shown: Sequence[tuple[str, Measurement]], estimates: Sequence[tuple[str, Measurement]]
) -> str:
    key, newest = (shown or estimates)[-1]
    words = "" if shown else "estimated "
    text = f"{history.name}: {words}{named(history.name, newest.value)}"
    text += f" {interval(history.name, newest.lower, newest.upper)} on {key}".replace("  ", " ")
    if history.reference is not None:
        text += f", {named(history.name, history.reference.value)} on the reference"
    breached = sum(m.status is Status.BREACHED for _, m in shown)
    return f"{text}; breached on {breached} of {len(shown)} {history.noun}s." if shown else f"{text}."


def _rows(
    history: History, shown: Sequence[tuple[str, Measurement]], estimates: Sequence[tuple[str, Measurement]]
) -> tuple[tuple[str, ...], ...]:
    if history.is_over:
        shown, estimates = _within(history.spans, shown), _within(history.spans, estimates)
    estimate_of = {(key, m.model_version): m for key, m in estimates}
    listed = [(key, m, estimate_of.get((key, m.model_version))) for key, m in shown[-ROWS_OF_THE_TABLE:]]
    known = {(key, m.model_version) for key, m, _ in listed}
    listed += [(key, None, m) for key, m in estimates[-ROWS_OF_THE_TABLE:] if (key, m.model_version) not in known]
    name = history.name
    return tuple(
        (
            key,
            NONE if m is None else named(name, m.value),
            "" if m is None else interval(name, m.lower, m.upper),
            "" if e is None else named(name, e.value),
            _version_of(m, e),
            "" if m is None or m.maturity is None else str(m.maturity),
            "" if m is None else str(m.status),
        )
        for key, m, e in sorted(listed, key=lambda entry: entry[0], reverse=True)[:ROWS_OF_THE_TABLE]
    )


def _version_of(measured: Measurement | None, estimated: Measurement | None) -> str:
    return next((m.model_version for m in (measured, estimated) if m is not None), "")


def _within(spans: Sequence[Span], series: Sequence[tuple[str, Measurement]]) -> Sequence[tuple[str, Measurement]]:
    return [(key, m) for key, m in series if any(span.first <= key <= span.last for span in spans)]


def at(time: dt.datetime) -> str:
    """Return a local time as text of the charts' time axis, which has no time zone of its own."""
    return f"{time.replace(tzinfo=None).isoformat()}Z"


class _Point(NamedTuple):
    """One chunk of the line, with the colour of its mark, which is empty if it has none."""

    t: str
    value: float
    lower: float
    upper: float
    version: str
    colour: str
    is_hollow: bool


class _Drawing(NamedTuple):
    """All that is drawn, as plain values, so that an equal chart is drawn once."""

    name: str
    form: str
    measured: tuple[_Point, ...]
    estimated: tuple[_Point, ...]
    spans: tuple[tuple[str, str], ...]
    reference: tuple[float | None, ...]
    limits: tuple[float, ...]
    changes: tuple[tuple[str, str], ...]


def _drawing(
    history: History, shown: Sequence[tuple[str, Measurement]], estimates: Sequence[tuple[str, Measurement]]
) -> _Drawing:
    series = shown or estimates
    keys = [key for key, _ in (*shown, *estimates)]
    newest, reference = series[-1][1], history.reference
    limits = (newest.threshold_lower, newest.threshold_upper)
    return _Drawing(
        name=history.name,
        form=form_of_time(history.time_of(max(keys)) - history.time_of(min(keys))),
        measured=tuple(_points(history, shown)),
        estimated=tuple(_points(history, estimates)),
        spans=tuple((at(history.time_of(span.first)), at(history.time_of(span.last))) for span in history.spans),
        reference=() if reference is None else (reference.value, reference.lower, reference.upper),
        limits=tuple(limit for limit in limits if limit is not None),
        changes=tuple(
            (at(history.time_of(key)), f"version {after.model_version}")
            for (_, before), (key, after) in pairwise(series)
            if before.model_version != after.model_version
        ),
    )


def form_of_time(span: dt.timedelta) -> str:
    """Return the form of the labels of the axis of time."""
    return next(form for longest, form in FORMS if span < longest)


def _points(history: History, series: Iterable[tuple[str, Measurement]]) -> Iterable[_Point]:
    for key, m in series:
        value = m.value or 0.0
        is_hollow = m.maturity is not None and m.maturity is not Maturity.FINAL
        colour = STATUS_COLOURS[m.severity] if m.status is Status.BREACHED else CURRENT if is_hollow else ""
        lower, upper = (value if bound is None else bound for bound in (m.lower, m.upper))
        yield _Point(at(history.time_of(key)), value, lower, upper, m.model_version, colour, is_hollow)


@lru_cache(maxsize=CHARTS_KEPT)
def _svg(drawing: _Drawing) -> str:
    import altair as alt

    x = alt.X(
        "t:T",
        title=None,
        scale=alt.Scale(type="utc", nice=False),
        axis=alt.Axis(format=drawing.form, tickCount=8, grid=False, labelOverlap=True, labelSeparation=8),
    )
    y = alt.Y("value:Q", title=_title(drawing.name), scale=alt.Scale(zero=False, nice=True))
    layers = [*_behind(alt, drawing, x), *_limits(alt, drawing)]
    if drawing.estimated:
        line = _of_points(alt, drawing.estimated).mark_line(color=REFERENCE, strokeDash=[5, 3], strokeWidth=1.5)
        layers.append(line.encode(x=x, y=y, detail="version:N"))
    if drawing.measured:
        base = _of_points(alt, drawing.measured).encode(x=x, detail="version:N")
        band = base.mark_area(color=CURRENT, opacity=0.18).encode(y=alt.Y("lower:Q"), y2="upper:Q")
        layers += [band, base.mark_line(color=CURRENT, strokeWidth=2).encode(y=y), *_marks(alt, drawing, x, y)]
    return drawn(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))


def _title(name: str) -> str:
    """Return the name of a number as the title of an axis, which cannot be longer than the axis."""
    return name if len(name) <= LONGEST_TITLE else f"{name[: LONGEST_TITLE - 1]}…"


def _of_points(alt: Any, points: Iterable[_Point]) -> Any:
    names = ("t", "value", "lower", "upper", "version")
    return alt.Chart(alt.Data(values=[{name: getattr(point, name) for name in names} for point in points]))


def _behind(alt: Any, drawing: _Drawing, x: Any) -> Iterable[Any]:
    """Yield the layers behind the line: incidents, the reference, and changes of version."""
    if drawing.spans:
        spans = alt.Data(values=[{"t": first, "end": last} for first, last in drawing.spans])
        yield alt.Chart(spans).mark_rect(color=CRITICAL, opacity=0.10).encode(x=x, x2="end:T")
    if drawing.reference:
        value, lower, upper = drawing.reference
        line = alt.Chart(alt.Data(values=[{"value": value}]))
        yield line.mark_rule(color=REFERENCE, strokeWidth=1).encode(y=alt.Y("value:Q"))
        if lower is not None and upper is not None:
            band = alt.Chart(alt.Data(values=[{"lower": lower, "upper": upper}]))
            yield band.mark_rect(color=BAND, opacity=BAND_OPACITY).encode(y=alt.Y("lower:Q"), y2="upper:Q")
    if drawing.changes:
        changes = alt.Data(values=[{"t": time, "text": text} for time, text in drawing.changes])
        base = alt.Chart(changes).encode(x=x)
        yield base.mark_rule(color=FAINT, strokeDash=[2, 2])
        yield base.mark_text(align="left", baseline="top", dx=3, y=0).encode(text="text:N")


def _limits(alt: Any, drawing: _Drawing) -> Iterable[Any]:
    for limit in drawing.limits:
        line = alt.Chart(alt.Data(values=[{"value": limit}]))
        yield line.mark_rule(color=CRITICAL, strokeDash=[4, 3]).encode(y=alt.Y("value:Q"))


def _marks(alt: Any, drawing: _Drawing, x: Any, y: Any) -> Iterable[Any]:
    """Yield the points that say something: breaches by severity, and hollow ones where labels are still missing."""
    groups: dict[tuple[str, bool], list[_Point]] = {}
    for point in drawing.measured:
        if point.colour:
            groups.setdefault((point.colour, point.is_hollow), []).append(point)
    for (colour, is_hollow), points in groups.items():
        fill = PAPER if is_hollow else colour
        mark = _of_points(alt, points).mark_point(filled=True, fill=fill, stroke=colour, size=34, opacity=1)
        yield mark.encode(x=x, y=y)
