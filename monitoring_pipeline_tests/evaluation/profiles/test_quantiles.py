"""Quantiles from counts: hand-worked, and within a bin of those of the values."""

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.profiles.bins import NumericBins, numeric_bins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile, profile_column
from monitoring_pipeline.evaluation.profiles.quantiles import SHOWN, quantiles_of

BINS = NumericBins(edges=(0.0, 10.0, 20.0), groups=(0, 1, 2, 3), centre=10.0)


def _profile(values, bins):
    return profile_column(nw.from_native(pl.LazyFrame({"x": values})), "x", bins)


def test_values_are_spread_evenly_over_their_bin():
    profile = ColumnProfile("x", (7, 1, 0, 0, 50, 50, 0, 3), minimum=0.0, maximum=19.0)
    assert quantiles_of(BINS, profile) == pytest.approx((1.0, 5.0, 10.0, 15.0, 19.0))


def test_outer_bins_end_at_the_extremes_of_two_digits():
    profile = ColumnProfile("x", (0, 0, 0, 100, 0, 0, 100, 0), minimum=-1234.0, maximum=78_910.0)
    assert quantiles_of(BINS, profile, (0.0, 1.0)) == pytest.approx((-1200.0, 79_000.0))


@pytest.mark.parametrize(("rows", "is_shown"), [(19, False), (20, True)])
def test_few_values_have_no_quantiles(rows, is_shown):
    profile = ColumnProfile("x", (500, 0, 0, 0, rows, 0, 0, 0), minimum=1.0, maximum=9.0)
    assert (quantiles_of(BINS, profile) is not None) is is_shown


@pytest.mark.parametrize("shift", [0.0, 3.0, -40.0])
def test_quantiles_of_a_chunk_are_within_a_bin_of_those_of_its_values(shift):
    draws = np.random.default_rng(3)
    bins = numeric_bins(draws.gamma(2.0, 5.0, 5_000))
    values = draws.gamma(2.0, 5.0, 2_000) + shift
    found = quantiles_of(bins, _profile(values, bins))
    exact = np.quantile(values, SHOWN)
    ends = np.array([values.min(), *bins.edges, values.max()])
    places = np.clip(np.searchsorted(ends, exact), 1, len(ends) - 1)
    assert found is not None
    assert np.abs(np.array(found) - exact).max() <= np.abs(ends[places] - ends[places - 1]).max()


def test_quantile_in_a_heavy_value_is_the_value():
    values = np.r_[np.zeros(700), np.linspace(0.1, 5.0, 300)]
    bins = numeric_bins(values)
    assert quantiles_of(bins, _profile(values, bins), (0.05, 0.5)) == (0.0, 0.0)
