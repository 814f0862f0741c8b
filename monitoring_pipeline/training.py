"""Types for the author of a trainer: the request that a trainer gets, and the types of its fields."""

from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest
from monitoring_pipeline.spec.sources import FeatureKind, ReferenceWindow, Task

__all__ = ["FeatureKind", "ReferenceWindow", "Task", "TrainingRequest"]
