"""The measures of fairness that a spec asks for, and the rates of groups that they are made from."""

from collections.abc import Mapping

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.fairness import AllowedGap
from monitoring_pipeline.spec.sources import Task

FOUR_FIFTHS = AllowedGap(ratio=0.8)
_PARTS: Mapping[str, tuple[str, ...]] = {"equalized_odds": ("true_positive_rate", "false_positive_rate")}
_DEFAULTS: Mapping[Task, dict[str, AllowedGap]] = {
    Task.BINARY: {"selection_rate": FOUR_FIFTHS},
    Task.MULTICLASS: {"error_rate": AllowedGap(difference=0.1)},
    Task.REGRESSION: {},
}


def allowed_gaps(spec: ModelSpec) -> Mapping[str, AllowedGap]:
    """Return the measures of a spec with their allowed gaps."""
    return spec.fairness.allowed or _DEFAULTS[spec.task]


def rates_of(measure: str) -> tuple[str, ...]:
    """Return the rates of groups whose gaps a measure is the largest of."""
    return _PARTS.get(measure, (measure,))
