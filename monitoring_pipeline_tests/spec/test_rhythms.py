"""Cadences: chunks tile the time line in every zone, their keys sort, and Dagster's partitions are the same windows."""

import datetime as dt
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.orchestration.runs.partitions import OutsidePartitionsError, check_range, partitions_of
from monitoring_pipeline.spec.calendar import Calendar, UnknownChunkError
from monitoring_pipeline.spec.rhythms.by_cadence import RHYTHMS
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline_tests.spec.cases import binary_spec

MOMENT = dt.timedelta(microseconds=1)
HOUR = dt.timedelta(hours=1)
ZONES = (
    "UTC", "Europe/London", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "America/Sao_Paulo",
    "America/Havana", "Asia/Beirut", "Pacific/Chatham", "Africa/Casablanca", "Australia/Lord_Howe",
    "Antarctica/Troll",
)  # fmt: skip
OF_DAYS = ("day", "week", "month")
OF_HOURS = tuple(cadence for cadence in RHYTHMS if cadence not in OF_DAYS)
# Their clocks move by half an hour, or by two hours, so a cadence of an hour is refused.
WITHOUT_HOURS = {"Australia/Lord_Howe", "Antarctica/Troll"}
PLACES = tuple(
    (zone, cadence) for zone in ZONES for cadence in RHYTHMS if cadence != "hour" or zone not in WITHOUT_HOURS
)
places = st.sampled_from(PLACES)
moments = st.one_of(
    st.integers(946684800, 2145744000),
    # Around the clock changes of 2013 and 2014, which these zones have on various days.
    st.integers(1356998400, 1420070400),
).map(lambda second: dt.datetime.fromtimestamp(second, dt.UTC))


@cache
def _calendar(zone: str, cadence: str) -> Calendar:
    return binary_spec(timezone=zone, cadence=cadence).calendar


@given(places, moments)
def test_chunk_at_a_moment_contains_it_and_has_its_key(place, moment):
    calendar = _calendar(*place)
    chunk = calendar.chunk_at(moment)
    assert chunk.start <= moment < chunk.end
    assert calendar.chunk(chunk.key) == chunk == calendar.chunk_at(chunk.start)
    assert calendar.chunk_at(chunk.end - MOMENT) == chunk


@given(places, moments)
def test_chunks_follow_each_other_without_gap_or_overlap(place, moment):
    calendar = _calendar(*place)
    chunk = calendar.chunk_at(moment)
    before, after = calendar.previous(chunk), calendar.next(chunk)
    assert before.end == chunk.start < chunk.end == after.start
    assert before.key < chunk.key < after.key
    assert calendar.next(before) == chunk == calendar.previous(after)


@given(places, moments, moments)
def test_keys_sort_as_text_in_the_order_of_time(place, moment, other):
    calendar = _calendar(*place)
    first, second = calendar.chunk_at(moment), calendar.chunk_at(other)
    assert (first.key < second.key) is (first.start < second.start)


@given(places, moments, st.integers(-60, 60))
def test_chunk_that_is_so_many_chunks_earlier_is_found_step_by_step(place, moment, count):
    calendar = _calendar(*place)
    chunk = expected = calendar.chunk_at(moment)
    for _ in range(abs(count)):
        expected = calendar.previous(expected) if count > 0 else calendar.next(expected)
    assert calendar.earlier(chunk, count) == expected
    assert len(calendar.range(*sorted((chunk, expected), key=lambda each: each.key))) == abs(count) + 1


@given(places, moments, st.integers(1, 40))
def test_days_before_a_chunk_end_where_it_begins(place, moment, days):
    calendar = _calendar(*place)
    chunk = calendar.chunk_at(moment)
    before = calendar.chunks_before(chunk, days)
    assert before[-1].end == chunk.start
    assert all(first.end == second.start for first, second in pairwise(before))
    whole = [*calendar.range(calendar.first_of_days(chunk, days), chunk)]
    assert whole[-1] == chunk
    if place[1] not in {"week", "month"}:
        assert abs((chunk.start - before[0].start) - dt.timedelta(days=days)) <= 3 * HOUR


