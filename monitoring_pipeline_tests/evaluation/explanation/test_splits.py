"""The split of a change over features, faults, unlike rows and relation: planted causes get their share."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from monitoring_pipeline.evaluation.explanation.by_cause import CauseInputs, split_performance
from monitoring_pipeline.evaluation.explanation.by_columns import (
    Attributions,
    MeanOutputs,
    attribute_rows,
    split_mean_output,
)
from monitoring_pipeline.evaluation.explanation.faults import Fault, faults_of, with_faults
from monitoring_pipeline.evaluation.explanation.importance import measure_importance, ndcg
from monitoring_pipeline.evaluation.explanation.scorer import Scorer, fit_surrogate, reproduces
from monitoring_pipeline.evaluation.explanation.split import split_of_metric, split_of_output, words_of_split
from monitoring_pipeline.evaluation.explanation.unlike_rows import find_unlike_rows, measure_unlike_rows
from monitoring_pipeline.evaluation.fitted_models.domain_classifier import NEWEST_CLASSIFIER
from monitoring_pipeline.evaluation.incidents.split_words import split_words
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import Finding
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline_tests.evaluation.cases import canonical
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec

SPEC = binary_spec(features={"a": "numeric", "b": "numeric", "c": "numeric"})
ONE_DAY = ("churn", "1", "2024-03-01")


def _odds(a, b):
    """Return the odds of a model that takes a missing number for 1."""
    return 1.5 * np.nan_to_num(a, nan=1.0) + np.nan_to_num(b, nan=1.0) - 1.5


def _score(rows):
    numbers = rows.select(pl.col("a", "b").cast(pl.Float64).fill_null(np.nan)).to_numpy()
    return expit(_odds(numbers[:, 0], numbers[:, 1])).reshape(-1, 1)


SCORER = Scorer(_score, "the model itself")


def _rows(seed, count, *, shift=0.0, null=0.0, flipped=False, far=0.0):
    """Return labelled rows: labels follow from the true numbers, scores from those that the model gets."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(shift, 1, count), rng.normal(size=count)
    c = b + 0.1 * rng.normal(size=count)
    odds = _odds(a, b)
    labels = (rng.random(count) < expit(np.where(b > 0, -odds, odds) if flipped else odds)).astype(float)
    served = [None if lost else value for lost, value in zip(rng.random(count) < null, a.tolist(), strict=True)]
    c = np.where(rng.random(count) < far, -8.0, c)
    frame = canonical(SPEC, {"a": served, "b": b, "c": c, "score": np.zeros(count)})
    frame = frame.with_columns(pl.Series("label", labels), pl.Series("score", _score(frame)[:, 0]))
    return frame.sort("row_id")


def _performance(reference, current, faults=(), scorer=SCORER):
    try:
        unlike = find_unlike_rows(SPEC, reference, current, left_out=[fault.column for fault in faults])
    except UndefinedStatisticError:
        unlike = None
    inputs = CauseInputs(
        reference=reference, current=current, unlike=unlike, faults=faults, scorer=scorer, classifier=NEWEST_CLASSIFIER
    )
    found = list(split_performance(SPEC, inputs, model_version="1", seed_parts=ONE_DAY))
    return {str(m.metric): m for m in found}, found


def _parts(found, metric):
    return split_of_metric(found, metric, "1").parts


@pytest.mark.parametrize("current", [
    {"null": 1.0}, {"null": 0.3, "shift": 0.5}, {"flipped": True}, {"far": 0.2}, {"shift": 4.0},
])  # fmt: skip
def test_parts_of_every_metric_sum_to_its_change(current):
    faults = (Fault("a", nulls=current["null"]),) if "null" in current else ()
    by_name, found = _performance(_rows(1, 1_500), _rows(2, 1_200, **current), faults)
    for metric in ("auroc", "log_loss", "brier_score", "mean_bias"):
        total = sum(part.measurement.value or 0.0 for part in _parts(found, metric))
        assert total == pytest.approx(by_name[f"metric_change[{metric}]"].value, abs=1e-9)


