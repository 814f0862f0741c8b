"""Histograms of equal width from counts over a reference's bins, compared with histograms of the rows."""

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.profiles.bins import NumericBins, numeric_bins
from monitoring_pipeline.evaluation.profiles.histogram import CELLS, Histogram, histograms
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile, profile_column

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=200)


def profiled(values: list[float | None], bins: NumericBins) -> ColumnProfile:
    frame = nw.from_native(pl.LazyFrame({"x": pl.Series(values, dtype=pl.Float64)}))
    return profile_column(frame, "x", bins)


def drawn(reference: list[float], current: list[float | None]) -> Histogram | None:
    bins = numeric_bins(np.array(reference))
    return histograms(bins, profiled(list(reference), bins), profiled(current, bins))


@given(VALUES, VALUES)
def test_every_finite_value_is_in_a_cell_or_beyond_the_axis(reference: list[float], current: list[float]) -> None:
    found = drawn(reference, list(current))
    if found is None:
        return
    for shares, below, above in zip(found.shares, found.below, found.above, strict=True):
        assert sum(shares) + below + above == pytest.approx(1.0)
        assert min((*shares, below, above)) >= -1e-12


def test_shares_are_those_of_all_rows_so_that_nulls_and_nan_shrink_them() -> None:
    reference = list(np.linspace(0, 1, 1001))
    found = drawn(reference, [*reference, *[None] * 500, *[float("nan")] * 500])
    assert found is not None
    assert sum(found.shares[1]) + found.below[1] + found.above[1] == pytest.approx(1001 / 2001)


def test_uniform_rows_fill_the_cells_as_numpy_counts_them() -> None:
    reference = list(np.linspace(0, 100, 6001))
    current: list[float | None] = list(np.linspace(20, 60, 4001))
    found = drawn(reference, current)
    assert found is not None
    counted, _ = np.histogram([value for value in current if value is not None], bins=found.edges)
    assert found.shares[1] == pytest.approx(counted / 4001, abs=0.012)
    assert len(found.edges) == CELLS + 1


def test_rows_above_the_reference_are_named_and_not_lost() -> None:
    found = drawn(list(np.linspace(0, 1, 1000)), [5.0] * 10)
    assert found is not None
    assert sum(found.shares[1]) == pytest.approx(0.0)
    assert found.above[1] == pytest.approx(1.0)


def test_one_outlier_of_the_reference_does_not_flatten_the_axis() -> None:
    found = drawn([*np.linspace(0, 1, 9_999), 1e9], list(np.linspace(0, 1, 100)))
    assert found is not None
    assert found.edges[-1] < 2


@pytest.mark.parametrize("reference", [[3.0, 3.0, 3.0], [], [float("inf")]])
def test_reference_without_a_range_has_no_histogram(reference: list[float]) -> None:
    bins = numeric_bins(np.array(reference))
    found = histograms(bins, profiled(list(reference), bins), profiled([1.0], bins))
    assert found is None or found.edges[-1] > found.edges[0]
    assert (found is None) or reference == [3.0, 3.0, 3.0]
