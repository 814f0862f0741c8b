"""Realized performance: a table of metrics, each with its interval, on the rows whose labels are known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.maturity import LabelMaturity
from monitoring_pipeline.spec.measurement import Kind, Maturity, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec, Task, Threshold
from monitoring_pipeline.statistics import calibration, classification, regression
from monitoring_pipeline.statistics.estimate import Estimate, UndefinedStatisticError

Values = NDArray[np.float64]


@dataclass(frozen=True)
class LabelledRows:
    """Rows whose label is known, in the order of their ids; ``outputs`` by the column's name."""

    labels: Values
    outputs: dict[str, Values]
    without_output: int


@dataclass(frozen=True)
class PerformanceMetric:
    """One number about correctness.

    ``output`` is what the labels are compared with: the model's score, or its prediction.
    """

    name: str
    task: Task
    output: str
    function: Callable[[Values, Values], Estimate]
    definition: str


PERFORMANCE_METRICS = (
    PerformanceMetric("auroc", Task.BINARY, "score", classification.auroc, "area under the ROC curve; DeLong"),
    PerformanceMetric("log_loss", Task.BINARY, "score", classification.log_loss, "mean negative log-likelihood, nats"),
    PerformanceMetric(
        "brier_score", Task.BINARY, "score", classification.brier_score, "mean squared error of the score"
    ),
    PerformanceMetric("mean_bias", Task.BINARY, "score", classification.mean_bias, "mean of score minus label"),
    PerformanceMetric(
        "expected_calibration_error", Task.BINARY, "score", calibration.expected_calibration_error,
        "mean absolute gap of score and base rate in 10 bins of equal mass",
    ),
    PerformanceMetric("accuracy", Task.BINARY, "prediction", classification.accuracy, "share of right classes; Wilson"),
    PerformanceMetric("precision", Task.BINARY, "prediction", classification.precision, "TP/(TP+FP); Wilson"),
    PerformanceMetric("recall", Task.BINARY, "prediction", classification.recall, "TP/(TP+FN); Wilson"),
    PerformanceMetric("f1", Task.BINARY, "prediction", classification.f1, "2TP/(2TP+FP+FN)"),
    PerformanceMetric("base_rate", Task.BINARY, "prediction", lambda labels, _: classification.base_rate(labels),
        "share of positive labels; Wilson"),
    PerformanceMetric(
        "mean_absolute_error", Task.REGRESSION, "prediction", regression.mean_absolute_error,
        "mean of |prediction - label|",
    ),
    PerformanceMetric(
        "root_mean_squared_error", Task.REGRESSION, "prediction", regression.root_mean_squared_error,
        "square root of the mean squared error",
    ),
    PerformanceMetric(
        "mean_bias", Task.REGRESSION, "prediction", regression.mean_bias, "mean of prediction minus label"
    ),
    PerformanceMetric(
        "r_squared", Task.REGRESSION, "prediction", regression.r_squared, "1 - residual/total sum of squares"
    ),
    PerformanceMetric(
        "median_absolute_error", Task.REGRESSION, "prediction", regression.median_absolute_error,
        "median of |prediction - label|",
    ),
)  # fmt: skip


class UnknownMetricError(ValueError):
    """A spec names a metric that its task does not have; the message lists those it has."""


def metrics_of(task: Task) -> tuple[PerformanceMetric, ...]:
    """Return the metrics of a task."""
    return tuple(metric for metric in PERFORMANCE_METRICS if metric.task is task)


def check_performance_rules(spec: ModelSpec) -> None:
    """Refuse thresholds on metrics that the task does not have.

    Raises:
        UnknownMetricError: naming field, value and what is known.
    """
    known = sorted(metric.name for metric in metrics_of(spec.task))
    for name in spec.performance.thresholds:
        if name not in known:
            message = (
                f"{spec.name}: performance.thresholds: unknown {name!r} for {spec.task}; known: {', '.join(known)}"
            )
            raise UnknownMetricError(message)


