"""The residual test: whether labels of rows with equal output are distributed as in the reference."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.explanation.by_score import score_edges, score_table
from monitoring_pipeline.evaluation.explanation.relation_metrics import Labelled, Values
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.results import Significance, UndefinedStatisticError
from monitoring_pipeline.statistics.samples.stratified_tests import stratified_homogeneity_test, van_elteren_test

BINS = 10
FLOORS: Mapping[Task, float] = {Task.BINARY: 0.05, Task.MULTICLASS: 0.05, Task.REGRESSION: 0.25}
DEFINITIONS: Mapping[Task, str] = {
    Task.BINARY: "share of positives minus that of reference rows of the same scores; p: chi-squared by score bin",
    Task.MULTICLASS: (
        "share of rows whose label is the most likely class minus that of reference rows of the same highest score; "
        "p: chi-squared by bin of that score"
    ),
    Task.REGRESSION: (
        "mean of label - prediction minus that of reference rows of the same predictions, in standard deviations of "
        "the reference's; p: van Elteren's test by bin of the prediction"
    ),
}


def measure_residuals(
    spec: ModelSpec, reference: Labelled, current: Labelled, blank: Measurement, reason: str | None
) -> Iterator[Measurement]:
    """Yield ``residual_test``, breached if its size is at least the floor and p is below ``drift.alpha``.

    The p-value treats rows as independent. Rows of one day often are not (weather, one campaign), so there is a floor.
    """
    floor = FLOORS[spec.task]
    unmeasured = replace(
        blank,
        name="residual_test",
        definition=DEFINITIONS[spec.task],
        threshold_lower=-floor,
        threshold_upper=floor,
    )
    if reason:
        yield unmeasured.skipped(reason)
        return
    try:
        value, significance = (_of_numbers if spec.task is Task.REGRESSION else _of_classes)(reference, current)
    except UndefinedStatisticError as undefined:
        yield unmeasured.skipped(str(undefined))
        return
    tested = replace(unmeasured, value=value, p_value=significance.p_value)
    if abs(value) < floor or significance.p_value >= spec.drift.alpha:
        yield tested
        return
    words = (
        f"{value:+.3f} is beyond {floor:.3g}, and p = {significance.p_value:.2g} is below {spec.drift.alpha:g}: given"
    )
    yield tested.breached(f"{words} the model's output, labels are not what they were")


def _of_classes(reference: Labelled, current: Labelled) -> tuple[float, Significance]:
    sides = [_score_and_hit(side) for side in (reference, current)]
    edges = score_edges(sides[0][0], BINS)
    before, after = (score_table(edges, scores, hits) for scores, hits in sides)
    significance = stratified_homogeneity_test(before.rows, before.positives, after.rows, after.positives)
    both = (before.rows > 0) & (after.rows > 0)
    off = after.positives[both] - after.rows[both] * before.positives[both] / before.rows[both]
    return float(off.sum() / after.rows[both].sum()), significance


def _score_and_hit(side: Labelled) -> tuple[Values, Values]:
    if side.outputs.shape[1] == 1:
        return side.by_score
    return side.outputs.max(axis=1), (side.outputs.argmax(axis=1) == side.labels).astype(np.float64)


def _of_numbers(reference: Labelled, current: Labelled) -> tuple[float, Significance]:
    edges = score_edges(reference.outputs[:, 0], BINS)
    off = [side.labels - side.outputs[:, 0] for side in (reference, current)]
    bins = [np.searchsorted(edges, side.outputs[:, 0], side="left").astype(np.int64) for side in (reference, current)]
    flags = np.concatenate([np.zeros(off[0].size, dtype=bool), np.ones(off[1].size, dtype=bool)])
    significance = van_elteren_test(np.concatenate(off), flags, np.concatenate(bins))
    spread = float(np.sort(off[0]).std())
    if spread == 0.0:
        raise UndefinedStatisticError("the reference's residuals are all equal")
    size = edges.size + 1
    counts = [np.bincount(places, minlength=size) for places in bins]
    sums = [_sums(places, residual, size) for places, residual in zip(bins, off, strict=True)]
    both = (counts[0] > 0) & (counts[1] > 0)
    moved = sums[1][both] - counts[1][both] * sums[0][both] / counts[0][both]
    return float(moved.sum() / counts[1][both].sum()) / spread, significance


def _sums(bins: NDArray[np.int64], values: Values, size: int) -> Values:
    order = np.argsort(values, kind="stable")
    return np.bincount(bins[order], weights=values[order], minlength=size).astype(np.float64)
