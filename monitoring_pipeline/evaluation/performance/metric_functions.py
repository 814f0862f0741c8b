"""Metrics of labelled rows: by a formula, or by resampling if there is no formula or rows have weights."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.performance.scored_rows import ScoredRows, Values
from monitoring_pipeline.evaluation.rows.probabilities import reason_not_probabilities
from monitoring_pipeline.statistics.binary_units import binary_unit
from monitoring_pipeline.statistics.inputs import labels_and_probabilities
from monitoring_pipeline.statistics.intervals.bootstrap import without_bias
from monitoring_pipeline.statistics.intervals.intervals import mean_interval
from monitoring_pipeline.statistics.predictions import calibration, classification, regression, score_counts
from monitoring_pipeline.statistics.predictions.score_counts import ScoreCounts
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

Metric = Callable[[ScoredRows], Quantity]
Counted = Callable[[ScoreCounts], Values]
Weighted = Callable[[ScoredRows, Values], Values]
FEWEST_OF_CLASS = 5
"""With fewer rows of a class, resampling gives no interval: most resamples repeat the same one or two rows."""
ROWS_OF_RARE_CLASS = 60
"""Rows of a class below which resampling gives too narrow an interval. The interval is then widened by a formula."""


def by_formula(formula: Callable[[Values, Values], Quantity], counted: Counted, *, of_scores: bool) -> Metric:
    """Return a metric of a binary model that uses its formula, or resampling if rows have weights."""

    def measure(rows: ScoredRows) -> Quantity:
        quantity = formula(rows.labels, rows.score if of_scores else rows.predictions)
        return quantity if rows.weights is None else rows.bootstrap(of_counts(counted))[0]

    return measure


def of_probabilities(metric: Metric) -> Metric:
    """Return the metric, undefined unless every score is a probability, and those of all classes sum to 1."""

    def measure(rows: ScoredRows) -> Quantity:
        labels_and_probabilities(np.zeros(rows.scores.size), rows.scores.ravel())
        if reason := reason_not_probabilities(rows.scores):
            raise UndefinedStatisticError(reason)
        return metric(rows)

    return measure


def of_counts(counted: Counted) -> Weighted:
    """Return the number as a function of the rows of a binary model and their weights."""
    return lambda rows, weights: counted(rows.counts(weights))


def resampled(counted: Counted) -> Metric:
    """Return a metric of a binary model with its interval by resampling."""
    return lambda rows: of_enough_rows(rows.bootstrap(of_counts(counted))[0], rows)


def of_enough_rows(quantity: Quantity, rows: ScoredRows) -> Quantity:
    """Return a number of a binary model by resampling, without bounds if a class has too few rows."""
    positives = int(rows.labels.sum())
    fewest = min(positives, rows.labels.size - positives)
    if fewest >= FEWEST_OF_CLASS or not fewest:
        return quantity
    name = "positive" if fewest == positives else "negative"
    return Quantity(quantity.value, note=f"{fewest} {name} labels; its interval takes {FEWEST_OF_CLASS}")


def expected_calibration_error(rows: ScoredRows) -> Quantity:
    """Return the expected calibration error; chance adds to it, and its lower bound is corrected for that."""
    estimate, draws = rows.bootstrap(of_counts(calibration.calibration_gaps))
    return of_enough_rows(without_bias(estimate, draws), rows)


def miscalibration(rows: ScoredRows) -> Quantity:
    """Return the Brier score that recalibration would save; its lower bound is corrected for the bias by chance."""
    estimate, draws = rows.bootstrap(of_counts(lambda counts: counts.once(calibration.brier_parts).miscalibration))
    return without_bias(estimate, draws)


def discrimination(rows: ScoredRows) -> Quantity:
    """Return the Brier score that the recalibrated score saves over the base rate; bounds as in ``miscalibration``."""
    estimate, draws = rows.bootstrap(of_counts(lambda counts: counts.once(calibration.brier_parts).discrimination))
    return without_bias(estimate, draws)


def top_label_error(rows: ScoredRows) -> Quantity:
    """Return the expected calibration error of the decided class's probability."""
    decided: NDArray[np.int64] = rows.predictions.astype(np.int64)
    right: Values = np.asarray(rows.predictions == rows.labels, dtype=np.float64)
    chosen = rows.scores[np.arange(decided.size), decided][:, None]
    top = ScoredRows(right, np.ones(right.size), chosen, rows.weights, seed=rows.seed)
    return expected_calibration_error(top)


