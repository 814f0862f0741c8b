"""Guesses the cadence that fits the volume, the reference window of each version, and the first day to monitor."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError
from monitoring_pipeline.evaluation.drift.floors import LEAST_DAYS
from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import Cadence
from monitoring_pipeline.spec.sources import EARLIEST

FEWEST_ROWS = 50
FEWEST_CHUNKS = 6
FEW_DAYS = 10
"""On fewer days a chunk of some hours is tried, so that a reference of several chunks exists."""
FITTING = ((100, 20), (75, 20), (100, FEWEST_CHUNKS), (FEWEST_ROWS, FEWEST_CHUNKS))
"""Usual rows of a chunk, and numbers of chunks, that are tried in this order: tests need rows, floors need chunks."""
FEWEST_OF_REFERENCE = 1_000
LONGEST_REFERENCE: Mapping[str, int] = {"day": 56, "week": 12, "month": 12}
LONGEST_REFERENCE_HOURS = 14 * 24
DAYS_OF_A_WEEK = 7
CALENDAR_CADENCES: tuple[Cadence, ...] = ("day", "week", "month")
HOURLY_CADENCES: tuple[Cadence, ...] = tuple(reversed([each for each in get_args(Cadence) if "hour" in each]))


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The calendar of a model.

    Args:
        cadence: the length of a chunk.
        why_cadence: its evidence.
        start: the first day that is monitored.
        reference: the days of each version's reference, the last one excluded.
        why_reference: the evidence of each window.
        chunks: number of chunks from ``start`` to the last row.
        doubts: questions.
    """

    cadence: Cadence
    why_cadence: str
    start: dt.date
    reference: Mapping[str, tuple[dt.date, dt.date]]
    why_reference: Mapping[str, str]
    chunks: int
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Counted:
    """Rows by chunk of one cadence, without the chunks that are not over; empty chunks between others are included."""

    cadence: Cadence
    calendar: Calendar
    chunks: tuple[Chunk, ...]
    rows: tuple[int, ...]

    @property
    def usual(self) -> float:
        filled = [rows for rows in self.rows if rows]
        return float(np.median(filled)) if filled else 0.0


def guess_timing(
    counted: pl.DataFrame, *, zone: ZoneInfo, now: dt.datetime, by_day: bool = False, cadence: Cadence | None = None
) -> Timing:
    """Return the calendar that fits the rows.

    Args:
        counted: columns model_version, moment (UTC) and rows.
        zone: the time zone of the model.
        now: the present time.
        by_day: whether times are dates, so that no chunk can be shorter than a day.
        cadence: the cadence, if the user names one.

    Raises:
        CannotDraftError: when there are fewer than two chunks.
    """
    past = counted.filter(pl.col("moment").is_between(dt.datetime(1970, 1, 2, tzinfo=dt.UTC), now))
    if past.is_empty():
        raise CannotDraftError("no row has a time in the past: which column is the time of the prediction?")
    chosen = _count(past, cadence, zone, now) if cadence else _fitting(past, zone, now, by_day=by_day)
    if len(chosen.chunks) < 2:  # noqa: PLR2004 - one for the reference, one to monitor
        raise CannotDraftError(
            f"all rows lie within {len(chosen.chunks) or 'no'} complete {chosen.calendar.noun}: a reference and a "
            f"later {chosen.calendar.noun} are needed. Two sets of rows are compared by the Python API: "
            "compare(reference, current)"
        )
    length = _reference_length(chosen)
    reference, why = _windows(past, chosen, length)
    start = min(end for _, end in reference.values())
    monitored = [chunk for chunk in chosen.chunks if chosen.calendar.day_at(chunk.start) >= start]
    doubts = [*_doubts_of_volume(chosen), *_doubts_of_reference(chosen, next(iter(reference.values())))]
    if future := int(counted.filter(pl.col("moment") > now)["rows"].sum()):
        doubts.append(f"Is the time right? {future:,} rows have a time in the future")
    return Timing(
        cadence=chosen.cadence,
        why_cadence=f"usually {chosen.usual:,.0f} rows per {chosen.calendar.noun}, {len(chosen.chunks):,} in all",
        start=start,
        reference=reference,
        why_reference=why,
        chunks=len(monitored),
        doubts=tuple(doubts),
    )


def _fitting(past: pl.DataFrame, zone: ZoneInfo, now: dt.datetime, *, by_day: bool) -> _Counted:
    """Return the first cadence whose chunks are large and many enough, from half a day to an hour if days are few."""
    options = [_count(past, cadence, zone, now) for cadence in CALENDAR_CADENCES]
    if not by_day and len(options[0].chunks) < FEW_DAYS:
        options = [*(_count(past, cadence, zone, now) for cadence in HOURLY_CADENCES), *options]
    for rows, chunks in FITTING:
        fitting = [option for option in options if option.usual >= rows and len(option.chunks) >= chunks]
        if fitting:
            return fitting[0]
    several = [option for option in options if len(option.chunks) >= FEWEST_CHUNKS]
    return several[-1] if several else next(option for option in options if option.cadence == "day")


