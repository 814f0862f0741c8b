"""The delays of labels, and the weights that correct for them: by hand, and on chunks with known final numbers."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from pydantic import TypeAdapter
from sklearn import metrics

from monitoring_pipeline.evaluation.labels.delay import (
    NO_DELAY_LEARNED,
    GroupDelay,
    LabelDelay,
    ages_in_hours,
    arrival_weights,
    expected_labels,
    hours_between,
    label_groups,
    learn_label_delay,
)
from monitoring_pipeline.statistics.survival import Arrivals
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

CHURN, SPEND = binary_spec(labels__delay="10d"), regression_spec(labels__delay="10d")
START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
MIDNIGHT = START + dt.timedelta(days=1)
YEARS_LATER = START + dt.timedelta(days=900)
HOUR = dt.timedelta(hours=1)
EARLY_POSITIVES = {0.0: 30.0, 1.0: 4.0}
ALIKE = {0.0: 8.0, 1.0: 8.0}
STEPWISE = LabelDelay(
    arrivals=Arrivals((1.0, 10.0), (0.5, 0.9)),
    groups=(
        GroupDelay("0", 0.75, Arrivals((10.0, 20.0), (0.25, 1.0))),
        GroupDelay("1", 0.25, Arrivals((1.0, 10.0), (0.5, 1.0))),
    ),
    labels=1000,
)


def _moments(hours):
    return pl.Series([START + HOUR * float(hour) for hour in hours], dtype=pl.Datetime("us", "UTC"))


def _predictions(rng, *, rows, days, mean_hours, start_day=0, ever=1.0):
    """Return scores that rise during each day, calibrated labels, and exponential delays that depend on the label."""
    hour = rng.uniform(0, 24 * days, rows) + 24 * start_day
    score = 0.6 * rng.beta(2, 3, rows) + 0.4 * (hour % 24) / 24
    label = (rng.uniform(size=rows) < score).astype(float)
    delay = rng.exponential([mean_hours[value] for value in label])
    delay[rng.uniform(size=rows) >= ever] = 24 * 10_000
    return pl.DataFrame(
        {"predicted_at": _moments(hour), "known_at": _moments(hour + delay), "score": score, "label": label}
    )


def _as_seen(rows, as_of):
    """Return the rows with the labels that are known by then."""
    known = pl.col("known_at") <= as_of
    return rows.with_columns(pl.when(known).then(name).alias(name) for name in ("label", "known_at"))


def _learned(rng, mean_hours, *, rows=20_000):
    reference = _predictions(rng, rows=rows, days=30, mean_hours=mean_hours)
    return learn_label_delay(CHURN, _as_seen(reference, YEARS_LATER), YEARS_LATER)


def _weighed(delay, chunk, as_of, spec=CHURN):
    """Return the weights, and a mask of the rows that they belong to."""
    seen = _as_seen(chunk, as_of)
    known, ages = seen["label"].is_not_null().to_numpy(), ages_in_hours(seen["predicted_at"], as_of)
    waited = hours_between(seen["predicted_at"], seen["known_at"])
    return arrival_weights(
        spec, delay, seen["label"].drop_nulls(), ages[known], ages, waited_hours=waited[known]
    ), known


def test_delays_of_all_labels_and_of_each_class_are_learned():
    delay = _learned(np.random.default_rng(1), EARLY_POSITIVES)
    hours = np.array([1.0, 4.0, 12.0, 30.0])
    assert delay.reason is None
    assert delay.labels == 20_000
    assert [own.group for own in delay.groups] == ["0", "1"]
    assert delay.groups[0].arrivals.at(hours) == pytest.approx(1 - np.exp(-hours / 30), abs=0.015)
    assert delay.groups[1].arrivals.at(hours) == pytest.approx(1 - np.exp(-hours / 4), abs=0.015)
    mixed = sum(own.share * own.arrivals.at(hours) for own in delay.groups)
    assert delay.arrivals.at(hours) == pytest.approx(mixed, abs=0.01)
    assert sum(own.share for own in delay.groups) == pytest.approx(1.0)


def test_labels_that_never_arrive_lower_the_curve_of_all_but_not_of_groups():
    rng = np.random.default_rng(2)
    rows = _predictions(rng, rows=5000, days=30, mean_hours=ALIKE, ever=0.7)
    delay = learn_label_delay(CHURN, _as_seen(rows, YEARS_LATER), YEARS_LATER)
    assert delay.arrivals.ever == pytest.approx(0.7, abs=0.02)
    assert all(own.arrivals.ever == 1.0 for own in delay.groups)


def test_labels_that_have_not_arrived_yet_are_censored():
    """The curve is the same if the labels are read at the end of the reference window or years later."""
    rng = np.random.default_rng(3)
    spec = binary_spec(labels__delay="2d")
    rows = _predictions(rng, rows=20_000, days=4, mean_hours={0.0: 20.0, 1.0: 20.0})
    delay = learn_label_delay(spec, _as_seen(rows, START + 96 * HOUR), START + 96 * HOUR)
    hours = np.array([5.0, 20.0, 40.0])
    assert delay.labels < 17_000
    assert delay.arrivals.at(hours) == pytest.approx(1 - np.exp(-hours / 20), abs=0.02)


def test_delays_of_a_regression_are_learned_by_thirds_of_its_labels():
    rng = np.random.default_rng(4)
    label, hour = rng.normal(0, 1, 6000), rng.uniform(0, 720, 6000)
    delay = rng.exponential(np.where(label > 0.5, 40.0, 5.0))
    rows = pl.DataFrame({"predicted_at": _moments(hour), "known_at": _moments(hour + delay), "label": label})
    learned = learn_label_delay(SPEND, rows, YEARS_LATER)
    assert learned.cuts == pytest.approx((-0.43, 0.43), abs=0.06)
    assert [own.group for own in learned.groups] == ["0", "1", "2"]
    assert [own.share for own in learned.groups] == pytest.approx([1 / 3] * 3, abs=0.001)
    assert [float(own.arrivals.at([10.0])[0]) for own in learned.groups] == pytest.approx([0.86, 0.86, 0.27], abs=0.05)
    ages = np.full(2, 10.0)
    found = arrival_weights(SPEND, learned, pl.Series([-1.0, 2.0]), ages, ages).weights
    assert found[1] / found[0] == pytest.approx(0.86 / 0.27, rel=0.15)


@pytest.mark.parametrize(("spec", "labels", "cuts", "groups"), [
    (CHURN, pl.Series([1.0, 0.0]), (), ["1", "0"]),
    (multiclass_spec(), pl.Series(["b", "a"]), (), ["b", "a"]),
    (SPEND, pl.Series([-5.0, 1.0, 1.5, 2.0, 9.0]), (1.0, 2.0), ["0", "1", "1", "2", "2"]),
])  # fmt: skip
def test_label_groups_are_classes_or_thirds(spec, labels, cuts, groups):
    assert label_groups(spec, labels, cuts).to_list() == groups


@pytest.mark.parametrize("labels", [0, 99])
def test_delay_of_too_few_labels_is_not_learned(labels):
    rows = _predictions(np.random.default_rng(5), rows=200, days=5, mean_hours=ALIKE)
    known = pl.int_range(200) < labels
    rows = rows.with_columns(pl.when(known).then(name).alias(name) for name in ("label", "known_at"))
    delay = learn_label_delay(CHURN, rows, YEARS_LATER)
    assert delay == LabelDelay(reason=f"{labels} labels in the reference, at least 100 needed")


def test_class_with_few_labels_has_no_group_delay():
    rows = _predictions(np.random.default_rng(6), rows=500, days=5, mean_hours=ALIKE)
    rows = rows.with_columns(label=(pl.int_range(500) < 29).cast(pl.Float64))
    assert [own.group for own in learn_label_delay(CHURN, rows, YEARS_LATER).groups] == ["0"]


@pytest.mark.parametrize("spec", [CHURN, SPEND], ids=["binary", "regression"])
def test_reference_with_recent_rows_only_has_no_group_delays(spec):
    rows = _predictions(np.random.default_rng(12), rows=500, days=1, mean_hours={0.0: 1.0, 1.0: 1.0})
    delay = learn_label_delay(spec, _as_seen(rows, MIDNIGHT), MIDNIGHT)
    assert delay.labels > 400
    assert (delay.groups, delay.cuts) == ((), ())


def test_expected_labels_match_sums_by_hand():
    found = expected_labels(STEPWISE, np.array([0.0, 5.0, 5.0, 50.0]))
    assert found.by_now == pytest.approx(0.0 + 0.5 + 0.5 + 0.9)
    assert found.eventually == pytest.approx(4 * 0.9)


def test_expected_labels_match_arrived_labels():
    rng = np.random.default_rng(7)
    reference = _predictions(rng, rows=10_000, days=30, mean_hours=EARLY_POSITIVES, ever=0.9)
    delay = learn_label_delay(CHURN, _as_seen(reference, YEARS_LATER), YEARS_LATER)
    chunk = _predictions(rng, rows=10_000, days=1, mean_hours=EARLY_POSITIVES, ever=0.9)
    for hours in (0, 12, 48):
        as_of = MIDNIGHT + hours * HOUR
        expected = expected_labels(delay, ages_in_hours(chunk["predicted_at"], as_of))
        assert _as_seen(chunk, as_of)["label"].count() == pytest.approx(expected.by_now, rel=0.03)
        assert expected.eventually == pytest.approx(9000, rel=0.01)


def test_weighted_metrics_of_an_immature_chunk_match_the_final_ones():
    """Positives arrive first, and negatives mostly for rows of early hours, so unweighted numbers are biased."""
    rng = np.random.default_rng(8)
    delay = _learned(rng, EARLY_POSITIVES)
    chunk = _predictions(rng, rows=20_000, days=1, mean_hours=EARLY_POSITIVES)
    found, known = _weighed(delay, chunk, MIDNIGHT + 6 * HOUR)
    assert 0.6 < known.mean() < 0.75
    assert found.not_interpretable is None
    label, score = chunk["label"].to_numpy(), chunk["score"].to_numpy()
    final = label.mean(), metrics.roc_auc_score(label, score), metrics.brier_score_loss(label, score)
    seen, said = label[known], score[known]
    naive = seen.mean(), metrics.roc_auc_score(seen, said), metrics.brier_score_loss(seen, said)
    weighted = (
        np.average(seen, weights=found.weights),
        metrics.roc_auc_score(seen, said, sample_weight=found.weights),
        metrics.brier_score_loss(seen, said, sample_weight=found.weights),
    )
    assert naive[0] - final[0] > 0.15
    assert naive[1] - final[1] > 0.03
    assert weighted == pytest.approx(final, abs=0.012)
    assert found.weights.mean() == pytest.approx(1.0)


def test_arrival_weights_match_weights_by_hand():
    labels, ages = pl.Series([1.0, 1.0, 0.0]), np.array([5.0, 15.0, 15.0])
    found = arrival_weights(CHURN, STEPWISE, labels, ages, np.full(100, 15.0))
    raw = np.array([1 / 0.5, 1.0, 1 / 0.25])
    assert found.weights == pytest.approx(raw * 3 / raw.sum())


def test_weight_of_a_label_earlier_than_any_of_the_reference_is_bounded():
    """Its share is at least a tenth of its class's share by now."""
    labels, ages = pl.Series([1.0, 1.0, 1.0]), np.array([0.5, 15.0, 15.0])
    found = arrival_weights(CHURN, STEPWISE, labels, ages, np.array([0.5, 5.0, 15.0, 15.0, 30.0]))
    assert found.weights is None  # one label would weigh as much as the others together
    many = pl.Series([1.0] * 500)
    ages = np.array([0.5, *[15.0] * 499])
    found = arrival_weights(CHURN, STEPWISE, many, ages, ages)
    assert found.weights[0] / found.weights[1] == pytest.approx(1 / (0.1 * 499 / 500), rel=1e-9)


