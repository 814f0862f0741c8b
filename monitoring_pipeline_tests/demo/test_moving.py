"""The demo's year moved by weeks: each flight stays in its weekday, day and hour by the clock in New York."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.demo.flights import NEW_YORK
from monitoring_pipeline.demo.moving import (
    last_monitored_day,
    moved_dates,
    moved_times,
    weeks_until,
    write_moved_specs,
)
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import load_specs

SHIPPED = Settings.model_fields["models"].default


@pytest.mark.parametrize(("day", "weeks", "last"), [
    ("2013-04-30", 0, "2013-04-30"),
    ("2013-05-06", 0, "2013-04-30"),
    ("2013-05-07", 1, "2013-05-07"),
    ("2026-11-29", 708, "2026-11-24"),
    ("2026-12-01", 709, "2026-12-01"),
])  # fmt: skip
def test_april_ends_at_most_six_days_before_the_day_on_a_tuesday(day: str, weeks: int, last: str) -> None:
    assert weeks_until(dt.date(*map(int, day.split("-")))) == weeks
    assert moved_dates("2013-04-30", weeks) == last


def test_day_before_the_flights_is_refused() -> None:
    with pytest.raises(ValueError, match="2013-04-29: the flights of April 2013 can be moved to a later day only"):
        weeks_until(dt.date(2013, 4, 29))


@pytest.mark.parametrize("weeks", [1, 12, 708, 690])
def test_every_flight_stays_in_its_weekday_and_time_of_day(flights: pl.DataFrame, weeks: int) -> None:
    rows = flights.select("scheduled_departure_at", "arrived_at")
    moved = moved_times(rows, weeks)
    assert moved.schema == rows.schema
    assert moved.null_count().equals(rows.null_count())
    before, after = (table["scheduled_departure_at"].dt.convert_time_zone(NEW_YORK) for table in (rows, moved))
    assert (after.dt.date() - before.dt.date()).unique().to_list() == [dt.timedelta(weeks=weeks)]
    assert after.dt.time().equals(before.dt.time())
    # No flight is scheduled in the hour that a change of the clocks takes or repeats; few arrive in it.
    lasted = [table["arrived_at"] - table["scheduled_departure_at"] for table in (rows, moved)]
    differs = (lasted[0] - lasted[1]).drop_nulls()
    assert differs.filter(differs != dt.timedelta()).len() < 100
    assert set(differs.abs().unique().to_list()) <= {dt.timedelta(), dt.timedelta(hours=1)}


def test_time_that_the_clock_skips_moves_an_hour_on_and_one_that_occurs_twice_is_the_first() -> None:
    zone = ZoneInfo(NEW_YORK)
    # The clocks of New York change on 2026-03-08 and 2026-11-01, both at two.
    skipped, twice = dt.datetime(2013, 3, 3, 2, 30, tzinfo=zone), dt.datetime(2013, 10, 27, 1, 30, tzinfo=zone)
    weeks = (dt.date(2026, 3, 8) - dt.date(2013, 3, 3)).days // 7
    assert dt.date(2013, 10, 27) + dt.timedelta(weeks=weeks) == dt.date(2026, 11, 1)
    times = pl.DataFrame({"at": [skipped.astimezone(dt.UTC), twice.astimezone(dt.UTC)]})
    assert moved_times(times, weeks)["at"].to_list() == [
        dt.datetime(2026, 3, 8, 7, 30, tzinfo=dt.UTC),
        dt.datetime(2026, 11, 1, 5, 30, tzinfo=dt.UTC),
    ]


@pytest.mark.parametrize(
    ("wanted", "monitored"),
    [
        ((2026, 11, 20), (2026, 11, 24)),
        ((2026, 11, 24), (2026, 11, 24)),
        ((2026, 11, 29), (2026, 11, 29)),
        ((2026, 12, 20), (2026, 11, 30)),
    ],
)
def test_last_monitored_day_is_within_a_week_of_the_end_of_april(wanted, monitored) -> None:
    weeks = weeks_until(dt.date(2026, 11, 24))
    assert last_monitored_day(weeks, dt.date(*wanted)) == dt.date(*monitored)


def test_moved_specs_are_the_shipped_ones_with_moved_windows(tmp_path: Path) -> None:
    write_moved_specs(SHIPPED, tmp_path, 708)
    shipped, moved = load_specs(SHIPPED), load_specs(tmp_path)
    weeks = dt.timedelta(weeks=708)
    assert [entry.spec.name for entry in moved] == [entry.spec.name for entry in shipped]
    for before, after in zip(shipped, moved, strict=True):
        assert after.spec.start == before.spec.start + weeks
        assert after.spec.reference["1"].start == before.spec.reference["1"].start + weeks
        assert after.spec.reference["1"].end == before.spec.reference["1"].end + weeks
        assert "2013-" not in after.suite_path.read_text(encoding="utf-8")
        assert after.spec.features == before.spec.features


def test_moved_specs_that_somebody_changed_stay(tmp_path: Path) -> None:
    write_moved_specs(SHIPPED, tmp_path, 708)
    (tmp_path / "flight_delay.yaml").write_text("mine", encoding="utf-8")
    write_moved_specs(SHIPPED, tmp_path, 709)
    assert (tmp_path / "flight_delay.yaml").read_text(encoding="utf-8") == "mine"


def test_last_day_that_is_no_day_is_refused() -> None:
    answer = CliRunner().invoke(main, ["demo", "--last-day", "soon"])
    assert answer.exit_code != 0
    assert "'soon' is neither yesterday nor a day such as 2026-11-29" in answer.output
