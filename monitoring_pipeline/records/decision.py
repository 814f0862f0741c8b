"""A decision: one entry of the audit."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import NO_EVIDENCE, Evidence, MuteEvidence


class Topic(StrEnum):
    """The question that a decision answers."""

    RETRAINING = "retraining"
    GATE = "gate"
    PROMOTION = "promotion"
    SHADOW = "shadow"
    PROBATION = "probation"
    ROLLBACK = "rollback"
    TRIAL = "trial"
    ACKNOWLEDGEMENT = "acknowledgement"
    MUTE = "mute"
    OUTCOME = "outcome"
    COMMENT = "comment"


class Answer(StrEnum):
    """The answer of a decision."""

    YES = "yes"
    NO = "no"
    ASKED = "asked"
    FAILED = "failed"
    PASSED = "passed"
    REFUSED = "refused"
    UNMEASURED = "unmeasured"
    PROMOTED = "promoted"
    WAITS = "waits"
    STARTED = "started"
    ROLLED_BACK = "rolled_back"
    PROMOTE = "promote"
    REFUSE = "refuse"
    ROLL_BACK = "roll_back"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    UNMUTED = "unmuted"
    REAL = "real"
    NOISE = "noise"
    PLANNED = "planned"
    COMMENTED = "commented"


AnyEvidence = TypeVar("AnyEvidence")


@dataclass(frozen=True, kw_only=True)
class Decision:
    """One entry of the audit: what was decided about a model, by whom or what, and why.

    Args:
        model: the model.
        topic: the question.
        answer: the answer.
        reason: why.
        actor: the person or program that decided.
        at: when.
        key: makes it happen once. A second decision with the same model and key is not written.
        chunk: key of the chunk that it was decided on.
        model_version: the version that it is about.
        incident_id: the incident that it is about.
        evidence: the grounds; each topic has its own kind.
    """

    model: str
    topic: Topic
    answer: Answer
    reason: str
    actor: str
    at: dt.datetime
    key: DecisionKey
    chunk: str | None = None
    model_version: str | None = None
    incident_id: str | None = None
    evidence: Evidence = NO_EVIDENCE

    @property
    def answer_text(self) -> str:
        """The answer as it is stored and printed; that of a mute names its end."""
        if isinstance(self.evidence, MuteEvidence) and self.evidence.until is not None:
            return f"{self.answer} until {self.evidence.until:%Y-%m-%d %H:%M} UTC"
        return self.answer.value

    def has(self, topic: Topic, answer: Answer) -> bool:
        """Return whether the question was this one, and the answer too."""
        return self.topic is topic and self.answer is answer

    def grounds(self, kind: type[AnyEvidence]) -> AnyEvidence:
        """Return the evidence as one of its kinds.

        Raises:
            TypeError: when it is of another kind.
        """
        if not isinstance(self.evidence, kind):
            message = f"decision {self.key}: its evidence is {type(self.evidence).__name__}, not {kind.__name__}"
            raise TypeError(message)
        return self.evidence
