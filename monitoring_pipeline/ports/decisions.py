"""The audit of decisions about models."""

from typing import Protocol

from monitoring_pipeline.records.decision import Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey


class Decisions(Protocol):
    """Where decisions are kept."""

    def decide(self, decision: Decision) -> bool:
        """Write a decision unless one with the same key is stored; return whether it was written."""
        ...

    def decisions(self, model: str, *, topic: Topic | None = None) -> list[Decision]:
        """Return the decisions about a model, oldest first."""
        ...

    def decision(self, model: str, key: DecisionKey) -> Decision | None: ...
