"""The registry of model versions."""

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.explanation.native import Contributions
from monitoring_pipeline.evaluation.versions.gate import GateResult
from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest
from monitoring_pipeline.records.version_card import VersionCard
from monitoring_pipeline.spec.sources import Task

if TYPE_CHECKING:
    import pandas as pd

CHAMPION, CHALLENGER, FORMER_CHAMPION = "champion", "challenger", "former_champion"
DECISION_TAG = "monitoring.decision_key"
TRAINED_UNTIL_TAG = "monitoring.trained_until"


class RegistryError(RuntimeError):
    """The registry cannot be reached, lacks a version, or cannot store a trainer's result; the message states why."""


class Registry(Protocol):
    """Where model versions are kept."""

    @property
    def tracking_uri(self) -> str: ...
    def version_with_alias(self, model: str, alias: str) -> str | None: ...
    def set_alias(self, model: str, alias: str, model_version: str) -> None: ...
    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias; do nothing if it is not set."""
        ...

    def has_version(self, model: str, model_version: str) -> bool: ...
    def version_of_decision(self, model: str, decision_key: str) -> str | None:
        """Return the version that was trained for a decision; None if there is none."""
        ...

    def version_tags(self, model: str, model_version: str) -> Mapping[str, str]: ...
    def requirements(self, model: str, model_version: str) -> tuple[str, ...] | None:
        """Return the requirements of a version, one package each; None if it is not registered or has none."""
        ...

    def version_card(self, model: str, model_version: str) -> VersionCard | None:
        """Return what the registry states about a version; None if it is not registered."""
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
        """Log and register the model that a trainer returned; return its new version, which is not in ``taken``."""
        ...

    def predictor(self, model: str, model_version: str) -> "Callable[[pd.DataFrame], object]":
        """Load a version and return its prediction function, which takes features by name."""
        ...

    def contributor(
        self, model: str, model_version: str, features: Collection[str]
    ) -> "Callable[[pd.DataFrame, pd.DataFrame, int], Contributions] | None":
        """Load a version and return what splits its raw output by its library's own means; None without one.

        The function takes the rows, rows of the reference, and the number of the output.
        """
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
        """Log the result of the gate in the MLflow run of the version."""
        ...