def skill_over_dummy(loss: Weighted, dummy: Callable[[ScoredRows], Values]) -> Metric:
    """Return the metric 1 - loss / loss of a dummy; ``dummy`` gives the dummy's loss of each row."""

    def skill(rows: ScoredRows, weights: Values) -> Values:
        expected = weights @ dummy(rows) / weights.sum(axis=1)
        return 1 - np.divide(loss(rows, weights), expected, out=np.full(len(weights), np.nan), where=expected > 0)

    def measure(rows: ScoredRows) -> Quantity:
        if not rows.dummy:
            raise UndefinedStatisticError("needs labels in the reference, whose rate or median the dummy predicts")
        return rows.bootstrap(skill)[0]

    return measure


def weighted_mean(losses: Callable[[ScoredRows], Values]) -> Weighted:
    """Return the weighted mean of a loss per row."""
    return lambda rows, weights: weights @ losses(rows) / weights.sum(axis=1)


def one_hot(rows: ScoredRows) -> Values:
    """Return labels as 1 for the class and 0 for the others, shape (rows, classes)."""
    return (rows.labels[:, None] == np.arange(len(rows.classes))).astype(np.float64)


def multiclass_log_losses(rows: ScoredRows) -> Values:
    """Return the negative log-likelihood of each row's class, nats."""
    chosen = rows.scores[np.arange(rows.labels.size), rows.labels.astype(np.int64)]
    return -np.log(np.maximum(chosen, score_counts.SMALLEST_PROBABILITY))


def multiclass_brier(rows: ScoredRows) -> Values:
    """Return the squared distance of scores and label of each row, over all classes (Brier 1950), 0 to 2."""
    return np.sum((rows.scores - one_hot(rows)) ** 2, axis=1)


def brier_of_base_rates(rows: ScoredRows) -> Values:
    """Return the Brier loss of each row by a dummy that predicts the reference's base rates."""
    return np.sum((np.array(rows.dummy) - one_hot(rows)) ** 2, axis=1)


def mean_of(losses: Callable[[ScoredRows], Values]) -> Metric:
    """Return the mean of a loss per row, with Student's interval, or by resampling if rows have weights."""

    def measure(rows: ScoredRows) -> Quantity:
        if rows.weights is None:
            return mean_interval(losses(rows), minimum=0.0)
        return rows.bootstrap(weighted_mean(losses))[0]

    return measure


def over_classes(counted: Counted, of_class: Metric | None = None) -> Metric:
    """Return the mean over the classes that have a value, of equal weight or by their share of the labels.

    Args:
        counted: the metric of one class.
        of_class: the same with the interval of a formula, by which rare classes widen that of the mean; if it is not
            given, classes have the weight of their labels.
    """
    weighted = of_class is None

    def of_one(rows: ScoredRows, weights: Values, name: str) -> tuple[Values, Values]:
        counts = rows.of_class(name).counts(weights)
        return counted(counts), score_counts.base_rate(counts) if weighted else np.ones(len(weights))

    def over_classes(rows: ScoredRows, weights: Values) -> Values:
        # The counts of a class are dropped before the next: those of 20 classes together take 900 MiB.
        by_class = [of_one(rows, weights, name) for name in rows.classes]
        values, shares = (np.stack(parts) for parts in zip(*by_class, strict=True))
        defined = np.isfinite(values)
        total = np.sum(shares * defined, axis=0)
        summed = np.sum(np.where(defined, values * shares, 0.0), axis=0)
        return np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)

    def measure(rows: ScoredRows) -> Quantity:
        found = rows.bootstrap(over_classes)[0]
        return found if of_class is None or rows.weights is not None else _widened(found, rows, counted, of_class)

    return measure


def _widened(mean: Quantity, rows: ScoredRows, counted: Counted, of_class: Metric) -> Quantity:
    """Return the mean of the classes, its interval widened by what resampling misses in rare classes.

    The squared distances of a rare class's bounds by its formula, minus those by resampling, are added to those of the
    mean (as in MOVER, Zou & Donner 2008).
    """
    lower = upper = 0.0
    for number, name in enumerate(rows.classes):
        own = rows.of_class(name)
        if min(own.labels.sum(), (rows.predictions == number).sum()) >= ROWS_OF_RARE_CLASS:
            continue
        try:
            drawn, exact = own.bootstrap(of_counts(counted))[0], of_class(own)
        except UndefinedStatisticError:
            return Quantity(mean.value, note=f"no value of class {name}, which the mean leaves out")
        lower += _missed(exact.value, exact.lower, drawn.lower)
        upper += _missed(exact.value, exact.upper, drawn.upper)
    classes = len(rows.classes)
    below = mean.value - (mean.value if mean.lower is None else mean.lower)
    above = (mean.value if mean.upper is None else mean.upper) - mean.value
    if lower == upper == 0.0:
        return mean
    return Quantity(
        mean.value,
        lower=mean.value - (below**2 + lower / classes**2) ** 0.5,
        upper=mean.value + (above**2 + upper / classes**2) ** 0.5,
    )


