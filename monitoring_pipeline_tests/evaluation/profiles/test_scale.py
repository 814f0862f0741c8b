"""The factor between the values of two profiles of a column: a change of unit, and nothing else, has one."""

import math

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.api import compare
from monitoring_pipeline.evaluation.profiles.bins import categorical_bins, numeric_bins
from monitoring_pipeline.evaluation.profiles.profile import profile_column
from monitoring_pipeline.evaluation.profiles.scale import scale_between, scale_in_words
from monitoring_pipeline_tests.api.frames_for_tests import people

RANDOM = np.random.default_rng(11)
POPULATIONS = {
    "income": RANDOM.normal(3_000, 600, 3_000),
    "lognormal": RANDOM.lognormal(3, 0.8, 3_000),
    "around zero": RANDOM.normal(0.1, 2, 3_000),
    "share": RANDOM.beta(2, 5, 3_000),
    "count": RANDOM.poisson(4, 3_000).astype(float),
}


def _profiles(before, now):
    bins = numeric_bins(np.asarray(before, np.float64))
    profiles = (
        profile_column(nw.from_native(pl.DataFrame({"x": np.asarray(side, np.float64)}).lazy()), "x", bins)
        for side in (before, now)
    )
    return (bins, *profiles)


@pytest.mark.parametrize("population", POPULATIONS)
@given(exponent=st.floats(-4, 4).filter(lambda e: abs(e) > 0.5), seed=st.integers(0, 1_000))
def test_multiplied_values_have_their_factor(population, exponent, seed):
    values = POPULATIONS[population]
    now = np.random.default_rng(seed).choice(values, 400) * 10**exponent
    assert scale_between(*_profiles(values, now)) == pytest.approx(10**exponent, rel=0.35)


@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize("seed", range(5))
def test_values_of_the_same_unit_have_none(population, seed):
    random, values = np.random.default_rng(seed), POPULATIONS[population]
    same = random.choice(values, 400)
    for now in (same, same + values.std(), same + 3 * values.std(), np.where(random.random(400) < 0.5, -999.0, same)):
        assert scale_between(*_profiles(values, now)) is None


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_share_of_ones_is_no_unit(share):
    before, now = np.arange(2_000) % 50 == 0, np.arange(400) < 400 * share
    assert scale_between(*_profiles(before, now)) is None


@given(values=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=30, max_size=40))
def test_any_values_have_a_positive_factor_or_none(values):
    for sides in ((POPULATIONS["income"], values), (values, POPULATIONS["income"][:50])):
        factor = scale_between(*_profiles(*sides))
        assert factor is None or 0 < factor < math.inf


def test_few_or_equal_values_and_categories_have_none():
    assert scale_between(*_profiles(POPULATIONS["income"], POPULATIONS["income"][:20] * 100)) is None
    assert scale_between(*_profiles(POPULATIONS["income"], [5.0] * 400)) is None
    _, before, now = _profiles(POPULATIONS["income"], POPULATIONS["income"] * 100)
    assert scale_in_words(categorical_bins({"a": 3}), before, now) is None


@pytest.mark.parametrize(("factor", "words"), [(100, "100"), (1_000, "1,000"), (0.01, "0.01"), (0.001, "0.001")])
def test_mistake_of_a_unit_is_in_the_reasons_with_its_factor(factor, words):
    now = people(500, 2).with_columns(pl.col("income") * factor)
    result = compare(people(2_000, 1), now, drift={"multivariate": []})
    (reason,) = (reason for reason in result.reasons if "drift income" in reason)
    assert reason.endswith(f"; values are about {words} times those of the reference")
    assert not any("times those" in r for r in compare(people(2_000, 1), people(500, 2, older=15)).reasons)
