"""Weak segments: planted ones are found, shuffled losses give none, chosen and tested on separate rows."""

import numpy as np
import polars as pl
import pytest
from scipy import stats

from monitoring_pipeline.evaluation.segments.binned_columns import binned
from monitoring_pipeline.evaluation.segments.weak_segments import CANDIDATES, Halves, halves_of, weak_segments
from monitoring_pipeline.spec.sources import FeatureKind

NUMERIC, CATEGORICAL = FeatureKind.NUMERIC, FeatureKind.CATEGORICAL


def _codes(generator, rows):
    return {f"f{number}": generator.integers(0, 4, rows) for number in range(8)}


def _found(seed, *, planted, rows=4000, days=1):
    generator = np.random.default_rng(seed)
    codes = _codes(generator, rows)
    inside = (codes["f2"] == 1) & (codes["f5"] == 3)
    chance = np.where(inside & planted, 0.55, 0.25)
    losses = ((generator.random(rows) < chance) - 0.25) ** 2
    halves = halves_of(np.arange(rows) * days // rows, generator)
    return [weak for weak in weak_segments(codes, losses, halves) if weak.p_value < 0.01]


@pytest.mark.parametrize("days", [1, 40])
def test_planted_segments_are_found_with_their_bins(days):
    found = [_found(seed, planted=True, days=days) for seed in range(20)]
    hits = [weak for weak in found if weak and (weak[0].features, weak[0].bins) == (("f2", "f5"), (1, 3))]
    assert len(hits) >= 18


@pytest.mark.parametrize("days", [1, 40])
def test_losses_without_a_weak_segment_seldom_give_one(days):
    assert sum(bool(_found(seed, planted=False, days=days)) for seed in range(60)) <= 3


def test_bad_days_are_no_weak_segment_of_what_was_frequent_on_them():
    def found(seed, *, within_days):
        generator = np.random.default_rng(seed)
        day = np.repeat(np.arange(30), 100)
        windy = generator.random(30) < 0.5
        loss_of_day = generator.gamma(1.0, 0.3, 30)
        codes = {"wind": (generator.random(day.size) < np.where(windy, 0.8, 0.2)[day]).astype(np.int64)}
        losses = loss_of_day[day] + generator.random(day.size)
        halves = halves_of(day if within_days else np.zeros_like(day), generator)
        return any(weak.p_value < 0.01 for weak in weak_segments(codes, losses, halves))

    by_days = sum(found(seed, within_days=True) for seed in range(60))
    by_rows = sum(found(seed, within_days=False) for seed in range(60))
    assert (by_days <= 3, by_rows >= 10) == (True, True), (by_days, by_rows)


def test_a_second_segment_is_found_beside_the_first():
    generator = np.random.default_rng(3)
    codes = _codes(generator, 8000)
    first, second = codes["f0"] == 2, (codes["f3"] == 0) & (codes["f4"] == 1)
    losses = generator.random(8000) + first * 0.5 + second * 0.4
    found = [weak for weak in weak_segments(codes, losses, halves_of(np.zeros(8000), generator)) if weak.p_value < 0.01]
    assert [(weak.features, weak.bins) for weak in found] == [(("f0",), (2,)), (("f3", "f4"), (0, 1))]


def test_numbers_are_those_of_the_other_half_as_welch_gives_them():
    generator = np.random.default_rng(1)
    codes = {"x": generator.integers(0, 2, 600)}
    losses = generator.random(600) * (1.0 + codes["x"])
    chosen_on = generator.random(600) < 0.5
    weak, *_ = weak_segments(codes, losses, Halves(chosen_on, np.zeros(600, dtype=np.int64), are_days=False))
    own, others = (losses[~chosen_on & (codes["x"] == bin_)] for bin_ in (1, 0))
    welch = stats.ttest_ind(own, others, equal_var=False, alternative="greater")
    interval = stats.ttest_ind(own, others, equal_var=False).confidence_interval(0.95)
    assert (weak.rows, weak.mean_loss) == (own.size, own.mean())
    assert weak.other_loss == pytest.approx(others.mean(), rel=1e-12)
    assert (weak.lower, weak.upper) == pytest.approx((interval.low, interval.high), rel=1e-12)
    assert weak.p_value == pytest.approx(CANDIDATES * welch.pvalue, rel=1e-9)


def test_few_rows_give_none():
    assert _found(0, planted=True, rows=30) == []


def test_halves_are_every_other_day_if_there_are_twenty():
    days = np.repeat(np.arange(20), 3)
    halves = halves_of(days, np.random.default_rng(0))
    assert set(days[halves.chosen_on].tolist()) == set(range(0, 20, 2))
    assert not halves_of(days[:57], np.random.default_rng(0)).are_days


def test_numbers_have_fifths_and_a_bin_without_a_value():
    column = pl.Series("x", [*range(1, 101), None, float("nan")], dtype=pl.Float64, strict=False)
    bins = binned(column, NUMERIC, np.arange(102) < 100)
    assert bins.words == (
        "x up to 20", "x above 20 up to 40", "x above 40 up to 60", "x above 60 up to 80", "x above 80",
        "x without a value",
    )  # fmt: skip
    assert np.bincount(bins.codes).tolist() == [20, 20, 20, 20, 20, 2]


def test_a_number_that_is_nearly_always_zero_has_two_bins():
    column = pl.Series("x", [0.0] * 85 + [float(value) for value in range(1, 16)])
    bins = binned(column, NUMERIC, np.ones(100, dtype=bool))
    assert bins.words[:2] == ("x up to 0", "x above 0")
    assert np.bincount(bins.codes).tolist() == [85, 15]


def test_a_number_that_is_nearly_always_at_its_largest_has_a_bin_below_it():
    column = pl.Series("x", [10.0] * 85 + [value / 2 for value in range(1, 16)])
    bins = binned(column, NUMERIC, np.ones(100, dtype=bool))
    assert bins.words[:2] == ("x up to 7.5", "x above 7.5")
    assert np.bincount(bins.codes).tolist() == [15, 85]


def test_values_with_few_rows_are_one_bin_and_are_not_named():
    column = pl.Series("c", ["a"] * 50 + ["b"] * 30 + ["rare"] * 19 + [None])
    bins = binned(column, CATEGORICAL, np.ones(100, dtype=bool))
    assert bins.words == ("c=a", "c=b", "c=other values", "c without a value")
    assert np.bincount(bins.codes).tolist() == [50, 30, 19, 1]


def test_a_number_of_few_values_has_a_bin_for_each():
    bins = binned(pl.Series("weekday", [1, 2] * 30), NUMERIC, np.ones(60, dtype=bool))
    assert bins.words[:2] == ("weekday=1", "weekday=2")


def test_a_dead_column_has_one_bin():
    bins = binned(pl.Series("x", [None] * 50, dtype=pl.Float64), NUMERIC, np.ones(50, dtype=bool))
    assert {bins.words[code] for code in bins.codes.tolist()} == {"x without a value"}
