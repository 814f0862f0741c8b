"""Performance without labels, on made-up rows with known probabilities of their labels."""

import datetime as dt
import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from pydantic import TypeAdapter
from scipy import special
from sklearn import metrics

from monitoring_pipeline.evaluation.estimation.estimation import (
    NOT_ESTIMATED,
    Estimation,
    estimate_performance,
    learn_estimation,
)
from monitoring_pipeline.evaluation.estimation.of_losses import estimate_losses, fit_loss_model, row_losses
from monitoring_pipeline.evaluation.estimation.unlike import UNKNOWN_AT, OutputCells, cells_of_values
from monitoring_pipeline.records.measurement import Kind, Severity, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.statistics.results import Quantity
from monitoring_pipeline_tests.evaluation.cases import canonical
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

CHURN, CHOICE, SPEND = binary_spec(), multiclass_spec(), regression_spec()
FIRST_NOON = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)
DAYS, ROWS_A_DAY = 20, 500
MAIN = ("auroc", "average_precision", "brier_score", "log_loss", "accuracy", "precision", "recall", "f1", "base_rate")


def _over_days(rows, days):
    """Return the rows spread over so many days at noon."""
    moments = [FIRST_NOON + dt.timedelta(days=number % days) for number in range(rows.height)]
    return rows.with_columns(predicted_at=pl.Series(moments, dtype=pl.Datetime("us", "UTC")))


def _churn(rng, rows, *, truth=lambda score: score, days=1, shape=(2, 3)):
    """Return scores, decided at one half, with labels of probability ``truth(score)``."""
    score = rng.beta(*shape, rows)
    frame = canonical(CHURN, {"score": score, "prediction": np.where(score >= 0.5, "1", "0")})
    label = (rng.uniform(size=rows) < truth(score)).astype(float)
    return _over_days(frame, days).with_columns(label=label)


def _realized(rows):
    score, label = rows["score"].to_numpy(), rows["label"].to_numpy()
    decided = (rows["prediction"] == "1").to_numpy()
    return {
        "auroc": metrics.roc_auc_score(label, score),
        "average_precision": metrics.average_precision_score(label, score),
        "brier_score": metrics.brier_score_loss(label, score),
        "log_loss": metrics.log_loss(label, score),
        "accuracy": metrics.accuracy_score(label, decided),
        "precision": metrics.precision_score(label, decided),
        "recall": metrics.recall_score(label, decided),
        "f1": metrics.f1_score(label, decided),
        "base_rate": label.mean(),
    }


def _losses(model, rows):
    return estimate_losses(model, row_losses(model, rows))


def _estimated(estimation, rows, *, spec=CHURN, chunk="2024-03-01", **arguments):
    """Return estimates by name; the labels are removed first."""
    found = estimate_performance(
        spec, estimation, rows.drop("label", strict=False), model_version="1", chunk=chunk, **arguments
    )
    return {str(m.metric): m for m in found}


@pytest.fixture(scope="module")
def healthy():
    """Return the estimation learned from calibrated scores."""
    return learn_estimation(CHURN, _churn(np.random.default_rng(1), DAYS * ROWS_A_DAY, days=DAYS))


def _overconfident(score):
    return score**2


@pytest.fixture(scope="module")
def miscalibrated():
    """Return the estimation learned from scores whose squares are the probabilities."""
    rows = _churn(np.random.default_rng(2), DAYS * ROWS_A_DAY, days=DAYS, truth=_overconfident)
    return learn_estimation(CHURN, rows)


def test_calibrated_scores_are_not_recalibrated(healthy):
    assert healthy.reason is None
    assert healthy.recalibrations == ()
    assert healthy.brier_as_is <= healthy.brier_recalibrated
    assert {str(own.metric) for own in healthy.errors} == {*MAIN, "specificity"}
    assert {own.days for own in healthy.errors} == {DAYS}


def test_estimates_of_healthy_chunks_are_close_to_realized_values(healthy):
    rng = np.random.default_rng(3)
    chunks = [_churn(rng, 2000) for _ in range(DAYS)]
    pairs = [(_estimated(healthy, rows), _realized(rows)) for rows in chunks]
    for name in MAIN:
        off = np.array([estimated[name].value - realized[name] for estimated, realized in pairs])
        assert abs(off.mean()) < 0.01, name
        assert np.abs(off).mean() < 0.03, name


