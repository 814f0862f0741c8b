"""Model versions in MLflow's registry: registered once per decision, found by alias, and loaded for predictions.

A model has the same name in the registry and in the spec.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.explanation.native import Contributions
from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.versions.gate import GateResult
from monitoring_pipeline.evaluation.versions.outputs import OutputError
from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest
from monitoring_pipeline.records.version_card import VersionCard
from monitoring_pipeline.registry.answering import RegistryError, public_address
from monitoring_pipeline.registry.connection import connected, experiment_of, is_missing_file
from monitoring_pipeline.registry.gate_records import ANSWERS, GATE_TAG, record_gate
from monitoring_pipeline.registry.logged_models import LoggedModel, read_logged_model, read_requirements
from monitoring_pipeline.registry.native_contributions import Contributor, contributor_of
from monitoring_pipeline.registry.version_cards import read_version_card
from monitoring_pipeline.registry.version_numbers import skip_taken_numbers
from monitoring_pipeline.spec.sources import Task

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHAMPION = "champion"
DECISION_TAG = "monitoring.decision_key"
SIGNATURE_ROWS = 1_000
"""Number of rows from which the signature is inferred; it contains only types."""


@dataclass(frozen=True)
class ModelRegistry:
    """MLflow's registry: the address of its records, such as ``sqlite:///...``, and the folder for files of models."""

    tracking_uri: str = field(repr=False)
    artifact_root: Path

    def champion(self, model: str) -> str | None:
        """Return the version that serves; ``None`` if the alias is not set."""
        return self.version_with_alias(model, CHAMPION)

    def version_with_alias(self, model: str, alias: str) -> str | None:
        """Return the version that an alias points to; ``None`` if it is not set."""
        with connected(self.tracking_uri) as client:
            models = client.search_registered_models(f"name = '{model}'")
        return str(models[0].aliases[alias]) if models and alias in models[0].aliases else None

    def set_alias(self, model: str, alias: str, model_version: str) -> None:
        """Point an alias to a version."""
        with connected(self.tracking_uri) as client:
            client.set_registered_model_alias(model, alias, model_version)

    def delete_alias(self, model: str, alias: str) -> None:
        """Remove an alias if it is set."""
        if self.version_with_alias(model, alias) is None:
            return
        with connected(self.tracking_uri) as client:
            client.delete_registered_model_alias(model, alias)

    def has_version(self, model: str, model_version: str) -> bool:
        """Return whether a version is registered."""
        return self._find(model, lambda entry: str(entry.version) == model_version) is not None

    def version_of_decision(self, model: str, decision_key: str) -> str | None:
        """Return the version that was trained for a decision; ``None`` if there is none."""
        entry = self._find(model, lambda entry: entry.tags.get(DECISION_TAG) == decision_key)
        return str(entry.version) if entry else None

    def version_tags(self, model: str, model_version: str) -> dict[str, str]:
        """Return the tags of a version; empty if it is not registered."""
        entry = self._find(model, lambda entry: str(entry.version) == model_version)
        return dict(entry.tags) if entry else {}

    def version_card(self, model: str, model_version: str) -> VersionCard | None:
        """Return what MLflow states about a version; ``None`` if it is not registered.

        Raises:
            RegistryError: when MLflow does not answer.
        """
        if is_missing_file(self.tracking_uri):
            return None
        with connected(self.tracking_uri) as client:
            versions = client.search_model_versions(f"name = '{model}'")
            entry = next((each for each in versions if str(each.version) == model_version), None)
            return read_version_card(client, entry) if entry else None

    def requirements(self, model: str, model_version: str) -> tuple[str, ...] | None:
        """Return the lines of the file requirements.txt of a version; ``None`` if it is not registered or has none.

        Raises:
            RegistryError: when MLflow does not answer, or the files of the version cannot be read.
        """
        if is_missing_file(self.tracking_uri) or not self.has_version(model, model_version):
            return None
        return read_requirements(self.tracking_uri, model, model_version)

    def register(
        self,
        request: TrainingRequest,
        trained: object,
        *,
        tags: Mapping[str, str],
        params: Mapping[str, str],
        taken: Collection[str] = (),
    ) -> str:
        """Log the result of a trainer, and register it as a new version.

        An estimator is saved by skops, which runs no code from the file when it loads it. The types that the estimator
        needs beyond skops' list are fixed when it is saved. A logged model is registered unchanged.

        Args:
            request: the request for which it was trained.
            trained: a fitted estimator, or the URI of a logged model.
            tags: tags of the version and of its run.
            params: parameters of its run.
            taken: names of versions, registered or not, that the new version must not get.

        Returns:
            The version.

        Raises:
            RegistryError: when the estimator cannot be saved, or was fitted to other classes than the spec's.
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
        """Return the prediction function of a version: from features by name to the output of its MLflow flavour.

        The output for classes is probabilities. The function raises OutputError when the version fails on the rows.

        Raises:
            RegistryError: when it is not registered, or cannot be loaded.
        """
        loaded = self._load(model, model_version)

        def predict(rows: "pd.DataFrame") -> object:
            # The connection is outside of the try, because an unreachable registry is no failure of the version.
            with connected(self.tracking_uri), one_thread():
                try:
                    return loaded.predict(rows)
                except Exception as error:
                    cause = f"{type(error).__name__}: {error}"
                    message = f"{model} version {model_version} failed on {len(rows)} rows: {cause}"
                    raise OutputError(message) from error

        return predict

    def contributor(self, model: str, model_version: str, features: Collection[str]) -> "Contributor | None":
        """Return the function that splits the raw output of a version by its library's own means; None without one.

        The function raises OutputError when the version fails on the rows.

        Args:
            model: the model.
            model_version: the version.
            features: names of its features.

        Raises:
            RegistryError: when it is not registered, or cannot be loaded.
        """
        loaded = self._load(model, model_version)
        try:
            contribute = contributor_of(loaded.get_raw_model(), features)
        except NotImplementedError:
            # A flavour without a model of a library.
            return None
        if contribute is None:
            return None

        def contributions(rows: "pd.DataFrame", reference: "pd.DataFrame", output: int) -> Contributions:
            with one_thread():
                try:
                    return contribute(rows, reference, output)
                except Exception as error:
                    message = f"{model} version {model_version}: {type(error).__name__}: {error}"
                    raise OutputError(message) from error

        return contributions

    def _load(self, model: str, model_version: str) -> Any:
        if not self.has_version(model, model_version):
            message = f"{public_address(self.tracking_uri)}: {model} has no version {model_version!r}"
            raise RegistryError(message)
        with connected(self.tracking_uri) as client:
            from mlflow.pyfunc import load_model

            try:
                return load_model(client.get_model_version_download_uri(model, model_version))
            except Exception as error:
                message = f"{model} version {model_version} cannot be loaded: {type(error).__name__}: {error}"
                raise RegistryError(message) from error

    def logged_model(self, address: str) -> LoggedModel:
        """Return the description of the model at an address (see :func:`read_logged_model`)."""
        return read_logged_model(self.tracking_uri, address)

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
            result: the gate's answer.
            task: the model's task.
            labels: labels of the held-out rows, as numbers, shape (rows,).
            decided: decisions or predictions of the version, in the form of the labels.

        Raises:
            RegistryError: when the version is not registered.
        """
        import mlflow

        with connected(self.tracking_uri) as client:
            with mlflow.start_run(run_id=self._run_of(client, model, model_version)):
                record_gate(result, task=task, labels=labels, decided=decided)
            client.set_model_version_tag(model, model_version, GATE_TAG, ANSWERS[result.passed])

    def _run_of(self, client: "MlflowClient", model: str, model_version: str) -> str:
        """Return the id of the run that made a version; a new run if it has none.

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
            # Without them MLflow would load the model in a new interpreter to find them, which takes 20 seconds.
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
    """Return the name of the method that computes the estimator's output.

    Raises:
        RegistryError: when a classifier has no probabilities, or was fitted to other classes than the spec's.
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
