"""The gate: it passes a challenger, refuses it, or gives no verdict."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.evaluation.versions.gate import check_gate_rules, judge_challenger
from monitoring_pipeline.evaluation.versions.paired_comparison import PairedComparison, PairedDifference, compare_paired
from monitoring_pipeline.evaluation.versions.paired_rows import PairedRows
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.retraining import FairnessGuard, GateRules
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.results import Quantity
from monitoring_pipeline_tests.spec.cases import BINARY, MULTICLASS, binary_spec, regression_spec


def _difference(name, worsening, **changes):
    value, lower, upper = worsening
    fields: dict[str, Any] = {
        "name": name,
        "better": Better.LOWER,
        "champion": 0.5,
        "challenger": 0.5 + value,
        "worsening": Quantity(value, lower, upper),
        "rows": 1000,
        "days": 14,
    }
    return PairedDifference(**(fields | changes))


def _unmeasured(name, segment=""):
    return PairedDifference(name=name, better=Better.LOWER, rows=40, days=14, segment=segment, reason="too few")


PROVEN = _difference("log_loss", (-0.04, -0.06, -0.02))
COMPARISON = PairedComparison(
    champion="1", challenger="2", rows=1000, days=14, distinct_labels=2, task=Task.BINARY, loss=PROVEN,
    metrics=(
        _difference("auroc", (0.005, -0.02, 0.03), better=Better.HIGHER),
        _difference("mean_bias", (0.02, 0.01, 0.03), better=Better.ZERO),
        _unmeasured("precision"),
    ),
    segments=(), fairness=(),
)  # fmt: skip
FAIR = FairnessGuard(column="plan", worsening=0.02)


def _judged(rules=None, **changes):
    return judge_challenger(GateRules.model_validate(rules or {}), replace(COMPARISON, **changes))


@pytest.mark.parametrize(("loss", "minimum", "passed", "reason"), [
    (PROVEN, 0.0, True, ("log_loss: proven better: challenger 0.46, champion 0.5, better by 0.04 (0.02 to 0.06); "
     "1000 rows of 14 days")),
    (_difference("log_loss", (-0.04, -0.09, 0.01)), 0.0, False,
     ("log_loss: not proven better: challenger 0.46, champion 0.5, better by 0.04 (-0.01 to 0.09); "
     "1000 rows of 14 days")),
    (_difference("log_loss", (0.04, 0.01, 0.07)), 0.0, False,
     ("log_loss: not proven better: challenger 0.54, champion 0.5, worse by 0.04 (0.01 to 0.07); "
     "1000 rows of 14 days")),
    (PROVEN, 0.01, True, "log_loss: proven better by more than 0.01: "),
    (PROVEN, 0.02, False, "log_loss: not proven better by more than 0.02: "),
    (_difference("log_loss", (0.0, None, None)), 0.0, False,
     "log_loss: not proven better: challenger 0.5, champion 0.5, worse by 0 on every day; 1000 rows of 14 days"),
    (_unmeasured("log_loss"), 0.0, None, "log_loss: could not be compared: too few"),
])  # fmt: skip
def test_verdict_of_the_gate_follows_from_the_loss_and_its_interval(loss, minimum, passed, reason):
    found = _judged({"minimum_improvement": minimum}, loss=loss)
    assert found.passed is passed
    assert len(found.reasons) == 1
    assert found.reasons[0].startswith(reason)
    assert found.checks[0].passed is passed
    assert found.checks[0].allowed == pytest.approx(-(minimum or 0.005 * 0.5) if loss.champion else 0.0)


@pytest.mark.parametrize(("loss", "least"), [
    (_difference("log_loss", (-1e-6, -1.1e-6, -0.9e-6)), 0.0025),
    (_difference("auroc", (-0.001, -0.002, -0.0005), better=Better.HIGHER, champion=0.8, challenger=0.801), 0.001),
])  # fmt: skip
def test_challenger_that_is_better_by_almost_nothing_is_refused(loss, least):
    found = _judged(loss=loss)
    assert found.passed is False
    assert f"not proven better by more than {least:.2g}: " in found.reasons[0]
    assert _judged({"minimum_improvement": 1e-9}, loss=loss).passed is True


@pytest.mark.parametrize(("guards", "passed"), [
    ({"auroc": 0.01}, True),
    ({"auroc": 0.005}, True),
    ({"auroc": 0.004}, False),
    ({"auroc": 0.0}, False),
    ({"mean_bias": 0.02}, True),
    ({"mean_bias": 0.01}, False),
    ({"precision": 0.1}, None),
    ({"recall": 0.1}, None),
    ({"precision": 0.1, "mean_bias": 0.0}, False),
])  # fmt: skip
def test_guard_compares_the_value_itself_and_gives_no_verdict_if_unmeasured(guards, passed):
    assert _judged({"guards": guards}).passed is passed


@pytest.mark.parametrize(("gap", "passed"), [
    (_difference("gap", (0.02, -0.1, 0.1)), True),
    (_difference("gap", (0.03, -0.1, 0.1)), False),
    (_unmeasured("gap"), None),
])  # fmt: skip
def test_fairness_gap_is_guarded_by_its_value_without_its_interval(gap, passed):
    assert _judged({"fairness": [FAIR]}, fairness=(gap,)).passed is passed


@pytest.mark.parametrize(("segment", "passed"), [
    (_difference("log_loss", (0.1, 0.03, 0.2), segment="plan=pro"), False),
    (_difference("log_loss", (0.1, 0.01, 0.2), segment="plan=pro"), True),
    (_difference("log_loss", (0.1, 0.02, 0.2), segment="plan=pro"), True),
    (_difference("log_loss", (0.0, None, None), segment="plan=pro"), True),
    (_unmeasured("log_loss", "plan=pro"), True),
])  # fmt: skip
def test_segment_refuses_a_challenger_only_if_proven_worse_than_the_margin(segment, passed):
    found = _judged({"segments": ["plan"]}, segments=(segment,))
    assert found.passed is passed
    assert found.checks[-1].name == "log_loss[plan=pro]"


def test_reasons_of_a_pass_list_loss_guards_and_segments():
    segments = (
        _difference("log_loss", (-0.1, -0.2, 0.0), segment="plan=basic"),
        _unmeasured("log_loss", "plan=pro"),
    )
    found = _judged({"guards": {"auroc": 0.01}, "segments": ["plan"]}, segments=segments)
    assert found.passed is True
    assert [reason.partition(":")[0] for reason in found.reasons] == [
        "log_loss", "auroc", "in none of 1 segments proven worse by more than 0.02; 1 could not be compared",
    ]  # fmt: skip


def test_reasons_of_a_refusal_list_every_failed_check():
    found = _judged(
        {"guards": {"auroc": 0.0, "precision": 0.1}}, loss=_difference("log_loss", (0.1, 0.0, 0.2)),
        challenger_missing=3, champion_missing=1,
    )  # fmt: skip
    assert found.passed is False
    assert [reason.partition(":")[0] for reason in found.reasons] == ["log_loss", "auroc", "rows_without_output"]


@pytest.mark.parametrize(
    ("champion", "challenger", "passed"), [(0, 0, True), (5, 5, True), (5, 0, True), (0, 1, False)]
)
def test_challenger_with_more_rows_without_output_than_the_champion_is_refused(champion, challenger, passed):
    assert _judged(champion_missing=champion, challenger_missing=challenger).passed is passed


@pytest.mark.parametrize(("changes", "reason"), [
    ({"rows": 499}, "499 labelled rows of both versions, at least 500 needed"),
    ({"distinct_labels": 1}, "all 1000 labels are of one class; nothing can be told apart"),
])  # fmt: skip
def test_too_few_rows_or_one_class_gives_no_verdict(changes, reason):
    found = _judged(**changes)
    assert (found.passed, found.reasons, found.checks) == (None, (reason,), ())
    assert _judged(distinct_labels=1, task=Task.REGRESSION).passed is True
    assert _judged(rows=500).passed is True


def _rows(rng, *, days, better, day_effect):
    """Return rows of days, each of which favours one version in all its rows."""
    per_day = 60
    luck = np.repeat(rng.normal(0, day_effect, days), per_day)
    truth = rng.normal(0, 1, days * per_day)
    champion, challenger = truth + rng.normal(0, 1, truth.size), truth + rng.normal(0, 1 - better, truth.size) + luck
    return PairedRows(
        task=Task.REGRESSION,
        labels=truth,
        champion_predictions=champion + np.repeat(rng.normal(0, day_effect, days), per_day),
        challenger_predictions=challenger,
        days=np.repeat([f"{day:02}" for day in range(days)], per_day),
    )


def test_gate_rarely_passes_equal_versions_and_usually_better_ones():
    """By chance at most 2.5 % of equal versions pass, although each day favours one of them. Here are 100 of each."""
    rng, rules = np.random.default_rng(5), GateRules()

    def passes(better):
        made = (_rows(rng, days=14, better=better, day_effect=0.4) for _ in range(100))
        return sum(judge_challenger(rules, compare_paired(rows, rules)).passed is True for rows in made)

    assert passes(0.0) <= 6
    assert passes(0.5) >= 90


def _spec(document, **gate):
    predictions = document["predictions"] | {"model_version": "version"}
    retraining = {"trainer": "own.module:train", "gate": gate}
    return ModelSpec.model_validate({**document, "predictions": predictions, "retraining": retraining})


@pytest.mark.parametrize(("document", "gate", "message"), [
    (BINARY, {"loss": "absolute_error"}, "unknown 'absolute_error' for binary; known: log_loss, brier_score, auroc"),
    (BINARY, {"guards": {"auc": 0.1}}, r"churn: gate.guards: unknown 'auc' for binary; known: accuracy, auroc, "),
    (BINARY, {"guards": {"base_rate": 0.1}}, "unknown 'base_rate'"),
    (MULTICLASS, {"guards": {"recall[d]": 0.1}}, r"unknown 'recall\[d\]'"),
    (BINARY, {"segments": ["country"]}, "churn: gate.segments: unknown feature 'country'; known: age, plan"),
    (BINARY, {"fairness": [{"column": "sex"}]}, "churn: gate.fairness: unknown feature 'sex'; known: age, plan"),
    (MULTICLASS, {"fairness": [{"column": "plan"}]}, "gate.fairness: its rates exist for binary models only"),
])  # fmt: skip
def test_wrong_gate_rule_is_refused_with_its_field_and_the_known_names(document, gate, message):
    with pytest.raises(ValueError, match=message):
        check_gate_rules(_spec(document, **gate))


def test_valid_gate_rules_are_accepted():
    check_gate_rules(_spec(BINARY, loss="auroc", guards={"log_loss": 0.01}, segments=["plan"]))
    check_gate_rules(_spec(MULTICLASS, loss="macro_auroc", guards={"recall[a]": 0.01}))
    check_gate_rules(regression_spec())
    check_gate_rules(binary_spec())
