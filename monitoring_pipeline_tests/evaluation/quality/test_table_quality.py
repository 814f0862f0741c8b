"""Volume, freshness and columns of a chunk's table, compared with the reference's days."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.quality.table import TableFacts, learn_chunks, measure_table
from monitoring_pipeline.evaluation.quality.volume import (
    ReferenceChunk,
    measure_volume,
    why_none_expected,
    without_least_rows,
)
from monitoring_pipeline.evaluation.rows.expected_gap import as_expected_gap, is_expected_gap
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec()
MONDAY = dt.date(2024, 3, 4)
HOUR = dt.timedelta(hours=1)
TYPES = {"customer": "VARCHAR", "scored_at": "TIMESTAMP", "probability": "DOUBLE", "age": "BIGINT", "note": "VARCHAR"}


def _days(*rows, gap=0.5):
    """Return days from Monday 2024-01-01 on."""
    first = dt.date(2024, 1, 1)
    return tuple(ReferenceChunk(str(first + dt.timedelta(days=n)), count, gap) for n, count in enumerate(rows))


ONE_MONDAY = _days(100)


def _times(day, rows, *, gap=0.25, spec=SPEC):
    """Return so many predictions a second apart, the newest so many hours before the day's end."""
    newest = spec.calendar.chunk(str(day)).end - gap * HOUR
    return pl.Series([newest - dt.timedelta(seconds=n) for n in range(rows)], dtype=pl.Datetime("us", "UTC"))


def _measured(rows=100, *, day=MONDAY, gap=0.25, days=ONE_MONDAY, columns=TYPES, known=TYPES, spec=SPEC):
    times = _times(day, rows, gap=gap, spec=spec)
    found = measure_table(spec, spec.calendar.chunk(str(day)), times, columns, TableFacts(days, known))
    by_name = {m.name: m for m in found}
    assert len(by_name) == len(found)
    assert {(m.kind, m.model_version, m.rows) for m in found} == {(Kind.QUALITY, "", rows)}
    return by_name


# ---- volume


@pytest.mark.parametrize(("rows", "status"), [
    (100, Status.OK), (145, Status.OK), (150, Status.BREACHED), (200, Status.BREACHED), (300, Status.BREACHED),
    (65, Status.OK), (50, Status.BREACHED), (0, Status.BREACHED),
])  # fmt: skip
def test_volume_ratio_is_relative_to_the_same_weekdays_median(rows, status):
    """The Mondays have 90, 100 and 600 rows; the other days do not count."""
    days = _days(90, 7, 7, 7, 7, 1, 1, 600, 7, 7, 7, 7, 1, 1, 100)
    volume = _measured(rows, days=days)["volume_ratio"]
    assert (volume.value, volume.status, volume.severity) == (rows / 100, status, Severity.WARNING)
    assert (volume.threshold_lower, volume.threshold_upper, volume.reference_value) == (0.65, 1.45, 1.0)
    expected = f"{rows} predictions, 100 are usual on this weekday" if status is Status.BREACHED else None
    assert volume.reason == expected


@pytest.mark.parametrize("share", [0.5, 2.0, 3.0])
@given(st.integers(10, 3000), st.floats(0, 0.15), st.integers(2, 12), st.integers(0, 999))
def test_day_loaded_by_half_twice_or_thrice_is_breached_whatever_the_size(share, usual, noise, weeks, seed):
    generator = np.random.default_rng(seed)
    sizes = np.maximum(1, np.round(usual * np.exp(generator.normal(0, noise, 7 * weeks)))).astype(int)
    mondays = np.median(sizes[::7])
    loaded = round(share * mondays)
    volume = _measured(loaded, days=_days(*map(int, sizes)))["volume_ratio"]
    if mondays >= 30:
        assert volume.status is Status.BREACHED


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.1])
@given(st.integers(3, 3000), st.integers(4, 12), st.integers(0, 999))
def test_limits_of_volume_leave_room_for_the_variation_of_the_reference(noise, usual, weeks, seed):
    generator = np.random.default_rng(seed)
    sizes = np.maximum(1, generator.poisson(usual * np.exp(generator.normal(0, noise, 7 * weeks))))
    days = _days(*map(int, sizes))
    limits = [_measured(int(sizes[0]), days=days)["volume_ratio"]]
    lower, upper = limits[0].threshold_lower, limits[0].threshold_upper
    # Most of the days that the limits were learned from lie within them.
    ratios = [rows / np.median(sizes[place % 7 :: 7]) for place, rows in enumerate(sizes)]
    assert np.mean([lower <= ratio <= upper for ratio in ratios]) >= 0.9


