"""Attainment, error budget and burn rate of a rolling window of days."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.business.objectives import (
    check_objectives,
    first_key,
    later_keys,
    measure_objectives,
    names_measured,
)
from monitoring_pipeline.evaluation.performance.metrics_table import UnknownMetricError
from monitoring_pipeline.records.measurement import Kind, Measurement, Role, Severity, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.statistics.intervals.intervals import wilson
from monitoring_pipeline_tests.spec.cases import binary_spec

TODAY = dt.date(2024, 3, 28)
GOOD, BAD = 0.7, 0.6


def _spec(**objective):
    rules = {"metric": "auroc", "lower": 0.65, "share": 0.95, "days": 28} | objective
    return binary_spec(objectives={"quality_of_ranking": rules})


def _key(days_ago: int) -> str:
    return (TODAY - dt.timedelta(days=days_ago)).isoformat()


def _auroc(value: float | None, **parts) -> Measurement:
    own = {"kind": Kind.PERFORMANCE, "subject": "model", "name": "auroc", "model_version": "1", "rows": 100}
    missing = {"status": Status.SKIPPED, "reason": "too few"} if value is None else {}
    return Measurement(value=value, **(own | missing | parts))


def _history(*values: float | None) -> list[tuple[str, Measurement]]:
    """Return the history of values, the newest day first."""
    return [(_key(n), _auroc(value)) for n, value in enumerate(values)]


def _measured(history, spec=None) -> dict[str, Measurement]:
    return {str(m.metric): m for m in measure_objectives(spec or _spec(), TODAY.isoformat(), history)}


def test_good_days_alone_leave_the_whole_error_budget():
    measured = _measured(_history(*[GOOD] * 28))
    attainment, budget, burn = (measured[name] for name in ("attainment", "error_budget_left", "burn_rate"))
    assert (attainment.value, attainment.lower, attainment.upper) == (1.0, wilson(28, 28).lower, 1.0)
    assert (budget.value, budget.status, budget.threshold_lower) == (1.0, Status.OK, 0.0)
    assert (burn.value, burn.reference_value) == (0.0, 1.0)
    assert {(m.kind, m.subject, m.model_version) for m in measured.values()} == {
        (Kind.OBJECTIVE, "quality_of_ranking", "")
    }


def test_second_bad_day_of_28_at_95_percent_overspends_the_budget():
    one = _measured(_history(BAD, *[GOOD] * 27))
    # 28 days x 0.05 = 1.4 days of budget.
    assert one["error_budget_left"].value == pytest.approx(1 - 1 / 1.4)
    assert one["error_budget_left"].status is Status.OK
    # One bad of seven, over 0.05.
    assert one["burn_rate"].value == pytest.approx(1 / 7 / 0.05)

    two = _measured(_history(BAD, *[GOOD] * 20, BAD, *[GOOD] * 6), _spec(severity="critical"))
    budget = two["error_budget_left"]
    assert budget.value == pytest.approx(1 - 2 / 1.4)
    assert (budget.status, budget.severity) == (Status.BREACHED, Severity.CRITICAL)
    assert budget.reason == f"2 of 28 days are bad, 1.4 are allowed; the latest: {_key(21)}, {_key(0)}"
    assert two["attainment"].value == 26 / 28
    assert two["burn_rate"].value == one["burn_rate"].value
    assert [two[name].status for name in ("attainment", "burn_rate")] == [Status.OK, Status.OK]


@pytest.mark.parametrize(("days", "share"), [(20, 0.95), (100, 0.71), (10, 0.7), (30, 0.9), (100, 0.93)])
def test_budget_spent_exactly_is_zero_and_not_breached(days, share):
    bad = round(days * (1 - share))
    history = _history(*[BAD] * bad, *[GOOD] * (days - bad))
    spent = _measured(history, _spec(days=days, share=share))["error_budget_left"]
    assert (spent.value, str(spent.value), spent.status) == (0.0, "0.0", Status.OK)
    overspent = _measured([*_history(*[BAD] * (bad + 1), *[GOOD] * (days - bad - 1))], _spec(days=days, share=share))
    assert overspent["error_budget_left"].status is Status.BREACHED


def test_days_without_a_value_do_not_count_for_attainment():
    values = [GOOD, None] * 10 + [BAD]
    measured = _measured(_history(*values))
    assert measured["attainment"].rows == 11
    assert measured["attainment"].value == 10 / 11
    assert measured["error_budget_left"].value == pytest.approx(1 - 1 / (0.05 * 11))


def test_too_few_days_are_skipped_and_never_breached():
    measured = _measured(_history(*[BAD] * 6))
    assert {m.status for m in measured.values()} == {Status.SKIPPED}
    assert {m.reason for m in measured.values()} == {"6 of 28 days have a value, 7 are needed"}
    assert _measured(_history(*[BAD] * 7))["error_budget_left"].status is Status.BREACHED


def test_burn_rate_without_a_value_in_the_short_window_is_not_measured():
    measured = _measured(_history(*[None] * 7, *[GOOD] * 21))
    assert measured["burn_rate"].reason == "none of the last 7 days has a value"
    assert measured["error_budget_left"].value == 1.0


def test_days_outside_the_window_do_not_change_an_objective():
    inside = _history(*[GOOD] * 28)
    outside = [(_key(n), _auroc(BAD)) for n in (-1, -9, 28, 90)]
    assert _measured([*inside, *outside]) == _measured(inside)


def test_measurements_other_than_the_realized_metric_of_the_served_do_not_count():
    history = _history(*[GOOD] * 28)
    others = [
        _auroc(BAD, rows=10_000, kind=Kind.ESTIMATED_PERFORMANCE),
        _auroc(BAD, rows=10_000, role=Role.CHALLENGER),
        _auroc(BAD, rows=10_000, role=Role.SHADOW),
        _auroc(BAD, rows=10_000, segment="carrier=MQ"),
        _auroc(BAD, rows=10_000, name="accuracy"),
        _auroc(None),
    ]
    extended = [*history, *((_key(n), other) for n in range(28) for other in others)]
    assert _measured(extended) == _measured(history)


def test_day_with_several_champions_is_judged_by_the_one_with_most_rows():
    history = _history(*[GOOD] * 28)
    small, large = _auroc(BAD, rows=99, model_version="2"), _auroc(BAD, rows=101, model_version="2")
    assert _measured([*history, (_key(3), small)]) == _measured(history)
    assert _measured([*history, (_key(3), large)])["attainment"].value == 27 / 28


def test_objective_on_a_metric_of_several_columns_needs_all_within_the_range():
    def nulls(column: str, value: float) -> Measurement:
        return _auroc(value, kind=Kind.QUALITY, subject=column, name="null_share", model_version="")

    history = [(_key(n), nulls(column, 0.01)) for n in range(28) for column in ("age", "plan")]
    history[4] = (history[4][0], nulls("age", 0.5))
    every = {"metric": "null_share", "kind": "quality", "lower": None, "upper": 0.1}
    assert _measured(history, _spec(**every))["attainment"].value == 27 / 28
    one = _spec(**every | {"metric": "plan.null_share"})
    assert _measured(history, one)["attainment"].value == 1.0
    assert names_measured(one) == {MetricName("null_share")}


@given(
    st.lists(st.sampled_from([GOOD, BAD, None]), min_size=1, max_size=60),
    st.integers(2, 40),
    st.sampled_from([0.5, 0.8, 0.95, 0.99]),
    st.randoms(use_true_random=False),
)
def test_attainment_budget_and_burn_rate_are_consistent_in_any_order(values, days, share, random):
    spec = _spec(days=days, share=share)
    history = _history(*values)
    measured = _measured(history, spec)
    shuffled = list(history)
    random.shuffle(shuffled)
    assert _measured(shuffled, spec) == measured
    counted = [value for value in values[:days] if value is not None]
    if len(counted) < days / 4:
        assert measured["attainment"].status is Status.SKIPPED
        return
    attainment, budget = measured["attainment"].value, measured["error_budget_left"]
    assert attainment == counted.count(GOOD) / len(counted)
    # Over the same days, the budget left is 1 - burn. Burn is the bad share divided by the allowed share.
    assert budget.value == pytest.approx(1 - (1 - attainment) / (1 - share), abs=1e-8)
    assert (budget.status is Status.BREACHED) == (attainment < share - 1e-12)
    if days <= 7 and measured["burn_rate"].value is not None:
        assert measured["burn_rate"].value == pytest.approx(1 - budget.value, abs=1e-8)


def test_late_label_changes_the_later_chunks_of_its_window():
    spec = _spec(days=3)
    assert first_key(spec, "2024-03-01") == "2024-02-28"
    known = ["2024-03-02", "2024-03-04", "2024-02-29", "2024-03-01", "2024-03-03"]
    assert later_keys(spec, "2024-03-01", known) == ("2024-03-02", "2024-03-03")
    assert later_keys(binary_spec(), "2024-03-01", known) == ()


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ({"metric": "aurok"}, r"objectives.quality_of_ranking.metric: unknown 'aurok' for performance; known: .*auroc"),
        ({"metric": "revenue", "kind": "business"}, "unknown 'revenue' for business; known: none"),
    ],
)
def test_objective_on_an_unknown_metric_is_refused(objective, message):
    with pytest.raises(UnknownMetricError, match=message):
        check_objectives(_spec(**objective))
    check_objectives(_spec())
    check_objectives(_spec(metric="rows", kind="quality"))


def test_objective_without_bounds_or_with_crossed_bounds_is_refused():
    with pytest.raises(ValueError, match="give lower or upper"):
        _spec(lower=None)
    with pytest.raises(ValueError, match=r"lower \(0.65\) must not be above upper \(0.5\)"):
        _spec(upper=0.5)


def test_objective_of_a_column_whose_condition_has_a_dot_finds_its_measurement():
    spec = _spec(metric="age.values_to_not_be_null[share == 0.5]", kind="quality", lower=None, upper=0.1)
    objective = next(iter(spec.objectives.values()))
    assert (objective.subject, objective.measured) == ("age", ("values_to_not_be_null", "share == 0.5"))


@pytest.mark.parametrize("metric", ["recall[a", "recall[]", "[a]"])
def test_objective_on_a_malformed_metric_name_is_refused(metric):
    with pytest.raises(ValueError, match="is no name"):
        _spec(metric=metric)


# ---- predictions, and other cadences


def test_objective_of_predictions_weighs_a_chunk_by_its_rows():
    """One day of 28 is bad. It has a tenth of all predictions, so that it spends more than the budget of 5 %."""
    history = [(_key(n), _auroc(BAD if n == 3 else GOOD, rows=300 if n == 3 else 100)) for n in range(28)]
    of_chunks, of_rows = _measured(history), _measured(history, _spec(counts="predictions"))
    assert of_chunks["error_budget_left"].status is Status.OK
    budget = of_rows["error_budget_left"]
    assert budget.value == pytest.approx(1 - 300 / (0.05 * 3000))
    assert budget.reason == f"300 of 3000 predictions are on bad days, 150 are allowed; the latest: {_key(3)}"
    assert of_rows["attainment"].value == 2700 / 3000
    # Predictions of one day are good or bad together, so that their number says nothing about the interval.
    assert (of_rows["attainment"].lower, of_rows["attainment"].rows) == (None, 3000)
    assert of_rows["burn_rate"].value == pytest.approx(300 / 900 / 0.05)


def test_objective_of_predictions_without_rows_is_skipped():
    measured = _measured(_history(*[GOOD] * 28), _spec(counts="predictions"))
    assert measured["attainment"].status is Status.OK
    none = _measured([(_key(n), _auroc(GOOD, rows=0)) for n in range(28)], _spec(counts="predictions"))
    assert none["attainment"].reason == "auroc is not measured on predictions, so none are counted"


def test_objective_that_counts_chunks_leaves_the_hash_of_the_spec_unchanged():
    assert _spec().spec_hash == _spec(counts="chunks").spec_hash != _spec(counts="predictions").spec_hash


@pytest.mark.parametrize(("cadence", "days", "newest", "last_of_window", "expected"), [
    ("hour", 2, "2024-03-28T10:00", "2024-03-26T11:00", 48),
    ("6 hours", 7, "2024-03-28T12:00", "2024-03-21T18:00", 28),
    ("week", 28, "2024-03-25", "2024-03-04", 4),
    ("month", 92, "2024-03", "2024-01", 3),
    ("month", 28, "2024-03", "2024-03", 1),
])  # fmt: skip
def test_window_of_an_objective_has_the_chunks_of_its_days(cadence, days, newest, last_of_window, expected):
    rules = {"metric": "auroc", "lower": 0.65, "share": 0.95, "days": days}
    spec = binary_spec(cadence=cadence, timezone="UTC", objectives={"ranking": rules})
    assert first_key(spec, newest) == last_of_window
    calendar = spec.calendar
    keys = [chunk.key for chunk in calendar.range(calendar.chunk(last_of_window), calendar.chunk(newest))]
    assert len(keys) == expected
    before = calendar.previous(calendar.chunk(last_of_window)).key
    history = [(key, _auroc(GOOD)) for key in keys] + [(before, _auroc(BAD))]
    measured = {str(m.metric): m for m in measure_objectives(spec, newest, history)}
    assert (measured["attainment"].value, measured["attainment"].rows) == (1.0, expected)


def test_too_few_hours_with_a_value_are_named():
    spec = binary_spec(cadence="hour", objectives={"ranking": {"metric": "auroc", "lower": 0.65, "days": 2}})
    measured = measure_objectives(spec, "2024-03-28T10:00", [("2024-03-28T10:00", _auroc(GOOD))])
    assert {m.reason for m in measured} == {"1 of 48 hours have a value, 12 are needed"}


# ---- single rows


def _accuracy(value, rows, **parts):
    return _auroc(value, name="accuracy", rows=rows, **parts)


def _nulls(share, rows, subject="score"):
    return _auroc(share, kind=Kind.QUALITY, subject=subject, name="null_share", rows=rows)


RIGHT = {"metric": "accuracy", "lower": None, "counts": "predictions", "share": 0.9}
SCORED = {"metric": "score.null_share", "kind": "quality", "lower": None, "counts": "predictions", "share": 0.99}


def test_day_with_ten_times_the_traffic_spends_ten_times_the_budget_of_single_rows():
    quiet = _measured([(_key(n), _accuracy(0.8 if n == 3 else 1.0, 100)) for n in range(28)], _spec(**RIGHT))
    busy = [(_key(n), _accuracy(0.8 if n == 3 else 1.0, 1000 if n == 3 else 100)) for n in range(28)]
    spent = [1 - measured["error_budget_left"].value for measured in (quiet, _measured(busy, _spec(**RIGHT)))]
    assert spent == pytest.approx([20 / (0.1 * 2800), 200 / (0.1 * 3700)])
    assert spent[1] * 3700 == pytest.approx(10 * spent[0] * 2800)


def test_bad_rows_of_one_day_overspend_the_budget_of_single_rows():
    history = [(_key(n), _nulls(0.5 if n == 0 else 0.0, 100)) for n in range(28)]
    measured = _measured(history, _spec(**SCORED))
    budget = measured["error_budget_left"]
    assert budget.reason == f"50 of 2800 predictions are bad, 28 are allowed; the latest: {_key(0)}"
    assert measured["attainment"].value == 2750 / 2800
    assert measured["attainment"].definition == (
        "share of the predictions that are good: those that do not count for score.null_share"
    )
    assert measured["burn_rate"].value == pytest.approx(50 / 700 / 0.01)


def test_single_rows_of_several_champions_are_added_and_the_worst_of_several_columns_counts():
    promoted = [(_key(n), _accuracy(0.9, 50, model_version=version)) for n in range(28) for version in "12"]
    assert _measured(promoted, _spec(**RIGHT))["error_budget_left"].value == 0.0
    columns = [(_key(n), _nulls(share, 100, name)) for n in range(28) for name, share in (("a", 0.02), ("b", 0.01))]
    any_column = _spec(**SCORED | {"metric": "null_share"})
    assert _measured(columns, any_column)["attainment"].value == 0.98


@pytest.mark.parametrize("rules", [
    RIGHT | {"metric": "auroc"}, RIGHT | {"metric": "recall"}, SCORED | {"metric": "freshness_hours"},
])  # fmt: skip
def test_objective_of_single_rows_on_a_metric_that_is_no_share_of_rows_is_refused(rules):
    with pytest.raises(UnknownMetricError, match=f"{rules['metric']!r} is no share of rows"):
        check_objectives(_spec(**rules))


@pytest.mark.parametrize("rules", [RIGHT, SCORED, SCORED | {"metric": "age.column_values_to_be_between"}])
def test_objective_of_single_rows_on_a_share_of_rows_is_accepted(rules):
    check_objectives(_spec(**rules))


@given(days=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 5000)), min_size=28, max_size=28))
def test_good_and_bad_rows_are_all_rows(days):
    history = [(_key(n), _nulls(share, rows)) for n, (share, rows) in enumerate(days)]
    measured = _measured(history, _spec(**SCORED))
    assert measured["attainment"].rows == sum(rows for _, rows in days)
    assert 0 <= measured["attainment"].value <= 1
