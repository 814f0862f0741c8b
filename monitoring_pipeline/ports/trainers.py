"""Trainers of challengers."""

from collections.abc import Callable, Mapping

from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest

RunTrainer = Callable[[str, TrainingRequest, str], object]
"""Calls the trainer that a spec names. The last argument is the URI of the MLflow tracking server to log to."""

AskTrainer = Callable[[str, Mapping[str, object]], None]
"""Sends a training request to the address in the secret whose name is the first argument."""