@pytest.mark.parametrize("usual", [1, 4, 20, 200])
def test_hours_with_few_predictions_have_wide_limits(usual):
    spec = binary_spec(cadence="hour")
    generator = np.random.default_rng(5)
    keys = [c.key for c in spec.calendar.chunks_of_days(dt.date(2024, 1, 1), dt.date(2024, 1, 28))]
    rows = generator.poisson(usual, len(keys))
    hours = tuple(ReferenceChunk(key, int(n), 0.1) for key, n in zip(keys, rows, strict=True) if n)
    slots = TableFacts(hours, TYPES).slots(spec)
    chunks = spec.calendar.chunks_of_days(dt.date(2024, 3, 4), dt.date(2024, 3, 10))
    blank = Measurement(kind=Kind.QUALITY, subject="chunk", name="", model_version="", value=0.0)
    found = [
        measure_volume(spec, chunk, slots, replace(blank, rows=int(n)), lambda: 0)
        for chunk, n in zip(chunks, generator.poisson(usual, len(chunks)), strict=True)
        if n
    ]
    # With fixed limits from 0.5 to 2.0 it would be a third of the hours that have 4 predictions.
    assert np.mean([m.status is Status.BREACHED for m in found]) <= 0.03, np.mean(
        [m.status is Status.BREACHED for m in found]
    )
    empty = [chunk for chunk in chunks if why_none_expected(spec.calendar, chunk, slots)]
    assert len(empty) == (len(chunks) if usual < 7 else 0)


def test_volume_of_few_days_of_reference_has_fixed_limits_off_the_commonest_faults():
    volume = _measured(days=_days(100))["volume_ratio"]
    assert (volume.threshold_lower, volume.threshold_upper) == (0.55, 1.8)


def test_rows_that_repeat_others_are_named_if_there_are_too_many():
    times = _times(MONDAY, 200)
    facts = TableFacts(ONE_MONDAY, TYPES)
    volume, *_ = measure_table(SPEC, SPEC.calendar.chunk(str(MONDAY)), times, TYPES, facts, repeated=lambda: 100)
    assert volume.reason == (
        "200 predictions, 100 are usual on this weekday; 100 equal another one in everything but the id"
    )


@pytest.mark.parametrize(("cadence", "key", "rows", "reason"), [
    ("week", "2024-03-04", 2000, "2000 predictions, 700 are usual in a week"),
    ("month", "2024-03", 9000, "9000 predictions, 3050 are usual in a month"),
    ("12 hours", "2024-03-04T12:00", 200, "200 predictions, 50 are usual at this hour of the weekday"),
])  # fmt: skip
def test_volume_of_every_cadence_is_relative_to_its_slot(cadence, key, rows, reason):
    spec = binary_spec(cadence=cadence)
    sizes = {"week": 700, "12 hours": 50}
    start, end = dt.date(2023, 12, 20), dt.date(2024, 2, 29)
    chunks = spec.calendar.chunks_of_days(dt.date(2023, 12, 1), dt.date(2024, 3, 31))
    known = tuple(
        ReferenceChunk(chunk.key, sizes.get(cadence, 3000 + 100 * n), 1.0)
        for n, chunk in enumerate(chunks)
        if chunk.end.date() >= start and chunk.start.date() <= end
    )
    facts = TableFacts(known, TYPES, "2023-12-20/2024-03-01")
    times = pl.Series([spec.calendar.chunk(key).start] * rows, dtype=pl.Datetime("us", "UTC"))
    volume, *_ = measure_table(spec, spec.calendar.chunk(key), times, TYPES, facts)
    # December lies only partly in the window, so that it is not usual for a month.
    assert volume.reason == (reason if cadence != "month" else "9000 predictions, 3150 are usual in a month")


