"""The declaration of a version's reference: the part of a model spec that it is built from, and its hashes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from monitoring_pipeline.spec.model import EARLIEST, RULES_OF_LEARNED_FLOORS, ModelSpec
from monitoring_pipeline.spec.parsing.part import SpecPart

BUILT_FROM = frozenset(
    {
        "name", "task", "timezone", "cadence", "predictions", "labels", "features", "reference", "drift",
        "performance",
    }
)  # fmt: skip
"""The parts of a spec that a reference is built from; of the last two only the rules named below."""
RULES_OF_PERFORMANCE = frozenset({"minimum_rows", "quantile"})
Part = TypeVar("Part", bound=SpecPart)

_NEUTRAL = {"owner": "", "start": EARLIEST}
_HASHED_SEPARATELY = {"features", "drift"}


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


def _only(part: Part, kept: frozenset[str]) -> Part:
    others = type(part).model_fields.keys() - kept
    return part.model_copy(update={name: _default(type(part), name) for name in others})


def _default(part: type[SpecPart], name: str) -> object:
    return part.model_fields[name].get_default(call_default_factory=True)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
