"""The positive class of a binary model, as labels and predictions are coded."""

from dataclasses import dataclass

from monitoring_pipeline.spec.model import ModelSpec


@dataclass(frozen=True)
class PositiveClass:
    """The value that means the positive class, and the field of the spec that gives it."""

    value: bool | int | str
    field: str


def positive_label(spec: ModelSpec) -> PositiveClass:
    """Return the positive class of the label column, after the mapping of ``labels.values``."""
    return PositiveClass(spec.declared_labels.positive, "labels.positive")


def positive_prediction(spec: ModelSpec) -> PositiveClass:
    """Return the positive class of the prediction column: of its own field, else that of the labels."""
    if spec.predictions.positive is None and spec.labels is not None:
        return positive_label(spec)
    value = spec.predictions.positive
    return PositiveClass(True if value is None else value, "predictions.positive")
