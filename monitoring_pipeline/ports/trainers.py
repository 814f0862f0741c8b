"""Trainers of challengers."""

from collections.abc import Callable, Mapping

from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest

RunTrainer = Callable[[str, TrainingRequest, str], object]
"""Calls the trainer that a spec names; the last argument is the tracking address that it may log to."""


AskTrainer = Callable[[str, Mapping[str, object]], None]
"""Sends a request to the address that a secret of that name holds."""
