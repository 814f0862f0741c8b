"""Metrics of a binary classifier, from labels and scores or from labels and decided classes.

``labels`` are 0 or 1 (or booleans), ``scores`` numbers where higher means more likely positive, ``predictions`` the
decided class, 0 or 1; all of shape (rows,), over the same rows. Every function raises ``ValueError`` for wrong
shapes, and ``UndefinedStatisticError`` when there are no rows, a value is NaN, or the number does not exist.
"""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.inputs import labels_and_classes, labels_and_probabilities, labels_and_scores
from monitoring_pipeline.statistics.intervals.intervals import delong_interval, mean_interval, transformed, wilson
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)
"""Log loss takes probabilities no closer to 0 or 1 than this: one such miss costs 36.04, not infinity."""


def auroc(labels: npt.ArrayLike, scores: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Area under the ROC curve, ties counting half, with the interval of ``intervals.delong_interval``."""
    truth, score = labels_and_scores(labels, scores)
    for kind, rows in (("positive", int(truth.sum())), ("negative", int((~truth).sum()))):
        if rows == 0:
            raise UndefinedStatisticError(f"no {kind} label among {truth.size} rows; AUROC compares both classes")
    return delong_interval(score[truth], score[~truth], confidence)


def log_loss(labels: npt.ArrayLike, scores: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Mean negative log-likelihood in nats; scores are probabilities, clipped at ``SMALLEST_PROBABILITY``."""
    truth, score = labels_and_probabilities(labels, scores)
    clipped = np.clip(score, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    losses = -np.where(truth, np.log(clipped), np.log1p(-clipped))
    return mean_interval(losses, confidence, minimum=0.0)


def brier_score(labels: npt.ArrayLike, scores: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Mean squared difference of probability and label (Brier 1950, for one of the two classes), 0 to 1."""
    truth, score = labels_and_probabilities(labels, scores)
    return mean_interval((score - truth) ** 2, confidence, minimum=0.0, maximum=1.0)


def mean_bias(labels: npt.ArrayLike, scores: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Mean of probability - label: negative if the model predicts too few positives."""
    truth, score = labels_and_probabilities(labels, scores)
    return mean_interval(score - truth, confidence, minimum=-1.0, maximum=1.0)


def base_rate(labels: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Share of positive labels, with Wilson's interval."""
    truth, _ = labels_and_classes(labels, labels)
    return wilson(int(truth.sum()), truth.size, confidence)


def accuracy(labels: npt.ArrayLike, predictions: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Share of rows decided correctly, with Wilson's interval."""
    truth, decided = labels_and_classes(labels, predictions)
    return wilson(int((truth == decided).sum()), truth.size, confidence)


def precision(labels: npt.ArrayLike, predictions: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Share of the rows predicted positive that are, with Wilson's interval."""
    truth, decided = labels_and_classes(labels, predictions)
    if not decided.any():
        raise UndefinedStatisticError(f"none of {decided.size} rows is predicted positive; precision has no rows")
    return wilson(int((truth & decided).sum()), int(decided.sum()), confidence)


def recall(labels: npt.ArrayLike, predictions: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Share of the positive rows that are predicted positive, with Wilson's interval."""
    truth, decided = labels_and_classes(labels, predictions)
    if not truth.any():
        raise UndefinedStatisticError(f"no positive label among {truth.size} rows; recall has no rows")
    return wilson(int((truth & decided).sum()), int(truth.sum()), confidence)


def specificity(labels: npt.ArrayLike, predictions: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Share of the negative rows that are predicted negative, with Wilson's interval."""
    truth, decided = labels_and_classes(labels, predictions)
    if truth.all():
        raise UndefinedStatisticError(f"no negative label among {truth.size} rows; specificity has no rows")
    return wilson(int((~truth & ~decided).sum()), int((~truth).sum()), confidence)


def f1(labels: npt.ArrayLike, predictions: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN).

    Among the rows that are positive or predicted so, the share J that is both is a proportion, and F1 = 2J / (1 + J)
    grows with it: the bounds are Wilson's for J, so transformed (the "Wilson indirect" method of Lam, Gopal & Qian
    2023, arXiv:2309.14621).
    """
    truth, decided = labels_and_classes(labels, predictions)
    either = int((truth | decided).sum())
    if either == 0:
        raise UndefinedStatisticError(f"none of {truth.size} rows is positive or predicted positive; F1 has no rows")
    both = wilson(int((truth & decided).sum()), either, confidence)
    return transformed(both, lambda share: 2 * share / (1 + share))
