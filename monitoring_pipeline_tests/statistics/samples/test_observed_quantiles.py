"""Quantiles are values of the sample, and their intervals hold for heavy tails."""

import numpy as np
import pytest
from scipy import stats

from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.samples.observed_quantiles import observed_quantile


def test_median_of_five_values_by_hand():
    # P(at most 0 of 5 below the median) = 1/32 = .031 > .025, so no order statistic bounds it at 95 %.
    assert observed_quantile(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), 0.5) == type(observed_quantile(np.array([1.0]), 0.5))(
        3.0, None, None
    )
    # P(at most 0 of 6) = 1/64 = .016 <= .025: the smallest and the largest value bound it.
    six = observed_quantile(np.arange(1.0, 7.0), 0.5)
    assert (six.value, six.lower, six.upper) == (3.0, 1.0, 6.0)


@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
@pytest.mark.parametrize("rows", [1, 2, 20, 100, 101, 1000])
def test_value_is_numpys_inverted_distribution(share, rows):
    values = np.sort(np.random.default_rng(rows).standard_cauchy(rows))
    expected = np.quantile(values, share, method="inverted_cdf")
    assert observed_quantile(values, share).value == expected


def test_interval_holds_the_quantile_of_a_heavy_tail():
    random = np.random.default_rng(3)
    true = stats.cauchy.ppf(0.95)
    held = 0
    for _ in range(400):
        found = observed_quantile(np.sort(random.standard_cauchy(200)), 0.95)
        held += (found.lower is None or found.lower <= true) and (found.upper is None or true <= found.upper)
    assert held / 400 >= 0.93


def test_high_quantile_of_three_rows_has_no_upper_bound():
    found = observed_quantile(np.array([1.0, 2.0, 300.0]), 0.99)
    assert (found.value, found.lower, found.upper) == (300.0, 2.0, None)


def test_no_rows_have_no_quantile():
    with pytest.raises(UndefinedStatisticError, match="no rows"):
        observed_quantile(np.array([]), 0.5)
