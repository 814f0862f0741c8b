"""What predictions cost, and the forecast of a month: by hand, in stories, and on simulated months."""

import datetime as dt

import numpy as np
import pytest
from pydantic import ValidationError

from monitoring_pipeline.evaluation.business.costs import chunks_of_month, cost_by_price, measure_cost
from monitoring_pipeline.evaluation.business.forecast import forecast_month
from monitoring_pipeline.records.measurement import Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline_tests.spec.cases import BINARY, changed

JUNE = [dt.date(2024, 6, n) for n in range(1, 31)]
RULES = {"currency": "EUR", "per_thousand": 2.0}


def _spec(cost=None, **fields):
    return ModelSpec.model_validate(changed(BINARY, {"cost": RULES | (cost or {}), "start": "2024-01-01"} | fields))


def _judged(spec, costs, day):
    """Return the measurements of a day of June by name, from the costs of the days before."""
    chunk = spec.calendar.chunk(str(day))
    earlier = {str(each): cost for each, cost in costs.items() if each < day}
    return {m.name: m for m in measure_cost(spec, chunk, costs.get(day, "not known"), 1000, earlier)}


def _weekly(rng, level=40.0, noise=1.0):
    return {day: max(0.0, level * (0.2 if day.weekday() > 4 else 1.0) + rng.normal(0, noise)) for day in JUNE}


def test_price_list_holds_from_its_days_on():
    spec = _spec({"per_thousand": {"2024-06-03": 0.4, "2024-06-10": 0.3}})
    costs = {day: cost_by_price(spec, spec.calendar.chunk(f"2024-06-{day}"), 5_000) for day in ("02", "03", "09", "10")}
    assert costs == {"02": "the price list begins after 2024-06-02", "03": 2.0, "09": 2.0, "10": 1.5}


def test_one_price_holds_on_all_days():
    assert cost_by_price(_spec(), _spec().calendar.chunk("2024-06-02"), 1_500) == 3.0


def test_month_is_the_sum_of_its_days_and_of_no_other():
    spec = _spec()
    measured = measure_cost(spec, spec.calendar.chunk("2024-06-03"), 5.0, 2_500, {
        "2024-05-31": 100.0, "2024-06-01": 1.0, "2024-06-02": 2.0, "2024-06-04": 1000.0,
    })  # fmt: skip
    values = {m.name: m.value for m in measured}
    assert values == {"cost": 5.0, "cost_per_thousand": 2.0, "cost_of_month": 8.0}


def test_budget_that_is_exceeded_on_the_24th_is_told_by_the_15th():
    costs = _weekly(np.random.default_rng(1))
    budget = sum(costs[day] for day in JUNE if day.day <= 24) - 5.0
    spec = _spec({"monthly_budget": budget})
    told = [day.day for day in JUNE if _judged(spec, costs, day)["cost_forecast"].status is Status.BREACHED]
    assert told[0] <= 15
    assert told == list(range(told[0], 31))
    reason = _judged(spec, costs, dt.date(2024, 6, 15))["cost_forecast"].reason
    assert reason.startswith("the month will cost about ")
    assert reason.endswith("it is spent on about 2024-06-24")
    assert "the month has cost" in _judged(spec, costs, dt.date(2024, 6, 30))["cost_forecast"].reason


def test_months_within_their_budget_are_seldom_told():
    rng = np.random.default_rng(2)
    told = 0
    for _ in range(100):
        costs = _weekly(rng, noise=4.0)
        spec = _spec({"monthly_budget": sum(costs.values()) * 1.001})
        told += any(
            _judged(spec, costs, day)["cost_forecast"].status is Status.BREACHED for day in JUNE if day.day < 30
        )
    assert told <= 12


def _like_the_day_before(rng, size):
    strays = rng.normal(size=size)
    for day in range(1, size):
        strays[day] = 0.5 * strays[day - 1] + 0.75**0.5 * strays[day]
    return strays


@pytest.mark.parametrize("last_day", [10, 15, 20])
@pytest.mark.parametrize("strays", [
    lambda rng, size: rng.normal(size=size), lambda rng, size: rng.standard_t(3, size=size), _like_the_day_before,
], ids=["normal", "heavy_tails", "like_the_day_before"])  # fmt: skip
def test_intervals_contain_the_month(strays, last_day):
    rng = np.random.default_rng(3)
    inside = too_high = 0
    for _ in range(200):
        costs = {day: 100 - 10 * day.weekday() + 4 * own for day, own in zip(JUNE, strays(rng, len(JUNE)), strict=True)}
        known = {day: costs[day] for day in JUNE if day.day <= last_day}
        found = forecast_month(known, [day for day in JUNE if day.day > last_day], 1e9).total
        inside += found.lower <= sum(costs.values()) <= found.upper
        too_high += found.lower > sum(costs.values())
    assert inside >= 180
    assert too_high <= 10


