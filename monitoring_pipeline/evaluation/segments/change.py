"""The change of the mean output and of the mean loss against the reference, split over the segments.

Each segmentation splits the change anew: the parts of its segments and of the other rows sum to the change. A segment
brings what the share of its rows changed (mix), and what its own level changed (within).
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.labels.maturity import has_enough_labels
from monitoring_pipeline.evaluation.segments.levels import (
    LOSSES,
    Codes,
    UsualLevel,
    Values,
    in_order,
    moments_in,
    numbers_of,
)
from monitoring_pipeline.evaluation.segments.membership import Part
from monitoring_pipeline.evaluation.segments.of_chunk import SegmentsOfChunk
from monitoring_pipeline.records.measurement import Maturity, Measurement
from monitoring_pipeline.statistics.mix_and_within import ChangeParts, Moments, change_of, half_width, mix_and_within
from monitoring_pipeline.statistics.results import NORMAL_QUANTILE

SUBJECT = "relation"
CHANGE, BY_MIX, WITHIN, ELSEWHERE = "change_in_segments", "change_by_mix", "change_within", "change_elsewhere"
MOST_LISTED = 3
"""Segments of each segmentation whose parts are stored, those with the largest ones."""
ERRORS_OF_NEWS = 3.0
"""Usual deviations, or standard errors, by which a segment differs from the other rows to be named."""
LEAST_BY_MIX = 0.5
"""Least share of a change that the rows of a segment bring by becoming more or fewer, to be named."""
_DEFINITIONS = {
    CHANGE: "{}: the rows of the chunk minus those of the reference",
    BY_MIX: "{}: part of the change by the segment's share of the rows; the reference value is its share before",
    WITHIN: "{}: part of the change by the mean within the segment; the reference value is that mean before",
    ELSEWHERE: "{}: part of the change by all other rows: of smaller parts, suppressed segments, and without a value",
}


def measure_change(
    of: SegmentsOfChunk, labels: pl.DataFrame | None, maturity: Maturity | None
) -> tuple[Measurement, ...]:
    """Return the change of the mean output, and of the mean loss if enough labels are known, each with its parts.

    Of several classes it is the score whose mean changed most. The reason of a whole change names the segment that
    brings most of it, if there is one.

    Args:
        of: the segments of the chunk.
        labels: canonical labels: row_id and label; None without labels.
        maturity: the state of the chunk's labels.
    """
    rows, loss = of.rows, LOSSES[of.spec.task]
    if labels is not None and maturity is not None and rows.height:
        labelled = rows.join(labels.select("row_id", "label"), on="row_id", how="left", maintain_order="left")
        known = labelled.height - labelled["label"].null_count()
        rows = labelled if has_enough_labels(known, labelled.height, maturity) else rows
    changes = _changes(of, rows)
    outputs = sorted((one for one in changes if one.number != loss), key=lambda one: -abs(one.change))
    split = [*outputs[:1], *(one for one in changes if one.number == loss)]
    return tuple(m for one in split for m in one.measurements(maturity if one.number == loss else None))


@dataclass(frozen=True, eq=False)
class _Candidate:
    """One segment that may be shown: its rows here, and its level in the reference."""

    part: Part
    usual: UsualLevel
    now: Moments
    change: ChangeParts

    @property
    def brought(self) -> float:
        """Its part of the change."""
        return float(self.change.brought[0])

    def ways(self, change: float) -> Iterator["_Way"]:
        """Yield the ways in which it brings most of a change: by its level, or by its share of the rows."""
        parts, share = self.change, float(self.change.share[0])
        # The other rows changed by at most half of what all rows did.
        if float(parts.within[0]) / change >= (1.0 + share) / 2:
            level = float(parts.within[0]), float(parts.contrast[0]), float(parts.contrast_variance[0])
            yield from self._way(*level, self.usual.strays_within, is_mix=False)
        if float(parts.shift[0]) / change >= LEAST_BY_MIX:
            mix = float(parts.shift[0]), float(parts.shift[0]), float(parts.shift_variance[0])
            yield from self._way(*mix, self.usual.strays_mix, is_mix=True)

    def _way(
        self, value: float, judged: float, variance: float, strays: float | None, *, is_mix: bool
    ) -> Iterator["_Way"]:
        if strays is None:
            return
        deviation = max(strays, half_width(variance, 1.0))
        strength = abs(judged) / deviation if deviation > 0.0 else math.inf
        if strength >= ERRORS_OF_NEWS:
            yield _Way(self, value, strength, is_mix)


@dataclass(frozen=True, eq=False)
class _Way:
    """How a segment brings most of a change, with how many usual deviations or standard errors it is off."""

    by: _Candidate
    value: float
    strength: float
    is_mix: bool


@dataclass(frozen=True, eq=False)
class _Change:
    """The change of one number on a chunk: its values in the order of the rows' IDs, and the places of the rows."""

    of: SegmentsOfChunk
    number: str
    before: Moments
    values: Values
    order: Codes

    @cached_property
    def after(self) -> Moments:
        """The number on all rows of the chunk."""
        return moments_in(self.values, np.zeros(self.values.size, np.int64), 1)

    @property
    def change(self) -> float:
        return change_of(self.before, self.after)[0]

    @cached_property
    def by(self) -> Mapping[str, Sequence[_Candidate]]:
        """The segments that may be shown, by segmentation: they have enough rows, and so have the others."""
        least, by = self.of.spec.segments.minimum_rows, defaultdict[str, list[_Candidate]](list)
        for part in self.of.parts:
            learned = self.of.learned[part.name]
            levels = {level.number: level for level in learned.levels} if learned else {}
            usual, now = levels.get(self.number), moments_in(self.values, np.where(part.rows[self.order], 0, -1), 1)
            others = float(self.after.rows[0] - now.rows[0])
            if usual is None or usual.rows < least or any(0 < rows < least for rows in (now.rows[0], others)):
                continue
            change = mix_and_within(usual.moments, now, self.before, self.after)
            by[part.name.partition("=")[0]].append(_Candidate(part, usual, now, change))
        return by

    def measurements(self, maturity: Maturity | None) -> Iterator[Measurement]:
        """Yield the change and its parts; the change alone if chance explains it."""
        change, variance = change_of(self.before, self.after)
        blank = replace(self.of.blank, subject=SUBJECT, of=self.number, rows=int(self.after.rows[0]), maturity=maturity)
        whole = _measured(blank, CHANGE, change, variance)
        yield replace(whole, reference_value=float(self.before.means[0]), reason=self._words(variance))
        if _is_chance(change, variance):
            return
        for name, candidates in self.by.items():
            yield from self._parts(replace(blank, segment=name), candidates)

    def _parts(self, blank: Measurement, candidates: Sequence[_Candidate]) -> Iterator[Measurement]:
        listed = _listed(candidates, self.after, self.of.spec.segments.minimum_rows)
        for one in listed:
            of_segment = replace(blank, segment=one.part.name, rows=int(one.now.rows[0]))
            share, parts = one.usual.rows / float(self.before.rows[0]), one.change
            mix = _measured(of_segment, BY_MIX, float(parts.mix[0]), float(parts.mix_variance[0]))
            within = _measured(of_segment, WITHIN, float(parts.within[0]), float(parts.within_variance[0]))
            yield replace(mix, reference_value=share)
            yield replace(within, reference_value=one.usual.mean)
        before = reduce(Moments.without, (one.usual.moments for one in listed), self.before)
        after = reduce(Moments.without, (one.now for one in listed), self.after)
        rest = mix_and_within(before, after, self.before, self.after)
        of_rest = _measured(blank, ELSEWHERE, float(rest.brought[0]), float(rest.brought_variance[0]))
        yield replace(of_rest, rows=int(after.rows[0]))

    def _words(self, variance: float) -> str | None:
        """Return the words for the segment that brings most of the change; None if no segment does."""
        if _is_chance(self.change, variance):
            return None
        ways = [way for several in self.by.values() for one in several for way in one.ways(self.change)]
        return self._words_of(min(ways, key=lambda way: (-way.strength, way.by.part.name))) if ways else None

    def _words_of(self, way: _Way) -> str:
        one = way.by
        if way.is_mix:
            shares = one.usual.rows / float(self.before.rows[0]), float((one.now.rows / self.after.rows)[0])
            which = "more" if shares[1] > shares[0] else "fewer"
            shown = f"{shares[0]:.1%} before, {shares[1]:.1%} now"
            return f"{way.value:+.3g} from {which} rows where {one.part.name}: {shown}"
        others = self.before.without(one.usual.moments), self.after.without(one.now)
        before, now = (f"{float(side.means[0]):.3g}" for side in others)
        inside = f"{one.usual.mean:.3g} before, {float(one.now.means[0]):.3g} now"
        return f"{way.value:+.3g} from the rows where {one.part.name}: {inside}; elsewhere {before} before, {now} now"


