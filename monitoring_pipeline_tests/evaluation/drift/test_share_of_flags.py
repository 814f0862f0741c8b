"""The share of flags that keeps the budget of false alarms: by a bound, by simulation, or as it is written."""

from types import SimpleNamespace

import pytest

from monitoring_pipeline.evaluation.drift.share_of_flags import openings_a_month, share_of_flags, surely_within_budget
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS
from monitoring_pipeline.statistics.samples.day_effects import DayEffect
from monitoring_pipeline.statistics.samples.openings import HealthyEffect
from monitoring_pipeline_tests.spec.cases import regression_spec

STATISTIC = DRIFT_STATISTICS["wasserstein"]


def _columns(autocorrelation, columns=4, chunks=60, rows=1_000):
    """Return columns of a reference whose chunks differ by more than chance."""
    effect = DayEffect(1.0, 1.0, autocorrelation)
    pair = (SimpleNamespace(rows=rows), None)
    return [SimpleNamespace(pairs=[pair] * chunks, day_effects={STATISTIC: effect}) for _ in range(columns)]


def test_the_default_budget_allows_the_default_share_on_days():
    spec = regression_spec()
    assert surely_within_budget(spec) == 0.05
    assert share_of_flags(spec, _columns(0.9)) == 0.05


@pytest.mark.parametrize(
    ("budget", "share"),
    [
        # By hand: 3 flags for each of .6 x .5 warnings in 30.4375 days.
        ({"warnings_per_month": 0.5}, 3 * 0.6 * 0.5 / 30.4375),
        # 10 flags for each of .6 x .2 pages in 91.3125 days.
        ({"pages_per_quarter": 0.2}, 10 * 0.6 * 0.2 / 91.3125),
    ],
)
def test_the_share_that_keeps_the_budget_whatever_the_dependence(budget, share):
    assert surely_within_budget(regression_spec(budget=budget)) == pytest.approx(share)


def test_independent_chunks_may_be_flagged_more_often_than_dependent_ones():
    spec = regression_spec(budget={"warnings_per_month": 0.1})
    sure = surely_within_budget(spec)
    shares = [share_of_flags(spec, _columns(autocorrelation)) for autocorrelation in (0.0, 0.5, 0.9)]
    assert sure <= shares[2] < shares[1] < shares[0] <= 0.05


def test_hours_are_flagged_less_often_than_days():
    assert share_of_flags(regression_spec(cadence="hour", schedule="20m"), _columns(0.9)) < 0.05


def test_weeks_are_few():
    assert share_of_flags(regression_spec(cadence="week"), _columns(0.9)) == 0.05


@pytest.mark.parametrize("written", [0.05, 0.2])
def test_a_written_share_stays(written):
    spec = regression_spec(budget={"warnings_per_month": 0.01}, drift__false_alarm_share=written)
    assert share_of_flags(spec, _columns(0.9)) == surely_within_budget(spec) == written


def test_openings_of_a_written_share_are_those_of_the_benchmark():
    """5.9 openings in 1,000 days with an autocorrelation of .8 and a known floor; hours are 24 times as many."""
    effect = HealthyEffect(0.8, 1.0, 1e9, 4_000)
    assert openings_a_month(regression_spec(), effect) == pytest.approx(5.9 * 30.4375 / 1_000, rel=0.2)
    hours = regression_spec(cadence="hour", schedule="20m")
    assert openings_a_month(hours, effect) == pytest.approx(24 * openings_a_month(regression_spec(), effect), rel=0.2)


def test_drift_for_information_spends_nothing():
    spec = regression_spec(budget={"warnings_per_month": 0.01}, drift__severity="info")
    assert share_of_flags(spec, _columns(0.9)) == 0.05


def test_critical_drift_spends_pages_with_each_opening():
    """By hand: 3 flags for each of .6 pages in 91.3125 days."""
    assert surely_within_budget(regression_spec(drift__severity="critical")) == pytest.approx(3 * 0.6 / 91.3125)


def test_wide_models_are_simulated_by_a_few_columns():
    spec = regression_spec(budget={"warnings_per_month": 0.1})
    few, many = (share_of_flags(spec, _columns(0.8, columns=columns)) for columns in (16, 400))
    assert few == many


def test_the_budget_belongs_to_the_rules_of_floors_and_not_to_old_hashes():
    plain, tight = regression_spec(), regression_spec(budget={"warnings_per_month": 0.5})
    same = regression_spec(budget={"warnings_per_month": 1.0, "pages_per_quarter": 1.0})
    assert plain.spec_hash == same.spec_hash != tight.spec_hash
    assert plain.learned_floors_hash == same.learned_floors_hash != tight.learned_floors_hash
    written = [regression_spec(drift__false_alarm_share=0.05, budget=b) for b in ({}, {"warnings_per_month": 0.5})]
    assert written[0].learned_floors_hash == written[1].learned_floors_hash != plain.learned_floors_hash