# ---- chunks without predictions


WEEKDAYS_ONLY = tuple(chunk for chunk in _days(*[100] * 28) if dt.date.fromisoformat(chunk.chunk).weekday() < 5)


@pytest.mark.parametrize(("day", "reason"), [
    ("2024-03-09", "no predictions are expected: the reference has none on Saturdays"),
    ("2024-03-10", None), ("2024-03-06", None),
])  # fmt: skip
def test_day_without_predictions_in_the_reference_expects_none(day, reason):
    # The last Sunday lies behind the last day of the reference that has rows, so that 3 Sundays are known.
    slots = TableFacts(WEEKDAYS_ONLY, TYPES).slots(SPEC)
    found = why_none_expected(SPEC.calendar, SPEC.calendar.chunk(day), slots)
    assert found == (reason or (None if day == "2024-03-06" else found))
    assert (found is None) == (day == "2024-03-06")


def test_weekday_with_an_outage_in_the_reference_still_expects_predictions():
    days = tuple(chunk for chunk in _days(*[100] * 28) if chunk.chunk != "2024-01-10")
    slots = TableFacts(days, TYPES).slots(SPEC)
    assert all(
        why_none_expected(SPEC.calendar, chunk, slots) is None
        for chunk in SPEC.calendar.chunks_of_days(MONDAY, MONDAY + dt.timedelta(days=6))
    )


def test_slot_of_a_single_chunk_is_not_enough_to_expect_none():
    slots = TableFacts(tuple(c for c in _days(*[100] * 8) if c.chunk != "2024-01-06"), TYPES).slots(SPEC)
    assert why_none_expected(SPEC.calendar, SPEC.calendar.chunk("2024-03-09"), slots) is None


def test_measurements_of_an_expected_gap_are_skipped_except_those_of_the_table():
    found = [*_measured(0, columns=TYPES | {"new": "INT"}).values(), _rows(0, Status.BREACHED)]
    skipped = {m.name: m for m in as_expected_gap(found, "none on Saturdays")}
    assert {name for name, m in skipped.items() if m.status is Status.SKIPPED} == {
        "rows",
        "volume_ratio",
        "freshness_hours",
    }
    assert {skipped[name].reason for name in ("rows", "volume_ratio")} == {"none on Saturdays"}
    assert skipped["columns_new"].status is Status.BREACHED
    assert is_expected_gap(skipped.values())
    assert not is_expected_gap(found)


def test_few_predictions_are_no_breach_where_none_are_expected():
    (rows,) = without_least_rows([_rows(3, Status.BREACHED)])
    assert (rows.value, rows.status, rows.reason) == (3.0, Status.OK, None)


def _rows(count: int, status: Status) -> Measurement:
    return Measurement(
        kind=Kind.QUALITY, subject="chunk", name="rows", model_version="", value=float(count), status=status,
        severity=Severity.CRITICAL, reason="too few", threshold_lower=100.0,
    )  # fmt: skip


def test_volume_of_a_small_sunday_is_ok_if_sundays_are_small():
    days = _days(*[1000] * 6, 40)
    assert _measured(40, day=dt.date(2024, 3, 10), days=days)["volume_ratio"].status is Status.OK
    assert _measured(40, days=days)["volume_ratio"].status is Status.BREACHED


def test_weekday_of_volume_follows_the_models_time_zone():
    """Shortly after midnight in Auckland it is still Sunday in London."""
    spec = binary_spec(timezone="Pacific/Auckland")
    assert spec.calendar.chunk(str(MONDAY)).start.weekday() == 6
    assert _measured(40, days=_days(40, *[1000] * 6), spec=spec)["volume_ratio"].value == 1.0


