"""False-discovery control against its paper and statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from monitoring_pipeline.statistics.samples.multiple_testing import benjamini_hochberg

# Benjamini & Hochberg 1995, section 3.2
PAPER = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1.0),
]


def test_q_values_reject_four_as_in_the_paper():
    assert int((benjamini_hochberg(PAPER) <= 0.05).sum()) == 4


def test_q_values_match_values_by_hand():
    assert benjamini_hochberg([0.04, 0.01, 0.03]).tolist() == pytest.approx([0.04, 0.03, 0.04])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_q_values_match_statsmodels(p_values):
    expected = multipletests(p_values, method="fdr_bh")[1]
    assert benjamini_hochberg(p_values) == pytest.approx(expected, rel=1e-12, abs=1e-300)


@given(st.lists(st.floats(0, 1), max_size=40))
def test_q_values_are_probabilities_and_at_least_the_p_values(p_values):
    q_values = benjamini_hochberg(p_values)
    assert q_values.shape == (len(p_values),)
    assert (q_values >= np.array(p_values)).all()
    assert (q_values <= 1).all()


@pytest.mark.parametrize(
    ("p_values", "message"),
    [
        ([0.5, 1.2], r"p-value 1 is 1\.2"),
        ([float("nan")], "p-value 0 is nan"),
        ([[0.5]], r"shape \(1, 1\)"),
    ],
)
def test_q_values_of_invalid_p_values_are_refused(p_values, message):
    with pytest.raises(ValueError, match=message):
        benjamini_hochberg(p_values)
