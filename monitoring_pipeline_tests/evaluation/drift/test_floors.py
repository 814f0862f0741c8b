"""Floors: the shifts that they stand for, learning from days, and the choice of the floor that decides."""

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.evaluation.drift.columns import Counterpart, measure_drift
from monitoring_pipeline.evaluation.drift.comparison import Comparison
from monitoring_pipeline.evaluation.drift.floors import (
    LearnedFloor,
    LearnedFloors,
    from_normal,
    learn_floors,
    to_normal,
)
from monitoring_pipeline.evaluation.drift.healthy_chunks import thinned
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS, NUMERIC, Moved
from monitoring_pipeline.evaluation.profiles.bins import CategoricalBins, numeric_bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, sum_profiles
from monitoring_pipeline.records.measurement import Status
from monitoring_pipeline_tests.spec.cases import regression_spec

FIRST = dt.date(2024, 1, 1)
ROWS = 1_000
DAYS = 60
PLANS = CategoricalBins(("a", "b", "c"))
AMOUNTS = numeric_bins(stats.norm.ppf((np.arange(6000) + 0.5) / 6000))
BINS = {"plan": PLANS, "prediction": AMOUNTS}
SHARES = np.array([0.5, 0.3, 0.2])


def spec_of(**changes):
    return regression_spec(features={"plan": "categorical"}, drift__multivariate=[], **changes)


def day_of(rng, rows=ROWS, concentration=200.0, wobble=0.15):
    """Return the profile of a day whose shares and mean vary from day to day by more than chance."""
    plans = rng.multinomial(rows, rng.dirichlet(SHARES * concentration))
    amounts = np.digitize(rng.normal(rng.normal(0, wobble), 1, rows), AMOUNTS.edges)
    counts = np.bincount(amounts, minlength=len(AMOUNTS.edges) + 1).tolist()
    columns = (ColumnProfile("plan", (0, *plans.tolist(), 0)), ColumnProfile("prediction", (0, 0, 0, *counts, 0)))
    return ChunkProfile("1", rows, columns)


def days_of(rng, days=DAYS, **kinds):
    return {str(FIRST + dt.timedelta(days=day)): day_of(rng, **kinds) for day in range(days)}


# ---- what a floor means


def _normal(shift):
    """Return the profile of 10**8 rows of N(shift, 1) over the bins of N(0, 1)."""
    edges = np.array([-np.inf, *AMOUNTS.edges, np.inf])
    counts = np.round(1e8 * np.diff(stats.norm.cdf(edges - shift))).astype(int).tolist()
    rows = sum(counts)
    mean = shift - AMOUNTS.centre
    return ColumnProfile(
        "x", (0, 0, 0, *counts, 0), sum_centred=rows * mean, sum_squares_centred=rows * (1 + mean * mean)
    )


def _effect_of_shift(statistic, shift):
    quantiles = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    return statistic.effect(Comparison(AMOUNTS, _normal(0.0), _normal(shift), quantiles, quantiles + shift))


FLOORS_IN_DEVIATIONS = [
    ("jensen_shannon", 0.1, 0.241),
    ("psi", 0.1, 0.323),
    ("kullback_leibler", 0.03, 0.250),
    ("hellinger", 0.1, 0.290),
    ("total_variation", 0.1, 0.253),
    ("l_infinity", 0.05, 0.246),
    ("l_infinity_corrected", 0.05, 0.247),
    ("cramers_v", 0.1, 0.205),
    ("chi_squared", 0.1, 0.253),
    ("g_test", 0.1, 0.241),
    ("kolmogorov_smirnov", 0.1, 0.251),
    ("wasserstein", 0.1, 0.097),
    ("mean_difference", 0.25, 0.250),
    ("anderson_darling", 0.2, 0.291),
    ("cramer_von_mises", 0.08, 0.265),
    ("energy", 0.2, 0.267),
    ("mann_whitney", 0.15, 0.268),
]
"""Default floors, and the shift of a normal column, in its standard deviations, that reaches each.

| statistic | floor | shift |
|---|---|---|
| jensen_shannon, g_test | 0.1 | 0.24 sd |
| psi | 0.1 | 0.32 sd |
| kullback_leibler | 0.03 | 0.25 sd |
| hellinger | 0.1 | 0.29 sd |
| total_variation, chi_squared | 0.1 | 0.25 sd |
| l_infinity, l_infinity_corrected | 0.05 | 0.25 sd |
| cramers_v | 0.1 | 0.21 sd |
| kolmogorov_smirnov | 0.1 | 0.25 sd |
| wasserstein | 0.1 | 0.1 sd |
| mean_difference | 0.25 | 0.25 sd |
| anderson_darling | 0.2 | 0.29 sd |
| cramer_von_mises | 0.08 | 0.27 sd |
| energy | 0.2 | 0.27 sd |
| mann_whitney | 0.15 | 0.27 sd |

The shifts hold in the limit of many rows on both sides; with few rows chance adds to the effect.
"""


