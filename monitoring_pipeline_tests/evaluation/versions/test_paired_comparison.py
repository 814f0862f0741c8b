"""Two versions on the same rows: losses by hand, identities, and intervals with days as independent units."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn import metrics as sk

from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.evaluation.versions.daily_difference import measure_daily_difference
from monitoring_pipeline.evaluation.versions.paired_comparison import GROUP_ROWS, compare_paired
from monitoring_pipeline.evaluation.versions.paired_rows import PairedRows, loss_name_of, row_losses
from monitoring_pipeline.records.measurement import Kind, Maturity, Role, Severity, Status
from monitoring_pipeline.spec.rules.retraining import FairnessGuard, GateRules
from monitoring_pipeline.spec.sources import Task

RULES = GateRules()


def binary_rows(*, days=14, per_day=120, better=0.5, seed=1, **changes):
    """Return rows on which the challenger has less noise than the champion if ``better`` is above 0."""
    rng = np.random.default_rng(seed)
    rows = days * per_day
    truth = rng.normal(0, 1, rows)
    labels = (rng.uniform(size=rows) < 1 / (1 + np.exp(-2 * truth))).astype(float)
    champion, challenger = (1 / (1 + np.exp(-truth - rng.normal(0, noise, rows))) for noise in (1.0, 1.0 - better))
    fields = {
        "task": Task.BINARY,
        "labels": labels,
        "champion_scores": champion,
        "challenger_scores": challenger,
        "champion_predictions": (champion > 0.5).astype(float),
        "challenger_predictions": (challenger > 0.5).astype(float),
        "days": np.repeat([f"2024-03-{day + 1:02}" for day in range(days)], per_day),
        "segments": {"plan": rng.choice(["basic", "plus"], rows)},
        "champion": "1",
        "challenger": "2",
    }
    return PairedRows(**(fields | changes))


def multiclass_rows(seed=2, rows=900):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, rows).astype(float)

    def scores(weight):
        raw = rng.dirichlet(np.ones(3), rows) + weight * (labels[:, None] == np.arange(3))
        return raw / raw.sum(axis=1, keepdims=True)

    champion, challenger = scores(0.2), scores(0.6)
    return PairedRows(
        task=Task.MULTICLASS,
        labels=labels,
        champion_scores=champion,
        challenger_scores=challenger,
        champion_predictions=champion.argmax(axis=1).astype(float),
        challenger_predictions=challenger.argmax(axis=1).astype(float),
        days=np.repeat([f"d{day}" for day in range(9)], rows // 9),
        classes=("a", "b", "c"),
    )


def regression_rows(seed=3, rows=600, **changes):
    rng = np.random.default_rng(seed)
    labels = rng.normal(0, 3, rows)
    fields = {
        "task": Task.REGRESSION,
        "labels": labels,
        "champion_predictions": labels + rng.normal(0, 2, rows),
        "challenger_predictions": labels + rng.normal(0, 1, rows),
        "days": np.repeat([f"d{day}" for day in range(6)], rows // 6),
    }
    return PairedRows(**(fields | changes))


def swapped(rows):
    return replace(
        rows,
        champion_scores=rows.challenger_scores,
        challenger_scores=rows.champion_scores,
        champion_predictions=rows.challenger_predictions,
        challenger_predictions=rows.champion_predictions,
    )


def test_row_losses_equal_hand_computed_values():
    rows = binary_rows(days=1, per_day=2).champion_rows
    two = replace(rows, labels=np.array([1.0, 0.0]), scores=np.array([[0.8], [0.5]]))
    assert row_losses(Task.BINARY, "log_loss", two) == pytest.approx([-np.log(0.8), np.log(2)])
    assert row_losses(Task.BINARY, "brier_score", two) == pytest.approx([0.04, 0.25])
    three = replace(two, scores=np.array([[0.2, 0.7, 0.1], [0.5, 0.25, 0.25]]), classes=("a", "b", "c"))
    assert row_losses(Task.MULTICLASS, "log_loss", three) == pytest.approx([-np.log(0.7), np.log(2)])
    assert row_losses(Task.MULTICLASS, "brier_score", three) == pytest.approx([0.14, 0.375])
    numbers = replace(two, labels=np.array([1.0, 2.0]), predictions=np.array([3.0, 1.5]))
    assert row_losses(Task.REGRESSION, "absolute_error", numbers) == pytest.approx([2.0, 0.5])
    assert row_losses(Task.REGRESSION, "squared_error", numbers) == pytest.approx([4.0, 0.25])


@pytest.mark.parametrize(("task", "loss", "name"), [
    (Task.BINARY, None, "log_loss"),
    (Task.MULTICLASS, None, "log_loss"),
    (Task.REGRESSION, None, "absolute_error"),
    (Task.BINARY, "auroc", "auroc"),
    (Task.REGRESSION, "squared_error", "squared_error"),
])  # fmt: skip
def test_loss_of_a_task_has_a_default_name(task, loss, name):
    assert loss_name_of(task, loss) == name


def test_loss_of_another_task_is_refused():
    with pytest.raises(ValueError, match=r"unknown 'log_loss' for regression; known: absolute_error, squared_error"):
        loss_name_of(Task.REGRESSION, "log_loss")
    with pytest.raises(ValueError, match="no loss of single rows"):
        row_losses(Task.BINARY, "auroc", binary_rows().champion_rows)


def test_metrics_of_both_versions_equal_those_of_sklearn():
    rows = binary_rows()
    found = {str(entry.metric): entry for entry in compare_paired(rows, RULES).metrics}
    for side, scores, decided in (
        ("champion", rows.champion_scores, rows.champion_predictions),
        ("challenger", rows.challenger_scores, rows.challenger_predictions),
    ):
        expected = {
            "auroc": sk.roc_auc_score(rows.labels, scores),
            "average_precision": sk.average_precision_score(rows.labels, scores),
            "log_loss": sk.log_loss(rows.labels, scores),
            "brier_score": sk.brier_score_loss(rows.labels, scores),
            "accuracy": sk.accuracy_score(rows.labels, decided),
            "f1": sk.f1_score(rows.labels, decided),
        }
        for name, value in expected.items():
            assert getattr(found[name], side) == pytest.approx(value)
    loss = compare_paired(rows, RULES).loss
    assert loss.champion == found["log_loss"].champion
    assert loss.worsening.lower == pytest.approx(found["log_loss"].worsening.lower)


def test_multiclass_and_regression_versions_are_compared():
    rows = multiclass_rows()
    classes = compare_paired(rows, GateRules(guards={"recall[b]": 0.1}))
    found = {str(entry.metric): entry for entry in classes.metrics}
    assert classes.loss.champion == pytest.approx(sk.log_loss(rows.labels, rows.champion_scores))
    assert found["macro_f1"].challenger == pytest.approx(
        sk.f1_score(rows.labels, rows.challenger_predictions, average="macro")
    )
    assert found["recall[b]"].champion == pytest.approx(np.mean(rows.champion_predictions[rows.labels == 1] == 1))
    assert not any(name.endswith(("[a]", "[c]")) for name in found)
    assert classes.loss.worsening.upper < 0
    numbers = compare_paired(regression_rows(), RULES)
    assert numbers.loss.name == "absolute_error"
    assert numbers.loss.worsening.upper < 0
    assert {entry.name: entry.better for entry in numbers.metrics}["mean_bias"] is Better.ZERO


def test_worsening_is_positive_if_the_challenger_is_worse():
    rows = binary_rows()
    for entry in compare_paired(rows, RULES).metrics:
        if entry.worsening is None:
            continue
        raw = entry.challenger - entry.champion
        expected = {
            Better.HIGHER: -raw,
            Better.LOWER: raw,
            Better.ZERO: abs(entry.challenger) - abs(entry.champion),
        }[entry.better]
        assert entry.worsening.value == pytest.approx(expected)


def test_swapped_versions_have_worsening_of_opposite_sign():
    rules = GateRules(segments=("plan",), fairness=(FairnessGuard(column="plan"),))
    one, other = compare_paired(binary_rows(), rules), compare_paired(swapped(binary_rows()), rules)
    pairs = zip(
        (one.loss, *one.metrics, *one.segments, *one.fairness),
        (other.loss, *other.metrics, *other.segments, *other.fairness),
        strict=True,
    )
    for first, second in pairs:
        if first.worsening is not None:
            assert second.worsening.value == pytest.approx(-first.worsening.value)
            assert second.worsening.lower == pytest.approx(-first.worsening.upper)


def test_order_of_rows_does_not_change_the_comparison():
    rows = binary_rows()
    order = np.random.default_rng(4).permutation(rows.labels.size)
    rules = GateRules(segments=("plan",))
    first, second = compare_paired(rows, rules), compare_paired(rows.where(order), rules)
    for one, other in zip((first.loss, *first.metrics), (second.loss, *second.metrics), strict=True):
        assert one.name == other.name
        if one.worsening is not None:
            assert other.worsening.value == pytest.approx(one.worsening.value, abs=1e-12)
            assert other.worsening.lower == pytest.approx(one.worsening.lower, abs=1e-9)


@pytest.mark.parametrize("loss", ["log_loss", "brier_score", "auroc"])
def test_version_compared_with_itself_has_zero_worsening_without_an_interval(loss):
    rows = binary_rows()
    same = replace(rows, challenger_scores=rows.champion_scores, challenger_predictions=rows.champion_predictions)
    found = compare_paired(same, GateRules(loss=loss)).loss
    assert found.worsening.value == 0.0
    assert found.worsening.lower is None


def test_repeated_rows_of_a_day_do_not_narrow_the_interval():
    """Each row ten times adds no information because whole days are the independent units."""
    rows = binary_rows(days=8, per_day=50)
    once = compare_paired(rows, RULES).loss.worsening
    again = compare_paired(rows.where(np.repeat(np.arange(rows.labels.size), 10)), RULES).loss.worsening
    assert again.lower == pytest.approx(once.lower)
    assert again.upper == pytest.approx(once.upper)


def test_segment_is_compared_on_its_rows():
    rows = binary_rows(segments={"plan": np.array(["basic"] * 1000 + ["plus"] * 640 + ["pro"] * 40)})
    found = {entry.segment: entry for entry in compare_paired(rows, GateRules(segments=("plan",))).segments}
    alone = compare_paired(rows.where(rows.segments["plan"] == "basic"), RULES).loss
    assert found["plan=basic"] == replace(alone, segment="plan=basic")
    assert found["plan=pro"].worsening is None
    assert found["plan=pro"].reason == f"40 labelled rows, at least {GROUP_ROWS} needed"


@pytest.mark.parametrize(("measure", "within"), [
    ("selection_rate", None), ("true_positive_rate", 1.0), ("false_positive_rate", 0.0),
])  # fmt: skip
def test_fairness_gap_is_the_difference_of_rates_between_groups(measure, within):
    rows = binary_rows()
    rules = GateRules(fairness=(FairnessGuard(column="plan", measure=measure),))
    (found,) = compare_paired(rows, rules).fairness
    chosen = np.ones(rows.labels.size, dtype=bool) if within is None else rows.labels == within
    for side in ("champion", "challenger"):
        decided = getattr(rows, f"{side}_predictions")
        rates = [decided[chosen & (rows.segments["plan"] == plan)].mean() for plan in ("basic", "plus")]
        assert getattr(found, side) == pytest.approx(abs(rates[0] - rates[1]))
    assert str(found.metric) == f"{measure}_gap[plan]"
    assert found.worsening.value == pytest.approx(found.challenger - found.champion)


def test_small_group_is_left_out_of_a_fairness_gap():
    """The challenger chooses none of forty rows, and a fifth or more of all others."""
    plans = np.array(["basic"] * 820 + ["plus"] * 820 + ["pro"] * 40)
    rows = binary_rows(segments={"plan": plans})
    silent = replace(rows, challenger_predictions=np.where(plans == "pro", 0.0, rows.challenger_predictions))
    rules = GateRules(fairness=(FairnessGuard(column="plan"),))
    (found,) = compare_paired(silent, rules).fairness
    shares = [rows.challenger_predictions[plans == plan].mean() for plan in ("basic", "plus")]
    assert found.challenger == pytest.approx(abs(shares[0] - shares[1]))


def test_single_group_has_no_fairness_gap():
    rows = binary_rows(segments={"plan": np.array(["basic"] * 1680)})
    (found,) = compare_paired(rows, GateRules(fairness=(FairnessGuard(column="plan"),))).fairness
    assert found.reason == "1 groups of plan with at least 100 such rows, 2 needed"


def test_comparison_that_cannot_be_measured_has_a_reason():
    rows = binary_rows()
    one_class = replace(rows, labels=np.ones(rows.labels.size))
    found = {str(entry.metric): entry for entry in compare_paired(one_class, RULES).metrics}
    assert found["auroc"].worsening is None
    assert "no negative label" in found["auroc"].reason
    two_days = compare_paired(binary_rows(days=2), RULES)
    assert two_days.loss.reason == "2 days with labelled rows, at least 3 needed"
    no_rows = compare_paired(rows.where(np.zeros(rows.labels.size, dtype=bool)), RULES)
    assert no_rows.rows == 0
    assert no_rows.loss.worsening is None
    beyond = compare_paired(replace(rows, challenger_scores=rows.challenger_scores + 0.5), RULES)
    assert "scores are not probabilities" in beyond.loss.reason


def test_wrong_input_of_a_comparison_is_refused_with_its_name():
    with pytest.raises(ValueError, match="days has 3 rows and labels has 1680"):
        replace(binary_rows(), days=np.array(["a", "b", "c"]))
    with pytest.raises(ValueError, match="challenger_scores: a binary comparison needs the scores of both versions"):
        replace(binary_rows(), challenger_scores=None)
    with pytest.raises(ValueError, match="segment 'country' is not among the rows' columns: plan"):
        compare_paired(binary_rows(), GateRules(segments=("country",)))


def test_daily_difference_is_a_measurement_of_the_challenger():
    rows = binary_rows(days=1, per_day=400)
    found = measure_daily_difference(rows, role=Role.SHADOW, maturity=Maturity.FINAL)
    difference = sk.log_loss(rows.labels, rows.challenger_scores) - sk.log_loss(rows.labels, rows.champion_scores)
    assert found.value == pytest.approx(difference)
    assert found.lower < found.value < found.upper
    assert (found.kind, found.subject, str(found.metric)) == (Kind.PERFORMANCE, "versions", "loss_difference[2-1]")
    assert (found.model_version, found.role, found.severity) == ("2", Role.SHADOW, Severity.INFO)
    assert (found.rows, found.maturity, found.status) == (400, Maturity.FINAL, Status.OK)
    ranked = measure_daily_difference(rows, loss="auroc")
    areas = (sk.roc_auc_score(rows.labels, scores) for scores in (rows.champion_scores, rows.challenger_scores))
    assert ranked.value == pytest.approx(next(areas) - next(areas))


def test_day_that_cannot_be_compared_is_skipped_with_a_reason():
    few = measure_daily_difference(binary_rows(days=1, per_day=20), minimum_rows=30)
    assert (few.status, few.reason) == (Status.SKIPPED, "20 labelled rows of both versions, 30 needed")
    rows = binary_rows(days=1)
    one_class = measure_daily_difference(replace(rows, labels=np.zeros(120)), loss="auroc")
    assert one_class.status is Status.SKIPPED
    assert "no positive label" in one_class.reason
