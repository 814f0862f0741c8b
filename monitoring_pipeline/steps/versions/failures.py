"""What made the run of a retraining fail, in the audit: its incident comes a day later, and has to say why."""

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
    spec: ModelSpec, decision_key: DecisionKey, *, now: dt.datetime, adapters: Outside
) -> Iterator[None]:
    """Write down the error that ends a run which serves a decision, and let it pass; the same error is written once.

    The decision is not served by that: the sensor tries again.
    """
    try:
        yield
    except Exception as error:
        asked = adapters.store.decision(spec.name, decision_key)
        reason = message_without_values(str(error)) or type(error).__name__
        adapters.store.decide(
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
                evidence=FailureEvidence(run_id=adapters.run_id, error=type(error).__name__),
            )
        )
        raise


def last_failure(decision_key: DecisionKey, decisions: Iterable[Decision]) -> str | None:
    """Return the last error, among the decisions about a model, of a run that serves one of them."""
    failed = (own for own in decisions if own.has(Topic.RETRAINING, Answer.FAILED))
    reasons = [own.reason for own in failed if own.key.origin(Step.FAILURE) == decision_key]
    return reasons[-1] if reasons else None
