"""Rates of rare events in cells of rows, such as errors by hour: what is usual, and which rate is beyond it.

The events of a cell are beta-binomial: its rate varies around the usual one of its slot, as much as it did between
healthy cells. So neither busy hours nor bad days of a healthy time are beyond what is usual.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.intervals.intervals import wilson
from monitoring_pipeline.statistics.samples.usual_levels import widened
from monitoring_pipeline.statistics.scipy_modules import scipy_module

PRIOR_EVENTS = 20.0
"""The rate of a slot is drawn to that of all cells as if so many of its events had been observed elsewhere."""
LEAST_CORRELATION = 1e-9
"""A smaller correlation within cells is taken as none."""
MOST_ROWS = 20_000
"""Cells of more rows are scaled down to so many, if rows of a cell are correlated."""
_SURELY = 0.99
_LARGEST, _MOST = 0.999, 50.0
LEVEL = 1e-4
"""Share of healthy cells beyond the factor, if the logarithms of their rates are normal."""
Counts = npt.NDArray[np.float64]


@dataclass(frozen=True)
class UsualRate:
    """The usual rate of an event.

    Args:
        rate: over all cells.
        by_slot: rate of each slot, drawn to that of all cells.
        correlation: of two rows of one cell, beyond what the rate of its slot explains; 0 for independent rows.
        factor: beyond the usual rate times this, no healthy cell strays: Student's quantile of the spread of
            the logarithm of the rates of cells, wider where neighbouring cells are alike.
        highest: the highest rate that a healthy cell surely had: the largest lower end of a 99 % interval.
        cells: number of cells.
    """

    rate: float
    by_slot: Mapping[str, float]
    correlation: float
    factor: float
    highest: float
    cells: int

    def of(self, slot: str) -> float:
        """Return the usual rate of a slot; that of all cells if the slot is unknown."""
        return self.by_slot.get(slot, self.rate)

    def p_value(self, slot: str, events: int, rows: int, *, times: float = 1.0) -> float:
        """Return the probability of at least so many events in a healthy cell of so many rows.

        ``times`` is the factor by which the rates of all slots are higher at the moment.
        """
        if events <= 0:
            return 1.0
        return _upper_tail(min(self.of(slot) * times, _LARGEST), self.correlation, events, rows)

    def is_beyond(self, slot: str, events: int, rows: int) -> bool:
        """Return whether the rate of a cell is surely beyond the usual one of its slot times the factor."""
        return surely_at_least(events, rows) > self.of(slot) * self.factor

    def is_beyond_all(self, events: int, rows: int) -> bool:
        """Return whether a cell surely has a higher rate than each healthy one had."""
        return surely_at_least(events, rows) > self.highest


def surely_at_least(events: int, rows: int) -> float:
    """Return the lower end of the 99 % interval of a rate."""
    return wilson(events, rows, _SURELY).lower or 0.0


def learn_rate(slots: Sequence[str], events: npt.ArrayLike, rows: npt.ArrayLike) -> UsualRate:
    """Learn the usual rate from healthy cells.

    The correlation is the moment estimate from Pearson's statistic, enlarged by two of its standard errors.

    Args:
        slots: the slot of each cell, such as its hour.
        events: the events of each cell, shape (cells,).
        rows: the rows of each cell, shape (cells,), each positive.

    Raises:
        ValueError: when there are no cells.
    """
    k, n = np.asarray(events, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    if not k.size:
        raise ValueError("no cells to learn a rate from")
    overall = float((k.sum() + 0.5) / (n.sum() + 1.0))
    named = np.asarray(slots)
    by_slot: dict[str, float] = {}
    for slot in dict.fromkeys(slots):
        own = named == slot
        by_slot[slot] = float((k[own].sum() + PRIOR_EVENTS) / (n[own].sum() + PRIOR_EVENTS / overall))
    p = np.array([by_slot[slot] for slot in slots])
    correlation = _correlation(k, n, p)
    # The variance of rates is correlation * rate * (1 - rate).
    spread = math.sqrt(math.log1p(correlation * (1.0 - overall) / overall))
    return UsualRate(
        rate=overall,
        by_slot=by_slot,
        correlation=correlation,
        factor=math.exp(min(_quantile(k.size) * spread * widened(np.log((k + 0.5) / (n + 1.0) / p)), _MOST)),
        highest=max(surely_at_least(int(each), int(of)) for each, of in zip(k, n, strict=True)),
        cells=int(k.size),
    )


def _correlation(events: Counts, rows: Counts, rates: Counts) -> float:
    squares = (events - rows * rates) ** 2 / (rates * (1.0 - rates))
    enlarged = squares.sum() * (1.0 + 2.0 * np.sqrt(2.0 / squares.size))
    pairs = float((rows * (rows - 1.0)).sum())
    found = (float(enlarged) - float(rows.sum())) / pairs if pairs else 0.0
    return float(np.clip(found, 0.0, 0.5))


def _quantile(cells: int) -> float:
    return float(scipy_module("stats").t.isf(LEVEL, max(cells - 1, 1)))


def _upper_tail(rate: float, correlation: float, events: int, rows: int) -> float:
    """Return the probability of at least so many events."""
    special = scipy_module("special")
    if correlation < LEAST_CORRELATION:
        return float(special.bdtrc(events - 1, rows, rate))
    if rows > MOST_ROWS:
        # Of so many rows the noise of single rows is small beside that of the cell.
        events, rows = math.ceil(events * MOST_ROWS / rows), MOST_ROWS
    spread = (1.0 - correlation) / correlation
    a, b = rate * spread, (1.0 - rate) * spread
    k = np.arange(events, rows + 1, dtype=np.float64)
    choices = special.gammaln(rows + 1.0) - special.gammaln(k + 1.0) - special.gammaln(rows - k + 1.0)
    logs = choices + special.betaln(k + a, rows - k + b) - special.betaln(a, b)
    return float(min(math.exp(special.logsumexp(logs)), 1.0))
