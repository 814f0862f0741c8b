"""The calendar: chunks tile the time line in every zone, keys sort as their starts, and steps lead back."""

import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from dagster import DailyPartitionsDefinition
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.spec.calendar import Calendar, UnknownChunkError
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.periods import PERIODS
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline_tests.spec.cases import binary_spec

HOUR = dt.timedelta(hours=1)
MOMENT = dt.timedelta(microseconds=1)
ZONES = (
    "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "America/Sao_Paulo", "Asia/Beirut",
    "Australia/Lord_Howe", "Pacific/Chatham", "America/Havana",
)  # fmt: skip
WITH_A_SKIPPED_DAY = (*ZONES, "Pacific/Apia", "Pacific/Kwajalein")
"""Apia left out 30 December 2011, and Kwajalein 21 August 1993."""
zones = st.sampled_from(WITH_A_SKIPPED_DAY)
days = st.one_of(
    st.dates(dt.date(1985, 1, 1), dt.date(2037, 12, 30)),
    st.dates(dt.date(2011, 12, 28), dt.date(2012, 1, 1)),
    st.dates(dt.date(1993, 8, 19), dt.date(1993, 8, 23)),
)
moments = st.integers(473385600, 2145744000).map(lambda second: dt.datetime.fromtimestamp(second, dt.UTC))
"""From 1985 to the end of 2037."""


@cache
def _calendar(zone: str) -> Calendar:
    return binary_spec(timezone=zone).calendar


def _chunk(zone: str, day: dt.date) -> Chunk:
    return _calendar(zone).chunk(day.isoformat())


def _utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


@pytest.mark.parametrize(("zone", "key", "start", "hours"), [
    ("America/New_York", "2013-03-09", _utc(2013, 3, 9, 5), 24),
    ("America/New_York", "2013-03-10", _utc(2013, 3, 10, 5), 23),
    ("America/New_York", "2013-03-11", _utc(2013, 3, 11, 4), 24),
    ("America/New_York", "2013-11-03", _utc(2013, 11, 3, 4), 25),
    ("America/New_York", "2013-11-04", _utc(2013, 11, 4, 5), 24),
    ("Asia/Kolkata", "2013-03-10", _utc(2013, 3, 9, 18, 30), 24),
    # Nepal moved its clocks from +05:30 to +05:45 at the midnight with which 1986 began.
    ("Asia/Kathmandu", "1985-12-31", _utc(1985, 12, 30, 18, 30), 24),
    ("Asia/Kathmandu", "1986-01-01", _utc(1985, 12, 31, 18, 30), 23.75),
    ("Australia/Lord_Howe", "2013-04-07", _utc(2013, 4, 6, 13), 24.5),
    # In these zones midnight does not exist on the first day: it begins at 01:00.
    ("America/Sao_Paulo", "2013-10-20", _utc(2013, 10, 20, 3), 23),
    ("Asia/Beirut", "2013-03-31", _utc(2013, 3, 30, 22), 23),
    # Havana sets its clocks back from 01:00: midnight happens twice, and the day begins with the first.
    ("America/Havana", "2013-11-03", _utc(2013, 11, 3, 4), 25),
    ("UTC", "2013-03-10", _utc(2013, 3, 10), 24),
])  # fmt: skip
def test_chunk_of_a_key_is_the_local_day_in_utc(zone, key, start, hours):
    chunk = _calendar(zone).chunk(key)
    assert chunk == Chunk("churn", key, start, start + hours * HOUR)
    assert chunk.start.tzinfo is chunk.end.tzinfo is dt.UTC


@pytest.mark.parametrize(("zone", "day"), [("America/Sao_Paulo", "2013-10-20"), ("Asia/Beirut", "2013-03-31")])
def test_chunk_of_a_day_without_midnight_begins_with_its_first_instant(zone, day):
    start = _calendar(zone).chunk(day).start
    assert start.astimezone(ZoneInfo(zone)).isoformat()[:19] == f"{day}T01:00:00"
    assert (start - MOMENT).astimezone(ZoneInfo(zone)).date() < dt.date.fromisoformat(day)


