"""The rule check on days of made-up references: rates of false alarms, and detected changes."""

import datetime as dt
from functools import cache

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.reference.reference import BuiltReference, build_reference
from monitoring_pipeline.evaluation.rule_check import changes_found as replayed_changes
from monitoring_pipeline.evaluation.rule_check import thresholds_breached as replayed_performance
from monitoring_pipeline.evaluation.rule_check.injected_changes import (
    errors_times,
    labels_flipped_in,
    nulls_in,
    shift_of,
)
from monitoring_pipeline.evaluation.rule_check.rule_check import replay
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline_tests.evaluation.cases import AS_OF, WINDOW
from monitoring_pipeline_tests.spec.cases import binary_spec, regression_spec

DAYS, ROWS = 15, 200
FEATURES = {"age": "numeric", "plan": "categorical", "clock": "numeric"}
ONLY_AGE = ("plan", "clock", "score", "prediction")
Found = dict[tuple[str, str], Measurement]


@cache
def build(*, wobble: float = 0.0, days: int = DAYS, labelled: bool = False) -> BuiltReference:
    """Return a reference whose days differ by chance, and by a wobble of the mean age; ``clock`` is the day's number.

    The score is calibrated and has an AUROC of about .8.
    """
    rng = np.random.default_rng(7)
    count = days * ROWS
    day = np.repeat(np.arange(days), ROWS)
    score = 1 / (1 + np.exp(-1.5 * rng.standard_normal(count)))
    rows = pl.DataFrame(
        {
            "row_id": [f"{n:08}" for n in rng.permutation(count)],
            "predicted_at": [dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC) + dt.timedelta(days=int(n)) for n in day],
            "model_version": "1",
            "age": rng.standard_normal(count) + np.repeat(wobble * rng.standard_normal(days), ROWS),
            "plan": rng.choice(["basic", "plus", "pro"], count, p=[0.6, 0.3, 0.1]),
            "clock": day.astype(float),
            "score": score,
            "prediction": np.where(score >= 0.5, "1", "0"),
        }
    ).sort("row_id")
    known_at = pl.col("predicted_at") + dt.timedelta(hours=1)
    label = (pl.Series(rng.random(count)) < rows["score"]).cast(pl.Float64)
    labels = rows.select("row_id", label.alias("label"), known_at.alias("known_at")).head(count if labelled else 0)
    return build_reference(spec_of(), "1", WINDOW, rows, labels, table_columns={}, as_of=AS_OF)


def replayed(spec: ModelSpec, built: BuiltReference) -> Found:
    return {(m.subject, str(m.metric)): m for m in replay(spec, built.reference, built.chunks, built.rows)}


def spec_of(**changes) -> ModelSpec:
    return binary_spec(features=FEATURES, **changes)


@pytest.fixture(scope="module")
def alike() -> Found:
    """Check days that differ by chance alone, except for the ignored clock, which changes every day."""
    spec = spec_of(drift__ignore=("clock", "prediction"), performance__thresholds={"auroc": {"lower": 0.75}})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(replayed_performance, "DAYS_CHANGED", 8)
        return replayed(spec, build(labelled=True))


@pytest.fixture
def only_age(monkeypatch):
    """Limit the check to few changes and one split, so that it is fast."""
    monkeypatch.setattr(replayed_changes, "COLUMN_CHANGES", (shift_of(0.0), shift_of(1.0)))


# ---- days that differ by chance


def test_false_alarm_rate_of_days_that_differ_by_chance_is_low(alike):
    rate = alike["chunk", "false_alarm_rate"]
    assert rate.value <= 0.1
    assert (rate.status, rate.threshold_upper, rate.rows) == (Status.OK, 0.05, DAYS)
    assert alike["chunk", "false_alarm_rate[sampling]"].value <= 0.1
    assert alike["chunk", "false_alarm_rate[in_order]"].rows == DAYS - DAYS * 2 // 3


def test_rates_are_within_their_intervals_and_have_a_definition(alike):
    shares = [m for m in alike.values() if not m.name.startswith("expected_")]
    assert all(m.lower <= m.value <= m.upper and m.upper > m.lower for m in shares)
    assert all(m.lower <= m.value <= m.upper for m in alike.values())
    assert all(m.kind is Kind.OPERATIONS and m.definition and m.model_version == "1" for m in alike.values())


def test_rule_check_leaves_out_ignored_columns(alike):
    shares = {subject for subject, name in alike if not name.startswith("expected_")}
    assert shares == {"chunk", "model", "age", "plan", "score"}


def test_larger_changes_are_detected_more_often_than_small_ones(alike):
    shifts = [alike["age", f"found[shift={size}sd]"].value for size in ("0.1", "0.25", "0.5", "1")]
    assert shifts == sorted(shifts)
    assert shifts[0] <= 0.2
    assert shifts[-1] == 1.0
    for column in ("age", "plan", "score"):
        assert alike[column, "found[nulls=20%]"].value >= 0.9
    assert alike["plan", "found[unseen=20%]"].value >= 0.9
    assert ("age", "found[unseen=20%]") not in alike
    assert ("plan", "found[shift=1sd]") not in alike