def test_estimates_of_harder_rows_fall_with_realized_values(healthy):
    rng = np.random.default_rng(4)
    usual, harder = _churn(rng, 5000), _churn(rng, 5000, shape=(12, 12))
    assert _realized(harder)["auroc"] < _realized(usual)["auroc"] - 0.1
    estimated = _estimated(healthy, harder)
    for name, realized in _realized(harder).items():
        assert estimated[name].value == pytest.approx(realized, abs=0.025), name


def test_estimates_of_miscalibrated_scores_are_right_after_recalibration(miscalibrated):
    assert len(miscalibrated.recalibrations) == 1
    assert miscalibrated.brier_recalibrated < miscalibrated.brier_as_is - 0.01
    assert miscalibrated.recalibrations[0]([0.2, 0.5, 0.7]) == pytest.approx([0.04, 0.25, 0.49], abs=0.09)
    rows = _churn(np.random.default_rng(5), 5000, truth=_overconfident)
    believed = _estimated(replace(miscalibrated, recalibrations=()), rows)
    recalibrated, realized = _estimated(miscalibrated, rows), _realized(rows)
    for name in MAIN:
        assert recalibrated[name].value == pytest.approx(realized[name], abs=0.03), name
    assert believed["base_rate"].value - realized["base_rate"] > 0.15
    assert believed["precision"].value - realized["precision"] > 0.15


def test_changed_relation_of_inputs_and_label_leaves_the_estimate_high(healthy):
    """The definition of the measurement states this limit of the method."""
    rng = np.random.default_rng(6)
    rows = _churn(rng, 3000, truth=lambda score: 1 - score)
    estimated = _estimated(healthy, rows)["auroc"]
    assert _realized(rows)["auroc"] < 0.3
    assert estimated.lower > 0.6
    assert "a changed relation of inputs and label cannot be seen this way" in estimated.definition


@pytest.fixture(scope="module", params=["healthy", "miscalibrated"])
def later_days(request):
    """Return the estimation, and by metric lower, estimate, upper and realized value of later days, shape (days, 4)."""
    rng = np.random.default_rng(7)
    truth = _overconfident if request.param == "miscalibrated" else (lambda score: score)
    estimation, found = request.getfixturevalue(request.param), {name: [] for name in MAIN}
    for number in range(50):
        rows = _churn(rng, ROWS_A_DAY, truth=truth)
        estimated, realized = _estimated(estimation, rows, chunk=str(number)), _realized(rows)
        for name, own in found.items():
            own.append((estimated[name].lower, estimated[name].value, estimated[name].upper, realized[name]))
    return estimation, {name: np.array(own) for name, own in found.items()}


def test_intervals_of_estimates_cover_realized_values(later_days):
    held, widths = {}, {}
    for name, (lower, value, upper, realized) in ((name, days.T) for name, days in later_days[1].items()):
        held[name] = np.mean((lower <= realized) & (realized <= upper))
        widths[name] = np.mean(upper - lower) / (2 * 1.96 * np.sqrt(np.mean((value - realized) ** 2)))
    assert min(held.values()) >= 0.86, held
    assert np.mean(list(held.values())) >= 0.93, held
    assert max(widths.values()) < 1.6, widths


def test_errors_on_the_references_days_match_errors_on_later_days(later_days):
    estimation, found = later_days
    ratios = [
        estimation.error(MetricName(name)).mean_absolute / np.abs(days[:, 1] - days[:, 3]).mean()
        for name, days in found.items()
    ]
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.3)
    assert all(
        abs(estimation.error(MetricName(name)).bias) <= estimation.error(MetricName(name)).mean_absolute
        for name in MAIN
    )
    assert estimation.error(MetricName("unheard of")) is None


def test_intervals_widen_with_differences_between_reference_days():
    """Scores are too low on even days and too high on odd ones, which chance in the labels does not explain."""
    rng = np.random.default_rng(9)
    days = [
        _churn(rng, ROWS_A_DAY, truth=lambda score, by=by: np.clip(score + by, 0, 1)).with_columns(
            pl.col("predicted_at") + dt.timedelta(days=number)
        )
        for number, by in enumerate([0.15, -0.15] * 10)
    ]
    uneven = learn_estimation(CHURN, pl.concat(days))
    assert uneven.error(MetricName("base_rate")).systematic == pytest.approx(0.14, abs=0.04)
    measured = _estimated(uneven, days[0])["base_rate"]
    assert measured.upper - measured.value == pytest.approx(1.96 * 0.14, rel=0.3)


