"""What was wrong when: a row for each kind of measurement and each incident, over the chunks."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby

from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.history import WIDTH, TimeOf, at
from monitoring_pipeline.web_pages.charts.svg import CHARTS_KEPT, LETTER_WIDTH, drawn
from monitoring_pipeline.web_pages.charts.theme import STATUS_COLOURS

ROW_HEIGHT = 20
LONGEST_NAME = 52


@dataclass(frozen=True)
class Stretch:
    """Chunks in a row in which something had one status.

    Args:
        row: what had it.
        status: ok, info, warning, critical or unknown.
        first: key of the first chunk.
        last: key of the last chunk.
        words: what it was, for the table.
    """

    row: str
    status: str
    first: str
    last: str
    words: str = ""


def stretches(row: str, keys: Sequence[str], status_of: Callable[[str], str]) -> Iterable[Stretch]:
    """Yield the stretches of chunks of one status; those that are ok are left out."""
    for status, group in groupby(keys, key=status_of):
        listed = list(group)
        if status != "ok":
            yield Stretch(row, status, listed[0], listed[-1])


@dataclass(frozen=True)
class TimeAxis:
    """The axis of time.

    Args:
        keys: the keys of all chunks, which give the axis its ends.
        time_of: the local time at which a chunk begins.
        end_of: the local time at which it ends.
    """

    keys: Sequence[str]
    time_of: TimeOf
    end_of: TimeOf


def timeline_chart(sentence: str, rows: Sequence[str], shown: Sequence[Stretch], axis: TimeAxis) -> Chart | None:
    """Return the chart of stretches; None if there is none.

    Args:
        sentence: what it says.
        rows: the names of the rows, from top to bottom.
        shown: the stretches.
        axis: the axis of time.
    """
    if not shown:
        return None
    return Chart(
        sentence=sentence,
        draw=partial(
            _svg,
            tuple(rows),
            tuple(
                (_clipped(s.row), STATUS_COLOURS[s.status], at(axis.time_of(s.first)), at(axis.end_of(s.last)))
                for s in shown
            ),
            (at(axis.time_of(axis.keys[0])), at(axis.end_of(axis.keys[-1]))),
        ),
        columns=("what", "status", "when", "about"),
        rows=tuple(_rows(shown)),
    )


def _rows(shown: Sequence[Stretch]) -> Iterable[tuple[str, ...]]:
    """Yield a line for the stretches of one row that have the same status and words."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for s in shown:
        when = s.first if s.first == s.last else f"{s.first} to {s.last}"
        alike.setdefault((s.row, s.status, s.words), []).append(when)
    for (row, status, words), times in alike.items():
        yield row, status, ", ".join(times), words


@lru_cache(maxsize=CHARTS_KEPT)
def _svg(rows: tuple[str, ...], bars: tuple[tuple[str, ...], ...], ends: tuple[str, str]) -> str:
    """Return bars of row, colour, first and last time between the ends of the axis."""
    import altair as alt

    longest = max(len(_clipped(row)) for row in rows)
    values = [dict(zip(("row", "colour", "t", "end"), bar, strict=True)) for bar in bars]
    x = alt.X(
        "t:T",
        title=None,
        scale=alt.Scale(type="utc", nice=False, domain=list(ends)),
        axis=alt.Axis(tickCount=7, labelOverlap=True, labelSeparation=8, gridOpacity=0.25),
    )
    y = alt.Y(
        "row:N",
        title=None,
        sort=None,
        scale=alt.Scale(domain=[_clipped(row) for row in rows]),
        axis=alt.Axis(
            labelLimit=LETTER_WIDTH * LONGEST_NAME, minExtent=LETTER_WIDTH * (longest + 1), ticks=False, domain=False
        ),
    )
    return drawn(
        alt.Chart(alt.Data(values=values))
        .mark_bar(height=ROW_HEIGHT * 0.62)
        .encode(x=x, x2="end:T", y=y, color=alt.Color("colour:N", scale=None))
        .properties(width=WIDTH - 260, height=ROW_HEIGHT * len(rows))
    )


def _clipped(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
