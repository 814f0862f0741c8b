"""Quality of columns from counts: nulls, unseen categories, values out of range, constant columns."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.reference.reference import build_reference
from monitoring_pipeline.records.measurement import Kind, Severity, Status
from monitoring_pipeline_tests.evaluation.cases import (
    AS_OF,
    NO_LABELS,
    NOON,
    WINDOW,
    canonical,
    features,
    profile_of,
    reference_of,
)
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec()
REFERENCE_COLUMNS = features(np.random.default_rng(1), 5000)
REFERENCE = reference_of(SPEC, REFERENCE_COLUMNS)


def _fresh(rows, *, seed=2, shift=0.0):
    return features(np.random.default_rng(seed), rows, shift=shift)


def _quality(columns, reference=REFERENCE):
    found = measure_columns(reference.columns, profile_of(reference, canonical(SPEC, columns)))
    by_name = {(m.subject, m.name): m for m in found}
    assert len(by_name) == len(found)
    return by_name


def test_columns_have_the_measurements_of_their_kind():
    found = _quality(_fresh(300))
    of_all, of_numbers, of_categories = {"null_share", "constant"}, {"out_of_range_share"}, {"unseen_share"}
    assert {subject: {name for own, name in found if own == subject} for subject in SPEC.columns} == {
        "age": of_all | of_numbers, "score": of_all | of_numbers,
        "plan": of_all | of_categories | {"vanished_share"}, "prediction": of_all | of_categories,
    }  # fmt: skip
    assert {(m.kind, m.model_version, m.rows) for m in found.values()} == {(Kind.QUALITY, "1", 300)}
    assert {key for key, m in found.items() if m.status is not Status.OK} == set()
    assert all(m.definition for m in found.values())


# ---- shares of null and of unseen categories


def test_null_share_has_the_references_share_as_reference_value():
    columns = _fresh(400) | {"age": [None] + [1.0] * 399}
    share = _quality(columns)["age", "null_share"]
    assert (share.value, share.reference_value, share.rows, share.status) == (0.0025, 0.0, 400, Status.OK)


def test_larger_share_of_nulls_is_breached_even_if_the_column_has_not_drifted():
    """A share of 0 may rise by .2 in Cohen's h, which is sin^2 .1."""
    columns = _fresh(1000) | {"age": [None] * 20 + [1.0] * 980}
    share = _quality(columns)["age", "null_share"]
    assert (share.status, share.severity) == (Status.BREACHED, Severity.WARNING)
    assert share.threshold_upper == pytest.approx(np.sin(0.1) ** 2, rel=1e-12)
    assert share.reason == "2.0% of the values of age are null, in the reference 0.0%; up to 1.0% are usual"


@pytest.mark.parametrize(("rows", "nulls", "status"), [
    (50, 1, Status.OK), (50, 2, Status.BREACHED), (1000, 9, Status.OK), (1000, 15, Status.BREACHED),
])  # fmt: skip
def test_larger_share_of_nulls_needs_more_evidence_than_one_row(rows, nulls, status):
    """Of 5,000 rows of the reference none is null; one null in 50 rows has p = .0099, too large for four columns."""
    columns = _fresh(rows) | {"age": [None] * nulls + [1.0] * (rows - nulls)}
    assert _quality(columns)["age", "null_share"].status is status


def test_usual_nulls_are_learned_from_the_days_of_the_reference():
    facts = replace(REFERENCE.columns, learned=lambda column, name, _rows: 0.5 if name == "null_share" else None)
    columns = _fresh(1000) | {"age": [None] * 50 + [1.0] * 950}
    found = {(m.subject, m.name): m for m in measure_columns(facts, profile_of(REFERENCE, canonical(SPEC, columns)))}
    share = found["age", "null_share"]
    assert (share.status, share.threshold_upper) == (Status.OK, pytest.approx(np.sin(0.25) ** 2))


@pytest.mark.parametrize(("reference_nulls", "rows", "status"), [
    (0, 100, Status.BREACHED), (0, 1, Status.BREACHED), (5000, 100, Status.OK), (4000, 3, Status.OK),
    (4000, 100, Status.BREACHED), (2500, 6, Status.OK), (2500, 7, Status.BREACHED),
])  # fmt: skip
def test_column_of_nulls_only_is_breached_unless_chance_explains_it(reference_nulls, rows, status):
    """Seven rows that are null with probability 1/2 are all null with probability 1/128."""
    ages = [None] * reference_nulls + [1.0] * (5000 - reference_nulls)
    reference = reference_of(SPEC, REFERENCE_COLUMNS | {"age": ages})
    share = _quality(_fresh(rows) | {"age": [None] * rows}, reference=reference)["age", "null_share"]
    assert (share.value, share.status) == (1.0, status)


