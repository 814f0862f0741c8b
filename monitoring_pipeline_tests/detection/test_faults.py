"""The faults of the scorecard change what they say, and nothing else."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks.detection.faults import FAULTS, GoodDay, bad_day, share_changed

ZONE = "America/New_York"
# The clocks change between the two days.
TODAY, BEFORE = dt.datetime(2013, 3, 10, 16, tzinfo=dt.UTC), dt.datetime(2013, 3, 3, 16, tzinfo=dt.UTC)
ROWS = 400


def _rows(start, word):
    random = np.random.default_rng(len(word))
    return pl.DataFrame(
        {
            "id": [f"{word}-{place}" for place in range(ROWS)],
            "at": [start + dt.timedelta(minutes=place) for place in range(ROWS)],
            "speed": random.normal(10, 2, ROWS),
            "height": random.normal(-5, 1, ROWS),
            "rain": [0.0] * ROWS,
            "place": random.choice(["Newark", "LaGuardia", "Kennedy"], ROWS, p=[0.5, 0.3, 0.2]),
            "weekday": ["Sun"] * ROWS,
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


@pytest.fixture(scope="module")
def day():
    return GoodDay(
        _rows(TODAY, "today"),
        _rows(BEFORE, "before"),
        ("speed", "height", "rain"),
        ("place", "weekday"),
        "id",
        "at",
        ZONE,
    )


def _made(day, name, seed=0):
    (fault,) = (fault for fault in FAULTS if fault.name == name)
    return bad_day(fault, day, np.random.default_rng(seed))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_repeatable_and_leaves_other_columns_as_they_were(day, fault):
    for seed in range(5):
        made, again = (bad_day(fault, day, np.random.default_rng(seed)) for _ in range(2))
        assert_frame_equal(made.rows, again.rows)
        assert share_changed(day.rows, made) >= 0.04
        assert made.rows.columns == day.rows.columns
        if made.columns and made.rows.height == ROWS:
            untouched = [name for name in day.rows.columns if name not in made.columns]
            assert_frame_equal(made.rows[untouched], day.rows[untouched])
            assert not any(made.rows[name].equals(day.rows[name], null_equal=True) for name in made.columns)


def test_a_column_without_effect_is_never_drawn(day):
    for name in ("sign flip", "scaled", "shifted decimal"):
        assert {_made(day, name, seed).columns for seed in range(30)} == {("speed",), ("height",)}
    assert {_made(day, "outage of a segment", seed).columns for seed in range(30)} == {("place",)}


def test_the_highest_fifth_of_a_number_is_missing(day):
    made = _made(replace(day, numbers=("speed",)), "missing, the highest").rows["speed"]
    assert made.null_count() == ROWS / 5
    assert made.max() < day.rows["speed"].filter(made.is_null()).min()


def test_a_shifted_decimal_makes_one_in_twenty_ten_times_as_large(day):
    made = _made(day, "shifted decimal")
    ratio = made.rows[made.columns[0]] / day.rows[made.columns[0]]
    assert set(ratio.round(9)) == {1.0, 10.0}
    assert 0.02 < (ratio > 5).mean() < 0.09


def test_swapped_columns_have_each_others_values(day):
    made = _made(day, "swapped columns")
    one, other = made.columns
    assert made.rows[one].equals(day.rows[other].alias(one))
    assert made.rows[other].equals(day.rows[one].alias(other))


def test_a_segment_is_gone_as_a_whole(day):
    made = _made(day, "outage of a segment")
    gone = set(day.rows["place"]) - set(made.rows["place"])
    assert len(gone) == 1
    assert_frame_equal(made.rows, day.rows.filter(~pl.col("place").is_in(list(gone))))


def test_a_stale_copy_keeps_the_time_of_the_clock_when_clocks_change(day):
    made = _made(day, "stale copy").rows
    assert_frame_equal(made.drop("id", "at"), day.earlier.drop("id", "at"))
    local = [rows["at"].dt.convert_time_zone(ZONE) for rows in (made, day.earlier)]
    assert local[0].dt.time().equals(local[1].dt.time())
    assert (local[0].dt.date() - local[1].dt.date()).unique().to_list() == [dt.timedelta(7)]
    assert set(made["id"]).isdisjoint(day.earlier["id"])


def test_duplicated_rows_are_copies_with_their_ids(day):
    made = _made(day, "duplicated rows").rows
    assert made.height > 1.1 * ROWS
    assert_frame_equal(made.unique(maintain_order=True), day.rows)


def test_a_fault_without_any_effect_is_refused(day):
    (fault,) = (fault for fault in FAULTS if fault.name == "sign flip")
    dry = replace(day, numbers=("rain",))
    with pytest.raises(ValueError, match="sign flip: no draw"):
        bad_day(fault, dry, np.random.default_rng(0))