def test_chunk_of_a_day_that_a_zone_left_out_is_empty():
    chunk = _calendar("Pacific/Apia").chunk("2011-12-30")
    assert chunk.start == chunk.end == _utc(2011, 12, 30, 10)


@pytest.mark.parametrize("zone", ZONES)
def test_chunks_are_dagsters_partitions(zone):
    partitions = DailyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01", timezone=zone)
    calendar = _calendar(zone)
    keys = partitions.get_partition_keys()
    assert len(keys) == 365
    for key in keys:
        window = partitions.time_window_for_partition_key(key)
        chunk = calendar.chunk(key)
        assert (chunk.start, chunk.end) == (window.start.astimezone(dt.UTC), window.end.astimezone(dt.UTC)), key


@given(zones, days)
def test_next_chunk_begins_where_a_chunk_ends(zone, day):
    chunk = _chunk(zone, day)
    following = _calendar(zone).next(chunk)
    assert chunk.start <= chunk.end == following.start <= following.end


@given(st.sampled_from(ZONES), days)
def test_chunk_is_never_empty_where_no_day_was_left_out(zone, day):
    chunk = _chunk(zone, day)
    assert 22 * HOUR <= chunk.end - chunk.start <= 26 * HOUR


@given(zones, days)
def test_next_and_previous_undo_each_other(zone, day):
    calendar, chunk = _calendar(zone), _chunk(zone, day)
    assert calendar.next(calendar.previous(chunk)) == chunk == calendar.previous(calendar.next(chunk))
    assert calendar.previous(chunk) == calendar.days_before(chunk, 1)


@given(zones, moments)
def test_chunk_at_a_moment_contains_it(zone, moment):
    chunk = _calendar(zone).chunk_at(moment)
    assert chunk.start <= moment < chunk.end


@given(zones, days)
def test_chunk_at_a_start_is_the_chunk_unless_it_is_empty(zone, day):
    calendar, chunk = _calendar(zone), _chunk(zone, day)
    expected = chunk if chunk.start < chunk.end else calendar.next(chunk)
    assert calendar.chunk_at(chunk.start) == expected
    assert calendar.chunk_at(chunk.end - MOMENT).end == chunk.end


@given(zones, days)
def test_chunk_of_a_key_has_that_key(zone, day):
    chunk = _chunk(zone, day)
    assert _calendar(zone).chunk(chunk.key) == chunk


@given(zones, days, days)
def test_keys_sort_as_text_in_the_order_of_time(zone, day, other):
    first, second = _chunk(zone, day), _chunk(zone, other)
    assert (first.key < second.key) is ((first.start, first.end) < (second.start, second.end))


@given(zones, days, st.integers(0, 60))
def test_range_has_every_chunk_once_and_in_order(zone, day, length):
    calendar, first = _calendar(zone), _chunk(zone, day)
    last = calendar.days_before(first, -length)
    chunks = calendar.range(first, last)
    assert (len(chunks), chunks[0], chunks[-1]) == (length + 1, first, last)
    assert list(chunks[1:]) == [calendar.next(chunk) for chunk in chunks[:-1]]
    assert calendar.range(last, first) == ((first,) if length == 0 else ())


@given(zones, days, st.integers(1, 90))
def test_chunks_before_end_where_the_chunk_begins(zone, day, length):
    calendar, chunk = _calendar(zone), _chunk(zone, day)
    before = calendar.chunks_before(chunk, length)
    assert (len(before), before[-1].end) == (length, chunk.start)
    assert calendar.range(calendar.first_of_days(chunk, length), chunk) == (*before[1:], chunk)
    assert [calendar.same_slot(chunk, other) for other in before] == [n % 7 == 0 for n in range(length, 0, -1)]


@given(zones, moments)
def test_last_complete_chunk_has_ended_and_the_next_has_not(zone, moment):
    calendar = _calendar(zone)
    chunk = calendar.last_complete(moment)
    assert chunk.end <= moment < calendar.next(chunk).end


@given(zones, moments)
def test_boundary_from_a_moment_is_the_first_start_not_before_it(zone, moment):
    calendar = _calendar(zone)
    boundary = calendar.boundary_from(moment)
    assert calendar.chunk_at(boundary).start == boundary
    assert calendar.chunk_at(moment) in {calendar.chunk_at(boundary - MOMENT), calendar.chunk_at(boundary)}
    assert calendar.boundary_from(boundary) == boundary >= moment


