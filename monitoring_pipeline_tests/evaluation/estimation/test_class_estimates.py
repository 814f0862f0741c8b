"""Metrics of classifiers: realized ones compared with scikit-learn, expected ones with drawn labels."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics

from monitoring_pipeline.evaluation.estimation.of_classes import ClassProbabilities, estimate_classes, realized_classes
from monitoring_pipeline.records.names import MetricName

CLASSES = ("a", "b", "c")
RNG = np.random.default_rng(1)
SCORES = RNG.dirichlet([1, 2, 3], 400)
DECIDED = SCORES.argmax(axis=1)
BINARY_SCORE = RNG.beta(2, 3, 400)


def _labels(chances, rng):
    return (rng.uniform(size=(len(chances), 1)) < chances.cumsum(axis=1)).argmax(axis=1)


def _multiclass(labels):
    """Return rows whose labels are known."""
    return ClassProbabilities(CLASSES, SCORES, np.eye(3)[labels], np.eye(3, dtype=bool)[DECIDED])


def _binary(of_class):
    score = BINARY_SCORE[:, None]
    return ClassProbabilities(("",), score, np.asarray(of_class, dtype=float)[:, None], score >= 0.4)


def _by_text(found):
    return {str(name): value for name, value in found.items()}


def test_realized_metrics_of_several_classes_match_scikit_learn():
    labels = _labels(SCORES, np.random.default_rng(2))
    of_each = {"average": None, "labels": [0, 1, 2]}
    expected = {
        "accuracy": metrics.accuracy_score(labels, DECIDED),
        "log_loss": metrics.log_loss(labels, SCORES),
        "brier_score": np.mean(np.sum((SCORES - np.eye(3)[labels]) ** 2, axis=1)),
        "macro_auroc": metrics.roc_auc_score(labels, SCORES, multi_class="ovr", average="macro"),
        "macro_f1": metrics.f1_score(labels, DECIDED, average="macro"),
    }
    for place, name in enumerate(CLASSES):
        expected |= {
            f"auroc[{name}]": metrics.roc_auc_score(labels == place, SCORES[:, place]),
            f"base_rate[{name}]": np.mean(labels == place),
            f"precision[{name}]": metrics.precision_score(labels, DECIDED, **of_each)[place],
            f"recall[{name}]": metrics.recall_score(labels, DECIDED, **of_each)[place],
            f"f1[{name}]": metrics.f1_score(labels, DECIDED, **of_each)[place],
        }
    assert _by_text(realized_classes(_multiclass(labels))) == pytest.approx(expected)


def test_realized_metrics_of_two_classes_match_scikit_learn():
    labels = (np.random.default_rng(3).uniform(size=400) < BINARY_SCORE).astype(int)
    decided = BINARY_SCORE >= 0.4
    assert _by_text(realized_classes(_binary(labels))) == pytest.approx(
        {
            "auroc": metrics.roc_auc_score(labels, BINARY_SCORE),
            "average_precision": metrics.average_precision_score(labels, BINARY_SCORE),
            "log_loss": metrics.log_loss(labels, BINARY_SCORE),
            "brier_score": metrics.brier_score_loss(labels, BINARY_SCORE),
            "base_rate": labels.mean(),
            "accuracy": metrics.accuracy_score(labels, decided),
            "precision": metrics.precision_score(labels, decided),
            "recall": metrics.recall_score(labels, decided),
            "specificity": metrics.recall_score(labels, decided, pos_label=0),
            "f1": metrics.f1_score(labels, decided),
        }
    )


def test_undefined_metrics_of_a_class_without_labels_are_left_out():
    found = _by_text(realized_classes(_multiclass(np.where(DECIDED == 0, 1, DECIDED))))
    assert "auroc[a]" not in found
    assert "recall[a]" not in found
    assert found["base_rate[a]"] == 0.0
    assert found["precision[a]"] == 0.0
    assert found["macro_auroc"] == pytest.approx((found["auroc[b]"] + found["auroc[c]"]) / 2)


def _assert_expected_matches_drawn_labels(expected, realized):
    """Compare with mean and variance over labels that the test draws."""
    assert realized[0].keys() == expected.keys()
    for name, estimate in expected.items():
        values = np.array([draw[name] for draw in realized])
        error = 5 * values.std() / np.sqrt(values.size) + 3e-3  # a ratio of means is not the mean of ratios
        assert estimate.value == pytest.approx(values.mean(), abs=error), name
        assert np.sqrt(estimate.variance) == pytest.approx(values.std(), rel=0.4, abs=1e-12), name


def test_expected_metrics_of_several_classes_match_drawn_labels():
    rng = np.random.default_rng(4)
    expected = estimate_classes(replace(_multiclass(DECIDED), of_class=SCORES), rng)
    realized = [realized_classes(_multiclass(_labels(SCORES, rng))) for _ in range(200)]
    _assert_expected_matches_drawn_labels(expected, realized)


def test_expected_metrics_of_two_classes_match_drawn_labels():
    rng = np.random.default_rng(5)
    expected = estimate_classes(_binary(BINARY_SCORE), rng)
    realized = [realized_classes(_binary(rng.uniform(size=400) < BINARY_SCORE)) for _ in range(200)]
    _assert_expected_matches_drawn_labels(expected, realized)


def test_variance_of_more_rows_than_are_drawn_is_scaled_to_all_rows():
    rng = np.random.default_rng(6)
    score = rng.beta(2, 3, (16_000, 1))
    many = ClassProbabilities(("",), score, score, score >= 0.4)
    few = estimate_classes(many.rows(slice(1000)), np.random.default_rng(7))
    all_of_them = estimate_classes(many, np.random.default_rng(7))
    for name in ("auroc", "accuracy", "base_rate", "f1"):
        assert all_of_them[MetricName(name)].variance == pytest.approx(few[MetricName(name)].variance / 16, rel=1e-9)


def test_estimates_of_certain_labels_have_no_variance():
    certain = _binary(BINARY_SCORE > 0.4)
    found = estimate_classes(certain, np.random.default_rng(8))
    assert {name: own.value for name, own in found.items()} == pytest.approx(realized_classes(certain))
    assert max(own.variance for own in found.values()) < 1e-30
    assert found[MetricName("accuracy")].value == 1.0