@given(places, st.dates(dt.date(2012, 1, 1), dt.date(2020, 1, 1)), st.integers(1, 70))
def test_chunks_of_days_lie_within_the_window_of_these_days(place, first, days):
    calendar = _calendar(*place)
    window = ReferenceWindow(start=first, end=first + dt.timedelta(days=days))
    whole, chunks = calendar.window(window), calendar.chunks_of(window)
    assert all(calendar.is_within(chunk, whole.key) for chunk in chunks)
    assert all(before.end == after.start for before, after in pairwise(chunks))
    if place[1] not in {"week", "month"}:
        assert (chunks[0].start, chunks[-1].end) == (whole.start, whole.end)
    elif chunks:
        assert not calendar.is_within(calendar.previous(chunks[0]), whole.key)
        assert not calendar.is_within(calendar.next(chunks[-1]), whole.key)
    assert calendar.chunks_of_days(window.last, window.start) == (chunks if days == 1 else ())


@given(places, moments)
def test_due_chunks_of_successive_ticks_are_each_chunk_once(place, moment):
    calendar = _calendar(*place)
    chunk = calendar.chunk_at(moment)
    due = calendar.due_at(chunk)
    assert due >= chunk.end
    assert chunk in calendar.due_between(due - HOUR, due)
    assert chunk not in calendar.due_between(due, due + HOUR)
    assert chunk not in calendar.due_between(due - HOUR - MOMENT, due - MOMENT)


def _days_of_clock_changes(zone: str) -> list[dt.date]:
    noons = [dt.datetime(2013, 10, 1, 12, tzinfo=ZoneInfo(zone)) + dt.timedelta(days=n) for n in range(400)]
    return [after.date() for before, after in pairwise(noons) if before.utcoffset() != after.utcoffset()]


@pytest.mark.parametrize(("zone", "cadence"), [
    (zone, cadence) for zone, cadence in PLACES if cadence in {"hour", "2 hours", "3 hours", "12 hours"}
])  # fmt: skip
def test_partitions_of_dagster_around_a_clock_change_are_the_chunks(zone, cadence):
    for day in _days_of_clock_changes(zone) or [dt.date(2014, 3, 30)]:
        assert_partitions_are_the_chunks(zone, cadence, day - dt.timedelta(days=2), day + dt.timedelta(days=3))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cadence", ["week", "month"])
def test_partitions_of_dagster_are_the_weeks_and_months(zone, cadence):
    assert_partitions_are_the_chunks(zone, cadence, dt.date(2013, 10, 2), dt.date(2014, 11, 20))


def assert_partitions_are_the_chunks(zone: str, cadence: str, start: dt.date, end: dt.date) -> None:
    """Assert that Dagster has the same keys and windows as the calendar."""
    spec = binary_spec(timezone=zone, cadence=cadence, start=str(start), end=str(end))
    partitions, calendar = partitions_of(spec), spec.calendar
    keys = partitions.get_partition_keys()
    chunks = calendar.chunks_of_days(start, end - dt.timedelta(days=1))
    assert keys == [chunk.key for chunk in chunks] == sorted(keys)
    assert all(calendar.is_monitored(chunk) for chunk in chunks)
    assert calendar.first == chunks[0]
    assert not calendar.is_monitored(calendar.previous(chunks[0])) | calendar.is_monitored(calendar.next(chunks[-1]))
    for chunk in chunks:
        window = partitions.time_window_for_partition_key(chunk.key)
        assert (window.start.astimezone(dt.UTC), window.end.astimezone(dt.UTC)) == (chunk.start, chunk.end), chunk.key
        assert partitions.has_partition_key(chunk.key)
    assert partitions.get_partition_keys_in_range(dg.PartitionKeyRange(keys[0], keys[-1])) == keys


