"""What changed in a column is stated from what to what, and rare values are not quoted."""

import narwhals as nw
import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.profiles.bins import categorical_bins, numeric_bins
from monitoring_pipeline.evaluation.profiles.changed_values import changed_nulls, changed_values, new_values
from monitoring_pipeline.evaluation.profiles.profile import Unseen, profile_column


def _words(before, now, *, kind):
    bins = (
        numeric_bins(np.asarray([value for value in before if value is not None], np.float64))
        if kind is pl.Float64
        else categorical_bins({value: before.count(value) for value in before if value is not None})
    )
    sides = (pl.DataFrame({"x": pl.Series(side, dtype=kind)}).lazy() for side in (before, now))
    return changed_values(bins, *(profile_column(nw.from_native(side), "x", bins) for side in sides))


def test_column_that_was_always_null_and_is_filled_now_names_both():
    now = [None] * 71 + ["no"] * 102 + ["yes"] * 24 + ["maybe"] * 3
    words = _words([None] * 100, now, kind=pl.String)
    assert words == "null 100% → 36%, new values 'no' (102), 'yes' (24) and 3 rows of others"


@pytest.mark.parametrize(("rows", "words"), [(19, "none has 20 rows"), (20, "'Anna' (20)")])
def test_value_of_fewer_than_twenty_rows_is_not_quoted(rows, words):
    assert new_values([Unseen("Anna", rows)], rows) == words


def test_long_value_is_clipped_to_eighty_characters():
    (shown,) = new_values([Unseen("x" * 100, 30)], 30).split(" (")[:1]
    assert shown == repr("x" * 77 + "...")


def test_categories_that_moved_are_named_the_farthest_first():
    before = ["AA"] * 500 + ["UA"] * 400 + ["B6"] * 100
    now = ["AA"] * 200 + ["UA"] * 650 + ["B6"] * 150
    assert _words(before, now, kind=pl.String) == "'AA' 50% → 20%, 'UA' 40% → 65%, 'B6' 10% → 15%"


def test_numbers_state_mean_and_spread():
    before, now = [0.0, 2.0] * 50, [6.0, 14.0] * 50
    assert _words(before, now, kind=pl.Float64) == "mean 1 → 10, standard deviation 1 → 4"


@pytest.mark.parametrize(("share", "words"), [(5, "null 0% → 5%"), (1, "null 0% → 1%"), (0, None)])
def test_share_of_nulls_is_named_from_one_point_on(share, words):
    bins = numeric_bins(np.arange(100.0))
    sides = (pl.DataFrame({"x": [None] * count + [1.0] * (100 - count)}).lazy() for count in (0, share))
    assert changed_nulls(*(profile_column(nw.from_native(side), "x", bins) for side in sides)) == words


def test_nothing_is_stated_of_equal_columns_and_of_no_rows():
    assert _words([1.0, 2.0] * 50, [1.0, 2.0] * 20, kind=pl.Float64) is None
    assert _words([1.0, 2.0] * 50, [], kind=pl.Float64) is None
