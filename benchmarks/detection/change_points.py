"""Change points that people marked in series (van den Burg and Williams, arXiv 2003.06222), as river ships them.

A series has one value at a time, and a model has many: 25 values in a row make a chunk, so that ``minimum_rows`` is
lowered to 25, the one setting that is not a default. The reference is the first four chunks. Series with fewer than 16
chunks, or with a change before the end of the reference, are left out.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from benchmarks.detection.nights import nights
from benchmarks.detection.scoring import Episode, Episodes, episodes_of, joined
from benchmarks.detection.wheels import csv_of_wheel

FOLDER = "river/drift/datasets/"
ROWS, REFERENCE_CHUNKS, MARGIN = 25, 4, 10
FIRST = dt.date(2024, 1, 1)


@dataclass(frozen=True)
class Series:
    """A series, and the change points that each person marked.

    Attributes:
        name: name of its file.
        value: column of its values.
        marked: places of the changes by person.
        every: the marks count every so many-th row of the file.
        since: the marks count from the first row whose day ends with at least this year; 0 for all rows.
    """

    name: str
    value: str
    marked: Mapping[int, Sequence[int]]
    every: int = 1
    since: int = 0


SERIES = (
    Series("airline_passengers", "Total Passengers", {6: [299], 7: [], 8: [302], 9: [326, 382], 10: [296]}),
    Series("apple", "Close", {6: [319], 7: [319], 8: [319], 9: [53, 90, 197, 276, 319, 403, 463, 535], 10: [319]}, 3),
    Series(
        "bitcoin",
        "price",
        {
            6: [502, 580, 702, 747],
            8: [583],
            12: [597],
            13: [522, 579, 591, 629, 703, 747, 760],
            14: [93, 522, 540, 701, 747, 760, 772],
        },
    ),
    Series(
        "brent_crude_oil",
        "DPB",
        {
            6: [219, 230, 288],
            8: [227, 381],
            9: [86, 219, 230, 279, 375],
            12: [169, 172, 217, 228, 287, 368, 382, 389, 409],
            13: [170, 180, 219, 229, 246, 271, 286, 379, 409, 444, 483],
        },
        10,
        2000,
    ),
)


def changes(marked: Mapping[int, Sequence[int]]) -> list[int]:
    """Return the places that at least half of the people marked, give or take ``MARGIN``; of near ones the first."""
    places = sorted({place for own in marked.values() for place in own})
    near = [place for place in places if 2 * _people_near(place, marked) >= len(marked)]
    return [place for at, place in enumerate(near) if at == 0 or place - near[at - 1] > MARGIN]


def _people_near(place: int, marked: Mapping[int, Sequence[int]]) -> int:
    return sum(any(abs(other - place) <= MARGIN for other in own) for own in marked.values())


def monitored(series: Series, wheels: Path) -> Episodes:
    """Return how the alarms about a series relate to its changes; one lasts until the next."""
    values = _values(series, wheels)
    chunks = values.len() // ROWS
    rows = pl.DataFrame({"x": values[: chunks * ROWS]}).with_row_index("id")
    start = dt.datetime.combine(FIRST, dt.time(), dt.UTC)
    moved = pl.duration(days=pl.col("id") // ROWS, minutes=50 * (pl.col("id") % ROWS))
    rows = rows.with_columns((pl.lit(start).cast(pl.Datetime("us", "UTC")) + moved).alias("at"), x_again="x")
    monitored_from = FIRST + dt.timedelta(REFERENCE_CHUNKS)
    content = {
        "name": "series",
        "owner": "team:benchmarks",
        "timezone": "UTC",
        "task": "regression",
        "start": monitored_from,
        "predictions": {"table": "rows", "id": "id", "time": "at", "prediction": "x"},
        "features": {"x_again": "numeric"},
        "drift": {"minimum_rows": ROWS},
        "reference": {"1": {"start": FIRST, "end": monitored_from}},
    }
    with nights(content, {"rows": rows}) as home:
        calendar = home.spec.calendar
        judged, alarms = home.live_through(calendar.range(calendar.first, calendar.chunk_at(rows["at"][-1])))
    keys = [one.key for one in judged]
    begins = [place // ROWS - REFERENCE_CHUNKS for place in changes(series.marked)]
    ends = [*begins[1:], len(keys)]
    episodes = [Episode(begin, end) for begin, end in zip(begins, ends, strict=True)]
    return episodes_of([keys.index(alarm.key) for alarm in alarms], episodes, len(keys))


def lines(wheels: Path) -> Iterator[str]:
    """Yield the lines of the part: a table in Markdown."""
    yield "| series | changes | recall | delay | false alarms | chunks without a change |"
    yield "|---|---|---|---|---|---|"
    found = {one.name: monitored(one, wheels) for one in SERIES}
    for name, one in (found | {"all": joined(list(found.values()))}).items():
        yield f"| {name} | {one.episodes} | {one.recall:.2f} | {one.delay:g} | {one.false} | {one.quiet} |"


def _values(series: Series, wheels: Path) -> pl.Series:
    frame = csv_of_wheel(wheels, "river", f"{FOLDER}{series.name}.csv")
    if series.since:
        frame = frame.filter(pl.col("day").str.tail(4).cast(pl.Int32) >= series.since)
    return frame[series.value].cast(pl.Float64).gather_every(series.every)