def test_flipped_labels_breach_the_threshold_of_performance(alike):
    assert alike["model", "false_alarm_rate"].value == alike["model", "false_alarm_rate[auroc]"].value <= 0.1
    assert alike["model", "found[labels_flipped=30%]"].value >= 0.6
    assert alike["model", "found[labels_flipped=10%]"].value < alike["model", "found[labels_flipped=30%]"].value


# ---- days that differ beyond chance


@pytest.mark.usefixtures("only_age")
def test_fixed_floors_give_false_alarms_on_varying_days_beyond_chance():
    fixed = spec_of(drift__ignore=ONLY_AGE, drift__learn_floors=False)
    built = build(wobble=0.6)
    found = replayed(fixed, built)
    rate = found["chunk", "false_alarm_rate"]
    assert rate.status is Status.BREACHED
    assert rate.value >= 0.5
    assert rate.reason == f"{rate.value:.1%} of healthy days, surely more than drift.false_alarm_share = 0.05"
    assert found["chunk", "false_alarm_rate[sampling]"].value <= 0.1
    # A change of size 0 is flagged on the same days, so comparing one column again equals measure_drift.
    assert found["age", "found[shift=0sd]"].value == found["age", "false_alarm_rate"].value == rate.value

    learned = spec_of(drift__ignore=ONLY_AGE)
    assert replayed(learned, built)["chunk", "false_alarm_rate"].value <= 0.15


@pytest.mark.usefixtures("only_age")
def test_ignored_column_that_changes_daily_gives_no_false_alarms():
    spec = spec_of(drift__ignore=ONLY_AGE, drift__learn_floors=False)
    built = build()
    assert replayed(spec, built)["chunk", "false_alarm_rate"].value <= 0.1
    watched = spec_of(drift__ignore=("plan", "score", "prediction"), drift__learn_floors=False)
    assert replayed(watched, built)["clock", "false_alarm_rate"].value == 1.0


@pytest.mark.usefixtures("only_age")
def test_detection_rates_are_low_without_change_high_with_it_in_any_order_of_rows():
    spec = spec_of(drift__ignore=ONLY_AGE)
    built = build()
    found = replayed(spec, built)
    assert found["age", "found[shift=0sd]"].value <= 0.1
    assert found["age", "found[shift=1sd]"].value >= 0.9
    shuffled = built.rows.sample(fraction=1.0, shuffle=True, seed=1)
    again = replay(spec, built.reference, dict(reversed(built.chunks.items())), shuffled)
    assert tuple(found.values()) == again


@pytest.mark.usefixtures("only_age")
def test_rule_check_of_statistics_that_need_rows_uses_samples():
    spec = spec_of(drift__ignore=ONLY_AGE, drift__numeric="mann_whitney")
    found = replayed(spec, build())
    assert found["chunk", "false_alarm_rate"].value <= 0.1
    assert found["age", "found[shift=1sd]"].value == 1.0


@pytest.mark.usefixtures("only_age")
def test_rule_check_against_the_previous_day_uses_the_previous_days():
    spec = spec_of(drift__ignore=ONLY_AGE, drift__against="previous_day")
    found = replayed(spec, build())
    assert found["chunk", "false_alarm_rate"].rows == DAYS - 1
    assert found["chunk", "false_alarm_rate"].value <= 0.15
    assert "beside the day before" in found["chunk", "false_alarm_rate"].definition
    assert ("chunk", "false_alarm_rate[in_order]") not in found


# ---- what cannot be replayed


def test_rule_check_of_too_few_days_is_skipped_with_a_reason():
    spec = spec_of(performance__thresholds={"auroc": {"lower": 0.7}})
    found = replayed(spec, build(days=9, labelled=True))
    assert found["chunk", "false_alarm_rate"].reason == (
        "9 days of the reference with at least 50 rows can be compared with the reference, at least 13 needed"
    )
    assert found["model", "false_alarm_rate"].reason == "9 days with at least 50 labelled rows, at least 10 needed"
    assert len(found) == 2


@pytest.mark.usefixtures("only_age")
def test_constant_column_is_not_shifted_and_thresholds_without_labels_are_left_out():
    spec = spec_of(
        drift__ignore=("age", "plan", "clock", "prediction"), performance__thresholds={"auroc": {"lower": 0.7}}
    )
    built = build(days=13)
    constant = built.rows.with_columns(pl.lit(0.5).alias("score"), pl.lit("1").alias("prediction"))
    labels = pl.DataFrame(schema={"row_id": pl.String, "label": pl.Float64, "known_at": pl.Datetime("us", "UTC")})
    rows = constant.drop("label", "known_at")
    built = build_reference(spec, "1", WINDOW, rows, labels, table_columns={}, as_of=AS_OF)
    found = replayed(spec, built)
    assert found["score", "found[shift=1sd]"].status is Status.SKIPPED
    assert "score is constant in the reference" in found["score", "found[shift=1sd]"].reason
    assert {m.name for m in found.values() if m.subject == "model"} == {"expected_openings", "expected_pages"}


