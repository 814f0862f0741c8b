"""The trial that is running, read from the store."""

import datetime as dt
from dataclasses import dataclass

from monitoring_pipeline.ports.decisions import Decisions
from monitoring_pipeline.records.incident import Decision
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.versions.effects import (
    PROMOTED,
    ROLLED_BACK,
    STARTED,
)
from monitoring_pipeline.steps.versions.training import (
    PASSED,
    REFUSED,
)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Two versions that are compared day by day: ``shadow`` before a promotion, ``probation`` after it.

    Args:
        stage: which of them.
        newcomer: the version on trial.
        incumbent: the version that it is to replace, or has replaced.
        since: when it began.
        key: key of the decision that began it.
    """

    stage: str
    newcomer: str
    incumbent: str
    since: dt.datetime
    key: str


def running_trial(spec: ModelSpec, store: Decisions, *, at: dt.datetime | None = None) -> Trial | None:
    """Return the two versions that are compared day by day, now or at a moment: a fold over the model's decisions."""
    trial: Trial | None = None
    probation = spec.retraining is not None and spec.retraining.probation.days > 0
    for decision in store.decisions(spec.name):
        if at is not None and decision.at > at:
            break
        ends = (decision.topic, decision.answer) in {
            ("promotion", REFUSED),
            ("rollback", ROLLED_BACK),
            ("probation", PASSED),
        }
        version = decision.model_version or ""
        if (decision.topic, decision.answer) == ("shadow", STARTED):
            trial = _trial("shadow", decision, version, str(decision.evidence["champion"]))
        elif (decision.topic, decision.answer) == ("promotion", PROMOTED):
            own = _trial("probation", decision, version, str(decision.evidence["former"]))
            trial = own if probation else None
        elif ends and trial and (decision.topic != "promotion" or trial.newcomer == version):
            trial = None
    return trial


def _trial(stage: str, decision: Decision, newcomer: str, incumbent: str) -> Trial:
    return Trial(stage=stage, newcomer=newcomer, incumbent=incumbent, since=decision.at, key=decision.key)