def test_unseen_categories_are_listed_in_the_reason():
    plans = _fresh(1000)["plan"].tolist()
    plans[:150] = ["gold"] * 149 + ["tin"]
    unseen = _quality(_fresh(1000) | {"plan": plans})["plan", "unseen_share"]
    assert (unseen.value, unseen.status, unseen.severity) == (0.15, Status.BREACHED, Severity.WARNING)
    assert unseen.reason == "15.0% of the rows have unseen categories: 'gold' (149) and 1 row of another"


def test_breach_names_what_else_changed_in_its_column():
    plans = [None] * 500 + ["gold"] * 500
    found = _quality(_fresh(1000) | {"plan": plans})
    unseen = "50.0% of the rows have unseen categories: 'gold' (500); null 0% → 50%"
    assert found["plan", "unseen_share"].reason == unseen
    assert found["plan", "null_share"].reason.endswith("; new values 'gold' (500)")


def test_few_unseen_categories_are_told_as_info():
    plans = _fresh(1000)["plan"].tolist()
    plans[:5] = ["gold"] * 4 + ["tin"]
    unseen = _quality(_fresh(1000) | {"plan": plans})["plan", "unseen_share"]
    assert (unseen.value, unseen.status, unseen.severity) == (0.005, Status.BREACHED, Severity.INFO)
    assert unseen.reason == "5 rows of unseen categories: none has 20 rows"


def test_one_row_of_an_unseen_category_is_one_row():
    plans = ["tin", *_fresh(1000)["plan"].tolist()[1:]]
    unseen = _quality(_fresh(1000) | {"plan": plans})["plan", "unseen_share"]
    assert unseen.reason == "1 row of unseen categories: none has 20 rows"


def test_as_many_unseen_categories_as_a_reference_of_rare_ones_lets_expect_are_info():
    """Half of the reference's rows are the only ones of their category, so as many of the next are expected unseen."""
    rng = np.random.default_rng(3)
    plans = ["basic"] * 100 + [f"plan {n}" for n in range(100)]
    reference = reference_of(SPEC, features(rng, 200) | {"plan": plans})
    fresh = features(rng, 200) | {"plan": ["basic"] * 110 + [f"new {n}" for n in range(90)]}
    assert _quality(fresh, reference=reference)["plan", "unseen_share"].severity is Severity.INFO


def test_shares_of_a_chunk_without_rows_are_skipped():
    found = _quality(_fresh(0))
    assert {(m.status, m.reason) for m in found.values()} == {(Status.SKIPPED, "no rows")}
    assert ("age", "unseen_share") not in found


def test_unseen_share_is_ok_if_the_reference_has_more_categories_than_are_kept():
    columns = _fresh(300) | {"plan": [f"plan {n}" for n in range(300)]}
    reference = reference_of(SPEC, columns)
    unseen = _quality(columns, reference=reference)["plan", "unseen_share"]
    # Each fourth row of the reference chose categories; these rows are 75 of the 300, and none of the 225 others.
    assert (unseen.status, unseen.value, unseen.reference_value) == (Status.OK, 0.75, 1.0)


# ---- vanished


@pytest.mark.parametrize(("rows", "status"), [(20, Status.OK), (1000, Status.BREACHED)])
def test_category_without_a_row_that_should_have_some_is_breached_and_named(rows, status):
    plans = np.asarray(_fresh(rows)["plan"])
    vanished = _quality(_fresh(rows) | {"plan": np.where(plans == "plus", "basic", plans)})["plan", "vanished_share"]
    usual = float(np.mean(np.asarray(REFERENCE_COLUMNS["plan"]) == "plus"))
    assert vanished.status is status
    if status is Status.BREACHED:
        assert vanished.value == pytest.approx(usual)
        assert vanished.reason.startswith(f"no row of 'plus', which {usual:.1%} of the reference's rows have; 'basic' ")


def test_category_that_is_missing_on_healthy_days_may_be_missing():
    facts = replace(REFERENCE.columns, learned=lambda _column, name, _rows: 2.0 if name == "vanished_share" else None)
    columns = _fresh(1000) | {"plan": ["basic"] * 1000}
    found = {(m.subject, m.name): m for m in measure_columns(facts, profile_of(REFERENCE, canonical(SPEC, columns)))}
    assert found["plan", "vanished_share"].status is Status.OK


# ---- out of range