def _count(past: pl.DataFrame, cadence: Cadence, zone: ZoneInfo, now: dt.datetime) -> _Counted:
    calendar = Calendar(
        model="", zone=zone, start=EARLIEST, end=None, schedule=dt.time(), cadence=cadence, delay=dt.timedelta()
    )
    rows = past.with_columns(chunk_keys(calendar, past["moment"])).group_by("chunk").agg(pl.col("rows").sum())
    by_key: dict[str, int] = dict(rows.iter_rows())
    first, last = (calendar.chunk_at(moment) for moment in (past["moment"].min(), past["moment"].max()))  # pyright: ignore[reportArgumentType]
    chunks = tuple(chunk for chunk in calendar.range(first, last) if chunk.end <= now)
    return _Counted(cadence, calendar, chunks, tuple(by_key.get(chunk.key, 0) for chunk in chunks))


def _reference_length(chosen: _Counted) -> int:
    """Return the number of the first chunks that are the reference: about a third, enough rows, and whole weeks."""
    chunks = len(chosen.chunks)
    hours = chosen.calendar.length / dt.timedelta(hours=1)
    longest = LONGEST_REFERENCE.get(chosen.cadence, math.ceil(LONGEST_REFERENCE_HOURS / hours))
    length = min(longest, max(chunks // 3, min(LEAST_DAYS, chunks // 2)))
    while length < min(chunks // 2, 2 * longest) and sum(chosen.rows[:length]) < FEWEST_OF_REFERENCE:
        length += 1
    if chosen.cadence == "day" and length >= 2 * DAYS_OF_A_WEEK:
        length -= length % DAYS_OF_A_WEEK
    return max(length, 1)


def _windows(
    past: pl.DataFrame, chosen: _Counted, length: int
) -> tuple[dict[str, tuple[dt.date, dt.date]], dict[str, str]]:
    """Return the first chunks of each version as its reference, in order of their appearance."""
    calendar = chosen.calendar
    firsts = (
        past.group_by("model_version").agg(pl.col("moment").min(), pl.col("rows").sum()).sort("moment", "model_version")
    )
    last_start = calendar.day_at(chosen.chunks[-1].start)
    windows: dict[str, tuple[dt.date, dt.date]] = {}
    evidence: dict[str, str] = {}
    for version, moment, rows in firsts.iter_rows():
        begin = calendar.chunk_at(moment)
        place = next((number for number, chunk in enumerate(chosen.chunks) if chunk.key == begin.key), None)
        if place is None or (windows and rows < FEWEST_ROWS):
            continue
        start = calendar.day_at(chosen.chunks[place].start)
        after = place + length
        end = calendar.day_at(chosen.chunks[after].start) if after < len(chosen.chunks) else _day_after(chosen)
        if not windows and (end > last_start or end <= start):
            # At least the newest chunk is left to monitor.
            end = last_start if last_start > start else _day_after(chosen)
        end = max(end, start + dt.timedelta(days=1))
        windows[version] = (start, end)
        within = _rows_within(chosen, (start, end))
        evidence[version] = f"its first {len(within)} {calendar.noun}s, {sum(within):,} rows"
    return windows, evidence


def _day_after(chosen: _Counted) -> dt.date:
    return chosen.calendar.day_at(chosen.chunks[-1].end - dt.timedelta(microseconds=1)) + dt.timedelta(days=1)


def _doubts_of_volume(chosen: _Counted) -> Sequence[str]:
    noun = chosen.calendar.noun
    doubt = (
        f"Are there more rows? A {noun} usually has {chosen.usual:,.0f}, and fewer than {FEWEST_ROWS} are not judged "
        "(cadence, drift.minimum_rows)"
    )
    return (doubt,) if chosen.usual < FEWEST_ROWS else ()


def _doubts_of_reference(chosen: _Counted, window: tuple[dt.date, dt.date]) -> Sequence[str]:
    noun, within = chosen.calendar.noun, _rows_within(chosen, window)
    trained = (
        f"Was the model trained on rows of its first {len(within)} {noun}s? They are taken for the reference, which "
        "must hold rows that the model was not trained on (reference)"
    )
    few_chunks = (
        f"Are there earlier rows? The reference has {len(within)} {noun}s; floors of drift are learned from "
        f"{LEAST_DAYS} or more, so that fixed ones are used (reference)"
    )
    few_rows = f"Are there earlier rows? The reference has {sum(within):,} (reference)"
    if len(within) < LEAST_DAYS:
        return (trained, few_chunks)
    return (trained, few_rows) if sum(within) < FEWEST_OF_REFERENCE else (trained,)


def _rows_within(chosen: _Counted, window: tuple[dt.date, dt.date]) -> list[int]:
    """Return the rows of each chunk of a window."""
    start, end = window
    pairs = zip(chosen.chunks, chosen.rows, strict=True)
    return [rows for chunk, rows in pairs if start <= chosen.calendar.day_at(chunk.start) < end]