@pytest.mark.parametrize(("name", "floor", "shift"), FLOORS_IN_DEVIATIONS)
def test_default_floor_is_reached_by_the_listed_shift(name, floor, shift):
    statistic = DRIFT_STATISTICS[name]
    assert statistic.floor == floor
    assert _effect_of_shift(statistic, shift - 0.005) < floor < _effect_of_shift(statistic, shift + 0.005)


def test_list_of_shifts_contains_every_numeric_statistic_that_a_shift_moves():
    assert [name for name, _, _ in FLOORS_IN_DEVIATIONS] == [
        n for n, s in DRIFT_STATISTICS.items() if s.kinds >= NUMERIC and s.moves_with is not Moved.SPREAD
    ]


@pytest.mark.parametrize(
    ("name", "moved"), [("two_proportion_z", 0.1), ("fisher_exact", 0.1), ("jensen_shannon", 0.1168)]
)
def test_default_floor_of_two_even_categories_is_reached_by_the_listed_share(name, moved):
    """``moved`` is the share of rows that change their category."""
    bins, statistic = CategoricalBins(("a", "b")), DRIFT_STATISTICS[name]

    def effect(share):
        sides = [ColumnProfile("x", (0, round(1e7 * part), round(1e7 * (1 - part)), 0)) for part in (0.5, 0.5 + share)]
        return statistic.effect(Comparison(bins, *sides))

    assert effect(moved - 0.001) < statistic.floor < effect(moved + 0.001)


# ---- the scale


@pytest.mark.parametrize("bounded", [True, False])
@given(st.floats(0, 0.999))
def test_from_normal_inverts_to_normal(bounded, effect):
    scaled = float(to_normal(np.array([effect]), bounded=bounded)[0])
    assert from_normal(scaled, bounded=bounded) == pytest.approx(effect, abs=1e-9)


@pytest.mark.parametrize("bounded", [True, False])
def test_normal_scale_keeps_the_order_and_the_bounds(bounded):
    scaled = to_normal(np.linspace(0, 1, 50), bounded=bounded)
    assert (np.diff(scaled) > 0).all()
    assert np.isfinite(scaled).all()
    assert from_normal(-1.0, bounded=bounded) == 0.0
    assert from_normal(100.0, bounded=True) <= 1.0


def test_effects_by_chance_are_nearly_unskewed_on_the_normal_scale():
    """Squares of Jensen-Shannon distances of 10 cells are skewed, and their cube roots are not."""
    rng = np.random.default_rng(3)
    squares = rng.chisquare(9, 4000) / 3000
    assert stats.skew(squares) > 0.7
    assert abs(stats.skew(to_normal(np.sqrt(squares), bounded=True))) < 0.15


def effect_of(statistic, bins, expected, observed):
    return DRIFT_STATISTICS[statistic].effect(Comparison(bins, expected, observed))


# ---- thinning


@given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(0, 400), st.integers(0, 99))
def test_thinned_profile_has_the_rows_asked_for_or_all(counts, rows, seed):
    profile = ColumnProfile("x", tuple(counts))
    thin = thinned(profile, rows, PLANS, np.random.default_rng(seed))
    assert thin.rows == min(rows, profile.rows)
    assert all(0 <= left <= whole for left, whole in zip(thin.counts, counts, strict=True))


def test_thinned_counts_have_the_moments_of_a_hypergeometric_sample():
    rng = np.random.default_rng(4)
    drawn = np.array([thinned(ColumnProfile("x", (600, 300, 100)), 200, PLANS, rng).counts for _ in range(3000)])
    assert drawn.mean(axis=0) == pytest.approx([120, 60, 20], abs=0.5)
    # hypergeometric: n p (1 - p) (N - n) / (N - 1)
    assert drawn[:, 0].var() == pytest.approx(200 * 0.6 * 0.4 * 800 / 999, rel=0.1)