def _missed(value: float, exact: float | None, drawn: float | None) -> float:
    """Return by how much the squared distance of a bound from the value is larger by formula than by resampling."""
    if exact is None:
        return 0.0
    return max(0.0, (value - exact) ** 2 - (0.0 if drawn is None else (value - drawn) ** 2))


def accuracy_of_classes(rows: ScoredRows) -> Quantity:
    """Return the share of right classes, with Wilson's interval."""
    right = (rows.labels == rows.predictions).astype(np.float64)
    if rows.weights is None:
        return classification.accuracy(right, np.ones(right.size))
    return rows.bootstrap(lambda drawn, weights: weights @ (drawn.labels == drawn.predictions) / weights.sum(axis=1))[0]


def absolute_errors(rows: ScoredRows) -> Values:
    """Return |prediction - label| of each row."""
    return np.abs(rows.predictions - rows.labels)


def percentage_errors(rows: ScoredRows) -> Values:
    """Return |prediction - label| / |label| of each row.

    Raises:
        UndefinedStatisticError: if a label is 0.
    """
    if zeros := int(np.sum(rows.labels == 0.0)):
        raise UndefinedStatisticError(f"{zeros} of {rows.labels.size} labels are 0; a percentage of 0 does not exist")
    return absolute_errors(rows) / np.abs(rows.labels)


def quantile_losses(rows: ScoredRows) -> Values:
    """Return the pinball loss of each row at the predicted quantile (Koenker & Bassett 1978, Econometrica 46:33)."""
    below = rows.labels - rows.predictions
    return np.maximum(rows.quantile * below, (rows.quantile - 1) * below)


def of_errors(formula: Callable[[Values, Values], Quantity], weighted: Weighted) -> Metric:
    """Return a metric of a regression that uses its formula, or resampling if rows have weights."""

    def measure(rows: ScoredRows) -> Quantity:
        quantity = formula(rows.labels, rows.predictions)
        return quantity if rows.weights is None else rows.bootstrap(weighted)[0]

    return measure


def root_of_squares(rows: ScoredRows, weights: Values) -> Values:
    """Return the root of the weighted mean squared error."""
    errors = rows.predictions - rows.labels
    unit = binary_unit(errors)
    squares = weighted_mean(lambda _: unit.of(errors) ** 2)(rows, weights)
    return np.ldexp(np.sqrt(squares), unit.exponent)


def weighted_bias(rows: ScoredRows, weights: Values) -> Values:
    """Return the weighted mean of prediction - label."""
    return weights @ (rows.predictions - rows.labels) / weights.sum(axis=1)


def _weighted_r_squared(rows: ScoredRows, weights: Values) -> Values:
    total = weights.sum(axis=1)
    # Centred first, because a sum of squares of large numbers loses the digits of their variation.
    unit = binary_unit(rows.labels, rows.predictions)
    centred = unit.of(rows.labels - np.median(rows.labels))
    mean = weights @ centred / total
    variation = weights @ centred**2 - total * mean**2
    residual = weights @ unit.of(rows.predictions - rows.labels) ** 2
    return 1 - np.divide(residual, variation, out=np.full(len(weights), np.nan), where=variation > 0)


def r_squared(rows: ScoredRows) -> Quantity:
    """Return 1 - SSE / SST (Kvalseth 1985), with its interval by resampling."""
    value = regression.r_squared(rows.labels, rows.predictions)
    interval, _ = rows.bootstrap(_weighted_r_squared)
    return interval if rows.weights is not None else Quantity(value.value, interval.lower, interval.upper)


def weighted_median(rows: ScoredRows, weights: Values) -> Values:
    """Return the weighted median of the absolute errors."""
    return _weighted_median_of(absolute_errors(rows), weights)


def _weighted_median_of(values: Values, weights: Values) -> Values:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[:, order], axis=1) >= weights.sum(axis=1, keepdims=True) / 2
    return values[order][np.argmax(reached, axis=1)]


def weighted_median_label(rows: ScoredRows, weights: Values) -> Values:
    """Return the weighted median of the labels."""
    return _weighted_median_of(rows.labels, weights)


def against_naive(rows: ScoredRows) -> Quantity:
    """Return 1 - mean absolute error / mean absolute error of the naive forecast on the same rows."""
    if rows.naive is None:
        raise UndefinedStatisticError("the spec names no naive forecast (predictions.naive)")

    def skill(drawn_rows: ScoredRows, weights: Values) -> Values:
        naive = np.zeros(drawn_rows.labels.size) if drawn_rows.naive is None else drawn_rows.naive
        loss, naive_loss = weights @ absolute_errors(drawn_rows), weights @ np.abs(naive - drawn_rows.labels)
        return 1 - np.divide(loss, naive_loss, out=np.full(len(weights), np.nan), where=naive_loss > 0)

    return rows.bootstrap(skill)[0]
