"""Evidently's ``DataDefinition`` and its older ``ColumnMapping``, in Python source or as JSON or YAML.

https://docs.evidentlyai.com/docs/library/data_definition
"""

import ast
from collections.abc import Mapping

from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
from monitoring_pipeline.evaluation.drafting.hints import Hints
from monitoring_pipeline.evaluation.drafting.reading.document import (
    Document,
    as_items,
    as_mapping,
    as_texts,
    literal,
)
from monitoring_pipeline.spec.sources import FeatureKind, Task

_DEFINITION_KEYS = {"numerical_columns", "categorical_columns", "id_column", "classification", "regression"}
_MAPPING_KEYS = {"numerical_features", "categorical_features", "target", "prediction", "datetime", "pos_label"}
_TASKS = {"regression": Task.REGRESSION}


def read_evidently(document: Document, table: str | None) -> Hints | None:
    """Return the advice in a definition of columns; None if the file is something else."""
    del table
    content = document.mapping
    if document.is_python:
        found = [arguments for _, arguments in document.calls("DataDefinition", "ColumnMapping") if arguments]
        content = found[0] if found else _assigned(document)
    if _DEFINITION_KEYS & content.keys() and not {"models", "sources", "kind", "flavors"} & content.keys():
        return _of_definition(document, content)
    return _of_mapping(document, content) if len(_MAPPING_KEYS & content.keys()) > 1 else None


def _of_definition(document: Document, content: Mapping[str, object]) -> Hints:
    task, output = _output(content)
    probabilities = as_texts(output.get("prediction_probas"))
    roles = {
        Role.ID: as_texts(content.get("id_column")),
        Role.TIME: as_texts(content.get("timestamp")),
        Role.LABEL: as_texts(output.get("target")),
        Role.PREDICTION: as_texts(output.get("prediction_labels") or output.get("prediction")),
        Role.SCORES if len(probabilities) > 1 else Role.SCORE: probabilities,
    }
    return _hints(
        document, roles, content, ("numerical_columns", "categorical_columns"), (task, output.get("pos_label"))
    )


def _output(content: Mapping[str, object]) -> tuple[Task | None, Mapping[str, object]]:
    for part in ("classification", "regression"):
        entries = [as_mapping(each) for each in as_items(content.get(part))]
        if entries:
            kind = str(entries[0].get("") or entries[0].get("type") or "").lower()
            task = Task.REGRESSION if part == "regression" else Task.BINARY if "binary" in kind else None
            return task, entries[0]
    return None, {}


def _of_mapping(document: Document, content: Mapping[str, object]) -> Hints:
    predictions = as_texts(content.get("prediction"))
    roles = {
        Role.ID: as_texts(content.get("id")),
        Role.TIME: as_texts(content.get("datetime")),
        Role.LABEL: as_texts(content.get("target")),
        Role.SCORES if len(predictions) > 1 else Role.PREDICTION: predictions,
    }
    task = _TASKS.get(str(content.get("task", "")).lower())
    return _hints(
        document, roles, content, ("numerical_features", "categorical_features"), (task, content.get("pos_label"))
    )


def _hints(
    document: Document,
    roles: Mapping[Role, tuple[str, ...]],
    content: Mapping[str, object],
    lists: tuple[str, str],
    learned: tuple[Task | None, object],
) -> Hints:
    columns_of_roles = {name for names in roles.values() for name in names}
    kinds = dict.fromkeys(as_texts(content.get(lists[0])), FeatureKind.NUMERIC)
    kinds |= dict.fromkeys(as_texts(content.get(lists[1])), FeatureKind.CATEGORICAL)
    task, positive = learned
    return Hints(
        origin=f"{document.name} (Evidently)",
        roles={role: names for role, names in roles.items() if names},
        features={name: kind for name, kind in kinds.items() if name not in columns_of_roles},
        task=task,
        positive=None if positive is None else str(positive).lower() if isinstance(positive, bool) else str(positive),
    )


def _assigned(document: Document) -> dict[str, object]:
    """Return the fields that are assigned one by one, as in ``column_mapping.target = "y"``."""
    fields: dict[str, object] = {}
    for node in document.syntax:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            target = node.targets[0]
            if isinstance(target.value, ast.Name) and "mapping" in target.value.id.lower():
                fields[target.attr] = literal(node.value)
    return fields