def test_volume_of_a_weekday_without_reference_is_skipped():
    volume = _measured(day=MONDAY + dt.timedelta(days=1))["volume_ratio"]
    assert (volume.status, volume.reason) == (Status.SKIPPED, "the reference has no such weekday")
    assert _measured(days=())["volume_ratio"].status is Status.SKIPPED


@pytest.mark.parametrize(("limits", "rows", "status"), [
    ({"lower": 0.9}, 89, Status.BREACHED), ({"lower": 0.9}, 5000, Status.OK),
    ({"upper": 1.5}, 0, Status.OK), ({"upper": 1.5}, 151, Status.BREACHED),
])  # fmt: skip
def test_volume_limits_and_severity_are_set_by_the_spec(limits, rows, status):
    spec = binary_spec(quality__volume_ratio=limits | {"severity": "critical"})
    volume = _measured(rows, spec=spec)["volume_ratio"]
    assert (volume.status, volume.severity) == (status, Severity.CRITICAL)
    assert (volume.threshold_lower, volume.threshold_upper) == (limits.get("lower"), limits.get("upper"))


# ---- freshness


@pytest.mark.parametrize(("gaps", "gap", "status"), [
    ((0.2, 3.0, 1.0), 6.0, Status.OK), ((0.2, 3.0, 1.0), 6.25, Status.BREACHED),
    ((0.1, 0.2, 0.1), 2.0, Status.OK), ((0.1, 0.2, 0.1), 2.25, Status.BREACHED),  # an hour is no lateness
])  # fmt: skip
def test_freshness_limit_is_twice_the_longest_gap_of_the_reference(gaps, gap, status):
    days = tuple(ReferenceChunk(str(MONDAY - dt.timedelta(days=7 * n)), 100, own) for n, own in enumerate(gaps))
    fresh = _measured(gap=gap, days=days)["freshness_hours"]
    assert (fresh.value, fresh.status, fresh.reference_value) == (gap, status, sorted(gaps)[1])
    assert fresh.threshold_upper == 2 * max(1.0, *gaps)
    if status is Status.BREACHED:
        assert fresh.reason == (
            f"the newest prediction is {gap:.1f} hours older than the chunk's end, "
            f"at most {fresh.threshold_upper:.1f} by the reference's days"
        )


@pytest.mark.parametrize(("gap", "status"), [(1.5, Status.OK), (1.75, Status.BREACHED)])
def test_freshness_limit_of_the_spec_overrides_the_learned_one(gap, status):
    fresh = _measured(gap=gap, days=_days(100, gap=20.0), spec=binary_spec(quality__freshness="90m"))["freshness_hours"]
    assert (fresh.status, fresh.threshold_upper) == (status, 1.5)
    assert (fresh.reason or "").endswith("at most 1.5 allowed by the spec") == (status is Status.BREACHED)


def test_freshness_without_predictions_is_skipped_and_without_days_needs_a_limit_in_the_spec():
    fresh = _measured(0)["freshness_hours"]
    assert (fresh.status, fresh.reason) == (Status.SKIPPED, "no predictions")
    alone = _measured(days=(), gap=1.75)["freshness_hours"]
    assert (alone.status, alone.value) == (Status.SKIPPED, None)
    assert (alone.reason or "").endswith("quality.freshness may set a limit")
    limited = _measured(days=(), gap=1.75, spec=binary_spec(quality__freshness="90m"))["freshness_hours"]
    assert (limited.status, limited.threshold_upper, limited.reference_value) == (Status.BREACHED, 1.5, None)


# ---- what is learned


