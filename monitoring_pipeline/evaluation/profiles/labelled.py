"""Counts of labelled rows over bins, made once per day: scores by label for a classifier, errors for a regression.

The performance of any week, month or version is then computed from sums: for a classifier from rows and positives by
score, for a regression from the sums of its errors. Each result has a bound for the error by binning.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.profiles.bins import Bins, NumericBins, numeric_bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, profile_column, sum_profiles
from monitoring_pipeline.evaluation.rows.joined import with_labels
from monitoring_pipeline.evaluation.rows.usable import usable
from monitoring_pipeline.records.names import MetricName, Segment
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.predictions import calibration, score_counts
from monitoring_pipeline.statistics.predictions.score_counts import ScoreCounts

Values = NDArray[np.float64]
LABEL = "label"
OTHER_SEGMENT = "label!={}"
ERRORS_SEGMENT = "labelled"
SPECIAL_CELLS_BEFORE = 3


@dataclass(frozen=True)
class SummedMetric:
    """A metric of any sum of days, with a bound for its error by binning."""

    name: str
    of: str
    value: float
    error_bound: float
    rows: int

    @property
    def metric(self) -> MetricName:
        """The name with the class that it is measured of."""
        return MetricName(self.name, self.of)


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Labelled rows of each day by score: one of ``scores`` per cell, counts of shape (days, cells).

    ``score_sums`` and ``squared_errors`` are exact sums over the rows of each day, shape (days,).
    """

    scores: Values
    positives: Values
    negatives: Values
    score_sums: Values
    squared_errors: Values


@dataclass(frozen=True, eq=False)
class DayCounts:
    """Days with labelled rows: their rows, and the sums of their errors (regression) or counts of each class by score.

    Sums of errors have the shape (days,): absolute errors, residuals and squared residuals.
    """

    days: int
    rows: Values
    absolute_errors: Values
    residuals: Values
    squared_errors: Values
    scores: tuple[ClassCounts, ...] = ()


def day_counts(spec: ModelSpec, bins: Mapping[str, Bins], days: Sequence[tuple[ChunkProfile, ...]]) -> DayCounts:
    """Return the profiles by ``profile_labelled`` of some days as arrays; days without labelled rows are left out."""
    by_segment = [{profile.segment: profile for profile in day} for day in days if any(p.rows for p in day)]
    # The segments of every class hold all rows, so one class is enough.
    segments = (ERRORS_SEGMENT,) if spec.task is Task.REGRESSION else sides_of(spec)[0][1:]
    rows = np.array([sum(day[segment].rows for segment in segments) for day in by_segment], dtype=np.float64)
    nothing = np.zeros(len(by_segment))
    if spec.task is Task.REGRESSION:
        absolute, residual = bins.get("absolute_error"), bins.get("residual")
        if not isinstance(absolute, NumericBins) or not isinstance(residual, NumericBins):
            return DayCounts(len(by_segment), rows, nothing, nothing, nothing)
        errors = [day[ERRORS_SEGMENT] for day in by_segment]
        return DayCounts(
            len(by_segment),
            rows,
            absolute_errors=np.array([_sum(absolute, day["absolute_error"]) for day in errors]),
            residuals=np.array([_sum(residual, day["residual"]) for day in errors]),
            squared_errors=np.array([_sum_of_squares(residual, day["residual"]) for day in errors]),
        )
    sides = tuple(
        side
        for column, positive, negative in sides_of(spec)
        if (side := _class_counts(bins[column], column, [(day[positive], day[negative]) for day in by_segment]))
    )
    return DayCounts(len(by_segment), rows, nothing, nothing, nothing, sides)


def _class_counts(bins: Bins, column: str, days: Sequence[tuple[ChunkProfile, ChunkProfile]]) -> ClassCounts | None:
    if not isinstance(bins, NumericBins) or not days or not bins.edges:
        return None
    counts = [[_finite_cells(side[column]) for side in day] for day in days]
    return ClassCounts(
        scores_of_cells(bins),
        np.array([of_day[0] for of_day in counts]),
        np.array([of_day[1] for of_day in counts]),
        np.array([sum(_sum(bins, side[column]) for side in day) for day in days]),
        np.array(
            [
                _sum_of_squares_from_one(bins, positive[column]) + _sum_of_squares(bins, negative[column])
                for positive, negative in days
            ]
        ),
    )