def test_intervals_of_shares_stay_between_zero_and_one():
    def nearly_certain(score):
        return np.where(score > 0.5, 0.99, 0.01)

    estimation = learn_estimation(CHURN, _churn(np.random.default_rng(27), 2000, days=20, truth=nearly_certain))
    found = _estimated(estimation, _churn(np.random.default_rng(28), 60, truth=nearly_certain))
    assert {found[name].upper for name in ("auroc", "accuracy", "recall")} == {1.0}
    assert all(0.0 <= m.lower <= m.value <= m.upper for m in found.values())


def test_estimate_is_a_measurement_with_kind_rows_and_definition(healthy):
    rows = _churn(np.random.default_rng(10), 300)
    found = _estimated(healthy, rows, reference={MetricName("auroc"): Quantity(0.75, 0.7, 0.8)})
    auroc = found["auroc"]
    assert {m.kind for m in found.values()} == {Kind.ESTIMATED_PERFORMANCE}
    assert (auroc.subject, auroc.model_version, auroc.rows, auroc.reference_value) == ("model", "1", 300, 0.75)
    assert auroc.status is Status.OK
    assert auroc.lower < auroc.value < auroc.upper
    assert found["f1"].reference_value is None
    assert auroc.definition.startswith("estimated without labels; off by 0.0")


@pytest.mark.parametrize(("threshold", "status"), [
    ({"lower": 0.95}, Status.BREACHED),
    ({"lower": 0.5}, Status.OK),
    ({"worse_than_reference": 0.05}, Status.BREACHED),
    ({"worse_than_reference": 0.3}, Status.OK),
])  # fmt: skip
def test_breach_of_an_estimate_has_severity_warning(healthy, threshold, status):
    spec = binary_spec(performance__thresholds={"auroc": threshold})
    rows = _churn(np.random.default_rng(11), 2000)
    auroc = _estimated(healthy, rows, spec=spec, reference={MetricName("auroc"): Quantity(0.95, 0.94, 0.96)})["auroc"]
    assert (auroc.status, auroc.severity) == (status, Severity.WARNING)
    assert (auroc.reason is None) == (status is Status.OK)


def test_breach_of_an_estimate_with_severity_info_in_the_spec_is_info():
    estimation = learn_estimation(CHURN, _churn(np.random.default_rng(12), 1000, days=5))
    spec = binary_spec(performance__thresholds={"auroc": {"lower": 0.99, "severity": "info"}})
    auroc = _estimated(estimation, _churn(np.random.default_rng(13), 1000), spec=spec)["auroc"]
    assert (auroc.status, auroc.severity) == (Status.BREACHED, Severity.INFO)


def test_estimates_of_the_same_chunk_are_identical(healthy):
    rows = _churn(np.random.default_rng(14), 400)
    assert _estimated(healthy, rows) == _estimated(healthy, rows)
    other = _estimated(healthy, rows, chunk="2024-03-02")
    assert other["auroc"].value == _estimated(healthy, rows)["auroc"].value
    assert other["auroc"].upper != _estimated(healthy, rows)["auroc"].upper


def test_rows_without_usable_output_do_not_change_estimates(healthy):
    rows = _churn(np.random.default_rng(15), 300)
    broken = rows.head(3).with_columns(
        score=pl.Series([None, math.nan, 0.5]), prediction=pl.Series(["0", "0", None], dtype=pl.String)
    )
    whole, mixed = _estimated(healthy, rows), _estimated(healthy, pl.concat([rows, broken]))
    assert mixed == whole
    assert whole["auroc"].rows == 300


@pytest.mark.parametrize(("estimation", "rows", "reason"), [
    (Estimation(), 49, "49 rows, at least 50 needed"),
    (NOT_ESTIMATED, 100, "the reference was built before estimates were learned"),
])  # fmt: skip
def test_estimate_without_rows_or_estimation_is_skipped_with_a_reason(estimation, rows, reason):
    found = estimate_performance(
        CHURN, estimation, _churn(np.random.default_rng(16), rows), model_version="1", chunk="2024-03-01"
    )
    assert [(m.kind, m.name, m.status, m.value, m.reason, m.rows) for m in found] == [
        (Kind.ESTIMATED_PERFORMANCE, "estimate", Status.SKIPPED, None, reason, rows)
    ]


