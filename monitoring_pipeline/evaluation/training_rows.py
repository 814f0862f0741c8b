"""The former place of ``TrainingRequest``, kept for trainers that import it from here."""

import warnings

from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest

__all__ = ["TrainingRequest"]

warnings.warn(
    "monitoring_pipeline.evaluation.training_rows is deprecated; "
    "import TrainingRequest from monitoring_pipeline.training",
    DeprecationWarning,
    stacklevel=2,
)
