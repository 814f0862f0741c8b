"""Baselines: summed profiles of earlier chunks that a chunk is compared with instead of the reference."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, sum_profiles
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import Against, DriftRules

DAYS_OF_A_YEAR = 364
"""52 weeks: the same weekday of the year before."""
DAYS_AROUND = 3
CHUNKS_SHOWN = 3


def _same_slot(calendar: Calendar, chunk: Chunk, window: int) -> tuple[Chunk, ...]:
    return tuple(other for other in calendar.chunks_before(chunk, window) if calendar.same_slot(other, chunk))


def _last_year(calendar: Calendar, chunk: Chunk) -> tuple[Chunk, ...]:
    middle = calendar.days_before(chunk, DAYS_OF_A_YEAR)
    around = (calendar.days_before(middle, days) for days in range(DAYS_AROUND, -DAYS_AROUND - 1, -1))
    # Weeks and months round days, so several of them are one chunk.
    return tuple(dict.fromkeys(around))


CHUNKS_OF: dict[Against, Callable[[Calendar, Chunk, int], tuple[Chunk, ...]]] = {
    Against.REFERENCE: lambda _calendar, _chunk, _window: (),
    Against.PREVIOUS_CHUNK: lambda calendar, chunk, _window: (calendar.previous(chunk),),
    Against.PREVIOUS_DAY: lambda calendar, chunk, _window: (calendar.days_before(chunk, 1),),
    Against.SAME_SLOT: _same_slot,
    Against.SAME_WEEKDAY: _same_slot,
    Against.TRAILING_DAYS: lambda calendar, chunk, window: calendar.chunks_before(chunk, window),
    Against.LAST_YEAR: lambda calendar, chunk, _window: _last_year(calendar, chunk),
}
WORDS = {
    Against.REFERENCE: "the reference",
    Against.PREVIOUS_CHUNK: "the chunk before",
    Against.PREVIOUS_DAY: "the day before",
    Against.SAME_SLOT: "the chunks of the same weekday and hour in the {window} days before",
    Against.SAME_WEEKDAY: "the same weekdays of the {window} days before",
    Against.TRAILING_DAYS: "the {window} days before",
    Against.LAST_YEAR: "the week around the same weekday of last year",
}


@dataclass(frozen=True)
class Baseline:
    """The sum of the chunks that a chunk is compared with, or the ``reason`` for its absence.

    Args:
        keys: keys of the chunks that were added up.
        profile: the sum of their profiles.
        reason: the reason for its absence.
    """

    keys: tuple[str, ...] = ()
    profile: ChunkProfile | None = None
    reason: str | None = None


def baseline_chunks(spec: ModelSpec, chunk: Chunk) -> tuple[Chunk, ...]:
    """Return the chunks that a chunk is compared with, oldest first; none if it is compared with the reference."""
    return CHUNKS_OF[spec.drift.against](spec.calendar, chunk, spec.drift.window_days)


def baseline_keys(spec: ModelSpec, key: str) -> tuple[str, ...]:
    """Return the keys of the chunks that the chunk with this key is compared with, oldest first."""
    return tuple(chunk.key for chunk in baseline_chunks(spec, spec.calendar.chunk(key)))


def baseline_words(rules: DriftRules) -> str:
    """Return the name of the baseline for messages."""
    return WORDS[rules.against].format(window=rules.window_days)


def choose_baseline(
    rules: DriftRules,
    wanted: Sequence[str],
    available: Mapping[str, ChunkProfile],
    not_yet: Collection[str],
    *,
    noun: str = "day",
) -> Baseline:
    """Return the baseline of a chunk.

    Args:
        rules: the rules of drift.
        wanted: keys of the chunks that it is to be compared with.
        available: profiles by key, of the reference's chunks and of monitored ones, over the bins of one reference.
        not_yet: keys of chunks that will be monitored later. There is no baseline while one of them is wanted,
            because the result would depend on the order in which chunks are run.
        noun: the word for a chunk.
    """
    if missing := sorted(set(wanted) & set(not_yet)):
        names = ", ".join(missing[:CHUNKS_SHOWN]) + (", ..." if len(missing) > CHUNKS_SHOWN else "")
        counted = f"{len(missing)} of the {len(wanted)} {noun}s"
        reason = f"{counted} to compare with are not profiled yet ({names}): run them first"
        return Baseline(reason=reason)
    keys = tuple(key for key in wanted if key in available)
    profile = sum_profiles(available[key] for key in keys) if keys else None
    if profile is None or profile.rows < rules.minimum_rows:
        rows = profile.rows if profile else 0
        return Baseline(reason=f"{rows} rows in {baseline_words(rules)}, at least {rules.minimum_rows} needed")
    return Baseline(keys, profile)


def without(total: ColumnProfile, part: ColumnProfile) -> ColumnProfile:
    """Return ``total`` with the counts and sums of one of its parts subtracted.

    Fields that cannot be subtracted (extremes, names of unseen values) keep the values of the total.
    """
    return replace(
        total,
        counts=tuple(a - b for a, b in zip(total.counts, part.counts, strict=True)),
        sum_centred=total.sum_centred - part.sum_centred,
        sum_squares_centred=total.sum_squares_centred - part.sum_squares_centred,
    )