def test_values_outside_the_references_range_are_breached_as_info():
    low, high = REFERENCE_COLUMNS["age"].min(), REFERENCE_COLUMNS["age"].max()
    ages = _fresh(1000)["age"].clip(low, high)
    ages[:20], ages[20:25], ages[25:28] = high + 1, low - 0.5, [np.inf, -np.inf, np.inf]
    share = _quality(_fresh(1000) | {"age": ages})["age", "out_of_range_share"]
    assert (share.value, share.status, share.severity) == (0.028, Status.BREACHED, Severity.INFO)
    rough = {side: [f"{float(f'{value:.2g}'):g}" for value in values] for side, values in {
        "now": (low - 0.5, high + 1), "before": (low, high),
    }.items()}  # fmt: skip
    assert share.reason == (
        f"2.8% of the rows lie beyond the reference's values: {' to '.join(rough['now'])}, before "
        f"{' to '.join(rough['before'])}; standard deviation 1.001 → 1.254"
    )
    assert f"{high + 1:g}" not in share.reason


def test_extremes_of_few_rows_are_not_quoted():
    high = REFERENCE_COLUMNS["age"].max()
    ages = _fresh(1000)["age"].clip(None, high)
    ages[:19] = 917_263.0
    share = _quality(_fresh(1000) | {"age": ages})["age", "out_of_range_share"]
    assert share.status is Status.BREACHED
    assert share.reason.startswith("1.9% of the rows lie beyond the reference's values; ")
    ages[19] = 917_263.0
    assert " to 920000, before " in _quality(_fresh(1000) | {"age": ages})["age", "out_of_range_share"].reason


@pytest.mark.parametrize(("outside", "status"), [(10, Status.OK), (11, Status.BREACHED)])
def test_out_of_range_share_up_to_a_hundredth_is_ok(outside, status):
    ages = np.full(1000, REFERENCE_COLUMNS["age"].max())
    ages[:500] = REFERENCE_COLUMNS["age"].min()
    ages[:outside] -= 1e-9
    share = _quality(_fresh(1000) | {"age": ages})["age", "out_of_range_share"]
    assert (share.value, share.status) == (outside / 1000, status)


def _with_ages(change):
    ages = _fresh(1000)["age"]
    change(ages)
    return _quality(_fresh(1000) | {"age": ages})["age", "out_of_range_share"]


def _season(ages):
    ages += 2.5


def _season_and_a_wrong_value(ages):
    ages += 2.5
    ages[0] = 1e12


def _sentinel(ages):
    ages[:20] = -999.0


def _unit(ages):
    ages[:30] *= 100.0


def _other_scale(ages):
    ages += 273.15


@pytest.mark.parametrize(("change", "severity"), [
    (_season, Severity.INFO), (_season_and_a_wrong_value, Severity.INFO),
    (_sentinel, Severity.WARNING), (_unit, Severity.WARNING), (_other_scale, Severity.WARNING),
])  # fmt: skip
def test_values_far_outside_the_range_are_a_warning_if_they_are_many(change, severity):
    share = _with_ages(change)
    assert (share.status, share.severity) == (Status.BREACHED, severity)


@pytest.mark.parametrize(("negative", "severity"), [(1, Severity.INFO), (20, Severity.WARNING)])
def test_negative_values_are_a_warning_where_the_smallest_was_zero_if_they_are_many(negative, severity):
    reference = reference_of(SPEC, REFERENCE_COLUMNS | {"age": np.abs(REFERENCE_COLUMNS["age"]).round(1)})
    ages = np.abs(_fresh(1000)["age"]).round(1)
    ages[:30] = 4.5
    ages[:negative] = -0.2
    share = _quality(_fresh(1000) | {"age": ages}, reference=reference)["age", "out_of_range_share"]
    assert (share.status, share.severity) == (Status.BREACHED, severity)


def test_null_and_nan_are_not_counted_as_out_of_range():
    ages = [None] * 50 + [np.nan] * 50 + [0.0] * 100
    assert _quality(_fresh(200) | {"age": ages})["age", "out_of_range_share"].value == 0.0
    only_infinite = _quality(_fresh(10) | {"age": [np.inf] * 10})["age", "out_of_range_share"]
    assert (only_infinite.value, only_infinite.status) == (1.0, Status.BREACHED)


def test_out_of_range_share_without_reference_values_is_skipped():
    reference = reference_of(SPEC, REFERENCE_COLUMNS | {"age": [None] * 5000})
    share = _quality(_fresh(100), reference)["age", "out_of_range_share"]
    assert (share.status, share.reason) == (Status.SKIPPED, "the reference has no finite value")


# ---- constant


