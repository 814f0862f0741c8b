"""An MLflow signature, in the file ``MLmodel`` of a logged model.

https://mlflow.org/docs/latest/ml/model/signatures/ and the class ``mlflow.models.ModelSignature``.
"""

import json
from dataclasses import replace

from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
from monitoring_pipeline.evaluation.drafting.hints import Hints, RegisteredVersion
from monitoring_pipeline.evaluation.drafting.reading.document import Document, as_items, as_mapping
from monitoring_pipeline.spec.sources import FeatureKind

_KINDS = {
    "integer": None,
    "long": None,
    "float": FeatureKind.NUMERIC,
    "double": FeatureKind.NUMERIC,
    "string": FeatureKind.CATEGORICAL,
    "boolean": FeatureKind.CATEGORICAL,
}
"""Whole numbers may be codes, so their kind is left to their values."""


def read_signature(document: Document, table: str | None) -> Hints | None:
    """Return all inputs and the names of the outputs of a signature; None if the file is something else."""
    del table
    content = document.mapping
    if "signature" not in content or not {"flavors", "model_uuid", "artifact_path"} & content.keys():
        return None
    signature = as_mapping(content["signature"])
    inputs = {name: _KINDS.get(kind) for name, kind in _columns(signature.get("inputs"))}
    outputs = tuple(name for name, _ in _columns(signature.get("outputs")))
    roles = {Role.PREDICTION: outputs, Role.SCORE: outputs} if len(outputs) == 1 else {}
    probable = tuple(name for name in outputs if "pro" in name.lower() or "score" in name.lower())
    roles = {Role.SCORE: probable} if probable else ({Role.PREDICTION: outputs} if roles else {})
    return Hints(origin=f"{document.name} (MLflow signature)", roles=roles, features=inputs, is_complete=bool(inputs))


def read_registered(text: str, address: str, registered: RegisteredVersion | None) -> Hints | None:
    """Return the advice in the file MLmodel of a registry; None if it has no signature with names of columns.

    Args:
        text: the file.
        address: the address of the model.
        registered: the version by the names of the registry, if it was found there.
    """
    hints = read_signature(Document("MLmodel", text), None)
    if hints is None or not (hints.features or hints.roles):
        return None
    return replace(hints, origin=f"{address} (MLflow signature)", registered=registered)


def _columns(schema: object) -> list[tuple[str, str]]:
    """Return names and types; tensors and columns without a name have none."""
    try:
        entries = json.loads(schema) if isinstance(schema, str) else schema
    except ValueError:
        return []
    columns = [as_mapping(entry) for entry in as_items(entries)]
    return [(str(each["name"]), str(each.get("type", ""))) for each in columns if each.get("name")]
