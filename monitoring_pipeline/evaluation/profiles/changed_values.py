"""What changed in the values of a column, from what to what, in words that quote no rare value."""

import math
from collections.abc import Iterator, Mapping, Sequence

from monitoring_pipeline.evaluation.privacy.shown_values import least_rows_shown, may_show, quoted
from monitoring_pipeline.evaluation.profiles.bins import SPECIAL_CELLS_AFTER, SPECIAL_CELLS_BEFORE, Bins, NumericBins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile, Unseen

NEW_VALUES_SHOWN = 5
CATEGORIES_SHOWN = 3
ONE_POINT = 0.01
LEAST_SHARE_MOVED = ONE_POINT
LEAST_MEAN_MOVED = 0.1
"""Smallest distance of two means that is named, in standard deviations of the reference."""
LEAST_SPREAD_CHANGED = 1.25
"""Smallest quotient of two standard deviations that is named."""


def changed_values(bins: Bins, before: ColumnProfile, now: ColumnProfile) -> str | None:
    """Return the changes of a column in words.

    The share of nulls comes first. Mean and spread of numbers follow, or shares of categories and new values.

    Args:
        bins: the bins of both profiles.
        before: the reference, or the chunks that the column is compared with.
        now: the chunk.

    Returns:
        Words such as ``null 100% → 36%, new values 'no' (102)``; None if nothing of it changed or a side has no rows.
    """
    if not before.rows or not now.rows:
        return None
    of_values = _of_numbers(bins, before, now) if isinstance(bins, NumericBins) else _of_categories(bins, before, now)
    return ", ".join([*_nulls(before, now), *of_values]) or None


def changed_nulls(before: ColumnProfile, now: ColumnProfile) -> str | None:
    """Return the change of the share of nulls in words; None if it moved by less than ``LEAST_SHARE_MOVED``."""
    return next(_nulls(before, now), None)


def new_values(unseen: Sequence[Unseen], rows: int) -> str:
    """Return unseen values with their rows, without those that have too few rows to be quoted.

    Args:
        unseen: the most frequent ones.
        rows: rows of all unseen values.
    """
    shown = [entry for entry in unseen if may_show(entry.rows)][:NEW_VALUES_SHOWN]
    names = ", ".join(f"{quoted(entry.value)} ({entry.rows})" for entry in shown)
    others = rows - sum(entry.rows for entry in shown)
    if not shown:
        return f"none has {least_rows_shown()} rows"
    return names + (f" and {others} rows of others" if others > 1 else " and 1 row of another" if others else "")


def _nulls(before: ColumnProfile, now: ColumnProfile) -> Iterator[str]:
    if abs(now.null_share - before.null_share) >= LEAST_SHARE_MOVED:
        yield f"null {_shares(before.null_share, now.null_share)}"


def _of_numbers(bins: NumericBins, before: ColumnProfile, now: ColumnProfile) -> Iterator[str]:
    of_before, of_now = _moments(bins, before), _moments(bins, now)
    if of_before is None or of_now is None:
        return
    (mean_before, spread_before), (mean_now, spread_now) = of_before, of_now
    if abs(mean_now - mean_before) > LEAST_MEAN_MOVED * spread_before:
        yield f"mean {_number(mean_before)} → {_number(mean_now)}"
    smaller, larger = sorted((spread_before, spread_now))
    if larger > LEAST_SPREAD_CHANGED * smaller:
        yield f"standard deviation {_number(spread_before)} → {_number(spread_now)}"


def _moments(bins: NumericBins, column: ColumnProfile) -> tuple[float, float] | None:
    values = sum(column.counts[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER])
    if not values:
        return None
    shift = column.sum_centred / values
    return bins.centre + shift, math.sqrt(max(column.sum_squares_centred / values - shift**2, 0.0))


def _of_categories(bins: Bins, before: ColumnProfile, now: ColumnProfile) -> Iterator[str]:
    names = bins.cells[1:-1]
    moved = {
        name.removeprefix("="): (rows_before / before.rows, rows_now / now.rows)
        for name, rows_before, rows_now in zip(names, before.counts[1:-1], now.counts[1:-1], strict=True)
        if may_show(max(rows_before, rows_now))
    }
    yield from _most_moved(moved)
    if now.counts[-1] and now.counts[-1] / now.rows - before.counts[-1] / before.rows >= LEAST_SHARE_MOVED:
        yield f"new values {new_values(now.unseen, now.counts[-1])}"


def _most_moved(moved: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    by_distance = sorted(moved, key=lambda name: (-abs(moved[name][1] - moved[name][0]), name))
    for name in by_distance[:CATEGORIES_SHOWN]:
        before, now = moved[name]
        if abs(now - before) >= LEAST_SHARE_MOVED:
            yield f"{quoted(name)} {_shares(before, now)}"


def _shares(before: float, now: float) -> str:
    return f"{_percent(before)} → {_percent(now)}"


def _percent(share: float) -> str:
    """Return a share without decimals, unless that would round it to nothing or to everything."""
    is_rounded_away = 0.0 < share < ONE_POINT or 1.0 - ONE_POINT < share < 1.0
    return f"{share:.1%}" if is_rounded_away else f"{share:.0%}"


def _number(value: float) -> str:
    return f"{value:.4g}"
