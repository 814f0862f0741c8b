"""Codes of features for the domain classifier: hand-worked, and independent of the sides of the rows held out."""

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.fitted_models.coded_columns import fold_codes
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.statistics.boosted_trees import CODES

NUMERIC, CATEGORICAL = FeatureKind.NUMERIC, FeatureKind.CATEGORICAL


def _codes(columns, rows, current=None, folds=None):
    sides = np.arange(rows.height) % 2 == 0 if current is None else np.array(current)
    of_fold = np.arange(rows.height) % 3 if folds is None else np.array(folds)
    return fold_codes(columns, rows, sides, of_fold)


def test_few_distinct_numbers_have_a_code_each_and_missing_is_zero():
    rows = pl.DataFrame({"a": [5.0, None, -1.0, float("nan"), 5.0, float("inf"), 2.0]})
    assert _codes({"a": NUMERIC}, rows).shared.codes.tolist() == [[3, 0, 1, 0, 3, 0, 2]]


def test_many_numbers_have_codes_of_about_as_many_rows():
    values = np.random.default_rng(1).lognormal(0, 2, 3_100)
    (codes,) = _codes({"a": NUMERIC}, pl.DataFrame({"a": values})).shared.codes
    assert np.bincount(codes, minlength=CODES).tolist()[1:] == pytest.approx([100] * 31, abs=2)
    order = np.argsort(values)
    assert (np.diff(codes[order]) >= 0).all()


def test_column_without_values_has_the_code_of_missing():
    rows = pl.DataFrame({"a": [None, None], "plan": [None, None]}, schema={"a": pl.Float64, "plan": pl.String})
    assert _codes({"a": NUMERIC, "plan": CATEGORICAL}, rows).held_out(0).codes.tolist() == [[0, 0], [0, 0]]


def test_categories_are_coded_by_frequency_and_rare_ones_share_a_code():
    rows = pl.DataFrame({"plan": ["a"] * 3 + ["b"] * 2 + [None] + [f"rare {n:02}" for n in range(40)]})
    coded = _codes({"plan": CATEGORICAL}, rows).shared
    assert coded.categories.tolist() == [True]
    assert coded.codes[0, :6].tolist() == [1, 1, 1, 2, 2, 0]
    assert coded.codes[0].max() == CODES - 1
    assert (coded.codes[0] == CODES - 1).sum() == 12


def test_order_of_categories_is_that_of_their_shares_in_other_folds():
    # Of each category and fold there are a reference row and a current one, but of x only current rows in fold 0, and
    # of z only reference rows in fold 1.
    names, sides, folds = [], [], []
    for fold in range(3):
        for name in "xyz":
            names += [name] * 20
            folds += [fold] * 20
            is_current = {("x", 0): [True] * 20, ("z", 1): [False] * 20}.get((name, fold), [True, False] * 10)
            sides += is_current
    coded = _codes({"plan": CATEGORICAL}, pl.DataFrame({"plan": names}), sides, folds).held_out(2)
    assert coded.features == ("plan", "plan")
    assert coded.positions("plan") == (0, 1)
    by_row = {(name, fold): code for name, fold, code in zip(names, folds, coded.codes[1].tolist(), strict=True)}
    # Rows of fold 0 are ordered by fold 1, where the share of z is lowest, and rows of fold 1 by fold 0, where that of
    # x is highest. Held-out rows are ordered by both: the share of z, 0.3, is nearer to 0.5 than any edge.
    assert [by_row[name, 0] for name in "xyz"] == [1, 1, 0]
    assert [by_row[name, 1] for name in "xyz"] == [2, 1, 1]
    assert [by_row[name, 2] for name in "xyz"] == [2, 1, 1]


def test_codes_do_not_depend_on_the_sides_of_held_out_rows():
    random = np.random.default_rng(2)
    rows = pl.DataFrame({"plan": random.integers(0, 60, 600).astype(str), "a": random.normal(size=600)})
    sides, folds = random.random(600) < 0.5, np.arange(600) % 3
    columns = {"plan": CATEGORICAL, "a": NUMERIC}
    before = _codes(columns, rows, sides, folds).held_out(1).codes
    other_sides = np.where(folds == 1, ~sides, sides)
    np.testing.assert_array_equal(_codes(columns, rows, other_sides, folds).held_out(1).codes, before)
    changed = np.where(folds == 0, random.random(600) < 0.5, sides)
    assert (_codes(columns, rows, changed, folds).held_out(1).codes != before).any()