def measure_performance(
    spec: ModelSpec,
    predictions: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    model_version: str,
    maturity: LabelMaturity | None = None,
    reference_values: Mapping[str, float] | None = None,
) -> tuple[Measurement, ...]:
    """Measure one version's performance on the rows whose labels are known, and judge it by the thresholds.

    Args:
        spec: the model.
        predictions: canonical predictions of one version: row_id, score and prediction.
        labels: canonical labels: row_id and label.
        model_version: the version.
        maturity: state of the chunk's labels; without one (a reference) nothing is held back.
        reference_values: the reference's value by metric, stored beside each.

    Returns:
        One measurement per metric of the task, then the number of labelled rows that could not be used.
    """
    rows = labelled_rows(spec, predictions, labels)
    held_back = _why_not(spec, rows, maturity)
    blank = Measurement(
        kind=Kind.PERFORMANCE,
        subject="model",
        name="",
        model_version=model_version,
        value=0.0,
        rows=len(rows.labels),
        maturity=maturity.state if maturity else None,
    )
    measured = (
        _measure(
            metric,
            rows,
            replace(
                blank,
                name=metric.name,
                reference_value=(reference_values or {}).get(metric.name),
                definition=metric.definition,
            ),
            held_back,
        )
        for metric in metrics_of(spec.task)
    )
    return (*(_judge(spec, measurement) for measurement in measured), _without_output(rows, blank))


def labelled_rows(spec: ModelSpec, predictions: pl.DataFrame, labels: pl.DataFrame) -> LabelledRows:
    """Join labels to predictions by id; rows whose score or prediction is not a number are set apart."""
    outputs = sorted({metric.output for metric in metrics_of(spec.task)})
    joined = (
        predictions.select("row_id", *(pl.col(name).cast(pl.Float64) for name in outputs))
        .join(labels.select("row_id", "label"), on="row_id")
        .sort("row_id")
    )
    usable = joined.filter(pl.all_horizontal(pl.col(outputs).is_not_null() & pl.col(outputs).is_finite()))
    return LabelledRows(
        labels=usable["label"].to_numpy(),
        outputs={name: usable[name].to_numpy() for name in outputs},
        without_output=joined.height - usable.height,
    )


def _why_not(spec: ModelSpec, rows: LabelledRows, maturity: LabelMaturity | None) -> str | None:
    """Return why this chunk's performance cannot be judged, or None."""
    if maturity is None:
        return None
    if maturity.predictions == 0:
        return "no predictions"
    if maturity.state is Maturity.IMMATURE:
        return (
            f"labels of {maturity.share:.1%} of the predictions have arrived, "
            f"at least {spec.performance.minimum_maturity:.0%} needed before the label delay has passed"
        )
    if len(rows.labels) < spec.performance.minimum_rows:
        return f"{len(rows.labels)} labelled rows, at least {spec.performance.minimum_rows} needed"
    return None


def _measure(metric: PerformanceMetric, rows: LabelledRows, blank: Measurement, held_back: str | None) -> Measurement:
    if held_back is not None:
        return replace(blank, value=None, status=Status.SKIPPED, reason=held_back)
    try:
        estimate = metric.function(rows.labels, rows.outputs[metric.output])
    except UndefinedStatisticError as undefined:
        return replace(blank, value=None, status=Status.SKIPPED, reason=str(undefined))
    return replace(blank, value=estimate.value, lower=estimate.lower, upper=estimate.upper)


def _without_output(rows: LabelledRows, blank: Measurement) -> Measurement:
    count = rows.without_output
    return replace(
        blank,
        kind=Kind.QUALITY,
        name="labelled_rows_without_output",
        value=float(count),
        threshold_upper=0.0,
        status=Status.BREACHED if count else Status.OK,
        reason=f"{count} labelled rows whose score or prediction is not a finite number" if count else None,
        definition="labelled rows whose score or prediction is null or not finite; no metric counts them",
        rows=len(rows.labels) + count,
    )


def _judge(spec: ModelSpec, measurement: Measurement) -> Measurement:
    """Compare with the threshold: breached when the whole interval, or the point, is on the wrong side of a bound."""
    threshold = spec.performance.thresholds.get(measurement.name)
    if threshold is None:
        return measurement
    bounded = replace(
        measurement,
        threshold_lower=threshold.lower,
        threshold_upper=threshold.upper,
        severity=Severity(threshold.severity or Severity.CRITICAL),
    )
    reason = _breach(bounded, threshold, point=spec.performance.breach_on == "point")
    return bounded if reason is None else replace(bounded, status=Status.BREACHED, reason=reason)


def _breach(measurement: Measurement, threshold: Threshold, *, point: bool) -> str | None:
    value = measurement.value
    if value is None:
        return None
    best = value if point or measurement.upper is None else measurement.upper
    least = value if point or measurement.lower is None else measurement.lower
    shown = f"{value:.4g}"
    if measurement.lower is not None and measurement.upper is not None:
        shown += f" ({measurement.lower:.4g} to {measurement.upper:.4g})"
    if threshold.lower is not None and best < threshold.lower:
        return f"{shown} is below {threshold.lower:g}"
    if threshold.upper is not None and least > threshold.upper:
        return f"{shown} is above {threshold.upper:g}"
    return None
