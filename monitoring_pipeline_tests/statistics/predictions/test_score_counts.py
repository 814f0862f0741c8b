"""Score counts against scikit-learn, and against NannyML's confidence-based estimates."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn import metrics

from monitoring_pipeline.statistics.predictions import score_counts as own
from monitoring_pipeline.statistics.predictions.score_counts import ScoreCounts

ON_SCORES = [own.auroc, own.average_precision, own.brier_score, own.log_loss, own.base_rate, own.mean_bias]
ON_CLASSES = [own.accuracy, own.precision, own.recall, own.specificity, own.f1]
TWENTIETHS = st.integers(0, 20).map(lambda n: n / 20)

CALIBRATED = np.array([0.05, 0.2, 0.35, 0.5, 0.62, 0.8, 0.93])
EXPECTED_OF_CALIBRATED = {
    own.auroc: 0.8355786895284751,
    own.average_precision: 0.8002298136645962,
    own.f1: 0.7651006711409396,
    own.precision: 0.7125,
    own.recall: 0.8260869565217391,
    own.specificity: 0.676056338028169,
    own.accuracy: 0.75,
}


def score_counts(scores, positives, decided=None):
    """Return one group per row."""
    score = np.asarray(scores, dtype=np.float64)
    chance = np.asarray(positives, dtype=np.float64)
    # Sorted by everything, so that sums do not depend on the order of the rows.
    own = None if decided is None else np.asarray(decided, dtype=bool)
    order = np.lexsort((chance, score) if own is None else (chance, own, score))
    return ScoreCounts(score[order], np.ones(score.size), chance[order][None, :], None if own is None else own[order])


def rows_of_both_classes():
    """Labels, scores with many ties, exactly 0 and 1 among them, and a decision that need not follow the score."""
    row = st.tuples(st.integers(0, 1), TWENTIETHS, st.integers(0, 1))
    return st.lists(row, min_size=2, max_size=60).filter(lambda rows: len({label for label, _, _ in rows}) == 2)


def columns_of(rows):
    return (np.array(column) for column in zip(*rows, strict=True))


def value(metric, counts):
    """The one draw's value."""
    found = metric(counts)
    assert found.shape == (1,)
    return found[0]


@given(rows_of_both_classes())
def test_metrics_of_scores_match_scikit_learn(rows):
    labels, scores, _ = columns_of(rows)
    counts = score_counts(scores, labels)
    assert value(own.auroc, counts) == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert value(own.average_precision, counts) == pytest.approx(metrics.average_precision_score(labels, scores))
    assert value(own.brier_score, counts) == pytest.approx(metrics.brier_score_loss(labels, scores))
    assert value(own.log_loss, counts) == pytest.approx(metrics.log_loss(labels, scores))
    assert value(own.base_rate, counts) == pytest.approx(labels.mean())
    assert value(own.mean_bias, counts) == pytest.approx(np.mean(scores - labels), abs=1e-12)


@given(rows_of_both_classes())
def test_metrics_of_classes_match_scikit_learn(rows):
    labels, scores, decided = columns_of(rows)
    counts = score_counts(scores, labels, decided)
    assert value(own.accuracy, counts) == pytest.approx(metrics.accuracy_score(labels, decided))
    assert value(own.recall, counts) == pytest.approx(metrics.recall_score(labels, decided))
    assert value(own.specificity, counts) == pytest.approx(metrics.recall_score(labels, decided, pos_label=0))
    assert value(own.f1, counts) == pytest.approx(metrics.f1_score(labels, decided))
    if decided.any():
        assert value(own.precision, counts) == pytest.approx(metrics.precision_score(labels, decided))
    else:
        assert np.isnan(value(own.precision, counts))


@pytest.mark.parametrize("metric", EXPECTED_OF_CALIBRATED, ids=lambda metric: metric.__name__)
def test_expected_metrics_of_probabilities_match_nannyml(metric):
    # nannyml 0.13.1, performance_estimation/confidence_based/metrics.py
    counts = score_counts(CALIBRATED, CALIBRATED, CALIBRATED >= 0.5)
    assert value(metric, counts) == pytest.approx(EXPECTED_OF_CALIBRATED[metric], abs=1e-9)


@given(rows_of_both_classes())
def test_metrics_of_rows_grouped_by_score_are_unchanged(rows):
    labels, scores, decided = columns_of(rows)
    apart = score_counts(scores, labels, decided)
    cells = sorted(set(zip(scores, decided, strict=True)))
    members = [(scores == score) & (decided == flag) for score, flag in cells]
    together = ScoreCounts(
        np.array([score for score, _ in cells]),
        np.array([float(member.sum()) for member in members]),
        np.array([[float(labels[member].sum()) for member in members]]),
        np.array([bool(flag) for _, flag in cells]),
    )
    for metric in (*ON_SCORES, *ON_CLASSES):
        assert value(metric, together) == pytest.approx(value(metric, apart), abs=1e-12, nan_ok=True)


