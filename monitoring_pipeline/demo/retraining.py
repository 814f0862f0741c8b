"""The trainer of the demo's models; their specs name it as ``monitoring_pipeline.demo.retraining:train``."""

from typing import TYPE_CHECKING

from monitoring_pipeline.demo.training import DEMO_MODELS, fit
from monitoring_pipeline.training import TrainingRequest

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def train(request: TrainingRequest) -> "Pipeline":
    """Return the demo's model of that name, fitted to the requested rows with the parameters of its first version.

    Raises:
        KeyError: when the demo has no model of that name.
    """
    models = {model.name: model for model in DEMO_MODELS}
    if request.model not in models:
        message = f"the demo has no model {request.model!r}; it has {', '.join(models)}"
        raise KeyError(message)
    model = models[request.model]
    return fit(model, request.rows.rename({"label": model.target}))