@pytest.mark.parametrize(("rows", "judged"), [(2000, 4), (49 * 8, 0)], ids=["few_days", "few_rows_a_day"])
def test_estimation_from_few_labels_is_not_learned(rows, judged):
    reference = _churn(np.random.default_rng(17), rows, days=8)
    later = pl.col("predicted_at") >= FIRST_NOON + dt.timedelta(days=4)
    estimation = learn_estimation(CHURN, reference.with_columns(label=pl.when(later).then(None).otherwise("label")))
    reason = f"{judged} days of the reference have 50 labels or more, at least 5 needed"
    assert estimation == Estimation(reason=reason)
    assert _estimated(estimation, reference)["estimate"].reason == reason


def test_days_of_estimation_follow_the_models_time_zone():
    """23:30 UTC is the next day in Berlin, so four days of UTC become five."""
    rows = _churn(np.random.default_rng(18), 2000, days=4)
    late = rows.with_columns(pl.col("predicted_at") + dt.timedelta(hours=11, minutes=30))
    assert learn_estimation(CHURN, rows).reason is not None
    assert learn_estimation(CHURN, pl.concat([rows, late])).reason is None


def test_estimation_written_as_json_is_read_back_equal(healthy, miscalibrated):
    adapter = TypeAdapter(Estimation)
    for estimation in (healthy, miscalibrated, NOT_ESTIMATED):
        assert adapter.validate_json(adapter.dump_json(estimation)) == estimation


def _choice(rng, rows, *, sharper=1.0, days=1, shape=(1, 2, 3)):
    """Return scores of three classes; the labels' probabilities are powers of the scores."""
    scores = rng.dirichlet(shape, rows)
    chances = scores**sharper / (scores**sharper).sum(axis=1, keepdims=True)
    label = (rng.uniform(size=(rows, 1)) < chances.cumsum(axis=1)).argmax(axis=1)
    names = np.array(CHOICE.classes)
    columns = {f"score[{name}]": scores[:, place] for place, name in enumerate(names)}
    frame = canonical(CHOICE, columns | {"prediction": names[scores.argmax(axis=1)]})
    return _over_days(frame, days).with_columns(label=pl.Series(names[label]))


def _realized_choice(rows):
    scores, label = rows.select(r"^score\[.\]$").to_numpy(), rows["label"].to_numpy()
    decided = rows["prediction"].to_numpy()
    of_each = {"labels": list(CHOICE.classes), "average": None}
    return {
        "accuracy": metrics.accuracy_score(label, decided),
        "macro_auroc": metrics.roc_auc_score(label, scores, multi_class="ovr"),
        "macro_f1": metrics.f1_score(label, decided, average="macro"),
        "log_loss": metrics.log_loss(label, scores),
        "recall[a]": metrics.recall_score(label, decided, **of_each)[0],
        "base_rate[c]": np.mean(label == "c"),
    }


@pytest.mark.parametrize(("sharper", "recalibrations"), [(1.0, 0), (3.0, 3)])
def test_estimates_of_several_classes_match_realized_values(sharper, recalibrations):
    rng = np.random.default_rng(19)
    reference = _choice(rng, 6000, days=10, sharper=sharper)
    estimation = learn_estimation(CHOICE, reference)
    assert len(estimation.recalibrations) == recalibrations
    rows = _choice(rng, 6000, sharper=sharper)
    estimated = _estimated(estimation, rows, spec=CHOICE)
    for name, realized in _realized_choice(rows).items():
        assert estimated[name].value == pytest.approx(realized, abs=0.04), name
    if recalibrations:
        believed = _estimated(replace(estimation, recalibrations=()), rows, spec=CHOICE)
        assert _realized_choice(rows)["accuracy"] - believed["accuracy"].value > 0.1


def test_estimates_that_need_probabilities_are_skipped_if_scores_do_not_sum_to_one():
    rng = np.random.default_rng(19)
    estimation = learn_estimation(CHOICE, _choice(rng, 2000, days=10))
    rows = _choice(rng, 500).with_columns(pl.col(r"^score\[.\]$") * 0.8)
    estimated = _estimated(estimation, rows, spec=CHOICE)
    skipped = {name: m.reason for name, m in estimated.items() if m.status is Status.SKIPPED}
    reason = "the scores of all classes do not sum to 1 in 100.0% of the rows, so they are no probabilities"
    assert skipped == {"log_loss": reason, "brier_score": reason}
    assert estimated["macro_auroc"].value is not None


