"""The demo's models in MLflow's registry: registered once, and found by a fingerprint of their training data.

MLflow is imported at first use, because that takes 4 to 11 seconds.
"""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, cast

import polars as pl

from monitoring_pipeline.demo.flights import SOURCE
from monitoring_pipeline.demo.training import OUTPUT_METHODS, DemoModel, model_input
from monitoring_pipeline.registry.connection import connected, experiment_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

CHAMPION = "champion"
FINGERPRINT_TAG = "training_fingerprint"

TRUSTED_TYPES = [
    "functools.partial",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.utils.validation.check_array",
]
"""Types in a saved model beyond skops' list: the trees, and the booster's check of its categories."""


class OtherModelRegisteredError(RuntimeError):
    """The registry already contains the model, trained on other data."""


@dataclass(frozen=True)
class DemoRegistry:
    """MLflow's registry: the address of its records, such as ``sqlite:///...``, and the folder for files of models."""

    tracking_uri: str
    artifact_root: Path

    def find_version(self, model: DemoModel, fingerprint: str) -> str | None:
        """Return the version whose training data have ``fingerprint``; ``None`` if the model has no version at all.

        Raises:
            OtherModelRegisteredError: when only other versions exist, because the spec declares no further version.
        """
        with connected(self.tracking_uri) as client:
            registered = client.search_model_versions(f"name = '{model.name}'")
        for entry in registered:
            if entry.tags.get(FINGERPRINT_TAG) == fingerprint:
                return str(entry.version)
        if registered:
            versions = ", ".join(f"{entry.version} ({entry.tags.get(FINGERPRINT_TAG)})" for entry in registered)
            message = (
                f"{self.tracking_uri}: {model.name} is registered in versions trained on something else: {versions}; "
                f"wanted: {fingerprint}; start the demo in an empty data home"
            )
            raise OtherModelRegisteredError(message)
        return None

    def register(
        self,
        model: DemoModel,
        estimator: "Pipeline",
        reference: pl.DataFrame,
        fingerprint: str,
        metrics: dict[str, float],
    ) -> str:
        """Log a fitted model with its signature and reference rows, register it, and make it the champion.

        Args:
            model: the model that was fitted.
            estimator: the fitted pipeline.
            reference: the rows it was validated on, with their truths.
            fingerprint: the fingerprint by which ``find_version`` finds it.
            metrics: metrics out of fold, by name.

        Returns:
            The version.
        """
        import mlflow
        from mlflow.data.pandas_dataset import from_pandas
        from mlflow.models import infer_signature
        from mlflow.sklearn import log_model

        features = model_input(model, reference)
        method = OUTPUT_METHODS[model.task]
        truths = reference[model.target].cast(pl.String if model.classes else pl.Float64).to_numpy()
        rows = from_pandas(
            features.assign(**{model.target: truths}), source=SOURCE, targets=model.target, name="reference"
        )
        with (
            connected(self.tracking_uri) as client,
            mlflow.start_run(experiment_id=experiment_of(client, model.name, self.artifact_root)) as run,
        ):
            mlflow.log_params(model.boosting)
            mlflow.log_metrics(metrics)
            mlflow.log_input(rows, context="reference")
            logged = log_model(
                estimator,
                name=model.name,
                signature=infer_signature(features, getattr(estimator, method)(features)),
                # Without them MLflow would load the model in a new interpreter to find them, which takes 20 seconds.
                pip_requirements=[f"{package}=={version(package)}" for package in ("scikit-learn", "skops")],
                serialization_format="skops",
                skops_trusted_types=TRUSTED_TYPES,
                pyfunc_predict_fn=method,
            )
            if not client.search_registered_models(f"name = '{model.name}'"):
                client.create_registered_model(model.name)
            registered = client.create_model_version(
                model.name,
                logged.model_uri,
                run_id=run.info.run_id,
                model_id=logged.model_id,
                tags={FINGERPRINT_TAG: fingerprint},
            )
            client.set_registered_model_alias(model.name, CHAMPION, registered.version)
        return str(registered.version)

    def load(self, model: DemoModel, model_version: str) -> "Pipeline":
        """Load a registered version."""
        from mlflow.sklearn import load_model

        with connected(self.tracking_uri) as client:
            return cast("Pipeline", load_model(client.get_model_version_download_uri(model.name, model_version)))
