"""A number over the chunks: its interval, its reference, its limits, breaches, incidents and changes of version."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from monitoring_pipeline.evaluation.reference.reference import ReferenceMetric
from monitoring_pipeline.pages.charts.chart import Chart
from monitoring_pipeline.pages.charts.svg import drawn
from monitoring_pipeline.pages.charts.theme import BAND, CRITICAL, CURRENT, FAINT, PAPER, REFERENCE, STATUS_COLOURS
from monitoring_pipeline.pages.numbers import NONE, interval, named
from monitoring_pipeline.records.measurement import Maturity, Measurement, Status

WIDTH, HEIGHT = 700, 190
BROAD_BAND = 0.5
ROWS_OF_THE_TABLE = 31
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
    """

    name: str
    measured: Sequence[tuple[str, Measurement]]
    time_of: TimeOf
    estimated: Sequence[tuple[str, Measurement]] = ()
    reference: ReferenceMetric | None = None
    spans: Sequence[Span] = ()
    noun: str = "chunk"


def history_chart(history: History) -> Chart | None:
    """Return the chart; None if nothing was measured."""
    shown = [(key, m) for key, m in history.measured if m.value is not None]
    estimates = [(key, m) for key, m in history.estimated if m.value is not None]
    if not shown and not estimates:
        return None
    return Chart(
        sentence=_sentence(history, shown, estimates),
        svg=drawn(_layers(history, shown, estimates)),
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
            (m or e or shown[0][1]).model_version,
            "" if m is None or m.maturity is None else str(m.maturity),
            "" if m is None else str(m.status),
        )
        for key, m, e in sorted(listed, key=lambda entry: entry[0], reverse=True)[:ROWS_OF_THE_TABLE]
    )


def at(time: dt.datetime) -> str:
    """Return a local time as text of the charts' time axis, which has no time zone of its own."""
    return f"{time.replace(tzinfo=None).isoformat()}Z"


def time_axis(alt: Any, history: History) -> Any:
    """Return the axis of time: days, or hours where the chunks span no more than two days."""
    keys = [key for key, _ in (*history.measured, *history.estimated)]
    span = history.time_of(max(keys)) - history.time_of(min(keys))
    form = "%b %d %H:%M" if span < dt.timedelta(days=2) else "%b %d" if span < dt.timedelta(days=200) else "%b %Y"
    return alt.Axis(format=form, tickCount=8, grid=False, labelOverlap=True)


def _layers(
    history: History, shown: Sequence[tuple[str, Measurement]], estimates: Sequence[tuple[str, Measurement]]
) -> Any:
    import altair as alt

    x = alt.X("t:T", title=None, scale=alt.Scale(type="utc", nice=False), axis=time_axis(alt, history))
    y = alt.Y("value:Q", title=history.name, scale=alt.Scale(zero=False, nice=True))
    measured = alt.Data(values=list(_points(history, shown)))
    estimated = alt.Data(values=list(_points(history, estimates)))
    newest = (shown or estimates)[-1][1]
    layers = [*_behind(alt, history, shown or estimates), *_limits(alt, newest)]
    if shown:
        band = alt.Chart(measured).mark_area(color=CURRENT, opacity=0.18, interpolate="linear")
        layers.append(band.encode(x=x, y=alt.Y("lower:Q"), y2="upper:Q", detail="version:N"))
    if estimates:
        line = alt.Chart(estimated).mark_line(color=REFERENCE, strokeDash=[5, 3], strokeWidth=1.5)
        layers.append(line.encode(x=x, y=y, detail="version:N"))
    if shown:
        layers.append(alt.Chart(measured).mark_line(color=CURRENT, strokeWidth=2).encode(x=x, y=y, detail="version:N"))
        layers.extend(_marks(alt, history, shown, x, y))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)


def _points(history: History, series: Iterable[tuple[str, Measurement]]) -> Iterable[dict[str, Any]]:
    for key, m in series:
        value = m.value
        yield {
            "t": at(history.time_of(key)), "value": value, "version": m.model_version,
            "lower": value if m.lower is None else m.lower, "upper": value if m.upper is None else m.upper,
        }  # fmt: skip


def _behind(alt: Any, history: History, series: Sequence[tuple[str, Measurement]]) -> Iterable[Any]:
    """Yield what lies behind the line: incidents, the reference, and changes of version."""
    x = alt.X("t:T", scale=alt.Scale(type="utc", nice=False))
    if history.spans:
        spans = [
            {"t": at(history.time_of(span.first)), "end": at(history.time_of(span.last))} for span in history.spans
        ]
        yield alt.Chart(alt.Data(values=spans)).mark_rect(color=CRITICAL, opacity=0.10).encode(x=x, x2="end:T")
    if history.reference is not None:
        line = alt.Chart(alt.Data(values=[{"value": history.reference.value}]))
        yield line.mark_rule(color=REFERENCE, strokeWidth=1).encode(y=alt.Y("value:Q"))
        if history.reference.lower is not None and history.reference.upper is not None:
            ends = [{"lower": history.reference.lower, "upper": history.reference.upper}]
            yield (
                alt.Chart(alt.Data(values=ends))
                .mark_rect(color=BAND, opacity=BROAD_BAND)
                .encode(y=alt.Y("lower:Q"), y2="upper:Q")
            )
    changes = [
        {"t": at(history.time_of(key)), "text": f"version {after.model_version}"}
        for (_, before), (key, after) in pairwise(series)
        if before.model_version != after.model_version
    ]
    if changes:
        base = alt.Chart(alt.Data(values=changes)).encode(x=x)
        yield base.mark_rule(color=FAINT, strokeDash=[2, 2])
        yield base.mark_text(align="left", baseline="top", dx=3, y=0).encode(text="text:N")


def _limits(alt: Any, newest: Measurement) -> Iterable[Any]:
    for limit in (newest.threshold_lower, newest.threshold_upper):
        if limit is not None:
            line = alt.Chart(alt.Data(values=[{"value": limit}]))
            yield line.mark_rule(color=CRITICAL, strokeDash=[4, 3]).encode(y=alt.Y("value:Q"))


def _marks(alt: Any, history: History, shown: Sequence[tuple[str, Measurement]], x: Any, y: Any) -> Iterable[Any]:
    """Yield the points that say something: breaches by severity, and hollow ones where labels are still missing."""
    groups: dict[tuple[str, bool], list[dict[str, Any]]] = {}
    for (_, m), point in zip(shown, _points(history, shown), strict=True):
        is_hollow = m.maturity is not None and m.maturity is not Maturity.FINAL
        if m.status is Status.BREACHED:
            groups.setdefault((STATUS_COLOURS[m.severity], is_hollow), []).append(point)
        elif is_hollow:
            groups.setdefault((CURRENT, True), []).append(point)
    for (colour, is_hollow), points in groups.items():
        drawn_point = alt.Chart(alt.Data(values=points)).mark_point(
            filled=True, fill=PAPER if is_hollow else colour, stroke=colour, size=34, opacity=1
        )
        yield drawn_point.encode(x=x, y=y)
