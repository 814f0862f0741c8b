"""Weeks, months and years of a model: sums of what its days left, no rows are read."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.drift.drifted import drifted_of
from monitoring_pipeline.evaluation.explanation.by_score import ScoreTable, split_by_score
from monitoring_pipeline.evaluation.judgement.verdict import without_replaced_estimates
from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.labelled import DayCounts, day_counts
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status, Verdict, VerdictStatus
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.intervals.bootstrap import DRAWS, bootstrap_interval, resampled_weights
from monitoring_pipeline.statistics.predictions import score_counts
from monitoring_pipeline.statistics.predictions.score_counts import ScoreCounts
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError
from monitoring_pipeline.statistics.seeding import generator_of

Values = NDArray[np.float64]
HEADLINE_METRIC = {Task.BINARY: "auroc", Task.MULTICLASS: "macro_auroc", Task.REGRESSION: "mean_absolute_error"}
NOT_MEASURED, OF_ANOTHER_VERSION = "not measured", "another version"
"""Reasons of a verdict on a day that no breach of this version explains."""
BY_SCORE, GIVEN_SCORE = "change_by_score", "change_given_score"


@dataclass(frozen=True)
class PeriodChunk:
    """What the store holds of one day and model version."""

    measurements: Sequence[Measurement]
    labelled: tuple[ChunkProfile, ...]
    verdict: Verdict | None


@dataclass(frozen=True)
class PeriodSummary:
    """A period of one model version.

    Args:
        days: days with results.
        realized: the headline metric over all labelled rows; its interval takes days, not rows, as independent.
        estimated: mean of the days' estimates; its interval takes their errors as independent.
        changes: binary: what of the change since the reference the shifted score explains, and what is left.
        drifted: by column, the days on which it had drifted; ``features`` are all of them together.
        verdicts: by verdict, its days.
        drift_days: days on which drift of columns could be measured.
        reasons: by breach that made a verdict other than ok, such as ``performance model auroc``, its days.
    """

    days: int
    realized: Quantity | None
    estimated: Quantity | None
    changes: Mapping[MetricName, Quantity]
    drifted: Counter[str]
    verdicts: Counter[VerdictStatus]
    drift_days: int = 0
    reasons: Counter[str] = field(default_factory=Counter[str])


def summarize_period(
    spec: ModelSpec,
    bins: Mapping[str, Bins],
    reference: tuple[ChunkProfile, ...],
    days: Sequence[PeriodChunk],
    *,
    seed: tuple[str, ...],
) -> PeriodSummary:
    """Sum up a period.

    Args:
        spec: the model.
        bins: the reference's bins, with those of a regression's errors.
        reference: what ``profile_labelled`` found on the reference.
        days: the period's days.
        seed: words that the resampling depends on.
    """
    counts = day_counts(spec, bins, [day.labelled for day in days])
    generator = generator_of(*seed)
    measured = [m for day in days for m in day.measurements]
    drift = [drifted_of(day.measurements) for day in days]
    return PeriodSummary(
        days=sum(bool(day.measurements) for day in days),
        realized=_realized(spec, counts, generator),
        estimated=_estimated(spec, measured),
        changes=_changes(spec, bins, reference, days, generator),
        drifted=Counter(subject for day in drift for subject in sorted(day.subjects)),
        verdicts=Counter(day.verdict.status for day in days if day.verdict),
        drift_days=sum(day.measured for day in drift),
        reasons=Counter(reason for day in days for reason in reasons_of(day)),
    )


def reasons_of(day: PeriodChunk) -> list[str]:
    """Return kind, subject and metric of each breach that made the verdict of a day other than ok."""
    if day.verdict is None or day.verdict.status is VerdictStatus.OK:
        return []
    if day.verdict.status is VerdictStatus.UNKNOWN:
        return [NOT_MEASURED]
    breached = {
        f"{m.kind} {m.subject} {m.metric}"
        for m in without_replaced_estimates(day.measurements)
        if m.status is Status.BREACHED and m.severity is not Severity.INFO
    }
    return sorted(breached) or [OF_ANOTHER_VERSION]


def _realized(spec: ModelSpec, counts: DayCounts, generator: np.random.Generator) -> Quantity | None:
    """Return the headline metric of the sums, with a bootstrap over days: rows of one day share their weather."""
    if not counts.days or not (counts.scores or spec.task is Task.REGRESSION):
        return None
    weights = np.concatenate([np.ones((1, counts.days)), resampled_weights(counts.days, DRAWS, generator)])
    values = _headline(spec, counts, weights)
    try:
        return bootstrap_interval(float(values[0]), values[1:])
    except UndefinedStatisticError:
        return None


def _headline(spec: ModelSpec, counts: DayCounts, weights: Values) -> Values:
    """The headline metric for weights of days, shape (draws, days)."""
    if spec.task is Task.REGRESSION:
        return (weights @ counts.absolute_errors) / np.maximum(weights @ counts.rows, 1.0)
    areas = np.stack(
        [
            score_counts.auroc(
                ScoreCounts(side.scores, weights @ (side.positives + side.negatives), weights @ side.positives)
            )
            for side in counts.scores
        ]
    )
    known = np.isfinite(areas)
    total = np.sum(np.where(known, areas, 0.0), axis=0)
    return np.divide(total, known.sum(axis=0), out=np.full(len(weights), math.nan), where=known.any(axis=0))


def _estimated(spec: ModelSpec, measured: Sequence[Measurement]) -> Quantity | None:
    name = HEADLINE_METRIC[spec.task]
    own = [
        m for m in measured if m.kind is Kind.ESTIMATED_PERFORMANCE and m.metric == (name, "") and m.value is not None
    ]
    if not own:
        return None
    rows = np.array([m.rows for m in own], dtype=np.float64)
    share = rows / rows.sum()
    value = float(share @ np.array([m.value for m in own]))
    bounds = [(m.lower, m.upper) for m in own if m.lower is not None and m.upper is not None]
    if len(bounds) < len(own):
        return Quantity(value)
    half_widths = np.array([(upper - lower) / 2 for lower, upper in bounds])
    half_width = math.sqrt(float(np.sum((share * half_widths) ** 2)))
    return Quantity(value, value - half_width, value + half_width)


def _changes(
    spec: ModelSpec,
    bins: Mapping[str, Bins],
    reference: tuple[ChunkProfile, ...],
    days: Sequence[PeriodChunk],
    generator: np.random.Generator,
) -> dict[MetricName, Quantity]:
    """Return the split of a binary model's change by name, such as ``change_given_score[auroc]``."""
    if spec.task is not Task.BINARY:
        return {}
    sides = [day_counts(spec, bins, [reference]), day_counts(spec, bins, [day.labelled for day in days])]
    if not all(side.days and side.scores for side in sides):
        return {}
    tables = [_table(side) for side in sides]
    blank = Measurement(kind=Kind.PERFORMANCE, subject="relation", name="", model_version="", value=0.0)
    return {
        m.metric: Quantity(m.value, m.lower, m.upper)
        for m in split_by_score(tables[0], tables[1], blank, generator)
        if m.value is not None
    }


def _table(counts: DayCounts) -> ScoreTable:
    side = counts.scores[0]
    positives = side.positives.sum(axis=0)
    rows = positives + side.negatives.sum(axis=0)
    return ScoreTable(side.scores, rows, positives, rows * side.scores)
