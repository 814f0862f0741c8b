"""What the predictions of a chunk cost, the month so far, and whether it will exceed its budget."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from monitoring_pipeline.evaluation.business.forecast import forecast_month
from monitoring_pipeline.evaluation.business.money import COST, COST_FORECAST, COST_OF_MONTH, COST_PER_THOUSAND, amount
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.cost import CostRules

MOST_UNKNOWN = 1 / 3
"""A month of which a larger share of the days so far has no cost is not judged."""
_BLANK = Measurement(kind=Kind.BUSINESS, subject=COST, name=COST, model_version="", value=0.0, severity=Severity.INFO)


def rules_of(spec: ModelSpec) -> CostRules:
    """Return the declared costs, for code that runs only if there are some.

    Raises:
        ValueError: when the spec declares none.
    """
    if spec.cost is None:
        raise ValueError(f"{spec.name}: no cost is declared")
    return spec.cost


def cost_by_price(spec: ModelSpec, chunk: Chunk, rows: int) -> float | str:
    """Return the cost of so many predictions by the price list, or the reason why there is none."""
    day = spec.calendar.day_at(chunk.start)
    price = rules_of(spec).price_on(day)
    return f"the price list begins after {day}" if price is None else rows * price / 1000


def measure_cost(
    spec: ModelSpec, chunk: Chunk, cost: float | str, rows: int | None, earlier: Mapping[str, float]
) -> tuple[Measurement, ...]:
    """Measure the cost of a chunk, and of its month so far.

    Args:
        spec: the model, which declares costs.
        chunk: the chunk.
        cost: its cost, or the reason why it is not known.
        rows: its predictions, if they were counted.
        earlier: known costs of earlier chunks of the month, by key; others are ignored.
    """
    currency = rules_of(spec).currency
    of_chunk = replace(_BLANK, rows=rows or 0, definition=f"{currency}; of the predictions of the {spec.calendar.noun}")
    if isinstance(cost, str):
        return (of_chunk.skipped(cost), *_of_month(spec, chunk, earlier))
    measured = replace(of_chunk, value=cost)
    per_thousand = replace(of_chunk, name=COST_PER_THOUSAND, definition=f"{currency}; of a thousand predictions")
    return (
        measured,
        replace(per_thousand, value=1000 * cost / rows) if rows else per_thousand.skipped("no predictions"),
        *_of_month(spec, chunk, {**earlier, chunk.key: cost}),
    )


def chunks_of_month(calendar: Calendar, chunk: Chunk) -> tuple[Chunk, ...]:
    """Return the chunks of a chunk's local month up to it, itself included; those before the model's start are none."""
    first = calendar.day_at(chunk.start).replace(day=1)
    found = calendar.chunks_of_days(max(first, calendar.start), calendar.day_at(chunk.start))
    return tuple(each for each in found if each.key <= chunk.key) or (chunk,)


def _of_month(spec: ModelSpec, chunk: Chunk, costs: Mapping[str, float]) -> Iterator[Measurement]:
    calendar, rules = spec.calendar, rules_of(spec)
    chunks = chunks_of_month(calendar, chunk)
    known = [costs[each.key] for each in chunks if each.key in costs]
    so_far = replace(
        _BLANK,
        name=COST_OF_MONTH,
        value=math.fsum(known),
        definition=f"{rules.currency}; of the month up to this chunk",
    )
    missing = len(chunks) - len(known)
    if missing:
        so_far = so_far.noted(f"{missing} of {len(chunks)} {calendar.noun}s have no known cost")
    yield so_far if known else so_far.skipped("no cost is known")
    if rules.monthly_budget is not None:
        yield from _forecast(spec, chunk, costs, chunks, known)


def _forecast(
    spec: ModelSpec, chunk: Chunk, costs: Mapping[str, float], chunks: Sequence[Chunk], known: Sequence[float]
) -> Iterator[Measurement]:
    """Yield the judgement of the month; of hours only with the last chunk of a day."""
    calendar, rules = spec.calendar, rules_of(spec)
    budget = rules.monthly_budget or 0.0
    day = calendar.day_at(chunk.start)
    blank = replace(
        _BLANK,
        name=COST_FORECAST,
        threshold_upper=budget,
        severity=Severity(rules.severity),
        definition=f"{rules.currency}; of the whole month, each weekday as in the days so far",
    )
    spent = math.fsum(known)
    if spent > budget:
        yield replace(blank, value=spent).breached(
            f"the month has cost {amount(spent)} {rules.currency}, its budget is {amount(budget)}"
        )
        return
    if calendar.noun == "month":
        yield replace(blank, value=spent) if known else blank.skipped("no cost is known")
        return
    if calendar.day_at(calendar.next(chunk).start) == day:
        return
    if len(chunks) - len(known) > MOST_UNKNOWN * len(chunks):
        yield blank.skipped(
            f"{len(chunks) - len(known)} of {len(chunks)} {calendar.noun}s of the month have no known cost"
        )
        return
    by_day = _by_day(calendar, chunks, costs)
    spent_by_day = {each: cost for each, cost in by_day.items() if cost is not None}
    unknown = [*_days_to_come(calendar, day), *(each for each, cost in by_day.items() if cost is None)]
    found = forecast_month(spent_by_day, unknown, budget)
    if isinstance(found, str):
        yield blank.skipped(found)
        return
    total = found.total
    measured = replace(blank, value=total.value, lower=total.lower, upper=total.upper)
    if total.lower is None or total.lower <= budget:
        yield measured
        return
    on = f"; it is spent on about {found.spent_on}" if found.spent_on else ""
    yield measured.breached(
        f"the month will cost about {amount(total.value)} {rules.currency} ({amount(total.lower)} to "
        f"{amount(total.upper or total.value)}), its budget is {amount(budget)}{on}"
    )


def _by_day(calendar: Calendar, chunks: Sequence[Chunk], costs: Mapping[str, float]) -> dict[dt.date, float | None]:
    """Return the cost of each day of some chunks; None if that of one of its chunks is not known."""
    of_day: dict[dt.date, list[str]] = {}
    for each in chunks:
        of_day.setdefault(calendar.day_at(each.start), []).append(each.key)
    return {
        day: math.fsum(costs[key] for key in keys) if all(key in costs for key in keys) else None
        for day, keys in of_day.items()
    }


def _days_to_come(calendar: Calendar, day: dt.date) -> Iterator[dt.date]:
    """Yield the later days of a day's month, up to the end of the model."""
    for later in (day + dt.timedelta(days=n) for n in count(1)):
        if later.month != day.month or (calendar.end is not None and later >= calendar.end):
            return
        yield later
