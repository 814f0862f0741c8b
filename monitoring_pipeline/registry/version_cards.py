"""Reads what MLflow states about a version, shortened to what a person reads."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.records.version_card import NamedText, VersionCard

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

MOST_ENTRIES = 60
LONGEST_TEXT = 200
_OF_MLFLOW = "mlflow."
"""MLflow's own tags have names that begin so; they contain whole documents, such as the history of a model."""


def read_version_card(client: "MlflowClient", entry: "ModelVersion") -> VersionCard:
    """Return the card of a registered version; without parameters and metrics if its run was deleted."""
    from mlflow.exceptions import MlflowException

    parameters: Mapping[str, str] = {}
    metrics: Mapping[str, float] = {}
    if entry.run_id:
        try:
            data = client.get_run(entry.run_id).data
        except MlflowException:
            pass  # the registry keeps a version longer than its run
        else:
            parameters, metrics = data.params, data.metrics
    return VersionCard(
        registered=dt.datetime.fromtimestamp(entry.creation_timestamp / 1000, dt.UTC),
        description=_clipped(entry.description or ""),
        source=_clipped(entry.source or ""),
        parameters=tuple(_texts(parameters.items())),
        metrics=tuple(sorted((_clipped(n), v) for n, v in metrics.items() if math.isfinite(v))[:MOST_ENTRIES]),
        tags=tuple(_texts((n, v) for n, v in entry.tags.items() if not n.startswith(_OF_MLFLOW))),
    )


def _texts(entries: Iterable[tuple[str, str]]) -> Iterable[NamedText]:
    for name, value in sorted(entries)[:MOST_ENTRIES]:
        yield _clipped(name), _clipped(str(value))


def _clipped(text: str) -> str:
    plain = without_secrets(text)
    return plain if len(plain) <= LONGEST_TEXT else plain[: LONGEST_TEXT - 1] + "…"
