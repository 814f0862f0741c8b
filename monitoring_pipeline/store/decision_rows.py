"""Convert decisions to rows of the store's table and back; every round trip is exact."""

import datetime as dt
from typing import Any

from sqlalchemy.engine import RowMapping

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import Evidence, MuteEvidence
from monitoring_pipeline.records.evidence_json import evidence_json, evidence_kind, evidence_of_json

_PLAIN = ("model", "reason", "actor", "at", "chunk", "model_version", "incident_id")
_UNTIL = " until "
_MINUTE = "%Y-%m-%d %H:%M UTC"


def decision_row(decision: Decision) -> dict[str, Any]:
    """Return the row of a decision."""
    return {
        **{name: getattr(decision, name) for name in _PLAIN},
        "reason": without_secrets(decision.reason),
        "topic": decision.topic.value,
        "answer": decision.answer_text,
        "key": decision.key.text,
        "evidence": evidence_json(decision.evidence),
    }


def decision_of(row: RowMapping) -> Decision:
    """Return the decision that a row holds."""
    topic, (answer, until) = Topic(row["topic"]), _answer_of(row["answer"])
    return Decision(
        topic=topic,
        answer=answer,
        key=DecisionKey(row["key"]),
        evidence=_evidence_of(row, topic, answer) if until is None else MuteEvidence(until=until),
        **{name: row[name] for name in _PLAIN},
    )


def _answer_of(text: str) -> tuple[Answer, dt.datetime | None]:
    """Return the answer in a text, and the end of the mute if the text contains one."""
    answer, _, until = text.partition(_UNTIL)
    return Answer(answer), dt.datetime.strptime(until, _MINUTE).replace(tzinfo=dt.UTC) if until else None


def _evidence_of(row: RowMapping, topic: Topic, answer: Answer) -> Evidence:
    return evidence_of_json(evidence_kind(topic, answer), row["evidence"])
