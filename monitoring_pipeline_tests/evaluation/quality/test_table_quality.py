"""Volume, freshness and columns of a chunk's table, compared with the reference's days."""

import datetime as dt

import polars as pl
import pytest

from monitoring_pipeline.evaluation.quality.table import ReferenceChunk, TableFacts, learn_chunks, measure_table
from monitoring_pipeline.records.measurement import Kind, Severity, Status
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
    (100, Status.OK), (50, Status.OK), (49, Status.BREACHED), (200, Status.OK), (201, Status.BREACHED),
    (0, Status.BREACHED),
])  # fmt: skip
def test_volume_ratio_is_relative_to_the_same_weekdays_median(rows, status):
    """The Mondays have 90, 100 and 600 rows; the other days do not count."""
    days = _days(90, 7, 7, 7, 7, 1, 1, 600, 7, 7, 7, 7, 1, 1, 100)
    volume = _measured(rows, days=days)["volume_ratio"]
    assert (volume.value, volume.status, volume.severity) == (rows / 100, status, Severity.WARNING)
    assert (volume.threshold_lower, volume.threshold_upper, volume.reference_value) == (0.5, 2.0, 1.0)
    expected = f"{rows} predictions, 100 are usual on this weekday" if status is Status.BREACHED else None
    assert volume.reason == expected


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


def test_freshness_without_predictions_is_skipped_and_without_days_has_no_reference():
    fresh = _measured(0)["freshness_hours"]
    assert (fresh.status, fresh.reason) == (Status.SKIPPED, "no predictions")
    alone = _measured(days=(), gap=1.75)["freshness_hours"]
    assert (alone.status, alone.threshold_upper, alone.reference_value) == (Status.OK, 2.0, None)


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