def test_intervals_of_several_classes_cover_realized_values():
    rng = np.random.default_rng(26)
    estimation = learn_estimation(CHOICE, _choice(rng, 6000, days=20, sharper=2.0))
    held = []
    for number in range(40):
        rows = _choice(rng, 300, sharper=2.0)
        estimated = _estimated(estimation, rows, spec=CHOICE, chunk=str(number))
        held += [
            estimated[name].lower <= value <= estimated[name].upper for name, value in _realized_choice(rows).items()
        ]
    assert np.mean(held) >= 0.9


def _spend(rng, rows, *, age=0.0, days=1, pro=0.1):
    """Return rows whose errors are larger for older customers and for customers of one plan."""
    ages, plan = rng.normal(age, 1, rows), np.where(rng.uniform(size=rows) < pro, "pro", "basic")
    predicted = rng.normal(100, 20, rows)
    spread = np.exp(0.7 * ages) * np.where(plan == "pro", 4.0, 1.0)
    frame = canonical(SPEND, {"age": ages, "plan": plan, "prediction": predicted})
    return _over_days(frame, days).with_columns(label=predicted + spread * rng.normal(size=rows))


@pytest.fixture(scope="module")
def spend():
    """Return the estimation and the loss model learned from a regression's reference."""
    rows = _spend(np.random.default_rng(20), 6000, days=10)
    return learn_estimation(SPEND, rows), fit_loss_model(SPEND, rows)


@pytest.mark.parametrize("changes", [{}, {"age": 0.8}, {"pro": 0.6}], ids=["as_usual", "older", "more_pro"])
def test_estimated_losses_of_harder_rows_rise_with_realized_losses(spend, changes):
    estimation, loss_model = spend
    rng = np.random.default_rng(21)
    rows = _spend(rng, 4000, **changes)
    off = (rows["prediction"] - rows["label"]).to_numpy()
    usual = _losses(loss_model, _spend(rng, 4000))[MetricName("mean_absolute_error")].value
    estimated = _estimated(estimation, rows, spec=SPEND, loss_model=loss_model)
    assert estimated.keys() == {"mean_absolute_error", "root_mean_squared_error"}
    assert estimated["mean_absolute_error"].value == pytest.approx(np.abs(off).mean(), rel=0.12)
    assert estimated["root_mean_squared_error"].value == pytest.approx(np.sqrt(np.mean(off**2)), rel=0.3)
    if changes:
        assert estimated["mean_absolute_error"].value > 1.4 * usual


def test_intervals_of_losses_cover_realized_losses(spend):
    estimation, loss_model = spend
    rng, held = np.random.default_rng(22), 0
    for _ in range(60):
        rows = _spend(rng, 600)
        measured = _estimated(estimation, rows, spec=SPEND, loss_model=loss_model)["mean_absolute_error"]
        held += measured.lower <= (rows["prediction"] - rows["label"]).abs().mean() <= measured.upper
    assert 52 <= held <= 60


def test_losses_of_missing_and_unseen_values_are_estimated():
    rows = _spend(np.random.default_rng(23), 1000).with_columns(
        age=pl.when(pl.int_range(1000) % 3 == 0).then(None).otherwise("age")
    )
    loss_model = fit_loss_model(SPEND, rows)
    strange = rows.with_columns(
        age=pl.when(pl.int_range(1000) % 2 == 0).then(math.inf).otherwise(None), plan=pl.lit("never seen")
    )
    assert math.isfinite(_losses(loss_model, strange)[MetricName("mean_absolute_error")].value)


def test_column_without_values_does_not_change_the_estimated_loss():
    rows = _spend(np.random.default_rng(24), 500).with_columns(
        age=pl.lit(None, dtype=pl.Float64), plan=pl.lit(None, dtype=pl.String)
    )
    realized = (rows["prediction"] - rows["label"]).abs().mean()
    assert _losses(fit_loss_model(SPEND, rows), rows)[MetricName("mean_absolute_error")].value == pytest.approx(
        realized, rel=0.05
    )


def test_estimated_loss_of_a_model_without_errors_is_zero():
    rows = _spend(np.random.default_rng(25), 300).with_columns(label="prediction")
    found = _losses(fit_loss_model(SPEND, rows), rows)
    assert {(own.value, own.variance) for own in found.values()} == {(0.0, 0.0)}


@pytest.mark.parametrize("extreme", [1e308, -1e308, 1e200, 1e100])
@pytest.mark.parametrize("column", ["label", "prediction"])
def test_number_too_large_to_be_squared_leaves_the_estimate_of_losses_finite(column, extreme):
    rows = _spend(np.random.default_rng(26), 400)
    one = pl.when(pl.int_range(400) == 7).then(pl.lit(extreme)).otherwise(column)
    found = _losses(fit_loss_model(SPEND, rows.with_columns(one.alias(column))), rows)
    usual = _losses(fit_loss_model(SPEND, rows), rows)
    for name, own in found.items():
        assert own.value == pytest.approx(usual[name].value, rel=0.1)


