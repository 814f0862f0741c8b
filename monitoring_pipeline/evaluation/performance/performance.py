"""Realized performance: every metric of the table, each with its interval, on the rows whose labels are known."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.labels.maturity import LabelMaturity
from monitoring_pipeline.evaluation.performance.counted import CountedMetric
from monitoring_pipeline.evaluation.performance.metrics_table import PerformanceMetric, measured_by, metrics_of
from monitoring_pipeline.evaluation.performance.scored_rows import ScoredRows, Values
from monitoring_pipeline.evaluation.performance.thresholds import judge_by_threshold
from monitoring_pipeline.evaluation.rows.joined import by_id, with_labels
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Severity, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

WEIGHTED = "; rows weighted by the inverse probability that their label has arrived"


def measure_performance(
    spec: ModelSpec,
    predictions: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    model_version: str,
    chunk: str = "",
    maturity: LabelMaturity | None = None,
    not_interpretable: str | None = None,
    reference: Mapping[MetricName, Quantity] | None = None,
    counted: Mapping[MetricName, CountedMetric] | None = None,
) -> tuple[Measurement, ...]:
    """Measure one version's performance on the rows whose labels are known, and judge it by the thresholds.

    Args:
        spec: the model.
        predictions: canonical predictions of one version: row_id and the model's outputs.
        labels: canonical labels: row_id, label and, if some groups of labels arrive later, ``weight``.
        model_version: the version.
        chunk: key of the chunk; seeds the resampling, with model and version.
        maturity: state of the chunk's labels; if it is None (a reference), metrics are never held back.
        not_interpretable: the reason if the labels that have arrived do not represent the chunk yet.
        reference: the reference's values with their intervals, by metric; none while it is built.
        counted: metrics from the counts of all rows, if ``predictions`` are a sample.

    Returns:
        One measurement per metric of the task, then the number of labelled rows that could not be used.
    """
    rows, without_output = scored_rows(spec, predictions, labels, (spec.name, model_version, chunk))
    rows = replace(rows, dummy=dummy_predictions(spec, rows, reference))
    blank = Measurement(
        kind=Kind.PERFORMANCE,
        subject="model",
        name="",
        model_version=model_version,
        value=0.0,
        rows=rows.labels.size,
        maturity=maturity.state if maturity else None,
    )
    held_back = reason_to_hold_back(spec, rows.labels.size, maturity) or not_interpretable
    of_reference = reference or {}
    measured = tuple(
        judge_by_threshold(
            spec, _from_counts(measurement, counted or {}), metric.better, of_reference.get(measurement.metric)
        )
        for metric in metrics_of(spec.task)
        for measurement in _measurements(metric, rows, blank, of_reference, held_back)
    )
    return (*measured, _without_output(without_output, blank))


def _from_counts(measurement: Measurement, counted: Mapping[MetricName, CountedMetric]) -> Measurement:
    """Return a measurement on a sample with the value from the counts of all rows, if that is more accurate."""
    found = counted.get(measurement.metric)
    if found is None or measurement.value is None or WEIGHTED in (measurement.definition or ""):
        return measurement
    return found.instead_of(measurement)


def scored_rows(
    spec: ModelSpec, predictions: pl.DataFrame, labels: pl.DataFrame, seed: tuple[str, ...]
) -> tuple[ScoredRows, int]:
    """Join labels to predictions by ID; count the rows whose score or prediction is not a number, and drop them."""
    scores = list(spec.score_columns.values()) or (["score"] if spec.task is Task.BINARY else [])
    numbers = [*scores, *spec.carried_columns]
    weights = ["weight"] if "weight" in labels.columns else []
    joined = by_id(
        with_labels(
            predictions.select("row_id", *numbers, number_of(spec, "prediction")),
            labels.select("row_id", number_of(spec, "label"), *weights),
        )
    )
    usable = joined.filter(pl.all_horizontal(pl.col([*scores, "prediction"]).is_finite()))
    rows = ScoredRows(
        labels=usable["label"].to_numpy(),
        predictions=usable["prediction"].to_numpy(),
        scores=usable.select(scores).to_numpy().reshape(usable.height, len(scores)),
        weights=usable["weight"].to_numpy() if weights else None,
        classes=spec.classes,
        quantile=spec.performance.quantile,
        seed=seed,
        horizon=_carried(usable, "horizon"),
        naive=_carried(usable, "naive"),
    )
    return rows, joined.height - usable.height


def _carried(rows: pl.DataFrame, column: str) -> Values | None:
    return rows[column].fill_null(np.nan).to_numpy() if column in rows.columns else None


def number_of(spec: ModelSpec, column: str) -> pl.Expr:
    """Return the label or prediction as a number, for a multiclass model the number of its class."""
    if spec.task is not Task.MULTICLASS:
        return pl.col(column).cast(pl.Float64)
    numbers = {name: float(number) for number, name in enumerate(spec.classes)}
    return pl.col(column).replace_strict(numbers, default=None, return_dtype=pl.Float64)


def dummy_predictions(
    spec: ModelSpec, rows: ScoredRows, reference: Mapping[MetricName, Quantity] | None
) -> tuple[float, ...]:
    """Return the prediction of a model without inputs, by the reference, or by the rows of a reference being built."""
    names = {
        Task.BINARY: [MetricName("base_rate")],
        Task.MULTICLASS: [MetricName("base_rate", name) for name in spec.classes],
        Task.REGRESSION: [MetricName("median_label")],
    }[spec.task]
    if reference is not None:
        return tuple(reference[name].value for name in names) if all(name in reference for name in names) else ()
    if not rows.labels.size:
        return ()
    if spec.task is Task.REGRESSION:
        with np.errstate(over="ignore"):
            return (float(np.median(rows.labels)),)
    classes = range(len(spec.classes)) if spec.classes else [1]
    return tuple(float(np.mean(np.asarray(rows.labels == number))) for number in classes)


def reason_to_hold_back(spec: ModelSpec, labelled: int, maturity: LabelMaturity | None) -> str | None:
    """Return the reason why a chunk with so many labelled rows cannot be judged; None if it can."""
    if maturity is None:
        return None
    if maturity.predictions == 0:
        return "no predictions"
    if maturity.state is Maturity.IMMATURE:
        return (
            f"{maturity.share:.1%} of the labels have arrived, "
            f"at least {spec.performance.minimum_maturity:.0%} needed before the label delay has passed"
        )
    if labelled < spec.performance.minimum_rows:
        return f"{labelled} labelled rows, at least {spec.performance.minimum_rows} needed"
    return None


def _measurements(
    metric: PerformanceMetric,
    rows: ScoredRows,
    blank: Measurement,
    reference: Mapping[MetricName, Quantity],
    held_back: str | None,
) -> Iterator[Measurement]:
    """Yield the measurement of each unit of a metric, with the reference's value."""
    for name, part in measured_by(metric, rows):
        of_reference = reference.get(name)
        measurement = replace(
            blank,
            name=name.name,
            of=name.of,
            reference_value=of_reference.value if of_reference else None,
            definition=metric.definition + (WEIGHTED if rows.weights is not None else ""),
            severity=Severity.INFO if metric.sometimes else blank.severity,
            rows=part.labels.size,
        )
        yield _measured(metric, part, measurement, held_back)


def _measured(metric: PerformanceMetric, rows: ScoredRows, blank: Measurement, held_back: str | None) -> Measurement:
    if held_back is not None:
        return blank.skipped(held_back)
    try:
        estimate = metric.measure(rows)
    except UndefinedStatisticError as undefined:
        return blank.skipped(str(undefined))
    measured = replace(blank, value=estimate.value, lower=estimate.lower, upper=estimate.upper)
    return measured.noted(estimate.note)


def _without_output(count: int, blank: Measurement) -> Measurement:
    return replace(
        blank,
        kind=Kind.QUALITY,
        name="labelled_rows_without_output",
        value=float(count),
        threshold_upper=0.0,
        status=Status.BREACHED if count else Status.OK,
        reason=f"{count} labelled rows whose score or prediction is not a finite number" if count else None,
        definition="labelled rows whose score or prediction is null or not finite; no metric counts them",
        rows=blank.rows + count,
    )