@given(rows_of_both_classes(), st.randoms(use_true_random=False))
def test_metrics_of_counts_do_not_depend_on_the_order_of_rows(rows, random):
    shuffled = random.sample(rows, len(rows))
    for metric in (*ON_SCORES, *ON_CLASSES):
        first, second = (
            metric(score_counts(scores, labels * 0.7 + 0.1, decided))
            for labels, scores, decided in (columns_of(rows), columns_of(shuffled))
        )
        np.testing.assert_array_equal(first, second)


def test_metrics_of_weighted_rows_match_scikit_learn():
    rng = np.random.default_rng(1)
    labels, weights = rng.integers(0, 2, 200), rng.uniform(0.2, 5, 200)
    scores = np.sort(np.round(rng.beta(2, 2, 200), 2))
    decided = scores >= 0.5
    counts = ScoreCounts(scores, weights, (labels * weights)[None, :], decided)
    for metric, theirs, compared in [
        (own.auroc, metrics.roc_auc_score, scores),
        (own.average_precision, metrics.average_precision_score, scores),
        (own.brier_score, metrics.brier_score_loss, scores),
        (own.log_loss, metrics.log_loss, scores),
        (own.accuracy, metrics.accuracy_score, decided),
        (own.precision, metrics.precision_score, decided),
        (own.f1, metrics.f1_score, decided),
    ]:
        assert value(metric, counts) == pytest.approx(theirs(labels, compared, sample_weight=weights)), metric


@pytest.mark.parametrize("label", [0, 1])
def test_metrics_that_need_both_classes_are_nan_with_one(label):
    counts = score_counts([0.2, 0.7], [label, label], [0, 1])
    for metric in (own.auroc, own.auroc_error_bound, own.specificity if label else own.recall):
        assert np.isnan(value(metric, counts))
    assert value(own.accuracy, counts) == 0.5


def test_metrics_of_decisions_without_a_decision_are_refused():
    with pytest.raises(ValueError, match="nothing was decided"):
        own.accuracy(score_counts([0.2, 0.7], [0, 1]))


def decided_by_threshold():
    """Labels, scores and the threshold of the decision."""
    row = st.tuples(st.integers(0, 1), st.integers(0, 200).map(lambda n: n / 200))
    rows = st.lists(row, min_size=2, max_size=80).filter(lambda rows: len({label for label, _ in rows}) == 2)
    return st.tuples(rows, st.one_of(st.none(), TWENTIETHS), st.integers(1, 12))


@given(st.lists(TWENTIETHS, min_size=1, max_size=12), st.integers(0, 2**32 - 1))
@example([0.1, 0.2, 0.3], 0)
@example([0.1, 0.2, 0.2, 0.3, 0.4], 0)
@example([0.2, 0.2, 0.2, 0.3, 0.3], 0)
def test_values_by_score_are_sums_of_the_groups_of_equal_score(scores, seed):
    scores = np.sort(scores)
    values = np.random.default_rng(seed).random((3, scores.size))
    counts = ScoreCounts(scores, np.ones(scores.size), values)
    sums = [[sum(row[scores == score]) for score in np.unique(scores)] for row in values]
    assert counts.by_score(values) == pytest.approx(np.array(sums), abs=1e-12)
    starts = np.unique(scores, return_index=True)[1]
    # Bit for bit and in one layout, because stored numbers were made so.
    for laid_out in (values, np.asfortranarray(values), np.broadcast_to(values[:1], values.shape)):
        assert np.array_equal(counts.by_score(laid_out), np.add.reduceat(laid_out, starts, axis=1))
        assert counts.by_score(laid_out).flags.c_contiguous


@pytest.mark.parametrize("digits", [1, 2, 4])
@pytest.mark.parametrize("metric", [own.auroc, own.average_precision])
def test_metrics_of_drawn_weights_have_the_bits_of_plain_sums(metric, digits, monkeypatch):
    rng = np.random.default_rng(digits)
    scores, weights = rng.random(300).round(digits), rng.random((20, 300)) * rng.integers(0, 3, (20, 300))
    order = np.argsort(scores, kind="stable")
    ordered, labels = weights[:, order], rng.integers(0, 2, 300)
    found = metric(ScoreCounts(scores[order], ordered, ordered * labels))
    monkeypatch.setattr(ScoreCounts, "by_score", lambda counts, values: np.add.reduceat(
        values, np.unique(counts.scores, return_index=True)[1], axis=1))  # fmt: skip
    assert np.array_equal(found, metric(ScoreCounts(scores[order], ordered, ordered * labels)))
