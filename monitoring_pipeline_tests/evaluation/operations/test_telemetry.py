"""Numbers of telemetry on small, empty and odd chunks, and values of status in any form."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.operations.learned import (
    learn_operations,
    operations_document,
    operations_from_document,
)
from monitoring_pipeline.evaluation.operations.measuring import measure_telemetry
from monitoring_pipeline.evaluation.operations.telemetry import Telemetry
from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import ERRORS, LATENCY, STATUS, TIMEOUTS
from monitoring_pipeline_tests.worlds.one_model_world import SPEC


def spec_of(cadence: str = "day", **operations: object) -> ModelSpec:
    declared = {"latency": "took", "status": "code"} | operations
    window = {"1": {"start": "2024-01-01", "end": "2024-01-29"}}
    return ModelSpec.model_validate(
        SPEC | {"start": "2024-01-29", "cadence": cadence, "labels": None, "reference": window, "operations": declared}
    )


def rows_of(first: dt.datetime, latencies: np.ndarray, statuses: list[str | None], step: dt.timedelta) -> pl.DataFrame:
    times = [first + step * number for number in range(len(statuses))]
    return pl.DataFrame(
        {
            "predicted_at": pl.Series(times, dtype=pl.Datetime("us", "UTC")),
            LATENCY: pl.Series(latencies, dtype=pl.Float64),
            STATUS: pl.Series(statuses, dtype=pl.String),
        }
    )


def reference(spec: ModelSpec, days: int = 28, per_day: int = 2880):
    random = np.random.default_rng(4)
    rows = days * per_day
    frame = rows_of(
        dt.datetime(2024, 1, 1, 5, tzinfo=dt.UTC),
        random.lognormal(3.0, 1.0, rows),
        ["500" if failed else "200" for failed in random.random(rows) < 0.002],
        dt.timedelta(days=1) / per_day,
    )
    learned = learn_operations(spec, "1", frame, chunk_keys(spec.calendar, frame["predicted_at"]), reference_hash="r")
    return operations_from_document(operations_document(learned))


def measured(spec: ModelSpec, key: str, rows: pl.DataFrame, usual=None):
    chunk = spec.calendar.chunk(key)
    found = measure_telemetry(Telemetry(spec, rows), chunk, usual, model_version="1", all_rows=rows.height)
    return {m.name: m for m in found}


MONDAY = dt.datetime(2024, 1, 29, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "is_error", "is_timeout"),
    [
        ("200", False, False), ("404", False, False), ("500", True, False), ("503.0", True, False),
        ("504", True, True), ("408", True, True), ("Error", True, False), (" TIMEOUT ", True, True),
        ("true", True, False), ("false", False, False), ("5xx", True, False), ("5000", False, False),
    ],
)  # fmt: skip
def test_values_of_status(value, is_error, is_timeout):
    telemetry = Telemetry(spec_of(), rows_of(MONDAY, np.ones(2), [value, None], dt.timedelta(minutes=1)))
    for name, expected in ((ERRORS, is_error), (TIMEOUTS, is_timeout)):
        assert telemetry.events(name).to_list() == [expected, None]
        assert telemetry.counted(name).rows == 1


def test_latency_at_the_limit_is_a_timeout_whatever_the_status():
    spec = spec_of(latency_unit="s", timeout_after=2.0)
    telemetry = Telemetry(
        spec, rows_of(MONDAY, np.array([2.0, 1.9, 2.5, np.nan]), ["200", "200", None, "504"], dt.timedelta(minutes=1))
    )
    assert telemetry.events(TIMEOUTS).to_list() == [True, False, True, True]
    assert telemetry.latencies.tolist() == [1900.0, 2000.0, 2500.0]


def test_three_rows_are_measured_and_never_breached():
    spec = spec_of()
    found = measured(
        spec, "2024-01-29", rows_of(MONDAY, np.full(3, 1e6), ["500"] * 3, dt.timedelta(hours=1)), reference(spec)
    )
    assert found["latency_p99"].value == 1e6
    assert found["error_rate"].value == 1.0
    assert {m.status for m in found.values()} == {"ok", "skipped"}
    assert found["error_rate"].reason == "not judged: 3 rows are too few"


def test_nothing_but_nulls_and_bad_numbers_is_skipped():
    spec = spec_of()
    latencies = np.array([np.nan, np.inf, -5.0] * 40)
    found = measured(
        spec, "2024-01-29", rows_of(MONDAY, latencies, [None] * 120, dt.timedelta(minutes=1)), reference(spec)
    )
    assert found["latency_p50"].reason == "no row has a took"
    assert found["error_rate"].reason == "no row has a code"
    assert {name: m.status for name, m in found.items() if m.status != "skipped"} == {"rows_per_hour": "ok"}


def test_healthy_heavy_tailed_days_are_quiet_and_twice_the_latency_and_ten_times_the_errors_are_found():
    spec = spec_of()
    usual, random = reference(spec), np.random.default_rng(6)
    for day in range(12):
        at = MONDAY + dt.timedelta(days=day)
        latencies = random.lognormal(3.0, 1.0, 2880)
        codes = ["500" if failed else "200" for failed in random.random(2880) < 0.002]
        rows = rows_of(at, latencies, codes, dt.timedelta(seconds=30))
        key = f"{at:%Y-%m-%d}"
        assert {m.status for m in measured(spec, key, rows, usual).values()} == {"ok"}, key
    slow = rows.with_columns(pl.col(LATENCY) * 2)
    assert measured(spec, key, slow, usual)["latency_p50"].status == "breached"
    failing = pl.Series(STATUS, ["500" if failed else "200" for failed in random.random(2880) < 0.02])
    assert measured(spec, key, rows.with_columns(failing), usual)["error_rate"].status == "breached"


def test_chunk_of_an_hour_has_no_worst_hour():
    spec = spec_of("hour")
    rows = rows_of(MONDAY, np.ones(60), ["200"] * 60, dt.timedelta(minutes=1))
    found = measured(spec, "2024-01-29T00:00", rows)
    assert not [name for name in found if name.endswith("worst_hour")]
    assert found["rows_per_hour"].value == 60.0


def test_dates_have_no_worst_hour_in_reference_and_chunk():
    spec = spec_of(thresholds={"error_rate_worst_hour": {"upper": 0.05}})
    random, midnight = np.random.default_rng(5), dt.timedelta(0)
    days = [
        rows_of(MONDAY - dt.timedelta(days=n), random.lognormal(3.0, 1.0, 300), ["200"] * 300, midnight)
        for n in range(28, 0, -1)
    ]
    frame = pl.concat(days)
    keys = chunk_keys(spec.calendar, frame["predicted_at"])
    learned = learn_operations(spec, "1", frame, keys, reference_hash="r")
    assert learned.hours == {}
    failing = rows_of(MONDAY, random.lognormal(3.0, 1.0, 300), ["500"] * 60 + ["200"] * 240, midnight)
    found = measured(spec, "2024-01-29", failing, learned)
    assert found["error_rate"].status == "breached"
    worst = found["error_rate_worst_hour"]
    assert (worst.status, worst.reason) == ("skipped", "the times of the rows are days, without hours")


def test_threshold_of_the_worst_hour_is_kept_without_a_reference():
    spec = spec_of(thresholds={"error_rate_worst_hour": {"upper": 0.05, "severity": "critical"}})
    codes = ["500" if 600 <= number < 660 else "200" for number in range(1440)]
    found = measured(spec, "2024-01-29", rows_of(MONDAY, np.ones(1440), codes, dt.timedelta(minutes=1)))
    worst = found["error_rate_worst_hour"]
    assert (worst.value, worst.status, worst.severity) == (1.0, "breached", "critical")
    assert "hour from 2024-01-29 10:00 (America/New_York): 60 of 60 rows failed" in worst.reason


def test_order_of_rows_changes_nothing():
    spec = spec_of()
    usual = reference(spec)
    random = np.random.default_rng(7)
    rows = rows_of(MONDAY, random.lognormal(3, 1, 1440), ["200", "500"] * 720, dt.timedelta(minutes=1))
    assert measured(spec, "2024-01-29", rows, usual) == measured(spec, "2024-01-29", rows.reverse(), usual)