def test_losses_of_labels_that_cannot_be_squared_are_not_estimated():
    rows = _spend(np.random.default_rng(20), 600, days=6)
    tiny = rows.with_columns(pl.col("prediction") * 1e-200, pl.col("label") * 1e-200)
    learned = learn_estimation(SPEND, tiny)
    assert not learned.errors
    assert "its square cannot be computed" in learned.reason


def _churn_moved(rng, rows, moved, days=1):
    """Return rows of a model whose scores are too flat, and whose input is moved; the relation is always the same."""
    age = rng.normal(moved, 1, rows)
    score, truth = special.expit(0.6 * age - 0.8), special.expit(1.5 * age - 1)
    frame = canonical(CHURN, {"score": score, "prediction": np.where(score >= 0.5, "1", "0")})
    return _over_days(frame, days).with_columns(label=(rng.uniform(size=rows) < truth).astype(float))


@pytest.fixture(scope="module")
def churn_unmoved():
    """Return the estimation of an unmoved reference, and the cells of its scores."""
    rows = _churn_moved(np.random.default_rng(30), DAYS * ROWS_A_DAY, 0.0, days=DAYS)
    return learn_estimation(CHURN, rows), {"score": cells_of_values(rows["score"].to_numpy())}


@pytest.mark.parametrize(("moved", "wider"), [(0.0, 1.0), (1.0, 1.2)])
def test_scores_that_are_rare_in_the_reference_widen_the_estimate(churn_unmoved, moved, wider):
    estimation, cells = churn_unmoved
    rows = _churn_moved(np.random.default_rng(31), 2000, moved)
    plain, guarded = _estimated(estimation, rows), _estimated(estimation, rows, cells=cells)
    for name in ("base_rate", "precision", "brier_score"):
        widths = [own[name].upper - own[name].lower for own in (plain, guarded)]
        assert guarded[name].value == plain[name].value
        assert widths[1] >= wider * widths[0]
        assert moved or widths[1] <= 1.02 * widths[0]


def test_estimate_of_mostly_unlike_scores_is_skipped_with_their_share(churn_unmoved):
    estimation, cells = churn_unmoved
    rows = _churn_moved(np.random.default_rng(32), 2000, 2.0)
    (skipped,) = _estimated(estimation, rows, cells=cells).values()
    share = float(np.mean(cells["score"].unlike(rows["score"].to_numpy(), UNKNOWN_AT)))
    assert 0.4 < share < 0.8
    assert (skipped.status, skipped.kind) == (Status.SKIPPED, Kind.ESTIMATED_PERFORMANCE)
    assert f"{share:.0%} of the rows have a score that is rare in the reference" in skipped.reason


def test_loss_of_rows_with_unusually_large_expected_errors_is_skipped_or_widened(spend):
    rng, (estimation, model) = np.random.default_rng(33), spend
    moved = _estimated(estimation, _spend(rng, 2000, age=2.5), spec=SPEND, loss_model=model)
    assert "predicted error that is rare" in moved["estimate"].reason
    rows, alike = _spend(rng, 2000, age=1.2), replace(model, cells=OutputCells(np.array([]), np.array([1.0])))
    plain, widened = (
        _estimated(estimation, rows, spec=SPEND, loss_model=each)["mean_absolute_error"] for each in (alike, model)
    )
    assert widened.value == plain.value
    assert widened.upper - widened.lower > 1.1 * (plain.upper - plain.lower)


@pytest.mark.parametrize(("count", "unsure", "unknown"), [(34, False, False), (35, True, False), (60, True, True)])
def test_unlike_cells_are_more_frequent_than_in_the_reference_by_more_than_chance(count, unsure, unknown):
    """100 rows, of which 10 are expected in the last cell: beyond 2.5 (5) times 10, plus three times the root of 10."""
    cells = OutputCells(edges=np.array([1.0, 2.0]), shares=np.array([0.5, 0.4, 0.1]))
    values = np.repeat([0.0, 2.0], [100 - count, count])
    assert cells.unlike(values)[-1] == unsure
    assert cells.unlike(values, UNKNOWN_AT)[-1] == unknown
    assert not cells.unlike(values)[0]
