"""Model versions in MLflow's registry: registered once per decision, found by alias, and asked for predictions.

A model's name in the registry is its name in the spec.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.versions.gate import GateResult
from monitoring_pipeline.evaluation.versions.outputs import OutputError
from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest
from monitoring_pipeline.registry.answering import RegistryError, public_address
from monitoring_pipeline.registry.connection import connected, experiment_of
from monitoring_pipeline.registry.gate_records import ANSWERS, GATE_TAG, record_gate
from monitoring_pipeline.registry.version_numbers import skip_taken_numbers
from monitoring_pipeline.spec.sources import Task

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION = "champion"
DECISION_TAG = "monitoring.decision_key"
SIGNATURE_ROWS = 1_000
"""Rows that the signature is inferred from; it is about types."""


@dataclass(frozen=True)
class ModelRegistry:
    """Where MLflow keeps its records (such as ``sqlite:///...``), and the folder for the models' files."""

    tracking_uri: str
    artifact_root: Path

    def champion(self, model: str) -> str | None:
        """Return the version that serves; ``None`` where the alias is not set."""
        return self.version_with_alias(model, CHAMPION)

    def version_with_alias(self, model: str, alias: str) -> str | None:
        """Return the version that an alias points to; ``None`` where it is not set."""
        with connected(self.tracking_uri) as client:
            found = client.search_registered_models(f"name = '{model}'")
        return str(found[0].aliases[alias]) if found and alias in found[0].aliases else None

    def set_alias(self, model: str, alias: str, model_version: str) -> None:
        """Point an alias to a version."""
        with connected(self.tracking_uri) as client:
            client.set_registered_model_alias(model, alias, model_version)

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias; where it is not set nothing happens."""
        if self.version_with_alias(model, alias) is None:
            return
        with connected(self.tracking_uri) as client:
            client.delete_registered_model_alias(model, alias)

    def has_version(self, model: str, model_version: str) -> bool:
        """Return whether a version is registered."""
        return self._find(model, lambda entry: str(entry.version) == model_version) is not None

    def version_of_decision(self, model: str, decision_key: str) -> str | None:
        """Return the version that was trained for a decision, if that has happened."""
        entry = self._find(model, lambda entry: entry.tags.get(DECISION_TAG) == decision_key)
        return str(entry.version) if entry else None

    def version_tags(self, model: str, model_version: str) -> dict[str, str]:
        """Return the tags of a version; none where it is not registered."""
        entry = self._find(model, lambda entry: str(entry.version) == model_version)
        return dict(entry.tags) if entry else {}

    def register(
        self,
        request: TrainingRequest,
        trained: object,
        *,
        tags: Mapping[str, str],
        params: Mapping[str, str],
        taken: Collection[str] = (),
    ) -> str:
        """Log what a trainer returned, and register it as a new version.

        An estimator is saved by skops, which runs no code of the file's when loading; the types that it needs beyond
        skops' own list are fixed when it is saved. A logged model is registered as it is.

        Args:
            request: what it was trained on.
            trained: a fitted estimator, or the URI of a logged model.
            tags: of the version and of its run.
            params: of its run.
            taken: names of versions that the registry need not know: the new one gets none of them.

        Returns:
            The version.

        Raises:
            RegistryError: when the estimator cannot be saved, or does not know the spec's classes.
        """
        import mlflow

        with connected(self.tracking_uri) as client:
            if not client.search_registered_models(f"name = '{request.model}'"):
                client.create_registered_model(request.model)
            experiment = experiment_of(client, request.model, self.artifact_root)
            with mlflow.start_run(experiment_id=experiment, tags=dict(tags)) as run:
                mlflow.log_params(dict(params))
                if isinstance(trained, str):
                    source, model_id = trained, None
                else:
                    logged = _log_estimator(request, trained)
                    source, model_id = logged.model_uri, logged.model_id
                skip_taken_numbers(client, request.model, taken)
                created = client.create_model_version(
                    request.model, source, run_id=run.info.run_id, model_id=model_id, tags=dict(tags)
                )
        return str(created.version)

    def predictor(self, model: str, model_version: str) -> "Callable[[pd.DataFrame], object]":
        """Load a version; it takes features by name and returns what its flavour does (classes: probabilities).

        What is returned raises OutputError when the version fails on the rows.

        Raises:
            RegistryError: when it is not registered, or cannot be loaded.
        """
        if not self.has_version(model, model_version):
            message = f"{public_address(self.tracking_uri)}: {model} has no version {model_version!r}"
            raise RegistryError(message)
        with connected(self.tracking_uri) as client:
            from mlflow.pyfunc import load_model

            try:
                loaded = load_model(client.get_model_version_download_uri(model, model_version))
            except Exception as error:
                message = f"{model} version {model_version} cannot be loaded: {type(error).__name__}: {error}"
                raise RegistryError(message) from error

        def predict(rows: "pd.DataFrame") -> object:
            # Outside: that the registry is away is no failure of the version's.
            with connected(self.tracking_uri), one_thread():
                try:
                    return loaded.predict(rows)
                except Exception as error:
                    said = f"{type(error).__name__}: {error}"
                    message = f"{model} version {model_version} failed on {len(rows)} rows: {said}"
                    raise OutputError(message) from error

        return predict

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
        """Record the gate's answer with the version's run (see :func:`record_gate`), and as a tag of the version.

        Args:
            model: the model.
            model_version: the version that was judged.
            result: the answer.
            task: the model's task.
            labels: labels of the held-out rows, as numbers, shape (rows,).
            decided: what the version decided or predicted, as the labels.

        Raises:
            RegistryError: when the version is not registered.
        """
        import mlflow

        with connected(self.tracking_uri) as client:
            with mlflow.start_run(run_id=self._run_of(client, model, model_version)):
                record_gate(result, task=task, labels=labels, decided=decided)
            client.set_model_version_tag(model, model_version, GATE_TAG, ANSWERS[result.passed])

    def _run_of(self, client: "MlflowClient", model: str, model_version: str) -> str:
        """Return the run that made a version; a new one where it has none.

        Raises:
            RegistryError: when it is not registered.
        """
        entry = self._find(model, lambda entry: str(entry.version) == model_version)
        if entry is None:
            raise RegistryError(f"{public_address(self.tracking_uri)}: {model} has no version {model_version!r}")
        if entry.run_id:
            return entry.run_id
        experiment = experiment_of(client, model, self.artifact_root)
        return client.create_run(experiment, run_name=f"gate of {model} {model_version}").info.run_id

    def _find(self, model: str, wanted: "Callable[[ModelVersion], bool]") -> "ModelVersion | None":
        with connected(self.tracking_uri) as client:
            return next(filter(wanted, client.search_model_versions(f"name = '{model}'")), None)


def _log_estimator(request: TrainingRequest, estimator: Any) -> Any:
    """Log a fitted estimator with its signature, inside the run that is active."""
    import skops.io
    from mlflow.models import infer_signature
    from mlflow.sklearn import log_model

    method = _output_method(request, estimator)
    features = request.inputs().head(SIGNATURE_ROWS)
    try:
        outputs = getattr(estimator, method)(features)
    except Exception as error:
        name = type(estimator).__name__
        message = (
            f"{request.model}: {method} of the trainer's {name} fails on the rows that it was trained on: "
            f"{type(error).__name__}: {error}"
        )
        raise RegistryError(message) from error
    try:
        needed_types = skops.io.get_untrusted_types(data=skops.io.dumps(estimator))
        return log_model(
            estimator,
            name=request.model,
            signature=infer_signature(features, outputs),
            # Left out, MLflow would load the model in a fresh interpreter to find them: 20 seconds.
            pip_requirements=[f"{package}=={installed_version(package)}" for package in ("scikit-learn", "skops")],
            serialization_format="skops",
            skops_trusted_types=needed_types,
            pyfunc_predict_fn=method,
        )
    except Exception as error:
        message = (
            f"{request.model}: the trainer's {type(estimator).__name__} cannot be logged by skops "
            f"({type(error).__name__}: {error}); let the trainer log it in a flavour of its own and return the URI"
        )
        raise RegistryError(message) from error


def _output_method(request: TrainingRequest, estimator: Any) -> str:
    """Return what the estimator is asked with.

    Raises:
        RegistryError: when a classifier has no probabilities, or not those of the spec's classes.
    """
    if request.task is Task.REGRESSION:
        return "predict"
    if not hasattr(estimator, "predict_proba"):
        raise RegistryError(
            f"{request.model}: {type(estimator).__name__} has no predict_proba; probabilities are needed"
        )
    expected = sorted(request.classes) if request.classes else [0, 1]
    if not hasattr(estimator, "classes_"):
        raise RegistryError(f"{request.model}: {type(estimator).__name__} has no classes_; is it fitted?")
    fitted = list(estimator.classes_)
    if fitted != expected:
        raise RegistryError(
            f"{request.model}: the estimator was fitted to the classes {fitted}, the spec has {expected}; "
            "is a class missing from the training window?"
        )
    return "predict_proba"
