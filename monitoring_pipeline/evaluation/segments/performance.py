"""Performance of segments, judged against the same segment of the reference."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.drift.columns import with_q_values
from monitoring_pipeline.evaluation.labels.maturity import has_enough_labels
from monitoring_pipeline.evaluation.performance.metrics_table import PerformanceMetric
from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.evaluation.quality.columns import BY_CHANCE
from monitoring_pipeline.evaluation.segments.membership import Flags, Part
from monitoring_pipeline.evaluation.segments.metrics import (
    UsualMetric,
    judged_metrics,
    loss_of,
    margin_of,
    measure_metrics,
    signed_loss,
)
from monitoring_pipeline.evaluation.segments.of_chunk import SegmentsOfChunk
from monitoring_pipeline.evaluation.segments.own_faults import Suspected, with_their_own
from monitoring_pipeline.records.measurement import Maturity, Measurement, Severity
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.statistics.results import Quantity


def measure_performance_of_segments(
    of: SegmentsOfChunk,
    labels: pl.DataFrame,
    metrics: Mapping[MetricName, Quantity],
    *,
    maturity: Maturity,
    chunk: str,
) -> tuple[Measurement, ...]:
    """Return the judged metrics of each segment with enough labelled rows.

    A metric is breached if it is worse than in the same segment of the reference by at least the model's margin, and
    by more than chance and the differences between days explain, with one family of q-values over all segments.

    Args:
        of: the segments of the chunk.
        labels: canonical labels: row_id and label.
        metrics: the metrics on the whole reference, from which margins are made.
        maturity: the state of the chunk's labels.
        chunk: its key; seeds the resampling.
    """
    labelled = _Labelled(of, labels, maturity, chunk)
    measured = list(labelled.metrics())
    judged = with_q_values([one.measurement for one in measured])
    worse = _worse(labelled, [replace(one, measurement=m) for one, m in zip(measured, judged, strict=True)], metrics)
    breached = {(m.segment, m.metric): m for m in with_their_own(list(worse))}
    return tuple(breached.get((m.segment, m.metric), m) for m in judged)


@dataclass(frozen=True, eq=False)
class _Measured:
    part: Part
    usual: UsualMetric
    metric: PerformanceMetric
    measurement: Measurement


@dataclass(frozen=True, eq=False)
class _Labelled:
    """The segments of a chunk with the labels that are known."""

    of: SegmentsOfChunk
    labels: pl.DataFrame
    maturity: Maturity
    chunk: str

    @cached_property
    def has_label(self) -> Flags:
        return self.of.rows["row_id"].is_in(self.labels["row_id"].implode()).to_numpy()

    @property
    def least(self) -> int:
        return max(self.of.spec.segments.minimum_rows, self.of.spec.performance.minimum_rows)

    def metrics_in(self, rows: Flags, seed: str) -> dict[MetricName, Quantity]:
        """Return the judged metrics of some rows; none if too few of them have a label."""
        if np.count_nonzero(self.has_label & rows) < self.least:
            return {}
        seeds = (self.of.spec.name, self.of.learned.model_version, self.chunk, seed)
        return measure_metrics(self.of.spec, self.of.rows.filter(pl.Series(rows)), self.labels, seeds)

    def metrics(self) -> Iterator[_Measured]:
        known = dict(judged_metrics(self.of.spec))
        for part, usual in self.of.shown:
            labelled, rows = (int(np.count_nonzero(each)) for each in (self.has_label & part.rows, part.rows))
            if not has_enough_labels(labelled, rows, self.maturity):
                continue
            now = self.metrics_in(part.rows, part.name)
            for before in usual.metrics:
                if before.metric in now and before.metric in known:
                    metric = known[before.metric]
                    measurement = self._measurement(part, before, metric, now[before.metric])
                    yield _Measured(part, before, metric, measurement)

    def _measurement(self, part: Part, usual: UsualMetric, metric: PerformanceMetric, now: Quantity) -> Measurement:
        loss = loss_of(metric, now, usual)
        return replace(
            self.of.blank,
            subject="model",
            name=usual.metric.name,
            of=usual.metric.of,
            segment=part.name,
            value=now.value,
            lower=now.lower,
            upper=now.upper,
            reference_value=usual.value,
            p_value=loss.p_value if loss else None,
            severity=Severity(self.of.spec.segments.severity),
            rows=np.count_nonzero(self.has_label & part.rows),
            maturity=self.maturity,
            definition=f"{metric.definition}; on the labelled rows of the segment, against the same segment",
        )


def _worse(
    labelled: _Labelled, measured: Sequence[_Measured], metrics: Mapping[MetricName, Quantity]
) -> Iterator[Suspected]:
    for one in measured:
        m, usual, better = one.measurement, one.usual, one.metric.better
        whole = metrics[usual.metric].value if usual.metric in metrics else usual.value
        margin = margin_of(labelled.of.spec, usual.metric, better, whole)
        loss = signed_loss(better, m.value or 0.0, usual.value)
        if m.q_value is None or m.q_value >= BY_CHANCE or loss < margin:
            continue
        reason = f"{m.value:.3g} where {one.part.name}, {usual.value:.3g} there in the reference"
        yield Suspected(
            about=usual.metric,
            part=one.part,
            measurement=replace(m, **_bound(better, usual.value, margin)).breached(reason),
            change=loss,
            strength=(-(m.p_value or 0.0), loss),
            elsewhere=partial(_loss_in, labelled, one, whole),
            change_in=partial(_loss_in, labelled, one, usual.value),
        )


def _loss_in(labelled: _Labelled, one: _Measured, usual: float, rows: Flags) -> float | None:
    now = labelled.metrics_in(rows, "elsewhere").get(one.usual.metric)
    return None if now is None else signed_loss(one.metric.better, now.value, usual)


def _bound(better: Better | None, usual: float, margin: float) -> dict[str, float]:
    """Return the limit that a metric of a segment has, as the fields of a measurement."""
    if better is Better.HIGHER:
        return {"threshold_lower": usual - margin}
    return {"threshold_upper": (abs(usual) if better is Better.ZERO else usual) + margin}
