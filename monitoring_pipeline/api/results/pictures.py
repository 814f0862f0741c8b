"""The charts of a result in a notebook: those of the reports, drawn only if the extra ``report`` is installed."""

import datetime as dt
import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from monitoring_pipeline.evaluation.drift.drifted import in_floors
from monitoring_pipeline.evaluation.periods import HEADLINE_METRIC
from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec

if TYPE_CHECKING:
    from monitoring_pipeline.api.results.result import MeasuredChunk
    from monitoring_pipeline.web_pages.charts.chart import Chart

COLUMNS_DRAWN, METRICS_DRAWN, DRIFTS_DRAWN = 12, 3, 3
_COLOURS = {
    "ink": "currentColor", "faint": "#8886", "current": "#3b82d6", "reference": "#8a94a3", "ok": "#2a5",
    "warning": "#c80", "critical": "#d33", "unknown": "#888", "band": "#8883", "paper": "transparent",
}  # fmt: skip
"""The variables of the drawings; the text has the colour of the notebook, so that dark and light ones can be read."""
_VARIABLES = ";".join(f"--{name}:{colour}" for name, colour in _COLOURS.items())
_WIDTH_CLASS = re.compile(r' class="w(\d+)"')
Draw = Callable[[], "Sequence[Chart]"]
"""Returns the charts of a result, in the order of reading."""


def no_pictures() -> "Sequence[Chart]":
    """Return no chart: the result is a table."""
    return ()


def pictures_html(draw: Draw) -> str:
    """Return the charts as HTML without scripts, links or classes; nothing without the extra ``report``."""
    from monitoring_pipeline.web_pages.extra import DRAWING, MissingLibraryError, require_libraries

    try:
        require_libraries(*DRAWING)
    except MissingLibraryError:
        return ""
    figures = "".join(map(_figure, draw()))
    return figures and f'<div style="{_VARIABLES};display:flex;flex-wrap:wrap;gap:1em">{figures}</div>'


def distributions(
    bins: Mapping[str, Bins],
    reference: ChunkProfile,
    current: ChunkProfile,
    users_names: Mapping[str, str],
    measured: Sequence[Measurement],
) -> "Sequence[Chart]":
    """Return the distribution of each column over that of the reference, drifted columns first.

    Args:
        bins: the bins of the reference, by column.
        reference: its counts.
        current: the counts of the rows that are compared.
        users_names: names of columns in the user's frames, by the name that they have in the profiles.
        measured: the measurements, which have the order of the columns.
    """
    from monitoring_pipeline.web_pages.charts.distribution import distribution_chart

    sides = [{column.column: column for column in profile.columns} for profile in (reference, current)]
    drift = sorted((m for m in measured if m.kind is Kind.DRIFT), key=_drifted_first)
    names = [name for name in dict.fromkeys(m.subject for m in drift) if all(name in side for side in sides)]
    drawn = (
        distribution_chart(users_names.get(name, name), bins[name], *(side[name] for side in sides))
        for name in names[:COLUMNS_DRAWN]
        if name in bins
    )
    return [chart for chart in drawn if chart is not None]


def histories(spec: ModelSpec, chunks: "Sequence[MeasuredChunk]") -> "Sequence[Chart]":
    """Return the metrics of performance over the chunks, the headline metric first, and the drift of drifted columns.

    Args:
        spec: the model.
        chunks: the chunks, in order.
    """
    found = [(chunk.key, m) for chunk in chunks for m in chunk.measurements]
    headline = MetricName(HEADLINE_METRIC[spec.task])
    guarded = dict.fromkeys([headline, *(MetricName(*metric) for metric in spec.performance.thresholds)])
    metrics = (_history(spec, str(name), [(key, m) for key, m in found if m.metric == name]) for name in guarded)
    drifted = dict.fromkeys(
        (m.subject, m.metric) for _, m in found if m.kind is Kind.DRIFT and m.status is Status.BREACHED
    )
    drifts = (
        _history(
            spec, f"{name} of {subject}", [(key, m) for key, m in found if (m.subject, m.metric) == (subject, name)]
        )
        for subject, name in drifted
    )
    shown = (list(filter(None, metrics))[:METRICS_DRAWN], list(filter(None, drifts))[:DRIFTS_DRAWN])
    return [chart for charts in shown for chart in charts]


def _history(spec: ModelSpec, name: str, series: Sequence[tuple[str, Measurement]]) -> "Chart | None":
    from monitoring_pipeline.web_pages.charts.history import History, history_chart

    def time_of(key: str) -> dt.datetime:
        return spec.calendar.chunk(key).start.astimezone(spec.zone)

    return history_chart(
        History(
            name=name,
            measured=[(key, m) for key, m in series if m.kind is not Kind.ESTIMATED_PERFORMANCE],
            estimated=[(key, m) for key, m in series if m.kind is Kind.ESTIMATED_PERFORMANCE],
            time_of=time_of,
            noun=spec.calendar.noun,
        )
    )


def _drifted_first(m: Measurement) -> tuple[bool, float]:
    return m.status is not Status.BREACHED, -in_floors(m)


def _figure(chart: "Chart") -> str:
    widths = _WIDTH_CLASS.search(chart.svg)
    width = 100 * int(widths[1]) if widths else 300
    svg = _WIDTH_CLASS.sub(' style="width:100%;height:auto;font:11px sans-serif"', chart.svg, count=1)
    sentence = html.escape(chart.sentence)
    return (
        f'<figure style="margin:0;flex:0 1 {width}px;min-width:0">'
        f'<figcaption style="font-size:90%">{sentence}</figcaption>{svg}'
        f"{_numbers(chart)}</figure>"
    )


def _numbers(chart: "Chart") -> str:
    """Return the numbers of a chart as a closed table, for readers who do not see the drawing."""

    def row(cells: Iterable[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    rows = "".join(row(cells, "td") for cells in chart.rows)
    return f"<details><summary>Numbers</summary><table>{row(chart.columns, 'th')}{rows}</table></details>"
