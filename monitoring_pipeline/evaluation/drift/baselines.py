"""What a chunk is compared with when it is not the reference: earlier days, their profiles added up."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, sum_profiles
from monitoring_pipeline.spec.rules.drift import Against, DriftRules

A_YEAR_OF_WEEKS = dt.timedelta(days=364)
"""52 weeks: the same weekday of the year before."""
DAYS_SHOWN = 3


def _days_before(day: dt.date, *offsets: int) -> tuple[dt.date, ...]:
    return tuple(sorted(day - dt.timedelta(days=offset) for offset in offsets))


DAYS_OF: dict[Against, Callable[[dt.date, int], tuple[dt.date, ...]]] = {
    Against.REFERENCE: lambda _day, _window: (),
    Against.PREVIOUS_DAY: lambda day, _window: _days_before(day, 1),
    Against.SAME_WEEKDAY: lambda day, window: _days_before(day, *range(7, window + 1, 7)),
    Against.TRAILING_DAYS: lambda day, window: _days_before(day, *range(1, window + 1)),
    Against.LAST_YEAR: lambda day, _window: _days_before(day - A_YEAR_OF_WEEKS, *range(-3, 4)),
}
WORDS = {
    Against.REFERENCE: "the reference",
    Against.PREVIOUS_DAY: "the day before",
    Against.SAME_WEEKDAY: "the same weekdays of the {window} days before",
    Against.TRAILING_DAYS: "the {window} days before",
    Against.LAST_YEAR: "the week around the same weekday of last year",
}


@dataclass(frozen=True)
class Baseline:
    """The sum of the days that a chunk is compared with, or the ``reason`` why there is none."""

    days: tuple[dt.date, ...] = ()
    profile: ChunkProfile | None = None
    reason: str | None = None


def baseline_days(rules: DriftRules, day: dt.date) -> tuple[dt.date, ...]:
    """Return the days that ``day`` is compared with, oldest first; none when that is the reference."""
    return DAYS_OF[rules.against](day, rules.window_days)


def baseline_words(rules: DriftRules) -> str:
    """Return what chunks are compared with, for a person."""
    return WORDS[rules.against].format(window=rules.window_days)


def choose_baseline(
    rules: DriftRules, day: dt.date, available: Mapping[dt.date, ChunkProfile], not_yet: Collection[dt.date]
) -> Baseline:
    """Return the baseline of a day.

    Args:
        rules: say which days are wanted.
        day: the day of the chunk.
        available: profiles by day, of the reference's days and of those monitored, over the bins of one reference.
        not_yet: days that are to be monitored and have not been. As long as one is wanted there is no baseline:
            the result would depend on the order in which days are run.
    """
    wanted = baseline_days(rules, day)
    if missing := sorted(set(wanted) & set(not_yet)):
        names = ", ".join(map(str, missing[:DAYS_SHOWN])) + (", ..." if len(missing) > DAYS_SHOWN else "")
        reason = (
            f"{len(missing)} of the {len(wanted)} days to compare with are not profiled yet ({names}): run them first"
        )
        return Baseline(reason=reason)
    days = tuple(wanted_day for wanted_day in wanted if wanted_day in available)
    profile = sum_profiles(available[own] for own in days) if days else None
    if profile is None or profile.rows < rules.minimum_rows:
        rows = profile.rows if profile else 0
        return Baseline(reason=f"{rows} rows in {baseline_words(rules)}, at least {rules.minimum_rows} needed")
    return Baseline(days, profile)


def without(total: ColumnProfile, part: ColumnProfile) -> ColumnProfile:
    """Return the counts and sums of ``total`` with those of one of its parts taken away.

    What does not subtract (extremes, names of unseen values) stays that of the total.
    """
    return replace(
        total,
        counts=tuple(a - b for a, b in zip(total.counts, part.counts, strict=True)),
        sum_centred=total.sum_centred - part.sum_centred,
        sum_squares_centred=total.sum_squares_centred - part.sum_squares_centred,
    )
