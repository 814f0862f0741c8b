"""Between the evidence of decisions and the JSON of the audit; every round trip is exact."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from monitoring_pipeline.records.decision import Answer, Topic
from monitoring_pipeline.records.evidence import (
    Evidence,
    ExternalTrainingEvidence,
    FailureEvidence,
    GateEvidence,
    MuteEvidence,
    NoEvidence,
    PromotionEvidence,
    RetrainingEvidence,
    RollbackEvidence,
    ShadowEvidence,
    TrialEvidence,
)

_KINDS: Mapping[tuple[Topic, Answer | None], type[Evidence]] = {
    (Topic.RETRAINING, None): RetrainingEvidence,
    (Topic.RETRAINING, Answer.ASKED): ExternalTrainingEvidence,
    (Topic.RETRAINING, Answer.FAILED): FailureEvidence,
    (Topic.GATE, None): GateEvidence,
    (Topic.PROMOTION, Answer.PROMOTED): PromotionEvidence,
    (Topic.SHADOW, None): ShadowEvidence,
    (Topic.ROLLBACK, None): RollbackEvidence,
    (Topic.TRIAL, None): TrialEvidence,
    (Topic.MUTE, None): MuteEvidence,
}
"""The kind of evidence of an answer to a question, or of all its other answers (None)."""
_NAMES: Mapping[type[Evidence], Mapping[str, str]] = {
    PromotionEvidence: {"incumbent": "former"},
    ShadowEvidence: {"incumbent": "champion"},
    RollbackEvidence: {"newcomer": "from"},
}
"""Names in the JSON that are not those of the fields."""
_ELSEWHERE = frozenset({NoEvidence, MuteEvidence})
"""Kinds that the JSON holds nothing of."""


def evidence_kind(topic: Topic, answer: Answer) -> type[Evidence]:
    """Return the kind of evidence that a decision has."""
    return _KINDS.get((topic, answer)) or _KINDS.get((topic, None)) or NoEvidence


def evidence_json(evidence: Evidence) -> dict[str, object]:
    """Return evidence as plain values."""
    if type(evidence) in _ELSEWHERE:
        return {}
    names = _NAMES.get(type(evidence), {})
    return {names.get(name, name): value for name, value in _plain(evidence).items()}


def evidence_of_json(kind: type[Evidence], values: Mapping[str, object]) -> Evidence:
    """Return the evidence that plain values hold. What is missing has its default, and what is unknown is left out."""
    if kind in _ELSEWHERE:
        return kind()
    names = _NAMES.get(kind, {})
    own = {field.name: names.get(field.name, field.name) for field in fields(kind)}
    return _adapter(kind).validate_python({name: values[stored] for name, stored in own.items() if stored in values})


@cache
def _adapter(kind: type[Evidence]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]  # pyright: ignore[reportUnknownVariableType]
    return value.isoformat() if isinstance(value, dt.date) else value