@pytest.mark.parametrize(("zone", "moment", "keys"), [
    ("America/New_York", (2013, 11, 3, 5), ["2013-11-03T01:00", "2013-11-03T01:00-0500", "2013-11-03T02:00"]),
    ("America/New_York", (2013, 3, 10, 6), ["2013-03-10T01:00", "2013-03-10T03:00"]),
    ("Europe/Berlin", (2013, 10, 27, 0), ["2013-10-27T02:00", "2013-10-27T02:00+0100", "2013-10-27T03:00"]),
])  # fmt: skip
def test_hour_that_the_clocks_repeat_is_a_chunk_of_its_own_and_a_skipped_one_does_not_exist(zone, moment, keys):
    calendar = _calendar(zone, "hour")
    chunk = calendar.chunk_at(dt.datetime(*moment, tzinfo=dt.UTC))
    chunks = calendar.range(chunk, calendar.chunk(keys[-1]))
    assert [each.key for each in chunks] == keys == sorted(keys)
    assert {each.end - each.start for each in chunks} == {HOUR}


@pytest.mark.parametrize(("cadence", "key", "start", "end"), [
    ("hour", "2013-04-22T14:00", "2013-04-22T14:00", "2013-04-22T15:00"),
    ("6 hours", "2013-04-22T18:00", "2013-04-22T18:00", "2013-04-23T00:00"),
    ("6 hours", "2013-03-31T00:00", "2013-03-31T00:00", "2013-03-31T06:00"),
    ("week", "2013-04-22", "2013-04-22T00:00", "2013-04-29T00:00"),
    ("month", "2013-04", "2013-04-01T00:00", "2013-05-01T00:00"),
    ("month", "2013-12", "2013-12-01T00:00", "2014-01-01T00:00"),
])  # fmt: skip
def test_chunk_of_a_key_has_the_local_times_of_its_cadence(cadence, key, start, end):
    zone = ZoneInfo("Europe/Berlin")
    chunk = _calendar("Europe/Berlin", cadence).chunk(key)
    assert [chunk.start.astimezone(zone).isoformat()[:16], chunk.end.astimezone(zone).isoformat()[:16]] == [start, end]


