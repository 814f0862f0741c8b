"""The API gives the numbers of the pipeline: of nights that Dagster ran on a DuckDB warehouse, value by value."""

import datetime as dt
import math
from collections.abc import Iterable
from typing import Any

import polars as pl
import pytest

from monitoring_pipeline.api import Result, compare, monitor, performance
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline_tests.worlds.world import (
    DAYS,
    DELIVERIES,
    DRIFT_FROM,
    FIRST,
    FIRST_ROW,
    LOANS,
    World,
    delivery_tables,
    loan_tables,
)

LAST_DAY_OF_TEST = DAYS[9]
"""The second day with drift."""
ROLES: dict[str, dict[str, Any]] = {
    LOANS: {
        "time": "Scored At",
        "ids": "Application ID",
        "score": "Default Probability",
        "decision_threshold": 0.4,
        "positive": "default",
        "timezone": "Europe/Berlin",
        "name": LOANS,
        "version": "2024.1",
    },
    DELIVERIES: {
        "time": "promised_at",
        "ids": "parcel",
        "prediction": "minutes",
        "timezone": "Asia/Kolkata",
        "name": DELIVERIES,
    },
}
LABELS = {LOANS: ("Outcome", "Reported At"), DELIVERIES: ("actual_minutes", "arrived_at")}
COLUMNS = {LOANS: ["income", "employment", "age"], DELIVERIES: ["distance_km", "vehicle"]}
LABEL_DELAYS = {LOANS: "2d", DELIVERIES: "12h"}
DAY_BEFORE = str(FIRST - dt.timedelta(days=1))
THRESHOLDS = {LOANS: {"auroc": {"lower": 0.6}}, DELIVERIES: {}}
OTHER_SOURCE_OF_LABELS = frozenset({"orphan_labels", "labels_outside_window"})
"""Not counted where labels are a column of the predictions."""


@pytest.fixture(autouse=True)
def _key_of_the_world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITORING_PIPELINE_ID_KEY", "world")


def rows_of(model: str) -> pl.DataFrame:
    """Return predictions with their labels, as a user has them in one frame."""
    predictions, labels = loan_tables() if model == LOANS else delivery_tables()
    left, right = ("Application ID", "Ref") if model == LOANS else ("parcel", "parcel")
    names = {"Annual Income": "income", "EMPLOYMENT": "employment"}
    return predictions.join(labels, left_on=left, right_on=right, how="left").rename(names, strict=False)


def of_days(model: str, rows: pl.DataFrame, first: str, last: str) -> pl.DataFrame:
    day = (
        pl.col(ROLES[model]["time"])
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone(ROLES[model]["timezone"])
        .dt.date()
    )
    return rows.filter(day.cast(pl.String).is_between(pl.lit(first), pl.lit(last)))


def stored(world: World, model: str, day: str, *producers: Producer) -> list[Measurement]:
    with world.store() as store:
        return [m for producer in producers for m in store.measurements(model, day, producer)]


def numbers(
    measurements: Iterable[Measurement], *, without: Iterable[str] = ()
) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """Return the numbers and the outcome of each measurement but those of the suite, by what it is about."""
    return {
        (m.kind, m.subject, str(m.metric), m.segment): (
            m.value, m.lower, m.upper, m.reference_value, m.p_value, m.q_value, m.threshold_lower, m.threshold_upper,
            str(m.status), str(m.severity), m.rows, m.reason,
        )
        for m in measurements
        if m.name not in without and m.kind is not Kind.WINDOW and not (m.definition or "").startswith("expect_")
    }  # fmt: skip


def measured(result: Result, key: str = "") -> list[Measurement]:
    return next(list(chunk.measurements) for chunk in result.chunks if chunk.key == key)


def assert_equal(ours: dict[tuple[str, ...], Any], theirs: dict[tuple[str, ...], Any]) -> None:
    assert ours.keys() == theirs.keys()
    different = {key: (ours[key], theirs[key]) for key in ours if ours[key] != theirs[key]}
    assert different == {}


@pytest.mark.parametrize("model", [LOANS, DELIVERIES])
def test_comparison_of_a_day_with_the_reference_gives_the_numbers_of_the_night(model, monitored):
    rows, day = rows_of(model), str(DRIFT_FROM)
    result = compare(
        of_days(model, rows, str(FIRST_ROW), DAY_BEFORE).drop(LABELS[model]),
        of_days(model, rows, day, day).drop(LABELS[model]),
        columns=COLUMNS[model],
        **ROLES[model],
    )
    theirs = numbers(stored(monitored, model, day, Producer.PROFILE, Producer.DRIFT))
    ours = numbers(m for m in measured(result) if (m.kind, m.subject, m.metric) in {
        (m.kind, m.subject, m.metric) for m in stored(monitored, model, day, Producer.PROFILE, Producer.DRIFT)
    })  # fmt: skip
    assert_equal(ours, theirs)
    assert len(theirs) >= 15
    if model == LOANS:
        assert "income" in result.drifted


@pytest.mark.parametrize("model", [LOANS, DELIVERIES])
def test_performance_of_a_day_gives_the_numbers_of_the_night(model, monitored):
    rows, day = rows_of(model), DAYS[2]
    result = performance(
        of_days(model, rows, day, day),
        label=LABELS[model][0],
        reference=of_days(model, rows, str(FIRST_ROW), DAY_BEFORE),
        thresholds=THRESHOLDS[model],
        **ROLES[model],
    )
    theirs = numbers(stored(monitored, model, day, Producer.PERFORMANCE))
    assert_equal(numbers(measured(result)), theirs)
    assert sum(isinstance(value[0], float) and math.isfinite(value[0]) for value in theirs.values()) > 8


@pytest.mark.slow
@pytest.mark.parametrize("model", [LOANS, DELIVERIES])
def test_monitoring_of_a_frame_gives_the_numbers_and_verdicts_of_the_nights(model, monitored):
    rows = of_days(model, rows_of(model), str(FIRST_ROW), LAST_DAY_OF_TEST)
    label, known_at = LABELS[model]
    result = monitor(
        rows,
        reference=(FIRST_ROW, FIRST),
        columns=COLUMNS[model],
        label=label,
        known_at=known_at,
        label_delay=LABEL_DELAYS[model],
        thresholds=THRESHOLDS[model],
        **ROLES[model],
    )
    assert [chunk.key for chunk in result.chunks] == list(DAYS[: DAYS.index(LAST_DAY_OF_TEST) + 1])
    with monitored.store() as store:
        for chunk in result.chunks:
            theirs = numbers(store.measurements(model, chunk.key), without=OTHER_SOURCE_OF_LABELS)
            assert_equal(numbers(chunk.measurements), theirs)
            assert chunk.verdict.status == store.verdict(model, chunk.key).status