def test_column_that_is_null_in_all_rows_carries_the_loss():
    by_name, found = _performance(_rows(1, 2_000), _rows(2, 2_000, null=1.0), (Fault("a", nulls=1.0),))
    change, fault = by_name["metric_change[auroc]"], by_name["auroc_by_fault[a]"]
    assert change.value < -0.08
    assert fault.value / change.value > 0.8
    assert fault.upper < 0.0
    relation = by_name["metric_change_of_relation[auroc]"]
    assert relation.lower <= 0.0 <= relation.upper
    assert _parts(found, "auroc")[0].name == "a, which is broken"


def test_flipped_relation_in_a_region_is_a_changed_relation():
    by_name, found = _performance(_rows(1, 2_000), _rows(2, 2_000, flipped=True))
    change, relation = by_name["metric_change[log_loss]"], by_name["metric_change_of_relation[log_loss]"]
    assert relation.lower > 0.0
    assert relation.value / change.value > 0.8
    assert words_of_split(split_of_metric(found, "log_loss", "1")) == (
        f"of the change of log_loss by {change.value:+.3f}, {relation.value:+.3f} from a changed relation of inputs "
        "and label"
    )


def test_moved_inputs_are_no_changed_relation():
    by_name, _ = _performance(_rows(1, 2_000), _rows(2, 2_000, shift=-0.8))
    moved, relation = (by_name[f"metric_change_{part}[log_loss]"] for part in ("by_inputs", "of_relation"))
    assert moved.upper < 0.0
    assert relation.lower <= 0.0 <= relation.upper


@pytest.mark.parametrize(("shift", "words"), [
    (3.0, "the inputs moved so far"), (8.0, "0 rows resemble some of the reference, 50 needed"),
])  # fmt: skip
def test_inputs_too_far_from_the_reference_are_not_told_from_a_changed_relation(shift, words):
    by_name, _ = _performance(_rows(1, 1_500), _rows(2, 1_000, shift=shift))
    assert by_name["metric_change_of_relation[auroc]"].status is Status.SKIPPED
    assert words in by_name["metric_change_of_relation[auroc]"].reason
    assert by_name["metric_change_not_split[auroc]"].value is not None


def test_too_few_labelled_rows_split_nothing():
    by_name, _ = _performance(_rows(1, 500), _rows(2, 20))
    assert {m.status for m in by_name.values()} == {Status.SKIPPED}
    assert by_name["metric_change[auroc]"].reason == "20 labelled rows in the chunk, at least 50 needed"


def test_split_does_not_depend_on_the_order_of_rows():
    reference, current = _rows(1, 800), _rows(2, 600, null=0.4)
    shuffled = current.sample(fraction=1.0, shuffle=True, seed=3).sort("row_id")
    faults = (Fault("a", nulls=0.4),)
    assert _performance(reference, current, faults)[1] == _performance(reference, shuffled, faults)[1]


# ---- the mean output


def _output(reference, current, pairs=400, scorer=SCORER):
    found = attribute_rows(SPEC, scorer, (reference, current), pairs=pairs, output=0, seed_parts=ONE_DAY)
    means = MeanOutputs(*(np.array([side["score"].mean()]) for side in (reference, current)))
    measured = list(split_mean_output(SPEC, scorer, found, means, model_version="1", rows=current.height))
    return {str(m.metric): m for m in measured}, measured, found


@pytest.mark.parametrize("current", [{"shift": 1.0}, {"null": 1.0}, {}])
def test_parts_of_the_features_and_the_rest_sum_to_the_change_of_the_mean_output(current):
    by_name, measured, _ = _output(_rows(1, 3_000), _rows(2, 2_000, **current))
    parts = sum(m.value for m in measured if m.name != "mean_output_change")
    assert parts == pytest.approx(by_name["mean_output_change"].value, abs=1e-9)
    assert abs(by_name["mean_output_not_split"].value) < 0.01


def test_feature_that_moved_carries_the_change_of_the_mean_output():
    by_name, measured, _ = _output(_rows(1, 3_000), _rows(2, 2_000, shift=1.0))
    moved = by_name["mean_output_through[a]"]
    assert moved.lower > 0.0
    assert moved.value / by_name["mean_output_change"].value > 0.85
    assert by_name["mean_output_through[c]"].value == 0.0
    assert words_of_split(split_of_output(measured, "1")).endswith(f"{moved.value:+.3f} from a")


