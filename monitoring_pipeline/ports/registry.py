"""What retraining needs from the outside, and everything that its steps are given together."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.versions.gate import GateResult
from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest
from monitoring_pipeline.spec.sources import Task

if TYPE_CHECKING:
    import pandas as pd

CHAMPION, CHALLENGER, FORMER_CHAMPION = "champion", "challenger", "former_champion"
DECISION_TAG = "monitoring.decision_key"
TRAINED_UNTIL_TAG = "monitoring.trained_until"


class Registry(Protocol):
    """Where model versions are kept."""

    @property
    def tracking_uri(self) -> str:
        """Its address."""
        ...

    def version_with_alias(self, model: str, alias: str) -> str | None:
        """Return the version that an alias points to; ``None`` where it is not set."""
        ...

    def set_alias(self, model: str, alias: str, model_version: str) -> None:
        """Point an alias to a version."""
        ...

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias; where it is not set nothing happens."""
        ...

    def has_version(self, model: str, model_version: str) -> bool:
        """Return whether a version is registered."""
        ...

    def version_of_decision(self, model: str, decision_key: str) -> str | None:
        """Return the version that was trained for a decision, if that has happened."""
        ...

    def version_tags(self, model: str, model_version: str) -> Mapping[str, str]:
        """Return the tags of a version."""
        ...

    def register(
        self,
        request: TrainingRequest,
        trained: object,
        *,
        tags: Mapping[str, str],
        params: Mapping[str, str],
        taken: Collection[str] = (),
    ) -> str:
        """Log what a trainer returned and register it; return the version, whose name is none of those taken."""
        ...

    def predictor(self, model: str, model_version: str) -> "Callable[[pd.DataFrame], object]":
        """Load a version; it takes features by name."""
        ...

    def log_gate(
        self,
        model: str,
        model_version: str,
        result: GateResult,
        *,
        task: Task,
        labels: NDArray[np.generic],
        decided: NDArray[np.generic],
    ) -> None:
        """Record the gate's answer with the version's run."""
        ...
