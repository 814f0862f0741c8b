"""The declaration of a version's reference: the part of a model spec that it is built from, and its hashes."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import RULES_OF_LEARNED_FLOORS, RULES_OF_OPENING, ModelSpec
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.rules.operations import COLUMNS_OF_ROWS
from monitoring_pipeline.spec.sources import EARLIEST, ReferenceWindow

BUILT_FROM = frozenset(
    {
        "name", "task", "timezone", "cadence", "warehouse", "predictions", "labels", "features", "reference", "drift",
        "performance", "budget", "incidents", "operations", "privacy",
    }
)  # fmt: skip
"""The parts of a spec that a reference is built from; of most of these rules only some."""
RULES_OF_PERFORMANCE = frozenset({"minimum_rows", "quantile"})
Part = TypeVar("Part", bound=SpecPart)

_NEUTRAL = {"owner": "", "start": EARLIEST}
_HASHED_SEPARATELY = {"features", "drift", "budget", "incidents"}


@dataclass(frozen=True)
class ReferenceDeclaration:
    """Hashes of everything that a reference is built from.

    Args:
        rows: hash of the window, the sources, and the rules that concern all columns.
        features: hash of each feature, by name.
    """

    rows: str
    features: Mapping[str, str]

    @property
    def text(self) -> str:
        """The declaration in the form in which it is stored."""
        return json.dumps({"rows": self.rows, "features": dict(self.features)}, sort_keys=True)


@dataclass(frozen=True, kw_only=True)
class RowsElsewhere:
    """Rows that replace the table of predictions, from a table, a file or a query.

    Args:
        place: the model and field that declare them, such as ``churn: reference.1``.
        name: the name of the rows in messages about their columns.
        table: a table or view.
        file: an absolute path or an address.
        query: one SELECT.
        columns: names of columns in the rows, by the name that they are to have.
    """

    place: str
    name: str
    table: str | None = None
    file: str | None = None
    query: str | None = None
    columns: Mapping[str, str]


def declaration_from_text(text: str) -> ReferenceDeclaration:
    """Return the declaration that was stored as text."""
    return ReferenceDeclaration(**json.loads(text))


def spec_of_reference(spec: ModelSpec, model_version: str) -> ModelSpec:
    """Return the spec with only what a version's reference is built from; everything else has a neutral value.

    A reference is built from this spec. So a field that does not enter its hashes cannot enter the reference.
    """
    fields = type(spec).model_fields
    left_out = {name: _default(type(spec), name) for name in fields.keys() - BUILT_FROM - _NEUTRAL.keys()}
    labels = spec.labels and spec.labels.model_copy(update={"lookback": _default(type(spec.labels), "lookback")})
    return spec.model_copy(
        update=left_out
        | _NEUTRAL
        | {
            "labels": labels,
            "drift": _only(spec.drift, RULES_OF_LEARNED_FLOORS),
            "incidents": _only(spec.incidents, RULES_OF_OPENING),
            "operations": _only(spec.operations, COLUMNS_OF_ROWS),
            "performance": _only(spec.performance, RULES_OF_PERFORMANCE),
            "reference": {model_version: spec.reference[model_version]},
        }
    )


def declaration_of(spec: ModelSpec, model_version: str) -> ReferenceDeclaration:
    """Return the declaration of a version's reference.

    Rules of learned floors are not part of it, because ``ModelSpec.learned_floors_hash`` is kept in the reference.
    """
    built_from = spec_of_reference(spec, model_version)
    rows = built_from.model_dump_json(include=set(BUILT_FROM - _HASHED_SEPARATELY))
    features = {name: _hash(feature.model_dump_json()) for name, feature in spec.features.items()}
    return ReferenceDeclaration(_hash(rows), features)


def rows_elsewhere(loaded: LoadedSpec, model_version: str) -> RowsElsewhere | None:
    """Return the rows of a version's reference if they come from another source than the table of predictions."""
    spec, window = loaded.spec, loaded.spec.reference[model_version]
    if not window.is_elsewhere:
        return None
    file = window.file
    if file is not None and "://" not in file:
        file = str((loaded.path.parent / file).absolute())
    return RowsElsewhere(
        place=f"{spec.name}: reference.{model_version}",
        name=f"reference.{model_version}",
        table=window.table,
        file=file,
        query=window.query,
        columns=window.columns,
    )


def spec_of_rows_elsewhere(spec: ModelSpec, columns: Iterable[str]) -> ModelSpec:
    """Return the spec of rows from another source: their labels and versions are in the columns that they have.

    Args:
        spec: the model.
        columns: names of the columns of the rows.
    """
    names = {name.casefold() for name in columns}

    def has(name: str | None) -> bool:
        # A name may be the path to a value inside of a column.
        return name is not None and bool({name.casefold(), name.casefold().split(".")[0]} & names)

    predictions, labels = spec.predictions, spec.labels
    if not has(predictions.model_version):
        predictions = predictions.model_copy(update={"model_version": None})
    if labels is not None and has(labels.label):
        known_at = labels.known_at if has(labels.known_at) else None
        labels = labels.model_copy(update={"table": None, "id": None, "known_at": known_at})
    return spec.model_copy(update={"predictions": predictions, "labels": labels})


def window_of_key(key: str) -> ReferenceWindow:
    """Return the reference window with a key such as ``2013-01-01/2013-03-01``."""
    start, _, end = key.partition("/")
    return ReferenceWindow.model_validate({"start": start, "end": end})


def _only(part: Part, kept: frozenset[str]) -> Part:
    others = type(part).model_fields.keys() - kept
    return part.model_copy(update={name: _default(type(part), name) for name in others})


def _default(part: type[SpecPart], name: str) -> object:
    return part.model_fields[name].get_default(call_default_factory=True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
