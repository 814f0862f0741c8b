"""Broken columns within segments: nulls and unknown values that grew in a segment by themselves."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.quality.columns import BY_CHANCE
from monitoring_pipeline.evaluation.segments.membership import Flags, Part
from monitoring_pipeline.evaluation.segments.of_chunk import SegmentsOfChunk
from monitoring_pipeline.evaluation.segments.own_faults import Suspected, clearer_than, with_their_own
from monitoring_pipeline.evaluation.segments.shares import SHARES, Counted, counted, increase_beyond
from monitoring_pipeline.records.measurement import Measurement, Severity, Status
from monitoring_pipeline.statistics.samples.distances import share_increased_by
from monitoring_pipeline.statistics.samples.homogeneity_tests import more_frequent_test

LEAST_INCREASE = 0.05
"""A smaller increase of a share within a segment is not judged: few rows show it, and few are harmed."""


def measure_broken_columns(of: SegmentsOfChunk, profiles: Sequence[ChunkProfile]) -> tuple[Measurement, ...]:
    """Return the breaches of shares of nulls and of unknown values within segments.

    A share is breached if it grew by ``LEAST_INCREASE``, by more than the other rows and usual days explain, and beyond
    chance by Bonferroni over all columns and segments. What is not breached is not returned, because segments times
    columns would be too many numbers each night.
    """
    grown = list(_grown(of, profiles))
    breached = [one for one in grown if one.measurement.status is Status.BREACHED]
    by_place = {(one.about, one.part.name): one for one in breached}
    found = with_their_own(breached)
    return tuple(_where_it_is_clearest(by_place[(m.subject, m.name), m.segment], m, grown) for m in found)


def _where_it_is_clearest(one: Suspected, measurement: Measurement, grown: Sequence[Suspected]) -> Measurement:
    """Return a breach whose words begin with the segment in which the change is seen most clearly."""
    clearer = clearer_than(one, grown)
    if clearer is None:
        return measurement
    return measurement.breached(f"{clearer.measurement.reason}; beyond what is usual where {one.part.name}")


def _grown(of: SegmentsOfChunk, profiles: Sequence[ChunkProfile]) -> Iterator[Suspected]:
    looked_at = max(sum(len(usual.increases) for _, usual in of.shown), 1)
    for (part, usual), profile in zip(of.shown, profiles, strict=True):
        is_large = profile.rows >= of.spec.drift.minimum_rows
        for learned in usual.increases:
            if learned.column not in profile:
                continue
            now = counted(profile, learned.column, learned.share)
            before = counted(usual.profile, learned.column, learned.share)
            grown = now.share - before.share
            if grown < LEAST_INCREASE or not (is_large or now.share == 1.0):
                continue
            elsewhere = _elsewhere(of, learned.column, learned.share, part.rows)
            usual_elsewhere = counted(of.learned.whole.profile, learned.column, learned.share).without(before)
            chance = more_frequent_test(now.events, now.rows, before.events, max(before.rows, 1))
            beyond = increase_beyond(now, before, elsewhere, usual_elsewhere)
            if chance >= BY_CHANCE / looked_at:
                continue
            measurement = replace(
                of.blank,
                subject=learned.column,
                name=learned.share,
                value=now.share,
                reference_value=before.share,
                p_value=chance,
                threshold_upper=share_increased_by(before.share, learned.bound),
                severity=Severity(of.spec.segments.severity),
                rows=now.rows,
                definition="share of the segment's values; the reference value is that of the same segment",
            )
            words = _words(measurement, part, elsewhere)
            is_beyond = beyond >= learned.bound
            yield Suspected(
                about=(learned.column, learned.share),
                part=part,
                measurement=measurement.breached(words) if is_beyond else measurement.noted(words),
                change=grown,
                strength=(grown * now.rows**0.5, now.rows),
                elsewhere=partial(_increase, of, usual_elsewhere, learned.column, learned.share),
                change_in=partial(_increase, of, before, learned.column, learned.share),
            )


def _words(measurement: Measurement, part: Part, elsewhere: Counted) -> str:
    m = measurement
    there = f", {elsewhere.share:.1%} elsewhere" if elsewhere.rows else ""
    return (
        f"{m.value:.1%} of the values of {m.subject} are {SHARES[m.name].words} where {part.name}; "
        f"{m.reference_value:.1%} there in the reference{there}"
    )


def _elsewhere(of: SegmentsOfChunk, column: str, share: str, rows: Flags) -> Counted:
    return _counted_in(of, column, share, ~rows) or Counted(0, 0)


def _increase(of: SegmentsOfChunk, usual: Counted, column: str, share: str, rows: Flags) -> float | None:
    now = _counted_in(of, column, share, rows)
    return None if now is None else now.share - usual.share


def _counted_in(of: SegmentsOfChunk, column: str, share: str, rows: Flags) -> Counted | None:
    own = of.column(column, rows)
    return None if own is None else Counted(own.counts[SHARES[share].cell], own.rows)
