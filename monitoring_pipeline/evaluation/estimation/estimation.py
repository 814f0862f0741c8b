"""Performance without labels: the expectation for a chunk if the model is as accurate as on its reference.

Classifiers are estimated by confidence-based estimation (CBPE; Bialek et al. 2024, arXiv:2401.08348): a score that is
a probability implies how often it is right. Regressions are estimated by direct loss estimation: a second model,
fitted on the reference, predicts the size of the error from the inputs. Neither method can detect a changed relation
of inputs and label, which shows only once labels arrive.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.estimation.of_classes import (
    OF_PROBABILITIES,
    ClassProbabilities,
    Expected,
    estimate_classes,
    realized_classes,
    unsure_classes,
)
from monitoring_pipeline.evaluation.estimation.of_losses import (
    LossModel,
    estimate_and_truth,
    estimate_losses,
    fit_loss_model,
    reason_not_squared,
    row_losses,
)
from monitoring_pipeline.evaluation.estimation.unlike import UNKNOWN_AT, UNSURE_AT, OutputCells, reason_not_known
from monitoring_pipeline.evaluation.labels.declared import NO_LABELS
from monitoring_pipeline.evaluation.performance.metric_ranges import MetricRange
from monitoring_pipeline.evaluation.performance.metrics_table import better_of, range_of
from monitoring_pipeline.evaluation.performance.thresholds import judge_by_threshold
from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.evaluation.rows.probabilities import reason_not_probabilities
from monitoring_pipeline.evaluation.rows.usable import usable
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.metric_key import MetricKey
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.predictions.recalibration import Recalibration, isotonic_recalibration
from monitoring_pipeline.statistics.results import NORMAL_QUANTILE, Quantity, UndefinedStatisticError
from monitoring_pipeline.statistics.seeding import generator_of

Values = NDArray[np.float64]
Folds = NDArray[np.int64]
FOLDS = 5
LEAST_DAYS = 5
CANNOT_SEE = "a changed relation of inputs and label cannot be seen this way"


@dataclass(frozen=True)
class EstimateError:
    """The error of the estimates of one metric on the reference's days, each estimated without its fold.

    ``systematic`` is the standard deviation of the errors that chance in the labels does not explain.
    """

    metric: MetricKey
    days: int
    mean_absolute: float
    bias: float
    systematic: float


@dataclass(frozen=True)
class Estimation:
    """The recalibration that estimates of a version use, and the errors of such estimates on its reference.

    Args:
        recalibrations: from scores to probabilities, one per class; none if the scores are better as they are.
        brier_as_is: cross-validated Brier score of the scores.
        brier_recalibrated: cross-validated Brier score of the recalibrated scores.
        errors: by metric.
        reason: the reason if nothing can be estimated.
    """

    recalibrations: tuple[Recalibration, ...] = ()
    brier_as_is: float | None = None
    brier_recalibrated: float | None = None
    errors: tuple[EstimateError, ...] = ()
    reason: str | None = None

    def error(self, metric: MetricName) -> EstimateError | None:
        """Return the error of the estimates of a metric; None if it was not measured."""
        return next((error for error in self.errors if error.metric == metric), None)


NOT_ESTIMATED = Estimation(reason="the reference was built before estimates were learned")


def learn_estimation(spec: ModelSpec, rows: pl.DataFrame) -> Estimation:
    """Learn from the reference's rows how to estimate, and measure the error on each of their days.

    Every fifth day is left out in turn, and its rows are estimated from the other days. Scores are recalibrated only
    if that lowers the Brier score of the days left out.

    Args:
        spec: the model.
        rows: canonical predictions of one version with ``label``, null where it is unknown.
    """
    if spec.labels is None:
        return Estimation(reason=NO_LABELS)
    labelled = usable(spec, rows).filter(pl.col("label").is_not_null())
    days = chunk_keys(spec.calendar, labelled["predicted_at"])
    least = spec.performance.minimum_rows
    judged = int((days.value_counts()["count"] >= least).sum())
    if judged < LEAST_DAYS:
        reason = (
            f"{judged} {spec.calendar.noun}s of the reference have {least} labels or more, at least {LEAST_DAYS} needed"
        )
        return Estimation(reason=reason)
    fold = days.rank("dense").to_numpy() % FOLDS
    if spec.task is Task.REGRESSION:
        if reason := reason_not_squared(labelled):
            return Estimation(reason=reason)
        pairs = (estimate_and_truth(part, model) for part, model in _left_out_losses(spec, labelled, days, fold))
        return Estimation(errors=_errors(pairs))
    truth = true_classes(spec, labelled)
    as_is = scored_classes(spec, labelled, ())
    recalibrated = cross_validated(as_is, truth, fold)
    brier = [_brier(probabilities.of_class, truth.of_class) for probabilities in (as_is, recalibrated)]
    helps = brier[1] < brier[0]
    return Estimation(
        recalibrations=_fitted(as_is, truth) if helps else (),
        brier_as_is=brier[0],
        brier_recalibrated=brier[1],
        errors=_errors(_class_pairs(spec, recalibrated if helps else as_is, truth, days)),
    )


def estimate_performance(
    spec: ModelSpec,
    estimation: Estimation,
    rows: pl.DataFrame,
    *,
    model_version: str,
    chunk: str,
    loss_model: LossModel | None = None,
    cells: Mapping[str, OutputCells] | None = None,
    reference: Mapping[MetricName, Quantity] | None = None,
) -> tuple[Measurement, ...]:
    """Estimate one version's performance on a chunk, and judge it by the thresholds.

    The interval contains the realized value in 95 of 100 chunks like the reference's days. Its variance is the sum of
    the variance by chance in the labels and the variance of the estimate's errors on the reference's days. Rows whose
    score (of a regression: whose predicted error) is rare in the reference widen it; if they are many, nothing is
    estimated.

    Args:
        spec: the model.
        estimation: learned from the version's reference.
        rows: canonical predictions of the version.
        model_version: the version.
        chunk: key of the chunk; seeds the draws, with model and version.
        loss_model: the model of the errors, if the task is regression.
        cells: of the scores in the reference, by column; without them no row is unlike the reference.
        reference: the reference's realized values with their intervals, by metric.
    """
    blank = Measurement(
        kind=Kind.ESTIMATED_PERFORMANCE,
        subject="model",
        name="estimate",
        model_version=model_version,
        value=0.0,
        rows=rows.height,
    )
    usable_rows = usable(spec, rows)
    if estimation.reason or usable_rows.height < spec.performance.minimum_rows:
        reason = estimation.reason or f"{usable_rows.height} rows, at least {spec.performance.minimum_rows} needed"
        return (blank.skipped(reason),)
    unsuited = None
    if loss_model is not None:
        losses = row_losses(loss_model, usable_rows)
        not_known = reason_not_known(losses.unknown, "predicted error")
        expected = estimate_losses(loss_model, losses)
    else:
        classes = scored_classes(spec, usable_rows, estimation.recalibrations)
        unlike = unlike_rows(spec, classes, cells or {}, UNSURE_AT)
        not_known = reason_not_known(unlike_rows(spec, classes, cells or {}, UNKNOWN_AT), "score")
        expected = estimate_classes(classes, generator_of(spec.name, model_version, chunk))
        if unlike.any():
            expected = unsure_classes(expected, classes, unlike)
        unsuited = reason_not_probabilities(classes.scores)
    if not_known is not None:
        return (blank.skipped(not_known),)
    return tuple(
        judge_estimate(
            spec,
            _measurement(
                replace(blank, name=name.name, of=name.of, rows=usable_rows.height),
                range_of(spec.task, name.name),
                value,
                error,
                of_reference,
            ),
            of_reference,
        )
        if unsuited is None or name not in OF_PROBABILITIES
        else replace(blank, name=name.name, of=name.of, rows=usable_rows.height).skipped(unsuited)
        for name, value in expected.items()
        for of_reference in ((reference or {}).get(name),)
        if (error := estimation.error(name)) is not None
    )


def scored_classes(spec: ModelSpec, rows: pl.DataFrame, recalibrations: Sequence[Recalibration]) -> ClassProbabilities:
    """Return the rows with the probabilities of their labels: the scores, or the recalibrated scores."""
    columns = list(spec.score_columns.values()) or ["score"]
    names = spec.classes or ("",)
    scores = np.column_stack([rows[column].to_numpy() for column in columns])
    decided = np.column_stack([(rows["prediction"] == (name or "1")).to_numpy() for name in names])
    return ClassProbabilities(names, scores, _normalised(scores, recalibrations), decided)


def unlike_rows(
    spec: ModelSpec, classes: ClassProbabilities, cells: Mapping[str, OutputCells], times: float
) -> NDArray[np.bool_]:
    """Return the rows with a score of any class that is so many times as frequent as in the reference."""
    unlike = np.zeros(len(classes.scores), dtype=np.bool_)
    for place, column in enumerate(spec.score_columns.values() or ["score"]):
        if column in cells:
            unlike |= cells[column].unlike(classes.scores[:, place], times)
    return unlike


def true_classes(spec: ModelSpec, labelled: pl.DataFrame) -> ClassProbabilities:
    """Return labelled rows with 1 as the probability of their class."""
    as_scored = scored_classes(spec, labelled, ())
    truth = [(labelled["label"] == (name or 1.0)).to_numpy() for name in as_scored.classes]
    return replace(as_scored, of_class=np.column_stack(truth).astype(np.float64))


def _normalised(scores: Values, recalibrations: Sequence[Recalibration]) -> Values:
    """Return probabilities of the classes; those of several classes sum to 1 in every row."""
    columns = [recalibrate(scores[:, place]) for place, recalibrate in enumerate(recalibrations)]
    chances = np.column_stack(columns) if columns else scores
    if chances.shape[1] == 1:
        return chances
    total = chances.sum(axis=1, keepdims=True)
    return np.where(total > 0, chances / np.where(total > 0, total, 1.0), 1.0 / chances.shape[1])


def _fitted(scored: ClassProbabilities, truth: ClassProbabilities) -> tuple[Recalibration, ...]:
    return tuple(
        isotonic_recalibration(truth.of_class[:, place], scored.scores[:, place])
        for place in range(len(scored.classes))
    )


def cross_validated(scored: ClassProbabilities, truth: ClassProbabilities, fold: Folds) -> ClassProbabilities:
    """Return the rows with probabilities recalibrated by the other folds."""
    chances = scored.of_class.copy()
    for number in np.unique(fold):
        inside = fold == number
        chances[inside] = _normalised(scored.scores[inside], _fitted(scored.rows(~inside), truth.rows(~inside)))
    return replace(scored, of_class=chances)


def _brier(chances: Values, truth: Values) -> float:
    return float(np.sort(np.sum((chances - truth) ** 2, axis=1)).mean())


def _class_pairs(
    spec: ModelSpec, probabilities: ClassProbabilities, truth: ClassProbabilities, days: pl.Series
) -> Iterator[tuple[dict[MetricName, Expected], dict[MetricName, float]]]:
    for day in days.unique().sort():
        inside = (days == day).to_numpy()
        if inside.sum() >= spec.performance.minimum_rows:
            generator = generator_of(spec.name, "estimation", str(day))
            yield estimate_classes(probabilities.rows(inside), generator), realized_classes(truth.rows(inside))


def _left_out_losses(
    spec: ModelSpec, labelled: pl.DataFrame, days: pl.Series, fold: Folds
) -> Iterator[tuple[pl.DataFrame, LossModel]]:
    """Yield every day of the reference with a loss model that was not fitted to its fold."""
    for number in np.unique(fold):
        inside = pl.Series(fold == number)
        model = fit_loss_model(spec, labelled.filter(~inside))
        for day in days.filter(inside).unique().sort():
            part = labelled.filter(days == day)
            if part.height >= spec.performance.minimum_rows:
                yield part, model


def _errors(pairs: Iterable[tuple[dict[MetricName, Expected], dict[MetricName, float]]]) -> tuple[EstimateError, ...]:
    differences: dict[MetricName, list[tuple[float, float]]] = {}
    for expected, realized in pairs:
        for name in expected.keys() & realized.keys():
            estimate = expected[name]
            differences.setdefault(name, []).append((estimate.value - realized[name], estimate.variance))
    return tuple(
        _error(name, np.array(differences[name]))
        for name in sorted(differences, key=str)
        if len(differences[name]) >= LEAST_DAYS
    )


def _error(metric: MetricName, differences: Values) -> EstimateError:
    off, variance = differences[:, 0], differences[:, 1]
    return EstimateError(
        metric=metric,
        days=len(off),
        mean_absolute=float(np.abs(off).mean()),
        bias=float(off.mean()),
        systematic=math.sqrt(max(0.0, float(np.mean(off**2 - variance)))),
    )


def _measurement(
    blank: Measurement,
    possible: MetricRange,
    expected: Expected,
    error: EstimateError,
    reference: Quantity | None,
) -> Measurement:
    half_width = NORMAL_QUANTILE * math.sqrt(expected.variance + error.systematic**2)
    lower, upper = expected.value - half_width - expected.below, expected.value + half_width + expected.above
    try:
        estimate = possible.checked(Quantity(expected.value, lower, upper))
    except UndefinedStatisticError as undefined:
        return blank.skipped(str(undefined))
    return replace(
        blank,
        value=estimate.value,
        lower=estimate.lower,
        upper=estimate.upper,
        reference_value=reference.value if reference else None,
        definition=(
            f"estimated without labels; off by {error.mean_absolute:.3g} on average on {error.days} days of the "
            f"reference (by {error.bias:+.3g} with its sign); {CANNOT_SEE}"
        ),
    )


def judge_estimate(spec: ModelSpec, measurement: Measurement, reference: Quantity | None) -> Measurement:
    """Judge an estimate by the threshold for realized performance, with severity warning at most."""
    judged = judge_by_threshold(spec, measurement, better_of(spec.task, measurement.name), reference)
    if judged.severity is not Severity.CRITICAL:
        return judged
    return replace(judged, severity=Severity.WARNING)