# ---- what is learned


def _alternating_days(first, third):
    """Return ten days of 100 rows with so many of the first category, and their effects beside the others.

    A day is compared with the others but its neighbours, each side one. The days alternate, so that they have no
    autocorrelation. The other column never changes.
    """
    counts = [(0, a, 100 - third - a, third, 0) for a in first]
    still = ColumnProfile("prediction", (100, *[0] * (len(AMOUNTS.edges) + 4)))
    days = {
        str(FIRST + dt.timedelta(days=i)): ChunkProfile("1", 100, (ColumnProfile("plan", own), still))
        for i, own in enumerate(counts)
    }
    effects = []
    for place, own in enumerate(counts):
        others = np.sum([other for at, other in enumerate(counts) if abs(at - place) > 1], axis=0)
        sides = (ColumnProfile("plan", tuple(map(int, others))), ColumnProfile("plan", own))
        effects.append(effect_of("jensen_shannon", PLANS, *sides))
    return days, np.array(effects)


def test_learned_floor_of_ten_days_matches_a_bound_computed_by_hand():
    """mean + t(9, 1 - 0.05 / 2) s sqrt(1 + 1 / 10) of the cube roots of -ln(1 - JS^2), two columns.

    The other column never changes, so three quarters of the skewness count.
    """
    days, effects = _alternating_days([30, 40, 31, 39, 32, 38, 33, 37, 34, 36], third=30)
    scaled = np.cbrt(-np.log(1 - effects**2))
    z, skewed = 1.959963985, min(max(0.75 * stats.skew(scaled, bias=False), 0), 1)
    quantile = 2.262157163 * (1 + (z * z - 1) / 6 * skewed / z)
    bound = scaled.mean() + quantile * scaled.std(ddof=1) * math.sqrt(1.1)
    learned = learn_floors(spec_of(drift__minimum_rows=2), "1", BINS, days)
    assert learned.days == 10
    assert learned.floor("plan", "jensen_shannon", 100) == pytest.approx(math.sqrt(1 - math.exp(-(bound**3))), rel=1e-8)


def test_learned_floor_of_a_column_of_two_values_matches_a_bound_computed_by_hand():
    """t(10, 1 - 0.05 / 4) sqrt(1 + 1 / 10) times the root mean square: one share determines the counts of a day."""
    days, effects = _alternating_days([45, 54, 47, 52, 50, 51, 44, 56, 49, 51], third=0)
    learned = learn_floors(spec_of(drift__minimum_rows=2), "1", BINS, days)
    bound = 2.633766915 * math.sqrt(1.1 * np.mean(effects**2))
    assert learned.floor("plan", "jensen_shannon", 100) == pytest.approx(bound, rel=1e-8)


@pytest.mark.parametrize("autocorrelation", [0.0, 0.8])
def test_healthy_days_of_a_column_that_wanders_exceed_its_floor_at_its_level(autocorrelation):
    """The mean of a day is autoregressive; 60 days are learned from, and the 60 days after a gap are judged.

    The level of one of two columns is 2.5 %. Floors that take days as independent are exceeded on 15 % if r = .8.
    """
    rng = np.random.default_rng(11)
    above = []
    for _ in range(12):
        means = rng.standard_normal(150)
        for day in range(1, 150):
            means[day] = autocorrelation * means[day - 1] + math.sqrt(1 - autocorrelation**2) * means[day]
        days = [_day_with_mean(rng, 0.2 * mean) for mean in means]
        healthy = {str(FIRST + dt.timedelta(days=place)): day for place, day in enumerate(days[:60])}
        total = sum_profiles(healthy.values())["prediction"]
        floor = learn_floors(spec_of(), "1", BINS, healthy).floor("prediction", "jensen_shannon", ROWS)
        above += [effect_of("jensen_shannon", AMOUNTS, total, day["prediction"]) >= floor for day in days[90:]]
    assert np.mean(above) <= 1.3 * 0.025 + 0.015


def _day_with_mean(rng, mean):
    below = stats.norm.cdf(np.asarray(AMOUNTS.edges) - mean)
    counts = rng.multinomial(ROWS, np.diff(below, prepend=0.0, append=1.0)).tolist()
    plans = rng.multinomial(ROWS, SHARES).tolist()
    return ChunkProfile(
        "1", ROWS, (ColumnProfile("plan", (0, *plans, 0)), ColumnProfile("prediction", (0, 0, 0, *counts, 0)))
    )


