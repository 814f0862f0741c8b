"""Kaplan-Meier against scipy and by hand, the thinned curve, weighted rows, and seeds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy import stats

from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.seeding import generator_of
from monitoring_pipeline.statistics.survival import Arrivals, kaplan_meier, thinned
from monitoring_pipeline.statistics.weights import effective_rows

OBSERVATIONS = st.lists(st.tuples(st.integers(0, 15).map(float), st.booleans()), min_size=1, max_size=60)


@given(OBSERVATIONS)
def test_kaplan_meier_matches_scipy(observations):
    durations, happened = (np.array(column) for column in zip(*observations, strict=True))
    censored = stats.CensoredData(uncensored=durations[happened], right=durations[~happened])
    theirs = stats.ecdf(censored).cdf
    assert kaplan_meier(durations, happened).at(theirs.quantiles) == pytest.approx(theirs.probabilities, abs=1e-12)


def test_kaplan_meier_matches_a_curve_by_hand():
    # At 1 one of 5 happens; at 2 one of 4, and one ends; at 5 one of the last 2; the one that ends at 8 never did.
    arrivals = kaplan_meier([1, 2, 2, 5, 8], [True, True, False, True, False])
    assert arrivals.durations == (1.0, 2.0, 5.0)
    assert arrivals.shares == pytest.approx((1 / 5, 1 - 4 / 5 * 3 / 4, 1 - 4 / 5 * 3 / 4 * 1 / 2))
    assert arrivals.at([0.0, 0.999, 1.0, 4.9, 5.0, 100.0]) == pytest.approx([0, 0, 0.2, 0.4, 0.7, 0.7])
    assert arrivals.ever == pytest.approx(0.7)


def test_kaplan_meier_without_censoring_is_the_share_by_then():
    durations = np.random.default_rng(1).exponential(5, 300)
    arrivals = kaplan_meier(durations, np.ones(300, dtype=bool))
    assert arrivals.at(np.sort(durations)) == pytest.approx(np.arange(1, 301) / 300)
    assert arrivals.ever == pytest.approx(1.0)


def test_kaplan_meier_without_events_has_no_steps():
    arrivals = kaplan_meier([1, 2], [False, False])
    assert arrivals == Arrivals((), ())
    assert arrivals.ever == 0.0
    assert arrivals.at([0.0, 5.0]).tolist() == [0.0, 0.0]


def test_kaplan_meier_of_censored_delays_is_unbiased():
    rng = np.random.default_rng(2)
    delay, watched = rng.exponential(10, 20_000), rng.uniform(0, 30, 20_000)
    arrivals = kaplan_meier(np.minimum(delay, watched), delay <= watched)
    hours = np.array([2.0, 5.0, 10.0, 20.0])
    assert arrivals.at(hours) == pytest.approx(1 - np.exp(-hours / 10), abs=0.015)


@given(OBSERVATIONS, st.randoms(use_true_random=False))
def test_kaplan_meier_does_not_depend_on_the_order_of_observations(observations, random):
    shuffled = random.sample(observations, len(observations))
    first, second = (kaplan_meier(*zip(*own, strict=True)) for own in (observations, shuffled))
    assert first == second


@pytest.mark.parametrize(("durations", "happened", "error", "message"), [
    ([1.0, 2.0], [True], ValueError, "shape"),
    ([1.0, -2.0], [True, True], ValueError, "duration 1 is -2"),
    ([np.nan], [True], ValueError, "duration 0 is nan"),
    ([np.inf], [False], ValueError, "duration 0 is inf"),
    ([], [], UndefinedStatisticError, "no observations"),
])  # fmt: skip
def test_kaplan_meier_of_invalid_observations_is_refused(durations, happened, error, message):
    with pytest.raises(error, match=message):
        kaplan_meier(durations, happened)


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.booleans()), min_size=1, max_size=200), st.sampled_from([1, 2, 5, 20, 100])
)
def test_thinned_curve_is_never_above_and_slightly_below_the_full_one(observations, steps):
    durations, happened = zip(*observations, strict=True)
    whole = kaplan_meier(durations, happened)
    thin = thinned(whole, steps)
    at = np.sort(np.concatenate([durations, [0.0, 2e6]]))
    too_low = whole.at(at) - thin.at(at)
    assert (too_low >= 0).all()
    assert (too_low < 1 / steps + 1e-12).all()
    assert thin.ever == whole.ever
    assert len(thin.shares) <= steps + 2


def test_thinned_curve_with_few_steps_is_unchanged():
    arrivals = kaplan_meier([1, 2, 3], [True, True, True])
    assert thinned(arrivals, 3) is arrivals


def test_arrivals_written_as_json_are_read_back_equal():
    adapter = TypeAdapter(Arrivals)
    arrivals = kaplan_meier([0.1, 0.7, 1 / 3], [True, True, False])
    assert adapter.validate_json(adapter.dump_json(arrivals)) == arrivals


@pytest.mark.parametrize(("weights", "rows"), [
    ([2, 2, 2], 3.0),
    ([1, 0, 0], 1.0),
    ([1, 3], 1.6),
    ([0, 0], 0.0),
    ([], 0.0),
])  # fmt: skip
def test_effective_rows_of_unequal_weights_are_fewer_than_rows(weights, rows):
    assert effective_rows(weights) == pytest.approx(rows)


def test_effective_rows_give_the_variance_of_a_weighted_mean():
    rng = np.random.default_rng(3)
    weights = rng.uniform(0.2, 3, 50)
    means = rng.normal(size=(20_000, 50)) @ weights / weights.sum()
    assert means.var() == pytest.approx(1 / effective_rows(weights), rel=0.05)


def test_seeds_depend_only_on_the_words():
    assert generator_of("churn", "1").integers(0, 2**63) == 6509645287563093411  # the same on every machine
    draws = {tuple(generator_of(*words).integers(0, 2**32, 2)) for words in [("a", "b"), ("b", "a"), ("a b",), ("ab",)]}
    assert len(draws) == 4
    assert generator_of("a", "b").random(3).tolist() == generator_of("a", "b").random(3).tolist()