# ---- the changes


def test_shift_moves_the_mean_and_keeps_whole_numbers_whole():
    rng = np.random.default_rng(1)
    real, whole = pl.Series(rng.normal(0, 2, 5000)), pl.Series(rng.poisson(3, 5000).astype(float))
    assert np.allclose(shift_of(0.25).apply(real, 2.0, rng) - real, 0.5)
    moved = shift_of(0.25).apply(whole, 1.2, rng) - whole
    assert set(moved.to_list()) == {0.0, 1.0}
    assert moved.mean() == pytest.approx(0.3, abs=0.03)
    assert shift_of(0.0).apply(whole, 1.2, rng).to_list() == whole.to_list()


def test_injected_changes_affect_exactly_their_share_of_rows():
    rng = np.random.default_rng(1)
    assert nulls_in(0.05).apply(pl.Series(np.arange(200.0)), None, rng).null_count() == 10
    rows = pl.DataFrame({"label": ["a", "b", "c", "a"] * 50, "prediction": "a"})
    flipped = labels_flipped_in(0.3).apply(rows, ("a", "b", "c"), rng)
    assert (flipped != rows["label"]).sum() == 60
    assert set(flipped.to_list()) == {"a", "b", "c"}
    numbers = pl.DataFrame({"label": [0.0, 1.0] * 50, "prediction": "1"})
    flipped = labels_flipped_in(0.1).apply(numbers, (), rng)
    assert (flipped - numbers["label"]).abs().sum() == 10
    assert set(flipped.to_list()) == {0.0, 1.0}


def test_errors_of_a_forecast_grow_by_the_factor_and_breach():
    rng = np.random.default_rng(3)
    spec = regression_spec(
        features={"age": "numeric"},
        drift__ignore=("age", "prediction"),
        performance__thresholds={"mean_absolute_error": {"upper": 1.0}, "median_absolute_error": {"upper": 9.0}},
    )
    count = 12 * ROWS
    rows = pl.DataFrame(
        {
            "row_id": [f"{n:08}" for n in range(count)],
            "predicted_at": [dt.datetime(2024, 1, 1 + n % 12, 12, tzinfo=dt.UTC) for n in range(count)],
            "model_version": "1",
            "age": rng.standard_normal(count),
            "prediction": rng.normal(50, 5, count),
        }
    )
    label = rows["prediction"] + pl.Series(rng.standard_normal(count))
    labels = rows.select("row_id", label.alias("label"), pl.col("predicted_at").alias("known_at"))
    wider = errors_times(2.0).apply(rows.join(labels, on="row_id"), (), rng)
    assert np.allclose(wider - rows["prediction"], 2 * (label - rows["prediction"]))
    found = replayed(spec, build_reference(spec, "1", WINDOW, rows, labels, table_columns={}, as_of=AS_OF))
    assert found["model", "false_alarm_rate[mean_absolute_error]"].value == 0.0
    assert found["model", "found[errors=x1.5]"].value >= 0.9
    assert found["model", "found[errors=x2]"].value == 1.0
    assert found["model", "found[errors=x2]"].rows == 12


# ---- incidents to expect


def test_expected_incidents_add_up(alike):
    causes = ("inputs", "outputs", "performance", "data")
    for name in ("expected_openings", "expected_pages"):
        assert alike["model", name].value == pytest.approx(sum(alike[cause, name].value for cause in causes))
    # By hand: the parts of one warning a month and one page a quarter.
    assert [alike[cause, "expected_openings"].threshold_upper for cause in causes] == pytest.approx(
        [0.6, 0.6, 0.2, 0.2]
    )
    assert [alike["model", name].threshold_upper for name in ("expected_openings", "expected_pages")] == [1.0, 1.0]


def test_days_that_differ_by_chance_open_hardly_any_incident(alike):
    assert alike["inputs", "expected_openings"].value < 0.1
    assert alike["data", "expected_openings"].value == 0.0
    # 15 days without an opening show no more than 3.0 openings in them (Garwood).
    assert alike["data", "expected_openings"].upper == pytest.approx(2.996 * 30.4375 / 15, rel=1e-3)


def test_a_floor_that_healthy_days_reach_gives_pages_beyond_the_budget(only_age):
    built = build(wobble=0.5)
    learned, fixed = (
        replayed(spec_of(drift__ignore=ONLY_AGE, **changes), built)["inputs", "expected_pages"]
        for changes in ({}, {"drift__floors": {"age.wasserstein": 0.2}})
    )
    assert learned.status is Status.OK
    assert fixed.value > 0.6 > learned.value
    assert fixed.reason == f"{fixed.value:.2g} a quarter, the budget allows 0.6"
