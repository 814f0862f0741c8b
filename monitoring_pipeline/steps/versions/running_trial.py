"""The trial that is running, read from the store."""

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
        stage: whether it takes place before the newcomer's promotion or after.
        newcomer: the version on trial.
        incumbent: the version that it is to replace, or has replaced.
        since: when it began.
        key: key of the decision that began it.
    """

    stage: TrialStage
    newcomer: str
    incumbent: str
    since: dt.datetime
    key: DecisionKey


def running_trial(spec: ModelSpec, store: Decisions, *, at: dt.datetime | None = None) -> Trial | None:
    """Return the two versions that are compared day by day, now or at a moment: a fold over the model's decisions.

    A beginning whose incumbent was not recorded begins no trial, as there is nothing to compare with.
    """
    trial: Trial | None = None
    probation = spec.retraining is not None and spec.retraining.probation.days > 0
    for decision in store.decisions(spec.name):
        if at is not None and decision.at > at:
            break
        if decision.has(Topic.SHADOW, Answer.STARTED):
            trial = _begun(TrialStage.SHADOW, decision, decision.grounds(ShadowEvidence).incumbent)
        elif decision.has(Topic.PROMOTION, Answer.PROMOTED):
            own = _begun(TrialStage.PROBATION, decision, decision.grounds(PromotionEvidence).incumbent)
            trial = own if probation else None
        elif trial and _ends(decision, trial):
            trial = None
    return trial


def _begun(stage: TrialStage, decision: Decision, incumbent: str | None) -> Trial | None:
    if incumbent is None:
        return None
    newcomer = decision.model_version or ""
    return Trial(stage=stage, newcomer=newcomer, incumbent=incumbent, since=decision.at, key=decision.key)


def _ends(decision: Decision, trial: Trial) -> bool:
    """Return whether a decision ends a trial; a refusal ends only that of the version which is refused."""
    if (decision.topic, decision.answer) not in _ENDS:
        return False
    return decision.topic is not Topic.PROMOTION or trial.newcomer == (decision.model_version or "")
