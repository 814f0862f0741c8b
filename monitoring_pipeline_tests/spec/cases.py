"""A short spec of each task, as a person would write it."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from monitoring_pipeline.spec.model import ModelSpec

BINARY: dict[str, Any] = {
    "name": "churn",
    "task": "binary",
    "owner": "team:growth",
    "timezone": "Europe/Berlin",
    "start": "2024-03-01",
    "predictions": {"table": "scores", "id": "customer", "time": "scored_at", "score": "probability"},
    "labels": {"table": "outcomes", "id": "customer", "label": "left", "known_at": "seen_at"},
    "features": {"age": "numeric", "plan": "categorical"},
    "reference": {"1": {"start": "2024-01-01", "end": "2024-03-01"}},
}
REGRESSION: dict[str, Any] = BINARY | {
    "name": "spend",
    "task": "regression",
    "predictions": {"table": "forecasts", "id": "customer", "time": "scored_at", "prediction": "euros"},
}
MULTICLASS: dict[str, Any] = BINARY | {
    "name": "choice",
    "task": "multiclass",
    "predictions": {
        "table": "choices",
        "id": "customer",
        "time": "scored_at",
        "scores": {"a": "p_a", "b": "p_b", "c": "p_c"},
    },
}


def changed(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with values set at dotted paths; ``...`` removes the key."""
    result = deepcopy(dict(document))
    for path, value in changes.items():
        *parents, last = path.split(".")
        part = result
        for parent in parents:
            part = part.setdefault(parent, {})
        if value is ...:
            del part[last]
        else:
            part[last] = value
    return result


def binary_spec(**changes: Any) -> ModelSpec:
    """Return the binary spec; keywords are dotted paths with ``__`` for the dot."""
    return ModelSpec.model_validate(changed(BINARY, {path.replace("__", "."): v for path, v in changes.items()}))


def regression_spec(**changes: Any) -> ModelSpec:
    """Return the regression spec; keywords as for ``binary_spec``."""
    return ModelSpec.model_validate(changed(REGRESSION, {path.replace("__", "."): v for path, v in changes.items()}))


def multiclass_spec(**changes: Any) -> ModelSpec:
    """Return the multiclass spec of the classes a, b and c; keywords as for ``binary_spec``."""
    return ModelSpec.model_validate(changed(MULTICLASS, {path.replace("__", "."): v for path, v in changes.items()}))
