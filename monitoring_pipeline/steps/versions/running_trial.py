"""Finds the running trial of a model from its stored decisions."""

import datetime as dt
from dataclasses import dataclass

from monitoring_pipeline.ports.decisions import Decisions
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import PromotionEvidence, ShadowEvidence, TrialStage
from monitoring_pipeline.spec.model import ModelSpec

_ENDS = frozenset({
    (Topic.PROMOTION, Answer.REFUSED),
    (Topic.ROLLBACK, Answer.ROLLED_BACK),
    (Topic.PROBATION, Answer.PASSED),
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Two versions that are compared day by day.

    Args:
        stage: a shadow before the newcomer's promotion, or a probation after it.
        newcomer: the version on trial.
        incumbent: the version that the newcomer is to replace, or has replaced.
        since: the time at which the trial began.
        key: the key of the decision that began the trial.
    """

    stage: TrialStage
    newcomer: str
    incumbent: str
    since: dt.datetime
    key: DecisionKey


def running_trial(spec: ModelSpec, store: Decisions, *, at: dt.datetime | None = None) -> Trial | None:
    """Return the trial that runs after the decisions up to ``at``, or after all if that is None; None if none runs.

    A decision without a recorded incumbent begins no trial, because there is no version to compare with.
    """
    trial: Trial | None = None
    probation = spec.retraining is not None and spec.retraining.probation.days > 0
    for decision in store.decisions(spec.name):
        if at is not None and decision.at > at:
            break
        if decision.has(Topic.SHADOW, Answer.STARTED):
            trial = _begun(TrialStage.SHADOW, decision, decision.grounds(ShadowEvidence).incumbent)
        elif decision.has(Topic.PROMOTION, Answer.PROMOTED):
            begun = _begun(TrialStage.PROBATION, decision, decision.grounds(PromotionEvidence).incumbent)
            trial = begun if probation else None
        elif trial and _ends(decision, trial):
            trial = None
    return trial


def _begun(stage: TrialStage, decision: Decision, incumbent: str | None) -> Trial | None:
    if incumbent is None:
        return None
    newcomer = decision.model_version or ""
    return Trial(stage=stage, newcomer=newcomer, incumbent=incumbent, since=decision.at, key=decision.key)


def _ends(decision: Decision, trial: Trial) -> bool:
    """Return whether a decision ends a trial. A refusal ends only the trial of the refused version."""
    if (decision.topic, decision.answer) not in _ENDS:
        return False
    return decision.topic is not Topic.PROMOTION or trial.newcomer == (decision.model_version or "")
