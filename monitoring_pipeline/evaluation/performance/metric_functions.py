"""What metrics compute on labelled rows: by a formula, or by resampling where there is none or rows have weights."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.performance.scored_rows import ScoredRows, Values
from monitoring_pipeline.statistics.inputs import labels_and_probabilities
from monitoring_pipeline.statistics.intervals.bootstrap import without_bias
from monitoring_pipeline.statistics.intervals.intervals import mean_interval
from monitoring_pipeline.statistics.predictions import calibration, classification, regression, score_counts
from monitoring_pipeline.statistics.predictions.score_counts import ScoreCounts
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

Metric = Callable[[ScoredRows], Quantity]
Counted = Callable[[ScoreCounts], Values]
Weighted = Callable[[ScoredRows, Values], Values]


def by_formula(formula: Callable[[Values, Values], Quantity], counted: Counted, *, of_scores: bool) -> Metric:
    """A metric of a binary model by its formula; of weighted rows by resampling."""

    def measure(rows: ScoredRows) -> Quantity:
        own = formula(rows.labels, rows.score if of_scores else rows.predictions)
        return own if rows.weights is None else rows.bootstrap(of_counts(counted))[0]

    return measure


def of_probabilities(metric: Metric) -> Metric:
    """The metric, where every score is a probability."""

    def measure(rows: ScoredRows) -> Quantity:
        labels_and_probabilities(np.zeros(rows.scores.size), rows.scores.ravel())
        return metric(rows)

    return measure


def of_counts(counted: Counted) -> Weighted:
    """The number as a function of the rows of a binary model and their weights."""
    return lambda rows, weights: counted(rows.counts(weights))


def resampled(counted: Counted) -> Metric:
    """A metric of a binary model with its interval by resampling."""
    return lambda rows: rows.bootstrap(of_counts(counted))[0]


def expected_calibration_error(rows: ScoredRows) -> Quantity:
    """Expected calibration error; its lower bound is without what chance adds."""
    estimate, draws = rows.bootstrap(of_counts(calibration.calibration_gaps))
    return without_bias(estimate, draws)


def miscalibration(rows: ScoredRows) -> Quantity:
    """Brier score that recalibration would save; its lower bound is without what chance adds."""
    estimate, draws = rows.bootstrap(of_counts(lambda counts: calibration.brier_parts(counts).miscalibration))
    return without_bias(estimate, draws)


def discrimination(rows: ScoredRows) -> Quantity:
    """Brier score that the recalibrated score saves over the base rate; its lower bound as ``miscalibration``."""
    estimate, draws = rows.bootstrap(of_counts(lambda counts: calibration.brier_parts(counts).discrimination))
    return without_bias(estimate, draws)


def top_label_error(rows: ScoredRows) -> Quantity:
    """Expected calibration error of the decided class's probability."""
    decided: NDArray[np.int64] = rows.predictions.astype(np.int64)
    right: Values = np.asarray(rows.predictions == rows.labels, dtype=np.float64)
    chosen = rows.scores[np.arange(decided.size), decided][:, None]
    top = ScoredRows(right, np.ones(right.size), chosen, rows.weights, seed=rows.seed)
    return expected_calibration_error(top)


def skill_over_dummy(loss: Weighted, dummy: Callable[[ScoredRows], Values]) -> Metric:
    """1 - loss / loss of a dummy, which is a loss per row."""

    def skill(rows: ScoredRows, weights: Values) -> Values:
        expected = weights @ dummy(rows) / weights.sum(axis=1)
        return 1 - np.divide(loss(rows, weights), expected, out=np.full(len(weights), np.nan), where=expected > 0)

    def measure(rows: ScoredRows) -> Quantity:
        if not rows.dummy:
            raise UndefinedStatisticError("needs labels in the reference, whose rate or median the dummy says")
        return rows.bootstrap(skill)[0]

    return measure


def weighted_mean(losses: Callable[[ScoredRows], Values]) -> Weighted:
    """The weighted mean of a loss per row."""
    return lambda rows, weights: weights @ losses(rows) / weights.sum(axis=1)


def one_hot(rows: ScoredRows) -> Values:
    """Labels as 1 for the class and 0 for the others, shape (rows, classes)."""
    return (rows.labels[:, None] == np.arange(len(rows.classes))).astype(np.float64)


def multiclass_log_losses(rows: ScoredRows) -> Values:
    """Negative log-likelihood of each row's class, nats."""
    chosen = rows.scores[np.arange(rows.labels.size), rows.labels.astype(np.int64)]
    return -np.log(np.maximum(chosen, score_counts.SMALLEST_PROBABILITY))


def multiclass_brier(rows: ScoredRows) -> Values:
    """Squared distance of scores and label of each row, over all classes (Brier 1950), 0 to 2."""
    return np.sum((rows.scores - one_hot(rows)) ** 2, axis=1)


def brier_of_base_rates(rows: ScoredRows) -> Values:
    """Brier loss of each row by a dummy that promises the reference's base rates."""
    return np.sum((np.array(rows.dummy) - one_hot(rows)) ** 2, axis=1)