@pytest.mark.parametrize(("cadence", "text", "message"), [
    ("hour", "2013-04-22", "'2013-04-22' is not an hour such as 2013-04-22T14:00"),
    ("hour", "2013-03-31T02:00", "not an hour such as"),
    ("hour", "2013-04-22T14:30", "not an hour such as"),
    ("6 hours", "2013-04-22T05:00", "the chunks of 2013-04-22 are 2013-04-22T00:00, 2013-04-22T06:00, ..."),
    ("week", "2013-04-23", "is not a week such as 2013-04-22: write 2013-04-22"),
    ("month", "2013-04-01", "is not a month such as 2013-04"),
    ("month", "2013-13", "is not a month such as 2013-04"),
])  # fmt: skip
def test_text_that_is_no_key_of_the_cadence_is_refused_with_its_form(cadence, text, message):
    with pytest.raises(UnknownChunkError) as caught:
        _calendar("Europe/Berlin", cadence).chunk(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(("cadence", "first", "last", "keys"), [
    ("day", "2013-04-01", "2013-04-02", ["2013-04-01", "2013-04-02"]),
    ("12 hours", "2013-04-01", "2013-04-01", ["2013-04-01T00:00", "2013-04-01T12:00"]),
    ("12 hours", "2013-04-01T12:00", "2013-04-02", ["2013-04-01T12:00", "2013-04-02T00:00", "2013-04-02T12:00"]),
    ("12 hours", "2013-04-01", "2013-04-02T00:00", ["2013-04-01T00:00", "2013-04-01T12:00", "2013-04-02T00:00"]),
    # A Monday is the key of its week; another day bounds the weeks that have ended by then.
    ("week", "2013-04-03", "2013-04-22", ["2013-04-08", "2013-04-15", "2013-04-22"]),
    ("week", "2013-04-03", "2013-04-24", ["2013-04-08", "2013-04-15"]),
    ("week", "2013-04-08", "2013-04-21", ["2013-04-08", "2013-04-15"]),
    ("month", "2013-04", "2013-05", ["2013-04", "2013-05"]),
    ("month", "2013-03-15", "2013-05-31", ["2013-04", "2013-05"]),
])  # fmt: skip
def test_range_takes_keys_and_days_and_a_day_stands_for_its_chunks(cadence, first, last, keys):
    assert [chunk.key for chunk in _calendar("UTC", cadence).chunks_named(first, last)] == keys


@pytest.mark.parametrize(
    ("first", "last"), [("2013-04-10", "2013-04-20"), ("2013-05", "2013-04"), ("April", "2013-04")]
)
def test_range_without_a_chunk_is_refused(first, last):
    with pytest.raises(UnknownChunkError, match=r"no month lies within|is not a month"):
        _calendar("UTC", "month").chunks_named(first, last)


def test_hours_of_the_same_weekday_and_hour_share_a_slot_and_all_weeks_do():
    hours, weeks = _calendar("America/New_York", "hour"), _calendar("UTC", "week")
    chunk = hours.chunk("2013-03-18T14:00")
    # The clocks changed on 10 March, so the same local hour is another hour of UTC.
    assert hours.same_slot(chunk, hours.chunk("2013-03-04T14:00"))
    assert not hours.same_slot(chunk, hours.chunk("2013-03-17T14:00")) | hours.same_slot(
        chunk, hours.chunk("2013-03-18T13:00")
    )
    assert hours.days_before(chunk, 14).key == "2013-03-04T14:00"
    assert weeks.same_slot(weeks.chunk("2013-04-22"), weeks.chunk("2013-12-02"))


@pytest.mark.parametrize(("cadence", "period", "names"), [
    ("12 hours", "day", ["2013-12-30", "2013-12-31"]),
    ("12 hours", "chunk", ["2013-12-30T00:00", "2013-12-30T12:00", "2013-12-31T00:00", "2013-12-31T12:00"]),
    ("day", "week", ["2014-W01"]),
    ("day", "day", ["2013-12-30", "2013-12-31"]),
])  # fmt: skip
def test_periods_gather_chunks_of_every_cadence(cadence, period, names):
    calendar = _calendar("UTC", cadence)
    assert list(calendar.by_period(calendar.chunks_named("2013-12-30", "2013-12-31"), period)) == names


def test_range_beyond_the_partitions_is_refused_with_their_ends():
    spec = binary_spec(cadence="week", start="2024-03-01", end="2024-04-01", timezone="UTC")
    chunk = spec.calendar.chunk
    check_range(spec, chunk("2024-03-04"), chunk("2024-03-25"))
    for first, last in (("2024-02-26", "2024-03-04"), ("2024-03-25", "2024-04-01"), ("2024-03-11", "2024-03-04")):
        with pytest.raises(OutsidePartitionsError, match="is not within its chunks, 2024-03-04 to 2024-03-25"):
            check_range(spec, chunk(first), chunk(last))


@pytest.mark.parametrize(("changes", "message"), [
    ({"cadence": "hour", "schedule": "06:00"}, "schedule: '06:00' is a time of day; for cadence: hour write the delay"),
    ({"schedule": "20m"}, "schedule: '20m' is a delay; for cadence: day write a local time"),
    ({"cadence": "5 hours"}, "cadence"),
    ({"cadence": "hour", "timezone": "Australia/Lord_Howe"}, "Lord_Howe move by another step than an hour"),
    ({"cadence": "month", "drift__against": "same_weekday"}, "drift.against: same_weekday needs days or hours"),
    ({"start": "0001-01-01"}, "must be from 1970-01-01 to 2200-01-01"),
])  # fmt: skip
def test_rule_that_does_not_fit_the_cadence_is_refused_with_a_remedy(changes, message):
    with pytest.raises(ValueError, match=r"cadence|schedule|start|against") as caught:
        binary_spec(**changes)
    assert message in str(caught.value)


def test_delay_of_hours_is_fifteen_minutes_unless_the_spec_has_another():
    for changes, minutes in (({}, 15), ({"schedule": "40m"}, 40)):
        calendar = binary_spec(cadence="hour", timezone="UTC", **changes).calendar
        assert calendar.due_at(calendar.chunk("2024-03-01T10:00")) == dt.datetime(
            2024, 3, 1, 11, minutes, tzinfo=dt.UTC
        )


def test_cadence_changes_the_hash_of_the_spec_and_of_its_reference():
    daily, hourly = binary_spec(), binary_spec(cadence="hour")
    assert daily.spec_hash != hourly.spec_hash
    assert daily.reference_declaration_hash("1") != hourly.reference_declaration_hash("1")
