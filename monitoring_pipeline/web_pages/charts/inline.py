"""Small drawings that stand in a line of Markdown, as an image whose address is the drawing.

They are for pages that are not ours and draw no other SVG, such as Dagster's. They need no library. The colours are
readable on white and on black.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.web_pages.numbers import number

HEIGHT, STEP = 36, 8
_LINE, _BAND, _LIMIT = "#3b7dd8", "#3b7dd8", "#d1443c"
_BARS: Mapping[str, tuple[int, str]] = {
    "ok": (8, "#2e9e5b"),
    "warning": (20, "#e09f1f"),
    "critical": (32, "#d1443c"),
    "unknown": (3, "#8a93a3"),
}
"""Height and colour of the bar of a verdict: who does not see the colour sees the height."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """A number of one chunk: its value, interval and limits, each None where there is none."""

    value: float | None
    lower: float | None = None
    upper: float | None = None
    lower_limit: float | None = None
    upper_limit: float | None = None


def verdict_strip(statuses: Sequence[str]) -> str:
    """Return a bar for each verdict, oldest first, as an image in Markdown."""
    bars = (
        f'<rect x="{place * STEP}" y="{HEIGHT - height}" width="{STEP - 2}" height="{height}" fill="{colour}"/>'
        for place, (height, colour) in enumerate(_BARS[status] for status in statuses)
    )
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in _BARS if status in statuses)
    return _image(bars, len(statuses), f"the last {len(statuses)} verdicts: {counts}")


def metric_line(name: str, points: Sequence[Point]) -> str:
    """Return a line of a metric with its intervals and dashed limits, oldest chunk first, as an image in Markdown.

    Empty if no chunk has a value.
    """
    numbers = [n for p in points for n in (p.value, p.lower, p.upper, p.lower_limit, p.upper_limit) if n is not None]
    values = [p.value for p in points if p.value is not None]
    if not values:
        return ""
    scale = _Scale(min(numbers), max(numbers))
    words = f"{name} of the last {len(points)} chunks: from {number(min(values))} to {number(max(values))}"
    return _image(_line(points, scale), len(points), f"{words}, last {number(values[-1])}")


@dataclass(frozen=True)
class _Scale:
    """The range of numbers that the height shows."""

    least: float
    most: float

    def y(self, value: float) -> str:
        """Return the place of a value, from above."""
        share = 0.5 if self.most == self.least else (value - self.least) / (self.most - self.least)
        return f"{HEIGHT - 3 - share * (HEIGHT - 6):.1f}"


def _line(points: Sequence[Point], scale: _Scale) -> Iterator[str]:
    for limit in {p.lower_limit for p in points[-1:]} | {p.upper_limit for p in points[-1:]}:
        if limit is not None:
            y = scale.y(limit)
            yield (
                f'<line x1="0" x2="{len(points) * STEP}" y1="{y}" y2="{y}" stroke="{_LIMIT}" stroke-dasharray="4 3"/>'
            )
    placed = [(place * STEP + STEP / 2, p) for place, p in enumerate(points)]
    for x, p in placed:
        if p.lower is not None and p.upper is not None:
            ends = f'y1="{scale.y(p.lower)}" y2="{scale.y(p.upper)}"'
            yield f'<line x1="{x}" x2="{x}" {ends} stroke="{_BAND}" stroke-opacity="0.35" stroke-width="{STEP - 2}"/>'
    path = " ".join(f"{x},{scale.y(p.value)}" for x, p in placed if p.value is not None)
    yield f'<polyline points="{path}" fill="none" stroke="{_LINE}" stroke-width="2"/>'
    for x, p in placed:
        if p.value is not None:
            yield f'<circle cx="{x}" cy="{scale.y(p.value)}" r="2" fill="{_LINE}"/>'


def _image(shapes: Iterable[str], chunks: int, words: str) -> str:
    """Return shapes as an image in Markdown, with words for those who do not see it."""
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" width="{chunks * STEP}" height="{HEIGHT}">{"".join(shapes)}</svg>'
    return f"![{words}](data:image/svg+xml;base64,{base64.b64encode(drawn.encode()).decode()})"
