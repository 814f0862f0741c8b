import datetime as dt
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from dagster import DailyPartitionsDefinition
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.spec.chunk import (
    Chunk,
    chunk_of_day,
    chunk_of_key,
    chunk_of_reference,
    days_of,
    local_midnight,
)
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline_tests.spec.cases import binary_spec

HOUR = dt.timedelta(hours=1)
ZONES = (
    "UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo", "Asia/Beirut",
    "Australia/Lord_Howe", "Pacific/Chatham", "America/Havana",
)  # fmt: skip


@cache
def _spec(zone: str) -> ModelSpec:
    return binary_spec(timezone=zone)


def _utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


@pytest.mark.parametrize(("zone", "key", "start", "hours"), [
    ("America/New_York", "2013-03-09", _utc(2013, 3, 9, 5), 24),
    ("America/New_York", "2013-03-10", _utc(2013, 3, 10, 5), 23),
    ("America/New_York", "2013-03-11", _utc(2013, 3, 11, 4), 24),
    ("America/New_York", "2013-11-03", _utc(2013, 11, 3, 4), 25),
    ("America/New_York", "2013-11-04", _utc(2013, 11, 4, 5), 24),
    ("Asia/Kolkata", "2013-03-10", _utc(2013, 3, 9, 18, 30), 24),
    ("Australia/Lord_Howe", "2013-04-07", _utc(2013, 4, 6, 13), 24.5),
    # In these zones midnight does not exist on the first day: it begins at 01:00.
    ("America/Sao_Paulo", "2013-10-20", _utc(2013, 10, 20, 3), 23),
    ("Asia/Beirut", "2013-03-31", _utc(2013, 3, 30, 22), 23),
    # Havana sets its clocks back from 01:00: midnight happens twice, and the day begins with the first.
    ("America/Havana", "2013-11-03", _utc(2013, 11, 3, 4), 25),
    ("UTC", "2013-03-10", _utc(2013, 3, 10), 24),
])  # fmt: skip
def test_a_chunk_is_a_local_day_in_utc(zone, key, start, hours):
    chunk = chunk_of_key(_spec(zone), key)
    assert chunk == Chunk("churn", key, start, start + hours * HOUR)
    assert chunk.start.tzinfo is chunk.end.tzinfo is dt.UTC


@pytest.mark.parametrize(("zone", "day"), [("America/Sao_Paulo", (2013, 10, 20)), ("Asia/Beirut", (2013, 3, 31))])
def test_a_day_without_midnight_begins_with_its_first_instant(zone, day):
    start = local_midnight(dt.date(*day), ZoneInfo(zone))
    before = start - dt.timedelta(microseconds=1)
    assert start.astimezone(ZoneInfo(zone)).isoformat()[:19] == f"{dt.date(*day)}T01:00:00"
    assert before.astimezone(ZoneInfo(zone)).date() < dt.date(*day)


def test_a_day_that_a_zone_left_out_is_empty():
    """Samoa crossed the date line: there was no 30 December 2011."""
    chunk = chunk_of_key(_spec("Pacific/Apia"), "2011-12-30")
    assert chunk.start == chunk.end == _utc(2011, 12, 30, 10)


@pytest.mark.parametrize("zone", ZONES)
def test_chunks_are_dagsters_partitions(zone):
    partitions = DailyPartitionsDefinition(start_date="2013-01-01", end_date="2014-01-01", timezone=zone)
    spec = _spec(zone)
    keys = partitions.get_partition_keys()
    assert len(keys) == 365
    for key in keys:
        window = partitions.time_window_for_partition_key(key)
        chunk = chunk_of_key(spec, key)
        assert (chunk.start, chunk.end) == (window.start.astimezone(dt.UTC), window.end.astimezone(dt.UTC)), key


@given(zone=st.sampled_from(ZONES), day=st.dates(dt.date(1990, 1, 1), dt.date(2037, 12, 30)))
def test_consecutive_chunks_tile_the_time_line(zone, day):
    first, second = (chunk_of_day(_spec(zone), day + dt.timedelta(days=n)) for n in (0, 1))
    assert first.start < first.end == second.start


@given(zone=st.sampled_from(ZONES), second=st.integers(631152000, 2145744000))
def test_an_instant_lies_in_the_chunk_of_its_local_date(zone, second):
    """From 1990 to the end of 2037."""
    instant = dt.datetime.fromtimestamp(second, dt.UTC)
    chunk = chunk_of_day(_spec(zone), instant.astimezone(ZoneInfo(zone)).date())
    assert chunk.start <= instant < chunk.end


def test_a_reference_window_reaches_to_the_midnight_of_its_end():
    window = ReferenceWindow(start=dt.date(2013, 3, 9), end=dt.date(2013, 3, 12))
    spec = _spec("America/New_York")
    chunk = chunk_of_reference(spec, window)
    days = [chunk_of_day(spec, day) for day in days_of(window)]
    assert chunk == Chunk("churn", "2013-03-09/2013-03-12", days[0].start, days[-1].end)
    assert [day.key for day in days] == ["2013-03-09", "2013-03-10", "2013-03-11"]
    assert chunk.end - chunk.start == 71 * HOUR


def test_a_key_that_is_no_date_is_refused():
    with pytest.raises(ValueError, match="day is out of range"):
        chunk_of_key(_spec("UTC"), "2013-02-30")
