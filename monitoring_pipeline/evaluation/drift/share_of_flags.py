"""The largest share of healthy chunks with flags of drift that keeps openings of incidents within the budget.

Incidents open on several flagged chunks. If chunks are independent, few flags open one; if they resemble the one before
them, many do. Every opening takes chunks of its own, so a bound holds whatever the dependence. If it allows less than
``drift.false_alarm_share``, openings are simulated with the dependence that the reference shows.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from monitoring_pipeline.evaluation.budget.allowed import MONTH, Allowed, Spender, allowed_of, chunks_of
from monitoring_pipeline.evaluation.drift.healthy_chunks import HealthyColumn
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.samples.openings import (
    HealthyEffect,
    OfLast,
    OpeningRules,
    count_openings,
    largest_share_for,
    simulated_levels,
)
from monitoring_pipeline.statistics.seeding import generator_of

SERIES, LEAST_SIMULATED, MOST_SIMULATED = 200, 120, 720
COLUMNS_SIMULATED = 16
"""Of wide models only so many columns are simulated, evenly spread by their autocorrelation, with larger levels."""
SHARES_TRIED = 9


def share_of_flags(spec: ModelSpec, columns: Sequence[HealthyColumn]) -> float:
    """Return the share of healthy chunks on which any column may be flagged.

    It is ``drift.false_alarm_share`` if that is written. If not, it is at most that, and lower where the openings that
    follow would exceed what the budget allows for drift.
    """
    most, sure = spec.drift.false_alarm_share, surely_within_budget(spec)
    if sure == most or not columns:
        return sure
    rows = int(np.median([chunk.rows for column in columns for chunk, _ in column.pairs]))
    effects = tuple(_effect_of(column, rows) for column in columns)
    shares = np.geomspace(sure, most, SHARES_TRIED).tolist()
    return _largest_within(
        spread_evenly(effects), tuple(shares), _simulated_chunks(spec), rules_of(spec), _allowed(spec)
    )


def surely_within_budget(spec: ModelSpec) -> float:
    """Return the share of flagged chunks that keeps the budget however chunks depend on one another."""
    most = spec.drift.false_alarm_share
    if spec.has_own_share_of_flags:
        return most
    allowed, rules = _allowed(spec), rules_of(spec)
    shares = [most, largest_share_for(allowed.warnings, rules.opens.chunks)]
    if rules.escalates is not None:
        shares.append(largest_share_for(allowed.pages, rules.escalates.chunks))
    return min(shares)


def openings_a_month(spec: ModelSpec, effect: HealthyEffect) -> float:
    """Return the incidents per month that one effect opens if it is flagged on the declared share of chunks."""
    chunks = _simulated_chunks(spec)
    levels = simulated_levels([effect], SERIES, chunks, generator_of("share of flags"))
    opened, _ = count_openings(levels[0] < spec.drift.false_alarm_share, rules_of(spec))
    return float(opened.mean()) / chunks * chunks_of(spec.calendar, MONTH)


def rules_of(spec: ModelSpec) -> OpeningRules:
    """Return the rules by which flags open, end and escalate incidents."""
    rules = spec.incidents
    return OpeningRules(
        opens=OfLast(rules.open.chunks, rules.open.of),
        resolves=OfLast(rules.resolve.chunks, rules.resolve.of),
        escalates=None if rules.escalate is None else OfLast(rules.escalate.chunks, rules.escalate.of),
    )


def spread_evenly(effects: Sequence[HealthyEffect]) -> tuple[HealthyEffect, ...]:
    """Return at most ``COLUMNS_SIMULATED`` of the effects, from the least to the most autocorrelated."""
    ordered = sorted(effects, key=lambda effect: (effect.autocorrelation, effect.reliability))
    count = min(len(ordered), COLUMNS_SIMULATED)
    return tuple(ordered[place * len(ordered) // count] for place in range(count))


def _allowed(spec: ModelSpec) -> Allowed:
    """Return the openings and escalations of drift that are allowed per chunk.

    Whether drift will have an effect on the model is not known beforehand, so each opening counts as a warning.
    """
    allowed = allowed_of(spec, Spender.DRIFT)
    if spec.drift.severity == "info":
        return Allowed(warnings=1.0, pages=1.0)
    is_page = spec.drift.severity == "critical"
    return Allowed(min(allowed.warnings, allowed.pages), 1.0) if is_page else allowed


def _effect_of(column: HealthyColumn, rows: int) -> HealthyEffect:
    effect, chunks = next(iter(column.day_effects.values())), len(column.pairs)
    return HealthyEffect(
        autocorrelation=effect.autocorrelation,
        reliability=round(effect.reliability(rows), 2),
        effective_chunks=round(effect.effective_days(chunks, rows), 1),
        chunks=chunks,
    )


def _simulated_chunks(spec: ModelSpec) -> int:
    return int(min(max(chunks_of(spec.calendar, MONTH), LEAST_SIMULATED), MOST_SIMULATED))


@lru_cache(maxsize=64)
def _largest_within(
    effects: tuple[HealthyEffect, ...], shares: tuple[float, ...], chunks: int, rules: OpeningRules, allowed: Allowed
) -> float:
    """Return the largest of rising shares with which simulated incidents are as rare as allowed; else the first."""
    levels = simulated_levels(effects, SERIES, chunks, generator_of("share of flags"))
    smallest = levels.min(axis=0)
    within = shares[0]
    for share in shares[1:]:
        opened, escalated = count_openings(smallest < share / len(effects), rules)
        if opened.mean() / chunks > allowed.warnings or escalated.mean() / chunks > allowed.pages:
            break
        within = share
    return within