def scores_of_cells(bins: NumericBins) -> Values:
    """Return one score for each cell; an open cell has the score halfway between the outer edge and 0 or 1."""
    edges = np.asarray(bins.edges)
    return np.concatenate([[edges[0] / 2], (edges[:-1] + edges[1:]) / 2, [(edges[-1] + 1) / 2]])


def error_bins(spec: ModelSpec, labelled: pl.DataFrame) -> dict[str, Bins]:
    """Return the bins of a regression's residual and absolute error, frozen from labelled reference rows."""
    if spec.task is not Task.REGRESSION or labelled.is_empty():
        return {}
    errors = _errors(labelled)
    return {name: numeric_bins(errors[name].to_numpy()) for name in errors.columns}


def profile_labelled(
    spec: ModelSpec, bins: Mapping[str, Bins], rows: pl.DataFrame, labels: pl.DataFrame, *, model_version: str
) -> tuple[ChunkProfile, ...]:
    """Count the labelled rows of one version by score and label, or by error.

    Args:
        spec: the model.
        bins: the reference's bins by column, with those of ``error_bins``.
        rows: canonical predictions of the version.
        labels: canonical labels.
        model_version: the version.
    """
    labelled = with_labels(usable(spec, rows), labels.select("row_id", "label"))
    return tuple(
        ChunkProfile(
            model_version,
            part.height,
            tuple(profile_column(nw.from_native(part.lazy()).select(name), name, bins[name]) for name in part.columns),
            segment,
        )
        for segment, part in _parts(spec, labelled)
        if all(name in bins for name in part.columns)
    )


def summed_performance(
    spec: ModelSpec, bins: Mapping[str, Bins], days: Sequence[tuple[ChunkProfile, ...]]
) -> tuple[SummedMetric, ...]:
    """Return the performance over the labelled rows of some days of one version, from sums of counts without rows.

    The bins of ``expected_calibration_error`` hold whole cells. Its bound covers the scores within these bins.

    Args:
        spec: the model.
        bins: as in ``profile_labelled``.
        days: the profiles of each day by ``profile_labelled``.
    """
    segments = sorted({profile.segment for day in days for profile in day})
    summed = {segment: sum_profiles(p for day in days for p in day if p.segment == segment) for segment in segments}
    if spec.task is Task.REGRESSION:
        return tuple(_of_errors(summed[ERRORS_SEGMENT], bins)) if ERRORS_SEGMENT in summed else ()
    metrics: list[SummedMetric] = []
    for column, positive, negative in sides_of(spec):
        if positive in summed and negative in summed:
            name = spec.classes[list(spec.score_columns.values()).index(column)] if spec.classes else ""
            metrics.extend(_of_scores(name, bins[column], summed[positive][column], summed[negative][column]))
    return tuple(metrics)


def _errors(labelled: pl.DataFrame) -> pl.DataFrame:
    residual = pl.col("prediction") - pl.col("label")
    return labelled.select(residual.alias("residual"), residual.abs().alias("absolute_error"))


def sides_of(spec: ModelSpec) -> list[tuple[str, str, str]]:
    """Return each score column with the segments of its positive and its negative rows."""
    if spec.task is Task.BINARY:
        return [("score", str(Segment(LABEL, "1")), str(Segment(LABEL, "0")))]
    return [(c, str(Segment(LABEL, name)), OTHER_SEGMENT.format(name)) for name, c in spec.score_columns.items()]