@pytest.mark.parametrize(("delay", "labels"), [
    (STEPWISE, []),
    (NO_DELAY_LEARNED, [1.0, 0.0]),
    (LabelDelay(groups=STEPWISE.groups[:1]), [1.0, 0.0]),
    (LabelDelay(groups=(STEPWISE.groups[0], GroupDelay("1", 0.5, STEPWISE.groups[0].arrivals))), [1.0, 0.0]),
])  # fmt: skip
def test_rows_without_labels_or_group_differences_are_not_weighted(delay, labels):
    ages = np.full(len(labels), 12.0)
    found = arrival_weights(CHURN, delay, pl.Series(labels, dtype=pl.Float64), ages, np.full(3, 12.0))
    assert (found.weights, found.not_interpretable) == (None, None)


def test_classes_with_equal_delays_are_not_weighted():
    rng = np.random.default_rng(9)
    delay = _learned(rng, ALIKE)
    chunk = _predictions(rng, rows=2000, days=1, mean_hours=ALIKE)
    found = _weighed(delay, chunk, MIDNIGHT + 6 * HOUR)[0]
    assert (found.weights, found.not_interpretable) == (None, None)


def test_class_with_few_arrived_labels_is_not_interpretable():
    rng = np.random.default_rng(10)
    late_negatives = {0.0: 300.0, 1.0: 4.0}
    delay = _learned(rng, late_negatives)
    chunk = _predictions(rng, rows=2000, days=1, mean_hours=late_negatives)
    found = _weighed(delay, chunk, MIDNIGHT)[0]
    assert found.weights is None
    assert found.not_interpretable.startswith("labels of class 0 arrive later than others: ")
    assert found.not_interpretable.endswith("% are known by now, at least 10% needed")


