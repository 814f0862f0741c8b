"""Counts of labelled rows by score or error: their sums, and the bounds for the error by binning."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from monitoring_pipeline.evaluation.profiles.bins import numeric_bins
from monitoring_pipeline.evaluation.profiles.labelled import (
    day_counts,
    error_bins,
    profile_labelled,
    summed_performance,
)
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, sum_profiles
from monitoring_pipeline_tests.evaluation.cases import NO_LABELS, canonical, labels_of
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

BINARY, MULTICLASS, REGRESSION = binary_spec(), multiclass_spec(), regression_spec()
_RNG = np.random.default_rng(5)
# A heavy value, and a range that scores of another day leave on both sides.
REFERENCE_SCORES = np.concatenate([_RNG.beta(2, 3, 900), np.full(100, 0.3)]).clip(0.05, 0.9)
# Fewer bins than usual: wider, so that bounds are tried harder, and faster to count.
SCORE_BINS = {"score": numeric_bins(REFERENCE_SCORES, bins=12)}
CLASS_BINS = {f"score[{name}]": numeric_bins(_RNG.beta(2, 4, 1000)) for name in "abc"}
EXACT = {"base_rate", "mean_bias", "brier_score", "mean_absolute_error", "root_mean_squared_error"}

scores = st.one_of(
    st.floats(0, 1),
    st.sampled_from([0.0, 0.3, 1.0, *SCORE_BINS["score"].edges[:-1:3]]),
    st.integers(0, 10).map(lambda tenths: tenths / 10),
)
labelled_rows = st.lists(st.tuples(scores, st.integers(0, 1)), min_size=2, max_size=60)
errors = st.one_of(st.floats(-40, 40), st.sampled_from([0.0, 1.5, -1.5, 1000.0]))


def _binary_day(rows):
    score, label = (list(column) for column in zip(*rows, strict=True))
    return profile_labelled(
        BINARY, SCORE_BINS, canonical(BINARY, {"score": score}), labels_of(label), model_version="1"
    )


def _by_name(found):
    by_name = {str(metric.metric): metric for metric in found}
    assert len(by_name) == len(found)
    return by_name


def _binary(*days):
    return _by_name(summed_performance(BINARY, SCORE_BINS, [_binary_day(day) for day in days if day]))


def _error_of_whole_cells(labels, score, edges, bins=10):
    """Return the calibration error of the rows with exact scores, in bins of equal mass that hold whole cells."""
    cell = np.digitize(score, edges)
    order = [np.flatnonzero(cell == own) for own in np.unique(cell)]
    middles = np.cumsum([own.size for own in order]) - np.array([own.size for own in order]) / 2
    gaps = np.zeros(bins)
    for own, middle in zip(order, middles, strict=True):
        gaps[int(middle * bins / labels.size)] += (labels[own] - score[own]).sum()
    return np.abs(gaps).sum() / labels.size


# ---- a classifier


@given(labelled_rows)
@settings(max_examples=50)
def test_summed_metrics_of_a_classifier_match_scikit_learn_within_bounds(rows):
    score, label = (np.array(column) for column in zip(*rows, strict=True))
    found = _binary(rows)
    if len(set(label)) < 2:
        assert found == {}
        return
    assert {name for name, metric in found.items() if metric.error_bound == 0.0} >= EXACT & found.keys()
    assert {metric.rows for metric in found.values()} == {len(rows)}
    # Summands are rounded to a 2**-30th of the bins' reach.
    assert found["base_rate"].value == label.mean()
    assert found["mean_bias"].value == pytest.approx(np.mean(score - label), abs=1e-8)
    assert found["brier_score"].value == pytest.approx(metrics.brier_score_loss(label, score), abs=1e-8)
    of_rows = {
        "auroc": metrics.roc_auc_score(label, score),
        "log_loss": metrics.log_loss(label, score),
        "expected_calibration_error": _error_of_whole_cells(label, score, SCORE_BINS["score"].edges),
    }
    assert of_rows.keys() == found.keys() - EXACT
    for name, value in of_rows.items():
        assert abs(found[name].value - value) <= found[name].error_bound + 1e-9, name


def test_bounds_of_days_like_the_reference_are_small():
    rng = np.random.default_rng(6)
    bins, score = {"score": numeric_bins(REFERENCE_SCORES)}, rng.permutation(REFERENCE_SCORES)
    labels = (rng.random(1000) < score).astype(float)
    day = profile_labelled(BINARY, bins, canonical(BINARY, {"score": score}), labels_of(labels), model_version="1")
    found = _by_name(summed_performance(BINARY, bins, [day]))
    bounds = {name: round(found[name].error_bound, 3) for name in found.keys() - EXACT}
    assert bounds == {"auroc": 0.01, "log_loss": 0.014, "expected_calibration_error": 0.007}
    assert found["auroc"].value == pytest.approx(metrics.roc_auc_score(labels, score), abs=0.001)


def test_bounds_are_zero_if_every_score_has_a_bin():
    tenths = np.random.default_rng(7).integers(1, 10, 600) / 10
    labels = (np.random.default_rng(8).random(600) < tenths).astype(float)
    bins = {"score": numeric_bins(tenths)}
    day = profile_labelled(BINARY, bins, canonical(BINARY, {"score": tenths}), labels_of(labels), model_version="1")
    found = _by_name(summed_performance(BINARY, bins, [day]))
    assert found["auroc"].value == pytest.approx(metrics.roc_auc_score(labels, tenths), abs=1e-12)
    assert found["log_loss"].value == pytest.approx(metrics.log_loss(labels, tenths), abs=1e-12)
    assert found["log_loss"].error_bound < 1e-12


@given(st.lists(labelled_rows, min_size=1, max_size=4))
@settings(max_examples=20)
def test_sum_of_days_equals_the_day_of_all_rows(days):
    apart, together = _binary(*days), _binary([row for day in days for row in day])
    assert apart == together
    assert _binary(*reversed(days)) == together


def test_segments_of_a_day_hold_each_row_once_with_its_sums():
    """Each row is in one segment, and the sums of a segment are the sums of its rows."""
    rows = [(0.1, 0), (0.3, 0), (0.3, 1), (0.95, 1), (0.01, 1)]
    day = {profile.segment: profile for profile in _binary_day(rows)}
    assert {segment: profile.rows for segment, profile in day.items()} == {"label=0": 2, "label=1": 3}
    own = day["label=1"]["score"]
    assert (own.minimum, own.maximum) == (0.01, 0.95)
    assert own.counts[3] == own.counts[-2] == 1  # below and above the reference
    centre = SCORE_BINS["score"].centre
    assert own.sum_centred + 3 * centre == pytest.approx(0.3 + 0.95 + 0.01, abs=1e-8)


def test_rows_with_a_nonfinite_score_are_left_out():
    good = [(0.2, 0), (0.7, 1), (0.4, 0)]
    bad = [(float("nan"), 1), (float("inf"), 0), (None, 1)]
    assert _binary(good + bad) == _binary(good)
    assert _binary_day(bad) == _binary_day([(None, 0)])
    assert all(profile.rows == 0 for profile in _binary_day(bad))
    assert _binary(bad) == {}


def test_rows_without_labels_and_labels_without_rows_are_not_counted():
    rows = canonical(BINARY, {"score": [0.2, 0.7, 0.4, 0.9]})
    labels = labels_of([0, 1, 0, 1, 1, 1])
    assert profile_labelled(BINARY, SCORE_BINS, rows, labels.head(3), model_version="1") == _binary_day(
        [(0.2, 0), (0.7, 1), (0.4, 0)]
    )
    assert sum(p.rows for p in profile_labelled(BINARY, SCORE_BINS, rows, labels, model_version="1")) == 4


def test_days_without_labels_do_not_change_the_sum():
    rows = canonical(BINARY, {"score": [0.2, 0.7]})
    empty = profile_labelled(BINARY, SCORE_BINS, rows, NO_LABELS, model_version="1")
    assert [profile.rows for profile in empty] == [0, 0]
    day = _binary_day([(0.2, 0), (0.7, 1)])
    assert summed_performance(BINARY, SCORE_BINS, [empty, day, ()]) == summed_performance(BINARY, SCORE_BINS, [day])
    assert summed_performance(BINARY, SCORE_BINS, [empty]) == ()
    assert summed_performance(BINARY, SCORE_BINS, []) == ()


def test_summed_performance_over_bins_without_edges_is_empty():
    bins = {"score": numeric_bins(np.array([np.nan, np.nan]))}
    rows = canonical(BINARY, {"score": [0.2, 0.7]})
    day = profile_labelled(BINARY, bins, rows, labels_of([0, 1]), model_version="1")
    assert summed_performance(BINARY, bins, [day]) == ()
    assert day_counts(BINARY, bins, [day]).scores == ()


# ---- several classes


def _classes(rng, rows):
    raw = rng.gamma(2, 1, (rows, 3))
    share = raw / raw.sum(axis=1, keepdims=True)
    labels = [str(rng.choice(["a", "b", "c"], p=own)) for own in share]
    return share, labels


def _class_day(share, labels):
    frame = canonical(
        MULTICLASS, {f"score[{name}]": share[:, n] for n, name in enumerate("abc")} | {"prediction": ["a"] * len(share)}
    )
    return profile_labelled(MULTICLASS, CLASS_BINS, frame, labels_of(labels), model_version="1")


def test_summed_metrics_of_each_class_are_against_the_rest():
    share, labels = _classes(np.random.default_rng(9), 500)
    days = [_class_day(share[:200], labels[:200]), _class_day(share[200:], labels[200:])]
    found = _by_name(summed_performance(MULTICLASS, CLASS_BINS, days))
    assert len(found) == 3 * 6
    for number, name in enumerate("abc"):
        own, score = np.array([label == name for label in labels]), share[:, number]
        assert found[f"base_rate[{name}]"].value == own.mean()
        assert found[f"mean_bias[{name}]"].value == pytest.approx(np.mean(score - own), abs=1e-8)
        assert found[f"brier_score[{name}]"].value == pytest.approx(np.mean((score - own) ** 2), abs=1e-8)
        area = found[f"auroc[{name}]"]
        assert 0 < area.error_bound < 0.02
        assert area.value == pytest.approx(metrics.roc_auc_score(own, score), abs=area.error_bound)
        loss = found[f"log_loss[{name}]"]
        assert loss.value == pytest.approx(metrics.log_loss(own, score), abs=loss.error_bound)


def test_class_without_rows_has_no_summed_metrics():
    share, labels = _classes(np.random.default_rng(10), 200)
    labels = ["a" if label == "c" else label for label in labels]
    found = _by_name(summed_performance(MULTICLASS, CLASS_BINS, [_class_day(share, labels)]))
    assert {name for name in found if name.startswith("auroc")} == {"auroc[a]", "auroc[b]"}


# ---- a regression


def _error_day(own, bins):
    labels = np.linspace(-3, 8, len(own))
    rows = canonical(REGRESSION, {"prediction": labels + own})
    return profile_labelled(REGRESSION, bins, rows, labels_of(labels), model_version="1")


def _reference_bins(own=None):
    own = np.random.default_rng(12).normal(0.3, 4, 800).round(1) if own is None else own
    labels = np.linspace(-3, 8, len(own))
    return error_bins(REGRESSION, pl.DataFrame({"prediction": labels + own, "label": labels}))


ERROR_BINS = _reference_bins()


@given(st.lists(errors, min_size=1, max_size=50), st.integers(0, 50))
@settings(max_examples=50)
def test_summed_metrics_of_a_regression_match_scikit_learn_within_bounds(values, cut):
    days = [_error_day(np.array(part), ERROR_BINS) for part in (values[:cut], values[cut:]) if part]
    found = _by_name(summed_performance(REGRESSION, ERROR_BINS, days))
    # Computed as in the pipeline (prediction - label), so that both have the same rounding.
    own = np.concatenate([np.linspace(-3, 8, len(p)) + np.array(p) - np.linspace(-3, 8, len(p))
                          for p in (values[:cut], values[cut:]) if p])  # fmt: skip
    zeros = np.zeros(own.size)
    assert found["mean_absolute_error"].value == pytest.approx(metrics.mean_absolute_error(zeros, own), abs=1e-6)
    squares = found["root_mean_squared_error"].value ** 2
    assert squares == pytest.approx(metrics.mean_squared_error(zeros, own), abs=1e-6, rel=1e-9)
    assert found["mean_bias"].value == pytest.approx(own.mean(), abs=1e-6)
    assert {name for name, metric in found.items() if metric.error_bound} <= {"median_absolute_error"}
    median = found["median_absolute_error"]
    exact = metrics.median_absolute_error(zeros, own)
    assert abs(median.value - exact) <= median.error_bound + 1e-12
    assert median.error_bound <= 520


def test_median_between_two_cells_is_within_its_bound():
    """Half of the errors are 0 and half are 10, so the median is 5, which is in the cell of neither."""
    own = np.array([0.0, 10.0] * 50)
    bins = _reference_bins(own)
    found = _by_name(summed_performance(REGRESSION, bins, [_error_day(own, bins)]))["median_absolute_error"]
    assert abs(found.value - 5.0) <= found.error_bound + 1e-9
    assert found.error_bound < 0.1


def test_regression_without_labels_has_no_bins_and_no_counts():
    rows = canonical(REGRESSION, {"prediction": [1.0, 2.0]})
    unlabelled = rows.join(NO_LABELS, on="row_id", how="inner")
    assert error_bins(REGRESSION, unlabelled) == {}
    assert error_bins(BINARY, pl.DataFrame({"prediction": ["1"], "label": [1.0]})) == {}
    assert profile_labelled(REGRESSION, {}, rows, labels_of([1, 2]), model_version="1") == ()
    assert summed_performance(REGRESSION, {}, [(), ()]) == ()


def test_nonfinite_predictions_of_a_regression_are_left_out():
    rows = canonical(REGRESSION, {"prediction": [1.0, float("nan"), 3.0, float("inf"), None]})
    (day,) = profile_labelled(REGRESSION, ERROR_BINS, rows, labels_of([0, 0, 0, 0, 0]), model_version="1")
    assert (day.segment, day.rows) == ("labelled", 2)
    found = _by_name(summed_performance(REGRESSION, ERROR_BINS, [(day,)]))
    assert found["mean_absolute_error"].value == pytest.approx(2.0, abs=1e-8)


# ---- days as arrays


def test_day_counts_hold_the_rows_of_each_day_with_labels():
    first, second = [(0.2, 0), (0.7, 1), (0.4, 0)], [(0.3, 1), (0.95, 1), (0.01, 0), (0.3, 0)]
    empty = profile_labelled(BINARY, SCORE_BINS, canonical(BINARY, {"score": [0.5]}), NO_LABELS, model_version="1")
    days = [_binary_day(first), empty, (), _binary_day(second)]
    counts = day_counts(BINARY, SCORE_BINS, days)
    (side,) = counts.scores
    assert (counts.days, counts.rows.tolist()) == (2, [3.0, 4.0])
    assert side.positives.sum(axis=1).tolist() == [1.0, 2.0]
    assert side.negatives.sum(axis=1).tolist() == [2.0, 2.0]
    assert side.positives.shape == side.negatives.shape == (2, side.scores.size)
    assert (np.diff(side.scores) >= 0).all()
    places = np.digitize([score for score, label in second if label], SCORE_BINS["score"].edges)
    assert np.flatnonzero(side.positives[1]).tolist() == sorted(places)


def test_day_counts_of_several_classes_count_each_row_once():
    share, labels = _classes(np.random.default_rng(13), 120)
    days = [_class_day(share[:50], labels[:50]), _class_day(share[50:], labels[50:])]
    counts = day_counts(MULTICLASS, CLASS_BINS, days)
    assert counts.rows.tolist() == [50.0, 70.0]
    assert len(counts.scores) == 3
    for side in counts.scores:
        assert (side.positives + side.negatives).sum(axis=1).tolist() == [50.0, 70.0]


def test_day_counts_of_a_regression_hold_absolute_errors():
    days = [_error_day(np.array(own), ERROR_BINS) for own in ([1.0, -2.0], [4.0])]
    counts = day_counts(REGRESSION, ERROR_BINS, days)
    assert (counts.days, counts.rows.tolist(), counts.scores) == (2, [2.0, 1.0], ())
    assert counts.absolute_errors == pytest.approx([3.0, 4.0], abs=1e-8)


def test_day_counts_of_no_days_are_empty():
    for spec, bins in ((BINARY, SCORE_BINS), (REGRESSION, ERROR_BINS), (MULTICLASS, CLASS_BINS)):
        assert day_counts(spec, bins, []).days == 0
        assert day_counts(spec, bins, [()]).rows.size == 0


def test_labelled_profiles_of_days_are_summed_by_sum_profiles():
    days = [_binary_day([(0.2, 0), (0.7, 1)]), _binary_day([(0.9, 1)])]
    summed = sum_profiles(p for day in days for p in day if p.segment == "label=1")
    assert isinstance(summed, ChunkProfile)
    assert (summed.rows, summed.segment) == (2, "label=1")
