"""The table of performance metrics; a further metric takes a function and a row."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from itertools import permutations

import numpy as np

from monitoring_pipeline.evaluation.performance import metric_functions as of
from monitoring_pipeline.evaluation.performance.metric_functions import Metric
from monitoring_pipeline.evaluation.performance.metric_ranges import (
    ANY,
    AT_LEAST_ZERO,
    AT_MOST_ONE,
    BRIER_OF_CLASSES,
    DIFFERENCE_OF_SHARES,
    SHARE,
    VARIANCE_OF_TWO_CLASSES,
    MetricRange,
)
from monitoring_pipeline.evaluation.performance.scored_rows import ScoredRows
from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.records.names import MetricName, Segment, pair_text
from monitoring_pipeline.spec.column_names import allowed_names
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.intervals.intervals import median_interval
from monitoring_pipeline.statistics.predictions import calibration, classification, regression, score_counts
from monitoring_pipeline.statistics.results import Quantity

CLASSES_CONFUSED = 10
HORIZONS = 50
HORIZON = "horizon"


class Per(StrEnum):
    """The unit that a metric is measured for."""

    MODEL = "model"
    CLASS = "class"
    CONFUSION = "confusion"
    HORIZON = "horizon"


@dataclass(frozen=True)
class PerformanceMetric:
    """One number about correctness; ``range`` holds its possible values, ``better`` names the good ones.

    ``sometimes`` marks a metric that is undefined on many healthy chunks, so that its absence is not reported.
    """

    task: Task
    name: str
    better: Better | None
    range: MetricRange
    function: Metric
    definition: str
    per: Per = Per.MODEL
    sometimes: bool = False

    def measure(self, rows: ScoredRows) -> Quantity:
        """Return the metric of some rows with its interval.

        Raises:
            UndefinedStatisticError: if it has no value on the rows, or an impossible one.
        """
        # Overflow gives a result that is not finite, which is refused.
        with np.errstate(all="ignore"):
            return self.range.checked(self.function(rows))


HIGHER, LOWER, ZERO = Better.HIGHER, Better.LOWER, Better.ZERO
binary, multiclass, of_values = (partial(PerformanceMetric, task) for task in Task)
_BOOTSTRAP = "interval by bootstrap"
_AUROC = of.by_formula(classification.auroc, score_counts.auroc, of_scores=True)
_PRECISION = of.by_formula(classification.precision, score_counts.precision, of_scores=False)
_RECALL = of.by_formula(classification.recall, score_counts.recall, of_scores=False)
_F1 = of.by_formula(classification.f1, score_counts.f1, of_scores=False)
_BASE_RATE = of.by_formula(lambda labels, _: classification.base_rate(labels), score_counts.base_rate, of_scores=False)
_MEAN_BIAS = of.by_formula(classification.mean_bias, score_counts.mean_bias, of_scores=True)
_MAE = of.of_errors(regression.mean_absolute_error, of.weighted_mean(of.absolute_errors))

PERFORMANCE_METRICS: tuple[PerformanceMetric, ...] = (
    binary("auroc", HIGHER, SHARE, _AUROC, "area under the ROC curve; DeLong"),
    binary("average_precision", HIGHER, SHARE, of.resampled(score_counts.average_precision),
         f"precision summed over the gains in recall; {_BOOTSTRAP}"),
    binary("log_loss", LOWER, AT_LEAST_ZERO,
         of.by_formula(classification.log_loss, score_counts.log_loss, of_scores=True),
         "mean negative log-likelihood, nats"),
    binary("brier_score", LOWER, SHARE,
         of.by_formula(classification.brier_score, score_counts.brier_score, of_scores=True),
         "mean squared error of the score"),
    binary("brier_miscalibration", LOWER, SHARE, of.of_probabilities(of.miscalibration),
         f"Brier score that recalibration would save; {_BOOTSTRAP}"),
    binary("brier_discrimination", HIGHER, VARIANCE_OF_TWO_CLASSES,
         of.of_probabilities(of.discrimination),
         f"Brier score that the recalibrated score saves over the base rate; {_BOOTSTRAP}"),
    binary("brier_uncertainty", None, VARIANCE_OF_TWO_CLASSES,
         of.of_probabilities(of.resampled(lambda counts: counts.once(calibration.brier_parts).uncertainty)),
         f"Brier score of always promising the base rate; {_BOOTSTRAP}"),
    binary("brier_skill", HIGHER, AT_MOST_ONE,
         of.of_probabilities(
             of.skill_over_dummy(
                 of.of_counts(score_counts.brier_score), lambda rows: (rows.dummy[0] - rows.labels) ** 2
             )
         ),
         f"1 - Brier score / that of always promising the reference's base rate; {_BOOTSTRAP}"),
    binary("mean_bias", ZERO, DIFFERENCE_OF_SHARES, _MEAN_BIAS, "mean of score minus label"),
    binary("expected_calibration_error", LOWER, SHARE, of.of_probabilities(of.expected_calibration_error),
         "mean absolute gap of score and base rate in 10 bins of equal mass; interval by bootstrap, its "
         "lower bound without what chance adds"),
    binary("calibration_slope", None, ANY,
         lambda rows: calibration.slope_of(rows.label_odds),
         "slope of the label on the score's log-odds, 1 when calibrated; Wald, sandwich"),
    binary("calibration_intercept", ZERO, ANY,
         lambda rows: calibration.intercept_of(rows.label_odds),
         "log-odds missing on average, 0 when calibrated; Wald, sandwich"),
    binary("accuracy", HIGHER, SHARE, of.by_formula(classification.accuracy, score_counts.accuracy, of_scores=False),
         "share of right classes; Wilson"),
    binary("precision", HIGHER, SHARE, _PRECISION, "TP/(TP+FP); Wilson"),
    binary("recall", HIGHER, SHARE, _RECALL, "TP/(TP+FN); Wilson"),
    binary("specificity", HIGHER, SHARE,
         of.by_formula(classification.specificity, score_counts.specificity, of_scores=False), "TN/(TN+FP); Wilson"),
    binary("f1", HIGHER, SHARE, _F1, "2TP/(2TP+FP+FN); from Wilson's of its share"),
    binary("base_rate", None, SHARE, _BASE_RATE, "share of positive labels; Wilson"),
    multiclass("macro_auroc", HIGHER, SHARE, of.over_classes(score_counts.auroc, _AUROC),
         f"mean AUROC of each class against the rest; {_BOOTSTRAP}"),
    multiclass("accuracy", HIGHER, SHARE, of.accuracy_of_classes, "share of right classes; Wilson"),
    multiclass("macro_f1", HIGHER, SHARE, of.over_classes(score_counts.f1, _F1),
         f"mean F1 of the classes; {_BOOTSTRAP}"),
    multiclass("weighted_f1", HIGHER, SHARE, of.over_classes(score_counts.f1),
         f"mean F1 of the classes by their share of the labels; {_BOOTSTRAP}"),
    multiclass("log_loss", LOWER, AT_LEAST_ZERO, of.of_probabilities(of.mean_of(of.multiclass_log_losses)),
         "mean negative log-likelihood, nats"),
    multiclass("brier_score", LOWER, BRIER_OF_CLASSES, of.of_probabilities(of.mean_of(of.multiclass_brier)),
         "mean squared distance of scores and label over all classes"),
    multiclass("brier_skill", HIGHER, AT_MOST_ONE,
         of.of_probabilities(of.skill_over_dummy(of.weighted_mean(of.multiclass_brier), of.brier_of_base_rates)),
         f"1 - Brier score / that of always promising the reference's base rates; {_BOOTSTRAP}"),
    multiclass("expected_calibration_error", LOWER, SHARE, of.of_probabilities(of.top_label_error),
         f"mean absolute gap of the decided class's score and its hits, 10 bins of equal mass; {_BOOTSTRAP}"),
    multiclass("auroc", HIGHER, SHARE, _AUROC, "area under the ROC curve against the rest; DeLong", per=Per.CLASS),
    multiclass("precision", HIGHER, SHARE, _PRECISION, "share of the rows decided so that are; Wilson", per=Per.CLASS,
         sometimes=True),
    multiclass("recall", HIGHER, SHARE, _RECALL,
         "share of the class's rows decided so; Wilson", per=Per.CLASS, sometimes=True),
    multiclass("f1", HIGHER, SHARE, _F1, "2TP/(2TP+FP+FN) against the rest", per=Per.CLASS, sometimes=True),
    multiclass("base_rate", None, SHARE, _BASE_RATE, "share of the class's labels; Wilson", per=Per.CLASS),
    multiclass("mean_bias", ZERO, DIFFERENCE_OF_SHARES,
         _MEAN_BIAS, "mean of the class's score minus label", per=Per.CLASS),
    multiclass("confusion", LOWER, SHARE, _BASE_RATE, "share of the first class's rows decided as the second; Wilson",
         per=Per.CONFUSION, sometimes=True),
    of_values("mean_absolute_error", LOWER, AT_LEAST_ZERO, _MAE, "mean of |prediction - label|"),
    of_values("root_mean_squared_error", LOWER, AT_LEAST_ZERO,
         of.of_errors(regression.root_mean_squared_error, of.root_of_squares),
         "square root of the mean squared error"),
    of_values("mean_bias", ZERO, ANY, of.of_errors(regression.mean_bias, of.weighted_bias),
         "mean of prediction minus label"),
    of_values("r_squared", HIGHER, AT_MOST_ONE,
         of.r_squared, "1 - residual/total sum of squares; interval by bootstrap"),
    of_values("median_absolute_error", LOWER, AT_LEAST_ZERO,
         of.of_errors(regression.median_absolute_error, of.weighted_median),
         "median of |prediction - label|"),
    of_values("median_label", None, ANY,
         of.of_errors(lambda labels, _: median_interval(labels), of.weighted_median_label),
              "median of the labels"),
    of_values("quantile_loss", LOWER, AT_LEAST_ZERO,
         of.mean_of(of.quantile_losses), "mean pinball loss at performance.quantile"),
    of_values("mean_absolute_percentage_error", LOWER, AT_LEAST_ZERO, of.mean_of(of.percentage_errors),
         "mean of |prediction - label| / |label|",
         sometimes=True),
    of_values("mae_skill", HIGHER, AT_MOST_ONE,
         of.skill_over_dummy(of.weighted_mean(of.absolute_errors), lambda rows: np.abs(rows.dummy[0] - rows.labels)),
         "1 - mean absolute error / that of always saying the reference's median label; interval by bootstrap"),
    of_values("skill_against_naive", HIGHER, AT_MOST_ONE, of.against_naive,
         "1 - mean absolute error / that of the naive forecast; interval by bootstrap", sometimes=True),
    of_values("mean_absolute_error", LOWER, AT_LEAST_ZERO,
         _MAE, "mean of |prediction - label| at this horizon", per=Per.HORIZON),
    of_values("skill_against_naive", HIGHER, AT_MOST_ONE, of.against_naive,
         "1 - mean absolute error / that of the naive forecast at this horizon", per=Per.HORIZON, sometimes=True),
)  # fmt: skip


class UnknownMetricError(ValueError):
    """A spec names a metric that its task does not have; the message lists the valid ones."""


def metrics_of(task: Task) -> tuple[PerformanceMetric, ...]:
    """Return the metrics of a task."""
    return tuple(metric for metric in PERFORMANCE_METRICS if metric.task is task)


def better_of(task: Task, name: str) -> Better | None:
    """Return the good values of a metric, of the whole model or of one class; None if it has no better side."""
    return next((metric.better for metric in metrics_of(task) if metric.name == name), None)


def range_of(task: Task, name: str) -> MetricRange:
    """Return the values that a metric can have, of the whole model or of a part; any if the task has no such metric."""
    return next((metric.range for metric in metrics_of(task) if metric.name == name), ANY)


def measured_by(metric: PerformanceMetric, rows: ScoredRows) -> Iterator[tuple[MetricName, ScoredRows]]:
    """Yield the name and the rows of each unit that a metric is measured for."""
    for key, part in _ROWS_OF[metric.per](rows):
        yield MetricName(metric.name, key), part


def _classes(rows: ScoredRows) -> Iterator[tuple[str, ScoredRows]]:
    for name in rows.classes:
        yield name, rows.of_class(name)


def _confusions(rows: ScoredRows) -> Iterator[tuple[str, ScoredRows]]:
    """Yield, for each pair of classes, the rows of the first; their label is whether the second was decided."""
    names = rows.classes if len(rows.classes) <= CLASSES_CONFUSED else ()
    for actual, decided in permutations(range(len(names)), 2):
        of_actual = rows.where(rows.labels == actual)
        chosen = (of_actual.predictions == decided).astype(np.float64)
        yield pair_text(names[actual], names[decided]), replace(of_actual, labels=chosen)


def _horizons(rows: ScoredRows) -> Iterator[tuple[str, ScoredRows]]:
    if rows.horizon is not None:
        for step in np.unique(rows.horizon[np.isfinite(rows.horizon)])[:HORIZONS]:
            yield str(Segment(HORIZON, f"{step:g}")), rows.where(rows.horizon == step)


_ROWS_OF: dict[Per, Callable[[ScoredRows], Iterable[tuple[str, ScoredRows]]]] = {
    Per.MODEL: lambda rows: [("", rows)],
    Per.CLASS: _classes,
    Per.CONFUSION: _confusions,
    Per.HORIZON: _horizons,
}


def _is_horizon(of: str) -> bool:
    return "=" in of and Segment.of_text(of).column == HORIZON


def check_performance_rules(spec: ModelSpec) -> None:
    """Check that the task has the metrics that the spec sets thresholds on.

    Raises:
        UnknownMetricError: if it does not; the message contains field, value and the valid names.
    """
    metrics = metrics_of(spec.task)
    exact = {
        *(MetricName(metric.name) for metric in metrics if metric.per is Per.MODEL),
        *(MetricName(metric.name, name) for metric in metrics if metric.per is Per.CLASS for name in spec.classes),
    }
    for name in spec.performance.thresholds:
        by_horizon = _is_horizon(name.of) and any(m.name == name.name for m in metrics if m.per is Per.HORIZON)
        if name not in exact and not (by_horizon and spec.predictions.horizon):
            valid = allowed_names(str(name), map(str, exact), more_at="monitoring-pipeline spec reference")
            message = f"{spec.name}: performance.thresholds: unknown {str(name)!r} for {spec.task}; {valid}"
            raise UnknownMetricError(message)