def _changes(of: SegmentsOfChunk, rows: pl.DataFrame) -> list[_Change]:
    """Return the change of every number that both sides have."""
    order, usual = in_order(rows), {level.number: level for level in of.learned.whole.levels}
    numbers = {name: values[order] for name, values in numbers_of(of.spec, rows).items() if name in usual}
    changes = (_Change(of, name, usual[name].moments, values, order) for name, values in numbers.items())
    return [one for one in changes if one.before.rows[0] and one.after.rows[0] >= of.spec.segments.minimum_rows]


def _listed(candidates: Sequence[_Candidate], whole: Moments, least: int) -> list[_Candidate]:
    """Return the segments with the largest parts; fewer if the other rows were so few that they have to be hidden."""
    listed = sorted(candidates, key=lambda one: (-abs(one.brought), one.part.name))[:MOST_LISTED]
    while listed and 0 < whole.rows[0] - sum(one.now.rows[0] for one in listed) < least:
        listed.pop()
    return listed


def _measured(blank: Measurement, name: str, value: float, variance: float) -> Measurement:
    half = half_width(variance, NORMAL_QUANTILE)
    definition = _DEFINITIONS[name].format(blank.of)
    return replace(blank, name=name, value=value, lower=value - half, upper=value + half, definition=definition)


def _is_chance(change: float, variance: float) -> bool:
    return abs(change) <= half_width(variance, NORMAL_QUANTILE)
