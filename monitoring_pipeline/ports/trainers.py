"""Trainers of challengers."""

from collections.abc import Callable, Mapping

from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest

RunTrainer = Callable[[str, TrainingRequest, str], object]
"""Calls the trainer that a spec names; what it logs by itself goes to the tracking address, given last."""


AskTrainer = Callable[[str, Mapping[str, object]], None]
"""Sends a request to the address that a secret of that name holds."""