def test_empty_weekends_cost_nothing_and_are_expected():
    costs = {day: 0.0 if day.weekday() > 4 else 10.0 for day in JUNE}
    known = {day: costs[day] for day in JUNE if day.day <= 14}
    found = forecast_month(known, [day for day in JUNE if day.day > 14], 150.0)
    assert found.total.value == sum(costs.values())
    assert found.total.lower == found.total.upper == found.total.value
    assert found.spent_on == next(day for day in JUNE if sum(costs[d] for d in JUNE if d <= day) > 150.0)


@pytest.mark.parametrize("day", range(1, 10))
def test_first_days_judge_nothing(day):
    costs = dict.fromkeys(JUNE, 1000.0)
    forecast = _judged(_spec({"monthly_budget": 20_000}), costs, JUNE[day - 1])["cost_forecast"]
    assert forecast.reason == f"{day} days of the month have a cost, at least 10 needed"


def test_spent_budget_is_told_on_any_day():
    forecast = _judged(_spec({"monthly_budget": 1500}), dict.fromkeys(JUNE, 1000.0), JUNE[1])["cost_forecast"]
    assert (forecast.status, forecast.value) == (Status.BREACHED, 2000.0)


def test_days_without_a_cost_are_forecast_until_they_are_too_many():
    spec = _spec({"monthly_budget": 10_000})
    some = {day: 10.0 for day in JUNE if day.day not in {4, 5}}
    forecast = _judged(spec, some, JUNE[19])
    assert forecast["cost_forecast"].value == pytest.approx(300.0)
    assert forecast["cost_of_month"].reason == "2 of 20 days have no known cost"
    few = {day: 10.0 for day in JUNE if day.day not in set(range(1, 9))}
    assert _judged(spec, few, JUNE[19])["cost_forecast"].reason == "8 of 20 days of the month have no known cost"


def test_chunk_without_a_cost_still_has_its_month():
    costs = {day: 10.0 for day in JUNE if day.day != 20}
    measured = _judged(_spec(), costs, JUNE[19])
    assert measured["cost"].reason == "not known"
    assert measured["cost_of_month"].value == 190.0


def test_month_of_a_model_begins_with_the_model():
    spec = _spec(start="2024-06-11")
    assert [c.key for c in chunks_of_month(spec.calendar, spec.calendar.chunk("2024-06-12"))] == [
        "2024-06-11",
        "2024-06-12",
    ]


def test_hours_are_judged_with_the_last_one_of_a_day():
    spec = _spec({"monthly_budget": 100}, cadence="6 hours", schedule="20m")
    calendar = spec.calendar
    keys = [c.key for c in calendar.chunks_of_days(JUNE[0], JUNE[11])]
    costs = dict.fromkeys(keys, 1.0)
    judged = [
        key
        for key in keys
        if any(m.name == "cost_forecast" for m in measure_cost(spec, calendar.chunk(key), 1.0, 10, costs))
    ]
    assert judged == keys[3::4]
    last = {m.name: m for m in measure_cost(spec, calendar.chunk(keys[-1]), 1.0, 10, costs)}
    assert last["cost_forecast"].value == pytest.approx(120.0)
    assert last["cost_forecast"].status is Status.BREACHED


@pytest.mark.parametrize(("cost", "message"), [
    ({"per_thousand": {}}, "give one of per_thousand (a price list) and sql"),
    ({"sql": "a.sql"}, "give one of per_thousand (a price list) and sql"),
    ({"per_thousand": -1}, "write a price from 0 on"),
    ({"monthly_budget": 0}, "greater than 0"),
])  # fmt: skip
def test_costs_that_cannot_hold_are_refused(cost, message):
    with pytest.raises(ValidationError) as refused:
        _spec(cost)
    assert message in str(refused.value)


def test_weeks_have_no_monthly_budget():
    with pytest.raises(ValidationError, match="a week belongs to two months"):
        _spec({"monthly_budget": 10}, cadence="week")