def test_recent_rows_without_any_label_of_a_class_are_not_interpretable():
    """Negatives take at least ten hours; weights alone gave a base rate of 0.61 for such a chunk, and 0.45 is true."""
    labels, ages = pl.Series([1.0, 0.0]), np.array([15.0, 15.0])
    six, five, younger_still = (np.repeat([young, 15.0], [n, 100 - n]) for young, n in [(5.0, 6), (5.0, 5), (0.5, 6)])
    assert arrival_weights(CHURN, STEPWISE, labels, ages, six).not_interpretable == (
        "labels of class 0 arrive later than others: 6.0% of the rows are too young for any, at most 5% allowed"
    )
    assert arrival_weights(CHURN, STEPWISE, labels, ages, five).weights is not None
    assert arrival_weights(CHURN, STEPWISE, labels, ages, younger_still).weights is not None  # of either class


def test_few_labels_with_large_weights_are_not_interpretable():
    """Few negatives of the recent rows are known, so their weights would be too large."""
    young, old = np.full(300, 5.0), np.full(100, 30.0)
    groups = (
        GroupDelay("0", 0.5, Arrivals((1.0, 20.0), (0.04, 1.0))),
        GroupDelay("1", 0.5, Arrivals((1.0, 20.0), (0.9, 1.0))),
    )
    labels = pl.Series([0.0] * 10 + [1.0] * 100 + [0.0] * 50)
    ages = np.concatenate([young[:110], old[:50]])
    found = arrival_weights(CHURN, LabelDelay(groups=groups), labels, ages, np.concatenate([young, old]))
    effective = (10 * 25 + 100 / 0.9 + 50) ** 2 / (10 * 25**2 + 100 / 0.9**2 + 50)
    assert found.weights is None
    assert found.not_interpretable == (
        "labels of class 0 arrive later than others, and too few are known to stand for them: "
        f"160 labels weigh as much as {effective:.0f}"
    )