def test_change_of_a_multiclass_model_names_its_class():
    spec = multiclass_spec(features={"a": "numeric"})
    means = MeanOutputs(np.array([0.2, 0.3, 0.5]), np.array([0.2, 0.5, 0.3]))
    parts = Attributions(("a",), np.full((4, 1), 0.2), tuple("wxyz"), 1)
    measured = list(split_mean_output(spec, SCORER, parts, means, model_version="1", rows=100))
    name = spec.classes[1]
    assert str(measured[0].metric) == f"mean_output_change[{name}]"
    assert words_of_split(split_of_output(measured, "1")) == (
        f"of the change of the mean score of {name} by +0.200, +0.200 from a"
    )


def test_intervals_of_features_that_did_not_move_cover_zero():
    reference = _rows(1, 3_000)
    splits = [_output(reference, _rows(seed, 1_500), pairs=200)[0] for seed in range(2, 22)]
    parts = [split[f"mean_output_through[{column}]"] for split in splits for column in "ab"]
    covered = [part.lower <= 0.0 <= part.upper for part in parts]
    # At a coverage of 0.95, fewer than 32 of 40 have a probability below 0.001.
    assert sum(covered) >= 32


def test_words_name_no_part_that_is_not_proven():
    _, measured, _ = _output(_rows(1, 3_000), _rows(2, 2_000, shift=1.0))
    unsure = [replace(m, lower=-1.0, upper=1.0) for m in measured]
    assert words_of_split(split_of_output(unsure, "1")) == ""
    assert words_of_split(split_of_output([], "1")) == ""


def test_surrogate_reproduces_the_split_of_the_model_and_states_its_fidelity():
    reference, current = _rows(1, 3_000), _rows(2, 2_000, null=1.0)
    surrogate = fit_surrogate(SPEC, reference, current)
    assert surrogate.fidelity > 0.95
    assert f"explains {surrogate.fidelity:.0%}" in surrogate.words
    by_surrogate, by_model = (_output(reference, current, scorer=s)[0] for s in (surrogate, SCORER))
    name = "mean_output_through[a]"
    assert by_surrogate[name].value == pytest.approx(by_model[name].value, abs=0.02)
    assert fit_surrogate(SPEC, reference.head(30), current.head(30)) is None


def test_surrogate_of_scores_without_a_relation_to_the_features_explains_none_of_them():
    noise = [
        rows.with_columns(pl.Series("score", np.random.default_rng(seed).random(rows.height)))
        for seed, rows in ((3, _rows(1, 300)), (4, _rows(2, 300)))
    ]
    surrogate = fit_surrogate(SPEC, *noise)
    assert surrogate.fidelity < 0
    assert surrogate.words.endswith("explains 0% of their variance")


def test_scorer_reproduces_the_scores_that_it_served_and_no_others():
    rows = _rows(1, 300)
    assert reproduces(SPEC, SCORER, rows)
    assert not reproduces(SPEC, SCORER, rows.with_columns(score=pl.col("score") * 0.9))


# ---- faults, unlike rows, importance


def _breach(column, name, *, value, reference_value=None, severity=Severity.WARNING):
    return Measurement(
        kind=Kind.QUALITY, subject=column, name=name, model_version="1", status=Status.BREACHED, severity=severity,
        value=value, reference_value=reference_value, reason="broken",
    )  # fmt: skip


def test_faults_are_read_from_breaches_of_the_features():
    quality = [
        _breach("b", "constant", value=1.0),
        _breach("a", "null_share", value=0.6, reference_value=0.2),
        _breach("score", "null_share", value=0.5, reference_value=0.0),
        _breach("c", "out_of_range_share", value=0.2, severity=Severity.INFO),
    ]
    assert faults_of(SPEC, quality, "1") == (Fault("a", nulls=pytest.approx(0.5)), Fault("b", values=True))
    assert faults_of(SPEC, quality, "2") == ()