def test_floors_of_fewer_than_ten_days_are_not_learned():
    days = days_of(np.random.default_rng(5), days=9)
    learned = learn_floors(spec_of(), "1", BINS, days)
    assert (learned.floors, learned.days) == ((), 9)
    assert learned.reason == "9 days of the reference can be compared, at least 10 needed"
    assert learned.floor("plan", "jensen_shannon", 100) is None


def test_days_with_too_few_rows_are_not_counted_for_floors():
    days = days_of(np.random.default_rng(5), days=12)
    for day in list(days)[:3]:
        days[day] = day_of(np.random.default_rng(6), rows=49)
    assert learn_floors(spec_of(), "1", BINS, days).reason.startswith("9 days")


def test_floors_against_the_same_weekday_need_38_days():
    """The first 28 days are spent, because each day is compared with the same weekday of the 28 days before."""
    spec = spec_of(drift__against="same_weekday")
    learned = learn_floors(spec, "1", BINS, days_of(np.random.default_rng(5), days=37))
    assert learned.reason.startswith("9 days of the reference can be compared")
    assert learn_floors(spec, "1", BINS, days_of(np.random.default_rng(5), days=38)).reason is None


def test_floors_switched_off_are_not_learned():
    learned = learn_floors(spec_of(drift__learn_floors=False), "1", BINS, days_of(np.random.default_rng(5)))
    assert (learned.floors, learned.reason) == ((), "drift.learn_floors is off")


def test_floors_of_the_same_days_in_any_order_are_identical():
    days = days_of(np.random.default_rng(5), days=20)
    first, again = (learn_floors(spec_of(), "1", BINS, ordered) for ordered in (days, dict(reversed(days.items()))))
    assert first == again


def test_floor_of_a_larger_chunk_is_at_most_as_high():
    learned = learn_floors(spec_of(), "1", BINS, days_of(np.random.default_rng(5)))
    for column in ("plan", "prediction"):
        floors = [learned.floor(column, "jensen_shannon", rows) for rows in (1, 50, 75, 100, 300, 999, 1000, 5000)]
        assert floors == sorted(floors, reverse=True)
        assert floors[0] == floors[1] > 1.5 * floors[-1]
        assert floors[-2] == floors[-1]


def test_floor_between_sizes_is_linear_in_one_over_the_root_of_the_rows():
    floor = LearnedFloor("x", "psi", (100, 400), (0.3, 0.1))
    # 1 / sqrt: .1, .05; halfway .075, which is 177.8 rows
    assert floor.at(178) == pytest.approx(0.2, abs=1e-3)
    assert (floor.at(0), floor.at(50), floor.at(10**9)) == (0.3, 0.3, 0.1)


def test_false_alarm_share_is_split_over_the_watched_columns():
    days = days_of(np.random.default_rng(5))
    both = learn_floors(spec_of(), "1", BINS, days).floor("plan", "jensen_shannon", 1000)
    alone = learn_floors(spec_of(drift__ignore=["prediction"]), "1", BINS, days).floor("plan", "jensen_shannon", 1000)
    strict = learn_floors(spec_of(drift__false_alarm_share=0.01), "1", BINS, days).floor("plan", "jensen_shannon", 1000)
    assert alone < both < strict


@pytest.mark.parametrize("nulls", [ROWS, 960])
def test_after_one_dead_day_of_the_reference_drift_is_found_and_healthy_days_are_quiet(nulls):
    """Its distance is near 1, so that the floor would be. Its nulls stay in the reference that days are judged by."""
    rng = np.random.default_rng(5)
    days = days_of(rng, days=45)
    dead = list(days)[17]
    counts = [0] * len(days[dead]["prediction"].counts)
    counts[0], counts[3] = nulls, ROWS - nulls
    column = ColumnProfile("prediction", tuple(counts))
    with_dead = {**days, dead: replace(days[dead], columns=(days[dead]["plan"], column))}
    floors = learn_floors(spec_of(), "1", BINS, with_dead)
    against = Counterpart(BINS, sum_profiles(with_dead.values()), learned=floors.floor)
    later = [measure_drift(spec_of(), against, day) for day in days_of(rng, days=40).values()]
    distances = [m for day in later for m in day if (m.subject, m.name) == ("prediction", "jensen_shannon")]
    assert min(m.value for m in distances) > 0.1
    assert sum(m.status is Status.BREACHED for m in distances) <= 2
    assert floors.floor("prediction", "jensen_shannon", ROWS) < 0.2


