"""A chunk that repeats an earlier one: its features have the same counts and sums, although they are other rows.

A job that was fed with the files of another day gives plausible predictions, and nothing else is breached.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile
from monitoring_pipeline.records.measurement import Kind, Measurement

REPEATED_CHUNK = "repeated_chunk"
CHUNKS_LOOKED_BACK = 8
"""A week of days and one more, so that a copy of the same weekday is among them."""
LEAST_DIGITS = 6.0
"""Chunks that differ have the same counts with a probability below ten to minus this."""


ByChunk = Mapping[str, Sequence[ChunkProfile]]
"""Profiles by the key of their chunk, one for each version."""
Contents = Mapping[str, tuple[ColumnProfile, ...]]
"""The profiles of the features, by version."""


def repeated_chunk(
    features: Sequence[str],
    profiles: Sequence[ChunkProfile],
    earlier: ByChunk,
    of_reference: Callable[[], ByChunk],
) -> Measurement | None:
    """Return whether a chunk repeats an earlier one; None if it has no rows with features that could show it.

    Nothing is breached if chunks of the reference repeat one another: some models score the same rows every day. The
    earlier chunks do not show that, because those of a source that has stopped repeat one another, too.

    Args:
        features: the model's features.
        profiles: the profiles of the chunk, one for each version.
        earlier: profiles of chunks before it, over the bins of the same references.
        of_reference: reads the profiles of some chunks of a reference, if the chunk repeats another one.
    """
    of_chunk = _contents(features, profiles)
    if not of_chunk or all(_digits(columns) < LEAST_DIGITS for columns in of_chunk.values()):
        return None
    measurement = Measurement(
        kind=Kind.QUALITY,
        subject="chunk",
        name=REPEATED_CHUNK,
        model_version="",
        value=0.0,
        threshold_upper=0.0,
        rows=sum(profile.rows for profile in profiles),
        definition="1 if the features have the same counts and sums as those of an earlier chunk",
    )
    copied = next((key for key in sorted(earlier, reverse=True) if _contents(features, earlier[key]) == of_chunk), None)
    if copied is None or _repeat_one_another(features, of_reference()):
        return measurement
    reason = (
        f"all features have the same counts and sums as on {copied}: these rows were probably made from the inputs "
        "of that time"
    )
    return replace(measurement, value=1.0).breached(reason)


def _contents(features: Sequence[str], profiles: Sequence[ChunkProfile]) -> Contents:
    return {
        profile.model_version: tuple(profile[name] for name in features if name in profile)
        for profile in profiles
        if profile.rows
    }


def _repeat_one_another(features: Sequence[str], chunks: ByChunk) -> bool:
    contents = [found for profiles in chunks.values() if (found := _contents(features, profiles))]
    return any(one in contents[place + 1 :] for place, one in enumerate(contents))


def _digits(columns: Sequence[ColumnProfile]) -> float:
    """Return about how unlikely it is that other rows give the same counts, in powers of ten.

    Counts of n rows over k cells of similar share agree with a probability of about (2 pi n / k)^(-(k - 1) / 2), by
    Stirling's formula. Columns depend on one another, so that half of the sum counts.
    """
    return sum(map(_digits_of, columns)) / 2.0


def _digits_of(column: ColumnProfile) -> float:
    cells = sum(count > 0 for count in column.counts)
    return max(0.0, (cells - 1) / 2.0 * math.log10(2.0 * math.pi * column.rows / cells)) if cells else 0.0