@given(zones, days)
def test_due_time_is_the_schedule_on_the_day_on_which_the_chunk_ends(zone, day):
    calendar, chunk = _calendar(zone), _chunk(zone, day)
    due = calendar.due_at(chunk)
    local = due.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute) == (6, 0)
    assert chunk.end <= due < chunk.end + 8 * HOUR
    assert calendar.last_complete(due).end == chunk.end


def test_due_time_that_the_clocks_skip_is_the_instant_after():
    calendar = binary_spec(timezone="Europe/Berlin", schedule="02:30").calendar
    assert calendar.due_at(calendar.chunk("2024-03-30")) == _utc(2024, 3, 31, 1, 30)


def test_window_reaches_to_the_midnight_of_its_end():
    window = ReferenceWindow(start=dt.date(2013, 3, 9), end=dt.date(2013, 3, 12))
    calendar = _calendar("America/New_York")
    whole, chunks = calendar.window(window), calendar.chunks_of(window)
    assert whole == Chunk("churn", "2013-03-09/2013-03-12", chunks[0].start, chunks[-1].end)
    assert [chunk.key for chunk in chunks] == ["2013-03-09", "2013-03-10", "2013-03-11"]
    assert whole.end - whole.start == 71 * HOUR


def test_windows_are_counted_in_local_days():
    calendar = _calendar("America/New_York")
    assert calendar.window_of_days(3, dt.date(2013, 3, 12)).start == dt.date(2013, 3, 9)
    # Late on 11 March in New York, it is 12 March in UTC.
    through = calendar.window_through(dt.date(2013, 3, 9), _utc(2013, 3, 12, 2))
    assert (through.start, through.last, through.end) == tuple(dt.date(2013, 3, day) for day in (9, 11, 12))


@pytest.mark.parametrize(("duration", "chunks"), [(0 * HOUR, 0), (23 * HOUR, 0), (24 * HOUR, 1), (60 * HOUR, 2)])
def test_count_of_a_duration_is_of_whole_chunks(duration, chunks):
    assert _calendar("UTC").count(duration) == chunks


@pytest.mark.parametrize(("end", "monitored"), [(None, [False, True, True]), ("2024-01-02", [False, True, False])])
def test_monitored_chunks_lie_between_start_and_end(end, monitored):
    calendar = binary_spec(start="2024-01-01", end=end).calendar
    assert [calendar.is_monitored(calendar.chunk(key)) for key in ("2023-12-31", "2024-01-01", "2024-01-02")] == (
        monitored
    )


def test_periods_gather_keys_by_the_local_day_on_which_chunks_start():
    calendar = _calendar("America/New_York")
    chunks = calendar.chunks_of_days(dt.date(2013, 12, 30), dt.date(2014, 1, 1))
    assert calendar.by_period(chunks, "month") == {"2013-12": ["2013-12-30", "2013-12-31"], "2014-01": ["2014-01-01"]}
    assert list(calendar.by_period(chunks, "year")) == ["2013", "2014"]
    assert list(calendar.by_period(chunks, "day")) == [calendar.label(chunk) for chunk in chunks]
    assert {calendar.period_of("2014-01-01", period) for period in PERIODS} == {
        "2014-01-01", "2014-W01", "2014-01", "2014",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2013-02-30", r"churn: '2013-02-30' is not a day such as 2013-04-22: .*day is out of range"),
        ("yesterday", "churn: 'yesterday' is not a day such as 2013-04-22"),
        ("", "churn: '' is not a day"),
        # Python reads these as days, but no chunk has such a key.
        ("20130422", "churn: '20130422' is not a day such as 2013-04-22: write 2013-04-22"),
        ("2013-W17-1", "write 2013-04-22"),
        ("2013-03-09/2013-03-12", "is not a day"),
    ],
)
def test_key_of_no_chunk_is_refused_with_its_form(text, message):
    with pytest.raises(UnknownChunkError, match=message):
        _calendar("UTC").chunk(text)
