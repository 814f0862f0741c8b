"""Records a gate's answer with the run of the version that it judged."""

import re
import warnings
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.versions.gate import GateResult
from monitoring_pipeline.spec.sources import Task

if TYPE_CHECKING:
    from mlflow.models import EvaluationResult

GATE_TAG, VALIDATION_TAG = "monitoring.gate", "monitoring.validation"
ANSWERS = {True: "passed", False: "refused", None: "unmeasured"}


class _Bounded(NamedTuple):
    """A number that the gate held against what it allows, by a name that MLflow takes."""

    metric: str
    value: float
    allowed: float


def record_gate(result: GateResult, *, task: Task, labels: NDArray[np.generic], decided: NDArray[np.generic]) -> None:
    """Record the gate's answer with the run that is active.

    It gets ``gate.json`` with every check, the metrics that MLflow's ``evaluate`` makes of the decisions, the numbers
    that decided as metrics ``worsening...``, and what ``validate_evaluation_results`` says when each of these is held
    against what the gate allows.

    Args:
        result: the answer.
        task: the model's task.
        labels: labels of the held-out rows, as numbers, shape (rows,).
        decided: what the version decided or predicted, as the labels.
    """
    import mlflow

    mlflow.log_dict(asdict(result), "gate.json")
    validation = _validate(list(_bounded(result)), task, labels, decided)
    mlflow.set_tags({GATE_TAG: ANSWERS[result.passed], VALIDATION_TAG: validation[:5_000]})
    mlflow.log_text("\n".join([*result.reasons, "", f"MLflow: {validation}"]), "gate.txt")


def _validate(bounded: list[_Bounded], task: Task, labels: NDArray[np.generic], decided: NDArray[np.generic]) -> str:
    """Return what MLflow's validation says: ``passed``, its objections, or why there was nothing to validate."""
    from mlflow import validate_evaluation_results
    from mlflow.models import MetricThreshold
    from mlflow.models.evaluation.validation import ModelValidationFailedException

    if not bounded:
        return "nothing was measured"
    thresholds = {own.metric: MetricThreshold(threshold=own.allowed, greater_is_better=False) for own in bounded}
    try:
        validate_evaluation_results(thresholds, _evaluate(bounded, task, labels, decided))
    except ModelValidationFailedException as refused:
        return str(refused)
    return "passed"


def _evaluate(
    bounded: list[_Bounded], task: Task, labels: NDArray[np.generic], decided: NDArray[np.generic]
) -> "EvaluationResult":
    import pandas as pd
    from mlflow.models import evaluate, make_metric

    def given(value: float) -> Any:
        return lambda predictions, targets, metrics: value  # noqa: ARG005 - MLflow passes by name

    kind = "regressor" if task is Task.REGRESSION else "classifier"
    with warnings.catch_warnings():
        # A class that is never decided has no precision, which scikit-learn warns of on MLflow's behalf.
        warnings.filterwarnings("ignore", module="sklearn")
        return evaluate(
            data=pd.DataFrame({"label": labels, "decided": decided}),
            targets="label",
            predictions="decided",
            model_type=kind,
            evaluators=[kind],
            evaluator_config={kind: {"log_model_explainability": False}},
            extra_metrics=[
                make_metric(eval_fn=given(own.value), greater_is_better=False, name=own.metric) for own in bounded
            ],
        )


def _bounded(result: GateResult) -> "list[_Bounded]":
    """Return the numbers that decided: the loss must be better for sure, a segment (column=value) worse for sure."""
    found: list[_Bounded] = []
    for number, check in enumerate(result.checks):
        side, value = ("_upper", check.upper) if number == 0 else ("", check.difference)
        if "=" in check.name:
            side, value = "_lower", check.lower
        if value is not None:
            name = re.sub(r"[^\w.\- /]", "_", f"worsening{side}_{check.name}")
            found.append(_Bounded(name, value, check.allowed))
    return found