@pytest.mark.parametrize(("late", "words"), [
    ("0", "labels below 1 arrive later"),
    ("1", "labels from 1 to 2.5 arrive later"),
    ("2", "labels of 2.5 or more arrive later"),
])  # fmt: skip
def test_reason_names_the_slowest_third_by_its_bounds(late, words):
    groups = tuple(
        GroupDelay(name, 1 / 3, Arrivals((1.0, 50.0), (0.01 if name == late else 0.9, 1.0))) for name in "012"
    )
    delay, ages = LabelDelay(groups=groups, cuts=(1.0, 2.5)), np.full(3, 10.0)
    found = arrival_weights(SPEND, delay, pl.Series([0.0, 1.5, 3.0]), ages, ages)
    assert words in found.not_interpretable


def test_ages_are_in_hours_and_not_negative():
    predicted_at = _moments([0, 1.5, 30])
    assert ages_in_hours(predicted_at, MIDNIGHT).tolist() == [24.0, 22.5, 0.0]


def test_label_delay_written_as_json_is_read_back_equal():
    adapter = TypeAdapter(LabelDelay)
    for delay in (_learned(np.random.default_rng(11), EARLY_POSITIVES, rows=500), NO_DELAY_LEARNED, STEPWISE):
        assert adapter.validate_json(adapter.dump_json(delay)) == delay


