"""A retraining that a person asks for, which the sensor then starts like one that the policy decided."""

from monitoring_pipeline.evaluation.versions.retraining_policy import GIVEN_UP_AFTER
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.evidence import RetrainingEvidence
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.roles import recorded_champion
from monitoring_pipeline.steps.versions.effects import Action
from monitoring_pipeline.steps.versions.running_trial import running_trial
from monitoring_pipeline.steps.versions.training import retraining_rules


class CannotRetrainError(ValueError):
    """A retraining cannot begin now; the message says why."""


def ask_for_retraining(spec: ModelSpec, action: Action, *, store: Store) -> Decision:
    """Record that a person asks for a retraining; the cool-down and the persistence of the policy do not hold it back.

    Raises:
        NoRetrainingError: when the spec has no retraining policy.
        CannotRetrainError: when a retraining or a trial runs already.
    """
    retraining_rules(spec)
    requested = [d for d in store.decisions(spec.name, topic=Topic.RETRAINING) if d.answer is Answer.YES]
    running = [
        d for d in requested if action.now < d.at + GIVEN_UP_AFTER and not store.decision(spec.name, d.key.roll_out())
    ]
    if running:
        raise CannotRetrainError(f"{spec.name}: a retraining runs since {running[-1].at:%Y-%m-%d %H:%M} UTC")
    if trial := running_trial(spec, store):
        raise CannotRetrainError(f"{spec.name}: version {trial.newcomer} is on trial since {trial.since:%Y-%m-%d}")
    judged = list(store.verdicts(spec.name))
    champion = recorded_champion(spec, store)
    decision = Decision(
        model=spec.name,
        topic=Topic.RETRAINING,
        answer=Answer.YES,
        reason=action.reason,
        actor=action.actor,
        at=action.now,
        key=action.decision_key,
        chunk=judged[-1] if judged else None,
        evidence=RetrainingEvidence(
            chunk=judged[-1] if judged else None,
            serving=champion.model_version if champion else list(spec.reference)[-1],
        ),
    )
    store.decide(decision)
    return decision
