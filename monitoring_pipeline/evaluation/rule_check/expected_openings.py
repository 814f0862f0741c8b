"""How many incidents open in a month and become critical in a quarter, if later chunks are like the reference.

Flags of drift are simulated: from the floors in use, from how far healthy chunks lie below them, and from how chunks
follow one another. So rare openings are expected although no chunk of the reference is flagged. Openings by broken data
and by thresholds of performance are counted on the chunks of the reference.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitoring_pipeline.evaluation.budget.allowed import MONTH, QUARTER, Spender, allowed_of, chunks_of
from monitoring_pipeline.evaluation.drift.floors import LearnedFloors
from monitoring_pipeline.evaluation.drift.healthy_chunks import healthy_chunks
from monitoring_pipeline.evaluation.drift.healthy_flags import HealthyFlag, healthy_flags
from monitoring_pipeline.evaluation.drift.share_of_flags import rules_of
from monitoring_pipeline.evaluation.rule_check.held_out_days import ReferenceDays
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.samples.openings import (
    Flags,
    OfLast,
    OpeningRules,
    count_openings,
    interval_of_count,
    simulated_levels,
)

WARNINGS, PAGES = "expected_openings", "expected_pages"
INPUTS, OUTPUTS, MODEL, DATA, ALL = "inputs", "outputs", "performance", "data", "model"
SERIES, EFFECTS_SIMULATED, MOST_CHUNKS = 400, 48, 2_200
_AT_ONCE = OfLast(1, 1)
_INTERVAL = (0.05, 0.95)
_SPENDERS = {INPUTS: Spender.DRIFT, OUTPUTS: Spender.DRIFT, MODEL: Spender.MODEL, DATA: Spender.DATA}


@dataclass(frozen=True)
class Expected:
    """A number of openings or pages in a period, with its 90 % interval, which is that of a single period."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class ExpectedOpenings:
    """Incidents that open in a month, and that become critical in a quarter."""

    openings: Expected
    pages: Expected


def expect_openings(
    days: ReferenceDays, floors: LearnedFloors, model: Mapping[str, bool], data: Mapping[str, bool]
) -> Iterator[Measurement]:
    """Yield the expected openings of a month and pages of a quarter, for each cause, and for all of them together.

    Args:
        days: the chunks of the reference.
        floors: the floors in use.
        model: whether a threshold of performance is breached, by chunk of the reference.
        data: whether data are broken, by chunk of the reference.
    """
    spec = days.spec
    found = dict(expected_of_drift(days, floors))
    found |= {MODEL: _counted(spec, model, rules_of(spec))} if model else {}
    found |= {DATA: _counted(spec, data, replace(rules_of(spec), opens=_AT_ONCE))} if data else {}
    for cause, expected in found.items():
        yield from _measurements(days, cause, expected)
    if found:
        yield from _measurements(days, ALL, _together(list(found.values())))


def expected_of_drift(days: ReferenceDays, floors: LearnedFloors) -> Iterator[tuple[str, ExpectedOpenings]]:
    """Yield what is expected of drifted inputs and of drifted outputs, if floors were learned."""
    spec = days.spec
    watched = [column for column in spec.columns if column in days.reference.bins and not spec.is_ignored(column)]
    healthy = healthy_chunks(spec, days.reference.model_version, days.reference.bins, days.profiles)
    flags = healthy_flags(healthy, floors, watched)
    for cause, columns in ((INPUTS, set(spec.inputs)), (OUTPUTS, set(spec.output_columns))):
        if own := [flag for flag in flags if flag.column in columns]:
            yield cause, _simulated(days, cause, own)


def _simulated(days: ReferenceDays, cause: str, flags: Sequence[HealthyFlag]) -> ExpectedOpenings:
    spec = days.spec
    largest = sorted(flags, key=lambda flag: (-flag.level, flag.column, flag.statistic))[:EFFECTS_SIMULATED]
    left_out = sum(flag.level for flag in flags) / max(sum(flag.level for flag in largest), math.ulp(0.0))
    quarter = chunks_of(spec.calendar, QUARTER)
    chunks = int(min(max(round(quarter), 1), MOST_CHUNKS))
    generator = days.generator(WARNINGS, cause)
    levels = simulated_levels([flag.effect for flag in largest], SERIES, chunks, generator)
    limits = np.array([flag.level * left_out for flag in largest])[:, None, None]
    beyond: Flags = levels < limits
    opened, escalated = count_openings(np.logical_or.reduce(beyond), rules_of(spec))
    openings = _of_series(opened, months=quarter / chunks_of(spec.calendar, MONTH) * chunks / quarter)
    pages = _of_series(escalated, months=chunks / quarter)
    if spec.drift.severity == "critical":
        pages = _of_series(opened, months=chunks / quarter)
    return ExpectedOpenings(openings, pages)


def _of_series(counts: np.ndarray[tuple[int], np.dtype[np.float64]], *, months: float) -> Expected:
    """Return the mean of a period and the interval, from counts of so many periods."""
    lower, upper = np.quantile(counts / months, _INTERVAL).tolist()
    return Expected(float(counts.mean() / months), lower, upper)


def _counted(spec: ModelSpec, flags: Mapping[str, bool], rules: OpeningRules) -> ExpectedOpenings:
    in_order = np.array([[flag for _, flag in sorted(flags.items())]], dtype=np.bool_)
    opened, escalated = count_openings(in_order, rules)
    return ExpectedOpenings(
        _of_count(float(opened[0]), chunks_of(spec.calendar, MONTH) / in_order.size),
        _of_count(float(escalated[0]), chunks_of(spec.calendar, QUARTER) / in_order.size),
    )


def _of_count(count: float, periods: float) -> Expected:
    lower, upper = interval_of_count(count)
    return Expected(count * periods, lower * periods, upper * periods)


def _together(found: Collection[ExpectedOpenings]) -> ExpectedOpenings:
    """Return the sum; its interval is as wide as those of independent parts are together."""
    return ExpectedOpenings(_sum([each.openings for each in found]), _sum([each.pages for each in found]))


def _sum(parts: Sequence[Expected]) -> Expected:
    value = sum(part.value for part in parts)
    below = math.hypot(*(part.value - part.lower for part in parts))
    above = math.hypot(*(part.upper - part.value for part in parts))
    return Expected(value, max(0.0, value - below), value + above)


def _measurements(days: ReferenceDays, cause: str, expected: ExpectedOpenings) -> Iterator[Measurement]:
    spec = days.spec
    allowed = (spec.budget.warnings_per_month, spec.budget.pages_per_quarter)
    if cause != ALL:
        part = allowed_of(spec, _SPENDERS[cause])
        of_month, of_quarter = (chunks_of(spec.calendar, period) for period in (MONTH, QUARTER))
        allowed = (part.warnings * of_month, part.pages * of_quarter)
    words = f"if later {days.noun}s are like those of the reference, with the 90 % interval of one"
    rows = (
        (WARNINGS, expected.openings, f"incidents that open in a month {words} month", allowed[0], "a month"),
        (
            PAGES,
            expected.pages,
            f"incidents that become critical in a quarter {words} quarter",
            allowed[1],
            "a quarter",
        ),
    )
    for name, number, definition, limit, period in rows:
        measured = replace(
            days.blank, subject=cause, name=name, value=number.value, lower=min(number.lower, number.value),
            upper=max(number.upper, number.value), threshold_upper=limit, definition=definition,
            rows=len(days.profiles),
        )  # fmt: skip
        is_over = number.value > limit
        yield measured.breached(f"{number.value:.2g} {period}, the budget allows {limit:.2g}") if is_over else measured
