"""The small chart of an incident: the history of its first measurement."""

import io
from collections.abc import Sequence
from typing import Any

from monitoring_pipeline.records.alert import HistoryPoint
from monitoring_pipeline.records.incident import Finding

_FEWEST_POINTS = 2
_LINE, _BREACH, _LIMIT = "#3b6ea5", "#c0392b", "#7f8c8d"


def draw_chart(finding: Finding, history: Sequence[HistoryPoint]) -> bytes | None:
    """Draw a measurement over chunks as PNG: values with intervals, limits, and breaches marked.

    Args:
        finding: names the measurement and holds its limits.
        history: its values in chunk order; fewer than two make no chart.
    """
    if len(history) < _FEWEST_POINTS:
        return None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.4), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    positions = range(len(history))
    values = [point.value for point in history]
    axes.plot(positions, values, color=_LINE, linewidth=1.2)
    _draw_intervals(axes, history)
    breaches = [position for position in positions if history[position].breached]
    axes.plot(breaches, [values[b] for b in breaches], "o", color=_BREACH, markersize=4)
    for limit in (finding.threshold_lower, finding.threshold_upper):
        if limit is not None:
            axes.axhline(limit, color=_LIMIT, linestyle="--", linewidth=1)
    what = str(finding.metric) if finding.subject == "model" else f"{finding.subject}: {finding.metric}"
    axes.set_title(what, fontsize=9, loc="left", parse_math=False)
    ticks = sorted({0, len(history) // 2, len(history) - 1})
    axes.set_xticks(ticks, [history[tick].chunk for tick in ticks], fontsize=8)
    axes.tick_params(axis="y", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    png = io.BytesIO()
    FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
    return png.getvalue()


def _draw_intervals(axes: Any, history: Sequence[HistoryPoint]) -> None:
    lower = [point.value if point.lower is None else point.lower for point in history]
    upper = [point.value if point.upper is None else point.upper for point in history]
    axes.fill_between(range(len(history)), lower, upper, color=_LINE, alpha=0.2, linewidth=0)
