"""What made the run of a retraining fail, in the audit: its incident comes a day later, and has to say why."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from monitoring_pipeline.evaluation.privacy.messages import message_without_values
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.records.incident import Decision
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.versions.training import ACTOR

FAILED = "failed"


@contextmanager
def failure_recorded(spec: ModelSpec, decision_key: str, *, now: dt.datetime, adapters: Outside) -> Iterator[None]:
    """Write down the error that ends a run which serves a decision, and let it pass; the same error is written once.

    The decision is not served by that: the sensor tries again.
    """
    try:
        yield
    except Exception as error:
        asked = adapters.store.decision(spec.name, decision_key)
        reason = message_without_values(str(error)) or type(error).__name__
        which = hashlib.sha256(reason.encode()).hexdigest()[:8]
        adapters.store.decide(
            Decision(
                model=spec.name,
                topic="retraining",
                answer=FAILED,
                reason=reason,
                actor=ACTOR,
                at=now,
                key=f"{_prefix(decision_key)}{which}",
                chunk=asked.chunk if asked else None,
                incident_id=asked.incident_id if asked else None,
                evidence={"run_id": adapters.run_id, "error": type(error).__name__},
            )
        )
        raise


def last_failure(decision_key: str, decisions: Iterable[Decision]) -> str | None:
    """Return the last error, among the decisions about a model, of a run that serves one of them."""
    reasons = [own.reason for own in decisions if own.answer == FAILED and own.key.startswith(_prefix(decision_key))]
    return reasons[-1] if reasons else None


def _prefix(decision_key: str) -> str:
    return f"{decision_key}:{FAILED}:"