def _biases(learned, mean_hours, chunk_rows=4000, chunks=5):
    """Return the mean error of early base rates of chunks, weighted and not, and the last weights."""
    biases, weighed = [], None
    for number in range(chunks):
        chunk = _predictions(np.random.default_rng(40 + number), rows=chunk_rows, days=1, mean_hours=mean_hours)
        weighed, known = _weighed(learned, chunk, MIDNIGHT + 6 * HOUR)
        labels = chunk["label"].to_numpy()
        weights = np.ones(int(known.sum())) if weighed.weights is None else weighed.weights
        biases.append((np.average(labels[known], weights=weights), labels[known].mean()) - labels.mean())
    return *np.mean(biases, axis=0), weighed


@pytest.mark.parametrize(("negatives", "words"), [(30.0, None), (4.0, "labels of class 0 arrive ")])
def test_weights_follow_delays_that_have_changed(negatives, words):
    """Weights by the old delays are off by -.18 if negatives become as fast as positives."""
    learned = _learned(np.random.default_rng(39), EARLY_POSITIVES)
    weighted, unweighted, found = _biases(learned, EARLY_POSITIVES | {0.0: negatives})
    assert found.not_interpretable is None
    assert (found.changed or "").startswith(words or "")
    assert (found.changed is None) == (words is None)
    assert abs(weighted) < 0.03
    assert abs(unweighted) > 0.1 or negatives == EARLY_POSITIVES[1.0]


@pytest.mark.parametrize("slower", [EARLY_POSITIVES | {1.0: 9.0}, {0.0: 60.0, 1.0: 8.0}], ids=["positives", "all"])
def test_changed_delays_are_not_followed_while_those_of_another_class_do_not_show(slower):
    """A third of a day shows nothing of delays of 30 hours, so that a guess would be off by .13 if all are slower."""
    learned = _learned(np.random.default_rng(39), EARLY_POSITIVES)
    _, _, found = _biases(learned, slower, chunks=1)
    assert found.not_interpretable.startswith("labels of class 1 arrive 2.")
    assert found.not_interpretable.endswith("but the delay of labels of class 0 does not show so early")


def test_delays_of_another_shape_are_not_interpretable():
    learned = _learned(np.random.default_rng(39), EARLY_POSITIVES)
    chunk = _predictions(np.random.default_rng(41), rows=4000, days=1, mean_hours=EARLY_POSITIVES)
    at_once = pl.when(pl.col("label") == 1.0).then(pl.col("predicted_at") + HOUR * 5.9).otherwise("known_at")
    found, _ = _weighed(learned, chunk.with_columns(known_at=at_once), MIDNIGHT + 6 * HOUR)
    assert found.not_interpretable == (
        "labels of class 1 arrive otherwise than in the reference, so that it is not known how many are missing"
    )