def _parts(spec: ModelSpec, labelled: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    if spec.task is Task.REGRESSION:
        yield ERRORS_SEGMENT, _errors(labelled)
        return
    for (column, positive, negative), name in zip(sides_of(spec), spec.classes or (1.0,), strict=True):
        is_class = labelled["label"] == name
        yield positive, labelled.filter(is_class).select(column)
        yield negative, labelled.filter(~is_class).select(column)


def _of_scores(name: str, bins: Bins, positive: ColumnProfile, negative: ColumnProfile) -> Iterator[SummedMetric]:
    """Yield the metrics of one class from the counts of its scores; none unless both sides have rows."""
    if not isinstance(bins, NumericBins) or not bins.edges or not positive.rows or not negative.rows:
        return
    lower, upper = _cell_bounds(bins, (positive, negative))
    counts = _counts((lower + upper) / 2, positive, negative)
    rows = positive.rows + negative.rows
    hits, misses = counts.positives[0], counts.negatives[0]
    exact = {
        "base_rate": positive.rows / rows,
        "mean_bias": (_sum(bins, positive) + _sum(bins, negative) - positive.rows) / rows,
        "brier_score": (_sum_of_squares(bins, negative) + _sum_of_squares_from_one(bins, positive)) / rows,
    }
    least = float(hits @ _surprise(upper) + misses @ _surprise(1 - lower)) / rows
    most = float(hits @ _surprise(lower) + misses @ _surprise(1 - upper)) / rows
    bounded = {
        "auroc": (float(score_counts.auroc(counts)[0]), float(score_counts.auroc_error_bound(counts)[0])),
        "log_loss": ((least + most) / 2, (most - least) / 2),
        "expected_calibration_error": (
            float(calibration.calibration_gaps(counts)[0]),
            float((hits + misses) @ (upper - lower)) / (2 * rows),
        ),
    }
    for metric, (value, bound) in (
        {exact_metric: (value, 0.0) for exact_metric, value in exact.items()} | bounded
    ).items():
        yield SummedMetric(metric, name, value, bound, rows)


def _of_errors(profile: ChunkProfile, bins: Mapping[str, Bins]) -> Iterator[SummedMetric]:
    absolute, residual = bins["absolute_error"], bins["residual"]
    if not isinstance(absolute, NumericBins) or not isinstance(residual, NumericBins) or not profile.rows:
        return
    errors, rows = profile["absolute_error"], profile.rows
    lower, upper = _cell_bounds(absolute, (errors,))
    # The median of an even number lies between two rows, which may be in two cells.
    middle = np.searchsorted(np.cumsum(_finite_cells(errors)), [(rows + 1) // 2, rows // 2 + 1])
    yield SummedMetric("mean_absolute_error", "", _sum(absolute, errors) / rows, 0.0, rows)
    squares = _sum_of_squares(residual, profile["residual"])
    yield SummedMetric("root_mean_squared_error", "", float(np.sqrt(max(0.0, squares) / rows)), 0.0, rows)
    yield SummedMetric("mean_bias", "", _sum(residual, profile["residual"]) / rows, 0.0, rows)
    least, most = float(lower[middle].mean()), float(upper[middle].mean())
    yield SummedMetric("median_absolute_error", "", (least + most) / 2, (most - least) / 2, rows)


def _counts(scores: Values, positive: ColumnProfile, negative: ColumnProfile) -> ScoreCounts:
    hits, misses = _finite_cells(positive), _finite_cells(negative)
    return ScoreCounts(scores, hits + misses, hits[None, :])


def _finite_cells(profile: ColumnProfile) -> Values:
    """Return the rows of the ordered cells; scores and errors of labelled rows are finite."""
    return np.asarray(profile.counts[SPECIAL_CELLS_BEFORE:-1], dtype=np.float64)


def _cell_bounds(bins: NumericBins, profiles: Sequence[ColumnProfile]) -> tuple[Values, Values]:
    """Return the smallest and the largest value that each cell can hold; open cells end at the observed extremes."""
    edges = np.asarray(bins.edges)
    least = min([p.minimum for p in profiles if p.minimum is not None] + [edges[0]])
    most = max([p.maximum for p in profiles if p.maximum is not None] + [edges[-1]])
    return np.concatenate([[least], edges]), np.concatenate([edges, [most]])


def _surprise(chance: Values) -> Values:
    return -np.log(np.clip(chance, score_counts.SMALLEST_PROBABILITY, 1.0))


def _sum(bins: NumericBins, profile: ColumnProfile) -> float:
    return profile.sum_centred + bins.centre * profile.rows


def _sum_of_squares(bins: NumericBins, profile: ColumnProfile) -> float:
    return profile.sum_squares_centred + 2 * bins.centre * profile.sum_centred + bins.centre**2 * profile.rows


def _sum_of_squares_from_one(bins: NumericBins, profile: ColumnProfile) -> float:
    return profile.rows - 2 * _sum(bins, profile) + _sum_of_squares(bins, profile)
