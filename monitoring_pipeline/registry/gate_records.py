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
    """A number that the gate compared with a limit, under a name that MLflow accepts."""

    metric: str
    value: float
    allowed: float


def record_gate(result: GateResult, *, task: Task, labels: NDArray[np.generic], decided: NDArray[np.generic]) -> None:
    """Record the gate's answer with the run that is active.

    The run gets ``gate.json`` with every check, the metrics that MLflow's ``evaluate`` computes from the decisions, the
    numbers on which the answer rests as metrics ``worsening...``, and the result of ``validate_evaluation_results``,
    which compares each of these numbers with the gate's limit.

    Args:
        result: the gate's answer.
        task: the model's task.
        labels: labels of the held-out rows, as numbers, shape (rows,).
        decided: decisions or predictions of the version, in the form of the labels.
    """
    import mlflow

    mlflow.log_dict(asdict(result), "gate.json")
    validation = _validate(list(_bounded(result)), task, labels, decided)
    mlflow.set_tags({GATE_TAG: ANSWERS[result.passed], VALIDATION_TAG: validation[:5_000]})
    mlflow.log_text("\n".join([*result.reasons, "", f"MLflow: {validation}"]), "gate.txt")


def _validate(bounded: list[_Bounded], task: Task, labels: NDArray[np.generic], decided: NDArray[np.generic]) -> str:
    """Return the result of MLflow's validation: ``passed``, its objections, or that nothing was measured."""
    from mlflow import validate_evaluation_results
    from mlflow.models import MetricThreshold
    from mlflow.models.evaluation.validation import ModelValidationFailedException

    if not bounded:
        return "nothing was measured"
    thresholds = {
        number.metric: MetricThreshold(threshold=number.allowed, greater_is_better=False) for number in bounded
    }
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
        # scikit-learn warns if a class is never decided, because such a class has no precision.
        warnings.filterwarnings("ignore", module="sklearn")
        return evaluate(
            data=pd.DataFrame({"label": labels, "decided": decided}),
            targets="label",
            predictions="decided",
            model_type=kind,
            evaluators=[kind],
            evaluator_config={kind: {"log_model_explainability": False}},
            extra_metrics=[
                make_metric(eval_fn=given(number.value), greater_is_better=False, name=number.metric)
                for number in bounded
            ],
        )


def _bounded(result: GateResult) -> "list[_Bounded]":
    """Return the numbers on which the answer rests.

    For the loss it is the upper bound of the difference, for a segment (column=value) the lower bound, and for all
    others the difference: the gate needs a loss that is surely better, and refuses a segment that is surely worse.
    """
    numbers: list[_Bounded] = []
    for number, check in enumerate(result.checks):
        side, value = ("_upper", check.upper) if number == 0 else ("", check.difference)
        if "=" in check.name:
            side, value = "_lower", check.lower
        if value is not None:
            name = re.sub(r"[^\w.\- /]", "_", f"worsening{side}_{check.name}")
            numbers.append(_Bounded(name, value, check.allowed))
    return numbers