def test_floors_of_varying_days_are_higher_than_floors_of_calm_days():
    rng = np.random.default_rng(7)
    calm, varying = (
        learn_floors(spec_of(), "1", BINS, days_of(rng, concentration=c, wobble=w)).floor
        for c, w in ((1e6, 0.0), (50.0, 0.4))
    )
    for column in ("plan", "prediction"):
        assert varying(column, "jensen_shannon", 1000) > 1.5 * calm(column, "jensen_shannon", 1000)


@pytest.mark.parametrize(("wobble", "least_above_blind"), [(0.15, 0.035), (0.05, 0.2)])
def test_floor_at_the_size_of_a_small_chunk_keeps_its_level_and_the_full_size_fails(wobble, least_above_blind):
    """References of 60 days of 1,000 rows that really vary; fresh healthy chunks of 300 rows, one column each.

    The share of chunks above the floor is near the nominal 2.5 %. The share above the floor at 1,000 rows is far
    larger, most of all if the days really vary little beside chance.
    """
    rng = np.random.default_rng(8)
    spec = spec_of(drift__ignore=["plan"])
    above, above_blind = [], []
    for _ in range(8):
        days = days_of(rng, wobble=wobble)
        total = sum_profiles(days.values())["prediction"]
        floor = learn_floors(spec, "1", BINS, days).floor
        for _ in range(125):
            chunk = day_of(rng, rows=300, wobble=wobble)["prediction"]
            effect = effect_of("jensen_shannon", AMOUNTS, total, chunk)
            above.append(effect >= floor("prediction", "jensen_shannon", 300))
            above_blind.append(effect >= floor("prediction", "jensen_shannon", 1000))
    assert 0.005 <= np.mean(above) <= 0.05
    assert np.mean(above_blind) > least_above_blind


# ---- which floor decides


def _judged(spec, learned, shift=0.0):
    rng = np.random.default_rng(9)
    reference = day_of(rng, rows=20_000, concentration=1e9, wobble=0.0)
    amounts = np.bincount(np.digitize(rng.normal(shift, 1, 2000), AMOUNTS.edges), minlength=len(AMOUNTS.edges) + 1)
    chunk = day_of(rng, rows=2000, concentration=1e9, wobble=0.0)
    chunk = replace(chunk, columns=(chunk.columns[0], ColumnProfile("prediction", (0, 0, 0, *amounts.tolist(), 0))))
    against = Counterpart(BINS, reference, learned=learned.floor)
    return {m.subject: m for m in measure_drift(spec, against, chunk)}["prediction"]


def _learned(floor):
    return LearnedFloors("", 60, (LearnedFloor("prediction", "jensen_shannon", (1000,), (floor,)),))


@pytest.mark.parametrize(
    ("floors", "learned", "decides", "reason"),
    [
        ({}, 0.05, 0.1, "is at least 0.1, and q"),
        ({}, 0.3, 0.3, "is at least 0.3 (learned from the reference's own days), and q"),
        ({"jensen_shannon": 0.2}, 0.15, 0.2, "is at least 0.2, and q"),
        ({"jensen_shannon": 0.2}, 0.25, 0.25, "is at least 0.25 (learned from the reference's own days), and q"),
        ({"prediction.jensen_shannon": 0.02}, 0.3, 0.02, "is at least 0.02, and q"),
        ({"prediction.jensen_shannon": 0.02, "jensen_shannon": 0.2}, 0.3, 0.02, "is at least 0.02, and q"),
    ],
)
def test_floor_is_the_columns_number_or_else_the_larger_of_statistic_and_learned(floors, learned, decides, reason):
    found = _judged(spec_of(drift__floors=floors), _learned(learned), shift=1.5)
    assert (found.status, found.threshold_upper) == (Status.BREACHED, decides)
    assert reason in found.reason


def test_learned_floor_above_a_usual_difference_prevents_a_breach():
    assert _judged(spec_of(), _learned(0.05), shift=0.5).status is Status.BREACHED
    assert _judged(spec_of(), _learned(0.3), shift=0.5).status is Status.OK


def test_reason_of_a_learned_floor_names_the_chunks_of_the_cadence():
    found = _judged(spec_of(cadence="week"), _learned(0.3), shift=1.5)
    assert "(learned from the reference's own weeks)" in found.reason
