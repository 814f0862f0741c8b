"""Records failures of retraining runs as decisions, because the incident a day later has to contain the reason."""

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from monitoring_pipeline.evaluation.privacy.messages import message_without_values
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey, Step
from monitoring_pipeline.records.evidence import FailureEvidence
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.versions.training import ACTOR


@contextmanager
def failure_recorded(
    spec: ModelSpec, decision_key: DecisionKey, *, now: dt.datetime, outside: Outside
) -> Iterator[None]:
    """Record an error in a run for a decision, once for each message, and raise it again.

    The decision stays open, so that the sensor requests another run.
    """
    try:
        yield
    except Exception as error:
        asked = outside.store.decision(spec.name, decision_key)
        reason = message_without_values(str(error)) or type(error).__name__
        outside.store.decide(
            Decision(
                model=spec.name,
                topic=Topic.RETRAINING,
                answer=Answer.FAILED,
                reason=reason,
                actor=ACTOR,
                at=now,
                key=decision_key.failure(reason),
                chunk=asked.chunk if asked else None,
                incident_id=asked.incident_id if asked else None,
                evidence=FailureEvidence(run_id=outside.run_id, error=type(error).__name__),
            )
        )
        raise


def last_failure(decision_key: DecisionKey, decisions: Iterable[Decision]) -> str | None:
    """Return the message of the last failed run for a decision; None if no run failed."""
    failures = (decision for decision in decisions if decision.has(Topic.RETRAINING, Answer.FAILED))
    reasons = [failure.reason for failure in failures if failure.key.origin(Step.FAILURE) == decision_key]
    return reasons[-1] if reasons else None
