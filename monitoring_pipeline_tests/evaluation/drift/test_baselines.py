"""Baselines of a chunk: the chunks of each choice, refusals, and the subtraction of a part."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.drift.baselines import (
    CHUNKS_OF,
    WORDS,
    Baseline,
    baseline_chunks,
    baseline_keys,
    baseline_words,
    choose_baseline,
    without,
)
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, add_profiles
from monitoring_pipeline.spec.rules.drift import Against, DriftRules
from monitoring_pipeline_tests.spec.cases import binary_spec

# A Wednesday.
DAY = dt.date(2024, 3, 20)


def key(days_before):
    return (DAY - dt.timedelta(days=days_before)).isoformat()


def wanted_by(rules, day=DAY):
    return baseline_keys(spec_of(rules), day.isoformat())


def spec_of(rules):
    return binary_spec(drift=rules.model_dump(exclude_unset=True))


def rules_of(against, **changes):
    return DriftRules.model_validate({"against": against, **changes})


def profile_of(rows):
    return ChunkProfile("1", rows, (ColumnProfile("x", (0, rows, 0), sum_centred=rows / 2),))


@pytest.mark.parametrize(
    ("against", "window", "expected"),
    [
        ("reference", 28, []),
        ("previous_day", 28, ["2024-03-19"]),
        ("same_weekday", 28, ["2024-02-21", "2024-02-28", "2024-03-06", "2024-03-13"]),
        ("same_weekday", 7, ["2024-03-13"]),
        ("same_weekday", 13, ["2024-03-13"]),
        ("same_weekday", 14, ["2024-03-06", "2024-03-13"]),
        ("trailing_days", 7, [f"2024-03-{day}" for day in range(13, 20)]),
        # 2023-03-22 is the Wednesday of the year before
        ("last_year", 28, [f"2023-03-{day}" for day in range(19, 26)]),
    ],
)
def test_baseline_chunks_of_each_choice_are_listed_oldest_first(against, window, expected):
    assert list(wanted_by(rules_of(against, window_days=window))) == expected


@given(st.sampled_from(list(Against)), st.dates(dt.date(2000, 1, 1), dt.date(9998, 12, 31)), st.integers(7, 90))
def test_baseline_chunks_are_earlier_distinct_and_in_order(against, day, window):
    spec = spec_of(rules_of(against, window_days=window))
    keys = baseline_keys(spec, day.isoformat())
    days = [dt.date.fromisoformat(baseline_key) for baseline_key in keys]
    assert list(keys) == sorted(set(keys))
    assert list(days) == sorted(set(days))
    assert all(earlier < day for earlier in days)
    assert [chunk.key for chunk in baseline_chunks(spec, spec.calendar.chunk(day.isoformat()))] == list(keys)
    if against is Against.SAME_WEEKDAY:
        assert {earlier.weekday() for earlier in days} == {day.weekday()}
    if against in {Against.SAME_WEEKDAY, Against.TRAILING_DAYS}:
        assert all(day - earlier <= dt.timedelta(days=window) for earlier in days)


def test_baseline_of_every_choice_has_chunks_and_a_name():
    assert set(CHUNKS_OF) == set(WORDS) == set(Against)
    assert baseline_words(rules_of("trailing_days", window_days=14)) == "the 14 days before"
    assert baseline_words(rules_of("previous_day")) == "the day before"


def test_baseline_with_a_missing_day_is_the_sum_of_the_other_days():
    days = {key(n): profile_of(100 + n) for n in range(1, 30) if n != 3}
    rules = rules_of("trailing_days", window_days=7)
    found = choose_baseline(rules, wanted_by(rules), days, ())
    assert (len(found.keys), found.reason) == (6, None)
    assert key(3) not in found.keys
    assert found.profile["x"].counts == (0, 100 * 6 + 1 + 2 + 4 + 5 + 6 + 7, 0)
    assert found.profile.rows == found.profile["x"].rows


def test_baseline_with_a_day_not_profiled_yet_is_refused_with_its_key():
    days = {key(n): profile_of(100) for n in range(1, 8)}
    rules = rules_of("trailing_days", window_days=7)
    waiting = choose_baseline(rules, wanted_by(rules), days, {"2024-03-15"})
    assert waiting == Baseline(
        reason="1 of the 7 days to compare with are not profiled yet (2024-03-15): run them first"
    )
    many = choose_baseline(rules, wanted_by(rules), {}, {key(n) for n in range(10)})
    assert many.reason.startswith("7 of the 7 days")
    assert "(2024-03-13, 2024-03-14, 2024-03-15, ...)" in many.reason


def test_baseline_ignores_unprofiled_days_outside_its_choice():
    later = {key(0), key(-1), key(8)}
    rules = rules_of("previous_day")
    found = choose_baseline(rules, wanted_by(rules), {key(1): profile_of(60)}, later)
    assert (found.keys, found.reason) == (("2024-03-19",), None)


@pytest.mark.parametrize(("rows", "reason"), [(49, "49 rows in the day before, at least 50 needed"), (50, None)])
def test_baseline_with_fewer_than_minimum_rows_is_refused(rows, reason):
    rules = rules_of("previous_day")
    found = choose_baseline(rules, wanted_by(rules), {key(1): profile_of(rows)}, ())
    assert found.reason == reason
    assert (found.profile is None) is (reason is not None)


@pytest.mark.parametrize("against", [against for against in Against if against is not Against.REFERENCE])
def test_baseline_without_any_profiled_day_is_refused(against):
    found = choose_baseline(rules_of(against), wanted_by(rules_of(against)), {key(0): profile_of(500)}, ())
    assert found.profile is None
    assert found.reason == f"0 rows in {baseline_words(rules_of(against))}, at least 50 needed"


# Sums are whole multiples of a power of two, as the profile rounds them.
parts = st.tuples(
    st.lists(st.integers(0, 10**6), min_size=5, max_size=5),
    st.integers(-(2**40), 2**40).map(lambda units: units / 2**30),
    st.integers(0, 2**40).map(lambda units: units / 2**30),
).map(lambda drawn: ColumnProfile("x", tuple(drawn[0]), sum_centred=drawn[1], sum_squares_centred=drawn[2]))


@given(parts, parts)
def test_without_after_add_profiles_restores_the_exact_counts_and_sums(part, others):
    left = without(add_profiles(part, others), part)
    assert (left.counts, left.sum_centred, left.sum_squares_centred, left.column) == (
        others.counts, others.sum_centred, others.sum_squares_centred, "x",
    )  # fmt: skip