def test_lost_values_are_null_and_wrong_ones_are_those_of_the_chunk():
    reference, donors = _rows(1, 4_000), _rows(2, 50).with_columns(b=pl.lit(7.0))
    faults = (Fault("a", nulls=0.25), Fault("b", values=True))
    broken = with_faults(reference, donors, faults, np.random.default_rng(0))
    assert broken["a"].null_count() / 4_000 == pytest.approx(0.25, abs=0.03)
    kept = broken["a"].is_not_null()
    assert broken["a"].filter(kept).equals(reference["a"].filter(kept))
    assert broken["b"].unique().to_list() == [7.0]


def test_rows_off_the_plane_of_the_reference_are_unlike_it_and_the_farthest_are_named():
    reference, current = _rows(1, 4_000), _rows(2, 1_000, far=0.05)
    unlike = find_unlike_rows(SPEC, reference, current)
    planted = (current["c"] == -8.0).to_numpy()
    assert unlike.flags[planted].mean() > 0.95
    assert unlike.flags[~planted].mean() < 0.02
    measured = measure_unlike_rows(unlike, current["row_id"], model_version="1", words=None)
    assert measured.value == pytest.approx(unlike.flags.mean())
    named = measured.reason.removeprefix("the farthest rows: ").split(", ")
    assert len(named) == 5
    assert all(planted[current["row_id"].str.starts_with(name).to_numpy()].any() for name in named)


def test_share_of_unlike_rows_of_healthy_chunks_is_that_of_the_reference():
    reference = _rows(1, 4_000)
    shares = [find_unlike_rows(SPEC, reference, _rows(seed, 1_000)).flags.mean() for seed in range(2, 10)]
    assert np.mean(shares) == pytest.approx(0.005, abs=0.004)


def test_order_of_importance_is_compared_by_its_discounted_gain():
    before = {"a": 4.0, "b": 2.0, "c": 0.0}
    assert ndcg(before, before) == 1.0
    # The gain of c, a, b: 0 / 1 + 4 / log2(3) + 2 / 2, of the best order: 4 + 2 / log2(3).
    swapped = (4 / np.log2(3) + 1) / (4 + 2 / np.log2(3))
    assert ndcg(before, {"a": 2.0, "b": 1.0, "c": 3.0}) == pytest.approx(swapped)


def test_importance_that_changes_its_order_is_breached_for_information():
    usual = Attributions(("a", "b"), np.array([[1.0, 0.1], [-1.0, 0.1]]), ("x", "y"), 0)
    other = Attributions(("a", "b"), np.array([[0.0, 0.1], [0.0, 0.1]]), ("x", "y"), 0)
    same = list(measure_importance(usual, usual, model_version="1", words="the model"))
    assert (same[-1].value, same[-1].status) == (1.0, Status.OK)
    changed = list(measure_importance(usual, other, model_version="1", words="the model"))
    assert (changed[-1].status, changed[-1].severity) == (Status.BREACHED, Severity.INFO)
    assert "first is b, before a" in changed[-1].reason
    importance = next(m for m in changed if m.of == "a")
    assert (importance.value, importance.reference_value) == (0.0, 1.0)


# ---- words of incidents


def _finding(kind, name, subject="model"):
    return Finding(kind=kind, subject=subject, name=name, model_version="1")


def test_incident_states_the_share_of_the_broken_column_in_the_change():
    by_name, found = _performance(_rows(1, 2_000), _rows(2, 2_000, null=1.0), (Fault("a", nulls=1.0),))
    change, fault = by_name["metric_change[auroc]"].value, by_name["auroc_by_fault[a]"].value
    column = Cause(Family.COLUMN, ("a",))
    words = split_words(column, [_finding(Kind.QUALITY, "null_share", "a")], found)
    assert words == f"{fault:+.3f} of the change of auroc by {change:+.3f} comes from a"
    performance = [_finding(Kind.PERFORMANCE, "recall")]
    words = split_words(Cause(Family.PERFORMANCE), performance, found)
    assert words.startswith(f"of the change of auroc by {change:+.3f}, {fault:+.3f} from a, which is broken")
    assert split_words(Cause(Family.COLUMN, ("b",)), performance, found) == ""
    assert split_words(Cause(Family.LABELS), performance, found) == ""
    assert split_words(column, performance, []) == ""