def test_chunks_are_learned_with_rows_and_gaps_across_a_clock_change():
    """Local days of Berlin; the clocks go forward on 2024-03-31, whose end is 22:00 UTC."""
    times = [
        dt.datetime(2024, 3, 29, 22, 30, tzinfo=dt.UTC),  # half an hour before the 29th ends
        dt.datetime(2024, 3, 29, 23, 30, tzinfo=dt.UTC),  # the 30th
        dt.datetime(2024, 3, 31, 21, 0, tzinfo=dt.UTC),
        dt.datetime(2024, 3, 31, 20, 0, tzinfo=dt.UTC),
        dt.datetime(2024, 3, 29, 6, 0, tzinfo=dt.UTC),
    ]
    rows = pl.DataFrame({"predicted_at": times}, schema={"predicted_at": pl.Datetime("us", "UTC")})
    assert learn_chunks(SPEC, rows) == (
        ReferenceChunk("2024-03-29", 2, 0.5),
        ReferenceChunk("2024-03-30", 1, 23.5),
        ReferenceChunk("2024-03-31", 2, 1.0),
    )
    assert learn_chunks(SPEC, rows.reverse()) == learn_chunks(SPEC, rows)
    assert learn_chunks(SPEC, rows.clear()) == ()


# ---- columns


def test_unchanged_columns_are_ok():
    found = _measured(columns=dict(reversed(TYPES.items())))
    columns = {name: m for name, m in found.items() if name.startswith("columns")}
    assert columns.keys() == {"columns_new", "columns_vanished", "columns_changed_type"}
    assert {(m.value, m.status, m.reason, m.subject) for m in columns.values()} == {(0.0, Status.OK, None, "table")}


def test_new_and_vanished_columns_are_listed_as_info():
    now = {name: kind for name, kind in TYPES.items() if name != "note"} | {"zip": "VARCHAR", "city": "VARCHAR"}
    found = _measured(columns=now)
    assert [(m.value, m.reason, m.status, m.severity) for m in (found["columns_new"], found["columns_vanished"])] == [
        (2.0, "city, zip", Status.BREACHED, Severity.INFO),
        (1.0, "note", Status.BREACHED, Severity.INFO),
    ]
    assert found["columns_changed_type"].status is Status.OK


@pytest.mark.parametrize(("column", "severity"), [
    ("age", Severity.WARNING), ("probability", Severity.WARNING), ("customer", Severity.WARNING),
    ("scored_at", Severity.WARNING), ("note", Severity.INFO),
])  # fmt: skip
def test_changed_type_of_a_used_column_is_a_warning(column, severity):
    changed = _measured(columns=TYPES | {column: "BLOB"})["columns_changed_type"]
    assert (changed.value, changed.status, changed.severity) == (1.0, Status.BREACHED, severity)
    assert changed.reason == f"{column} (was {TYPES[column]}, is BLOB)"


def test_changed_type_of_a_feature_is_matched_by_its_table_column():
    spec = binary_spec(features={"years": {"kind": "numeric", "column": "age"}, "note": "categorical"})
    found = _measured(columns=TYPES | {"age": "BLOB"}, spec=spec)["columns_changed_type"]
    assert found.severity is Severity.WARNING
    other = binary_spec(features={"age": {"kind": "numeric", "column": "years"}})
    assert _measured(columns=TYPES | {"age": "BLOB"}, spec=other)["columns_changed_type"].severity is Severity.INFO


def test_changed_types_with_one_used_column_are_a_warning():
    changed = _measured(columns=TYPES | {"age": "BLOB", "note": "BLOB"})["columns_changed_type"]
    assert (changed.value, changed.severity) == (2.0, Severity.WARNING)
    assert changed.reason == "age (was BIGINT, is BLOB), note (was VARCHAR, is BLOB)"


def test_reason_lists_at_most_five_columns():
    now = TYPES | {f"c{n}": "DOUBLE" for n in range(7)}
    assert _measured(columns=now)["columns_new"].reason == "c0, c1, c2, c3, c4, ..."
    assert _measured(columns=now)["columns_new"].value == 7.0


def test_reference_without_columns_has_no_column_measurements():
    assert _measured(known={}).keys() == {"volume_ratio", "freshness_hours"}