def mean_of(losses: Callable[[ScoredRows], Values]) -> Metric:
    """The mean of a loss per row, with Student's interval; of weighted rows by resampling."""

    def measure(rows: ScoredRows) -> Quantity:
        if rows.weights is None:
            return mean_interval(losses(rows), minimum=0.0)
        return rows.bootstrap(weighted_mean(losses))[0]

    return measure


def over_classes(counted: Counted, *, weighted: bool = False) -> Metric:
    """The mean over the classes that have a value, alike or by their share of the labels."""

    def over_classes(rows: ScoredRows, weights: Values) -> Values:
        views = [rows.of_class(name).counts(weights) for name in rows.classes]
        values = np.stack([counted(own) for own in views])
        shares = np.stack([score_counts.base_rate(own) if weighted else np.ones(len(weights)) for own in views])
        known = np.isfinite(values)
        total = np.sum(shares * known, axis=0)
        summed = np.sum(np.where(known, values * shares, 0.0), axis=0)
        return np.where(total > 0, summed / np.where(total > 0, total, 1.0), np.nan)

    return lambda rows: rows.bootstrap(over_classes)[0]


def accuracy_of_classes(rows: ScoredRows) -> Quantity:
    """Share of right classes, with Wilson's interval."""
    right = (rows.labels == rows.predictions).astype(np.float64)
    if rows.weights is None:
        return classification.accuracy(right, np.ones(right.size))
    return rows.bootstrap(lambda own, weights: weights @ (own.labels == own.predictions) / weights.sum(axis=1))[0]


def absolute_errors(rows: ScoredRows) -> Values:
    """|prediction - label| of each row."""
    return np.abs(rows.predictions - rows.labels)


def _squared(rows: ScoredRows) -> Values:
    return (rows.predictions - rows.labels) ** 2


def percentage_errors(rows: ScoredRows) -> Values:
    """|prediction - label| / |label| of each row; no label may be 0."""
    if zeros := int(np.sum(rows.labels == 0.0)):
        raise UndefinedStatisticError(f"{zeros} of {rows.labels.size} labels are 0; a percentage of 0 does not exist")
    return absolute_errors(rows) / np.abs(rows.labels)


def quantile_losses(rows: ScoredRows) -> Values:
    """Pinball loss of each row at the quantile that is predicted (Koenker & Bassett 1978, Econometrica 46:33)."""
    below = rows.labels - rows.predictions
    return np.maximum(rows.quantile * below, (rows.quantile - 1) * below)


def of_errors(formula: Callable[[Values, Values], Quantity], weighted: Weighted) -> Metric:
    """A metric of a regression by its formula; of weighted rows by resampling."""

    def measure(rows: ScoredRows) -> Quantity:
        own = formula(rows.labels, rows.predictions)
        return own if rows.weights is None else rows.bootstrap(weighted)[0]

    return measure


def root_of_squares(rows: ScoredRows, weights: Values) -> Values:
    """Root of the weighted mean squared error."""
    return np.sqrt(weighted_mean(_squared)(rows, weights))


def weighted_bias(rows: ScoredRows, weights: Values) -> Values:
    """Weighted mean of prediction - label."""
    return weights @ (rows.predictions - rows.labels) / weights.sum(axis=1)


def _weighted_r_squared(rows: ScoredRows, weights: Values) -> Values:
    total = weights.sum(axis=1)
    # Around a middle value, as a sum of squares of large numbers loses what it is for.
    centred = rows.labels - np.median(rows.labels)
    mean = weights @ centred / total
    variation = weights @ centred**2 - total * mean**2
    return 1 - np.divide(weights @ _squared(rows), variation, out=np.full(len(weights), np.nan), where=variation > 0)


def r_squared(rows: ScoredRows) -> Quantity:
    """1 - SSE / SST (Kvalseth 1985), with its interval by resampling."""
    value = regression.r_squared(rows.labels, rows.predictions)
    own, _ = rows.bootstrap(_weighted_r_squared)
    return own if rows.weights is not None else Quantity(value.value, own.lower, own.upper)


def weighted_median(rows: ScoredRows, weights: Values) -> Values:
    """Weighted median of the absolute errors."""
    return _weighted_median_of(absolute_errors(rows), weights)


def _weighted_median_of(values: Values, weights: Values) -> Values:
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[:, order], axis=1) >= weights.sum(axis=1, keepdims=True) / 2
    return values[order][np.argmax(reached, axis=1)]


def weighted_median_label(rows: ScoredRows, weights: Values) -> Values:
    """Weighted median of the labels."""
    return _weighted_median_of(rows.labels, weights)


def against_naive(rows: ScoredRows) -> Quantity:
    """1 - mean absolute error / that of the naive forecast on the same rows."""
    if rows.naive is None:
        raise UndefinedStatisticError("the spec names no naive forecast (predictions.naive)")

    def skill(own: ScoredRows, weights: Values) -> Values:
        naive = np.zeros(own.labels.size) if own.naive is None else own.naive
        ours, theirs = weights @ absolute_errors(own), weights @ np.abs(naive - own.labels)
        return 1 - np.divide(ours, theirs, out=np.full(len(weights), np.nan), where=theirs > 0)

    return rows.bootstrap(skill)[0]
