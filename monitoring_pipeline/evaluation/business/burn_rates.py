"""Burn rates of an objective over pairs of windows: the long one shows that a loss matters, the short that it lasts.

The pairs are those of the Site Reliability Workbook (Beyer et al. 2018), chapter 5, table 5-8, for an objective of 30
days: 14.4 over an hour and 5 minutes, 6 over 6 hours and 30 minutes, 1 over 3 days and 6 hours. They spend 2, 5 and
10 % of the error budget. For other objectives the windows are longer or shorter in proportion, so that they spend the
same.

Windows are whole chunks. The short one has at least one, the long one at least one more. One bad chunk is no rate, so
at least two are needed: where a chunk is a day, one bad day alone would spend most of an error budget.
"""

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.business.outcomes import Window
from monitoring_pipeline.records.measurement import WEIGHT, Measurement, Severity
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.rules.incidents import Objective

BURN_RATE = "burn_rate"
DAYS_OF_THE_WORKBOOK = 30
LEAST_BAD_CHUNKS = 2


@dataclass(frozen=True)
class BurnPair:
    """A burn rate that is too fast if two windows reach it.

    Args:
        name: its name in measurements.
        rate: the burn rate, 1 for exactly the budget.
        long: the long window for an objective of 30 days.
        short: the short window likewise.
        severity: severity of a breach, at most that of the objective.
    """

    name: str
    rate: float
    long: dt.timedelta
    short: dt.timedelta
    severity: Severity


BURN_PAIRS = (
    BurnPair("fast", 14.4, dt.timedelta(hours=1), dt.timedelta(minutes=5), Severity.CRITICAL),
    BurnPair("medium", 6.0, dt.timedelta(hours=6), dt.timedelta(minutes=30), Severity.CRITICAL),
    BurnPair("slow", 1.0, dt.timedelta(days=3), dt.timedelta(hours=6), Severity.WARNING),
)


@dataclass(frozen=True)
class PairInChunks:
    """A pair with the lengths of its windows in chunks."""

    pair: BurnPair
    long: int
    short: int


def pairs_in_chunks(calendar: Calendar, objective: Objective) -> tuple[PairInChunks, ...]:
    """Return the pairs of an objective.

    Of pairs with the same windows and severity the slowest is kept, because it includes the others. A pair whose rate
    even bad chunks alone do not reach is left out. An objective of a single chunk has none.
    """
    scale = objective.days / DAYS_OF_THE_WORKBOOK
    most = calendar.chunks_in_days(objective.days)
    kept: dict[tuple[int, int, Severity], PairInChunks] = {}
    for pair in BURN_PAIRS:
        long = min(max(math.ceil(pair.long * scale / calendar.length), LEAST_BAD_CHUNKS), most)
        short = min(math.ceil(pair.short * scale / calendar.length), long - 1)
        if short and pair.rate * (1 - objective.share) <= 1:
            kept[long, short, pair.severity] = PairInChunks(pair, long, short)
    return tuple(kept.values())


def measure_burn_rates(
    calendar: Calendar, objective: Objective, outcomes: Window, blank: Measurement, *, chunk_key: str, counted: str
) -> Iterator[Measurement]:
    """Yield the burn rate of each pair that has a value in both windows, of which the lower one counts.

    Args:
        calendar: the calendar of the model.
        objective: the objective.
        outcomes: the good and bad ones of all chunks.
        blank: a measurement of the objective without name and value.
        chunk_key: the last chunk of the windows.
        counted: what is counted, in the plural.
    """
    for pair in pairs_in_chunks(calendar, objective):
        last = calendar.chunk(chunk_key)
        long, short = (
            outcomes.between(calendar.earlier(last, chunks - 1).key, chunk_key) for chunks in (pair.long, pair.short)
        )
        if long.counted and short.counted:
            measured = replace(blank, rows=long.counted, definition=_definition(pair, calendar.noun, counted))
            yield _judged(pair, objective, (long, short), measured, calendar.noun)


def _judged(
    in_chunks: PairInChunks, objective: Objective, windows: tuple[Window, Window], blank: Measurement, noun: str
) -> Measurement:
    pair = in_chunks.pair
    # Rounded, so that chunks that burn exactly at the rate reach it.
    rates = [round(window.counted_bad / window.counted / (1 - objective.share), 9) for window in windows]
    measured = replace(
        blank,
        name=BURN_RATE,
        of=pair.name,
        value=min(rates),
        threshold_upper=pair.rate,
        severity=min(Severity(objective.severity), pair.severity, key=WEIGHT.__getitem__),
        reason=(
            f"{rates[0]:.3g} over {_last(in_chunks.long, noun)}, {rates[1]:.3g} over {_last(in_chunks.short, noun)}; "
            f"{pair.rate:g} on both is too fast"
        ),
    )
    if min(rates) < pair.rate:
        return measured
    if len(windows[0].bad_chunks) < LEAST_BAD_CHUNKS:
        return measured.noted(f"one bad {noun} is no rate")
    return measured.breached(
        f"the error budget burns {rates[0]:.3g} times as fast as allowed over {_last(in_chunks.long, noun)} and "
        f"{rates[1]:.3g} times over {_last(in_chunks.short, noun)}; {pair.rate:g} on both is too fast"
    )


def _definition(pair: PairInChunks, noun: str, counted: str) -> str:
    return (
        f"share of bad {counted} over the share allowed: the lower one of {_last(pair.long, noun)} and "
        f"{_last(pair.short, noun)}"
    )


def _last(chunks: int, noun: str) -> str:
    return f"the last {noun}" if chunks == 1 else f"the last {chunks} {noun}s"