@pytest.mark.parametrize(("column", "values"), [
    ("age", [0.3]), ("age", [None, 0.3]), ("age", [np.nan]), ("age", [np.inf]), ("plan", ["pro"]),
    ("plan", [None, "pro"]), ("plan", ["gold"]),
])  # fmt: skip
def test_column_with_one_value_in_all_rows_is_breached(column, values):
    constant = _quality(_fresh(100) | {column: values * (100 // len(values))})[column, "constant"]
    assert (constant.value, constant.status, constant.severity) == (1.0, Status.BREACHED, Severity.WARNING)
    assert constant.reason.startswith(f"every value of {column} is the same")
    assert constant.threshold_upper == 0.0


@pytest.mark.parametrize(("column", "values"), [
    ("age", [0.3, 0.3000001]), ("age", [0.3, np.nan]), ("plan", ["gold", "tin"]), ("plan", ["pro", "plus"]),
])  # fmt: skip
def test_column_with_two_values_is_not_constant(column, values):
    """This holds even if one bin, or the cell of unseen categories, contains both values."""
    constant = _quality(_fresh(100) | {column: values * 50})[column, "constant"]
    assert (constant.value, constant.status) == (0.0, Status.OK)


def test_constant_check_of_a_column_without_values_is_skipped():
    constant = _quality(_fresh(10) | {"age": [None] * 10})["age", "constant"]
    assert (constant.status, constant.reason) == (Status.SKIPPED, "no values")


def test_column_constant_on_a_day_of_the_reference_is_not_breached():
    """The column changes from day to day and is constant within a day, like a weekday."""
    days = [NOON + dt.timedelta(days=n // 100) for n in range(700)]
    columns = {
        "age": [float(n // 100) for n in range(700)],
        "plan": [f"day {n // 100}" for n in range(700)],
        "score": np.random.default_rng(3).uniform(size=700),
    }
    rows = canonical(SPEC, columns).with_columns(pl.Series("predicted_at", days, pl.Datetime("us", "UTC")))
    reference = build_reference(SPEC, "1", WINDOW, rows, NO_LABELS, table_columns={}, as_of=AS_OF).reference
    assert set(reference.constant_columns) == {"age", "plan", "prediction"}
    found = _quality({"age": [3.0] * 200, "plan": ["day 3"] * 200, "score": [0.5] * 200}, reference)
    for column in ("age", "plan"):
        constant = found[column, "constant"]
        assert (constant.value, constant.status, constant.threshold_upper) == (1.0, Status.OK, None)
    assert found["score", "constant"].status is Status.BREACHED


def _reference_of_days(ages_by_day):
    """Return a reference whose days have these ages."""
    days = [NOON + dt.timedelta(days=n) for n, ages in enumerate(ages_by_day) for _ in ages]
    ages = [age for ages in ages_by_day for age in ages]
    rng = np.random.default_rng(3)
    columns = {"age": ages, "plan": rng.choice(["a", "b"], len(ages)).tolist(), "score": rng.uniform(size=len(ages))}
    rows = canonical(SPEC, columns).with_columns(pl.Series("predicted_at", days, pl.Datetime("us", "UTC")))
    return build_reference(SPEC, "1", WINDOW, rows, NO_LABELS, table_columns={}, as_of=AS_OF).reference


HEALTHY_DAY = [float(n) for n in range(60)]


@pytest.mark.parametrize("odd_days", [
    [[7.0]], [[7.0], [8.0], [9.0]], [[7.0] * 60], [[None] * 59 + [7.0]],
])  # fmt: skip
def test_tiny_days_and_one_dead_day_of_the_reference_do_not_make_a_column_constant(odd_days):
    """Otherwise one row of the reference would exclude a column from the comparison of all features for good."""
    reference = _reference_of_days([HEALTHY_DAY] * 12 + odd_days)
    assert "age" not in reference.constant_columns
    assert _quality(_fresh(100) | {"age": [7.0] * 100}, reference)["age", "constant"].status is Status.BREACHED


def test_column_that_is_constant_on_some_days_of_the_week_is_expected_to_be():
    reference = _reference_of_days([HEALTHY_DAY] * 5 + [[0.0] * 60] * 2)
    assert "age" in reference.constant_columns


@pytest.mark.parametrize(("shares", "value", "rows", "status"), [
    ((99, 1), "a", 458, Status.OK), ((99, 1), "a", 459, Status.BREACHED),  # .99 ** 458 is just above .01
    ((50, 50), "a", 7, Status.OK), ((50, 50), "a", 8, Status.BREACHED),  # 2 * .5 ** 8 is below .01
    ((99, 1), "b", 1, Status.OK), ((99, 1), "new", 1, Status.OK), ((50, 50), "new", 8, Status.BREACHED),
])  # fmt: skip
def test_constant_column_of_few_rows_is_ok_if_chance_explains_it(shares, value, rows, status):
    plans = np.repeat(["a", "b"], shares)
    # On no day of the reference is the column constant: there is one day, with both.
    reference = reference_of(SPEC, features(np.random.default_rng(4), 100) | {"plan": plans})
    found = _quality(_fresh(rows) | {"plan": [value] * rows}, reference)["plan", "constant"]
    assert (found.value, found.status) == (1.0, status)


def test_constant_check_of_a_single_row_is_ok():
    found = _quality(_fresh(1))
    assert {m.status for (_, name), m in found.items() if name == "constant"} == {Status.OK}
