"""Changes of versions: a challenger is promoted, waits, runs as a shadow or is refused; a promotion is rolled back.

Each change can be repeated. Effects that have happened are skipped, and the decision is written last.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import replace

from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.registry import CHAMPION, FORMER_CHAMPION
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import (
    GateEvidence,
    PromotionEvidence,
    RollbackEvidence,
    ShadowEvidence,
    TrialStage,
)
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.roles import effective_spec
from monitoring_pipeline.steps.versions.effects import (
    Action,
    RollOutError,
    challenger_of,
    decide,
    give_role,
    leave_line,
    promotion_in_force,
    replaced_by,
    take_reference_of,
    version_beside,
    window_of,
)
from monitoring_pipeline.steps.versions.running_trial import running_trial
from monitoring_pipeline.steps.versions.training import (
    champion_of,
    retraining_rules,
)


def roll_out(
    loaded: LoadedSpec, gate: Decision, *, decision_key: DecisionKey, now: dt.datetime, outside: Outside
) -> Decision:
    """Apply the policy to a challenger after the gate's answer, once; return the decision."""
    rules = retraining_rules(loaded.spec)
    action = Action(version=gate.model_version, decision_key=decision_key.roll_out(), reason=gate.reason, now=now)
    if gate.answer is Answer.REFUSED:
        return refuse(loaded, action, outside=outside)
    if gate.answer is not Answer.PASSED:
        return _wait(loaded, replace(action, reason=f"the gate could not measure: {gate.reason}"), outside=outside)
    serving = champion_of(loaded.spec, store=outside.store, registry=outside.registry)
    champion = gate.grounds(GateEvidence).champion
    if serving not in {champion, gate.model_version}:
        reason = f"the gate held it against version {champion}, but version {serving} serves now"
        return _wait(loaded, replace(action, reason=reason), outside=outside)
    after: dict[str, _Effect] = {"automatic": promote, "manual": _wait, "shadow": start_shadow}
    return after[rules.promotion](loaded, action, outside=outside)


def promote(loaded: LoadedSpec, action: Action, *, outside: Outside) -> Decision:
    """Promote a version: build its reference, record the roles, move the registry's aliases, and write the decision.

    If the action names no version, the registry's ``challenger`` is promoted.

    Raises:
        RollOutError: when there is no such version, it serves already, or no gate has judged it.
    """
    spec, store, registry = loaded.spec, outside.store, outside.registry
    if stored := store.decision(spec.name, action.decision_key):
        return stored
    rules = retraining_rules(spec)
    version = challenger_of(spec, action, outside)
    former = replaced_by(spec, version, outside)
    window = window_of(spec, version, store)
    take_reference_of(loaded, version, window, now=action.now, outside=outside)
    role = Role.SHADOW if rules.probation.days else Role.RETIRED
    give_role(spec, version, Role.CHAMPION, action, store=store, window=window)
    give_role(spec, former, role, action, store=store)
    if registry.has_version(spec.name, former):
        registry.set_alias(spec.name, FORMER_CHAMPION, former)
    registry.set_alias(spec.name, CHAMPION, version)
    leave_line(spec, version, outside)
    _stand_down(spec, {version, former}, f"version {version} was promoted", action, outside=outside)
    evidence = PromotionEvidence(incumbent=former, window_start=window.start, window_end=window.end)
    return decide(spec, Topic.PROMOTION, Answer.PROMOTED, version, action, store=store, evidence=evidence)


def roll_back(loaded: LoadedSpec, action: Action, *, outside: Outside) -> Decision:
    """Let the version of the action serve again; if it names none, the version that the last promotion replaced.

    Raises:
        RollOutError: when no promotion is in force, or neither the registry nor the spec has the version.
    """
    spec, store, registry = loaded.spec, outside.store, outside.registry
    if stored := store.decision(spec.name, action.decision_key):
        return stored
    promotion = promotion_in_force(spec, store)
    if promotion is None or promotion.model_version is None:
        raise RollOutError(f"{spec.name}: no promotion in force to roll back")
    back = action.version or promotion.grounds(PromotionEvidence).incumbent
    if back is None:
        raise RollOutError(
            f"{spec.name}: the last promotion does not name the version that it replaced; name a version"
        )
    if back == promotion.model_version:
        raise RollOutError(f"{spec.name}: version {back} is the one that was promoted; it cannot be rolled back to")
    if action.version and not _has_served(spec, action.version, outside):
        raise RollOutError(f"{spec.name}: neither the registry nor the spec has a version {action.version!r}")
    give_role(spec, back, Role.CHAMPION, action, store=store)
    give_role(spec, promotion.model_version, Role.RETIRED, action, store=store)
    if registry.has_version(spec.name, back):
        registry.set_alias(spec.name, CHAMPION, back)
    else:
        registry.delete_alias(spec.name, CHAMPION)
    registry.delete_alias(spec.name, FORMER_CHAMPION)
    _stand_down(spec, {back}, f"version {back} serves again", action, outside=outside)
    evidence = RollbackEvidence(newcomer=promotion.model_version)
    return decide(spec, Topic.ROLLBACK, Answer.ROLLED_BACK, back, action, store=store, evidence=evidence)


def refuse(loaded: LoadedSpec, action: Action, *, outside: Outside) -> Decision:
    """Refuse a challenger, and remove its alias; if the action names no version, the registry's ``challenger``.

    Raises:
        RollOutError: when there is no such version, or it is the champion.
    """
    spec, store = loaded.spec, outside.store
    if stored := store.decision(spec.name, action.decision_key):
        return stored
    version = version_beside(spec, action, outside)
    if any(record.model_version == version for record in store.versions(spec.name)):
        give_role(spec, version, Role.RETIRED, action, store=store)
    leave_line(spec, version, outside)
    return decide(spec, Topic.PROMOTION, Answer.REFUSED, version, action, store=store)


def start_shadow(loaded: LoadedSpec, action: Action, *, outside: Outside) -> Decision:
    """Let a challenger run as a shadow: it is monitored and does not serve.

    Raises:
        RollOutError: when there is no such version, it is the champion, or no gate has judged it.
    """
    spec, store = loaded.spec, outside.store
    if stored := store.decision(spec.name, action.decision_key):
        return stored
    version = version_beside(spec, action, outside)
    window = window_of(spec, version, store)
    take_reference_of(loaded, version, window, now=action.now, outside=outside)
    give_role(spec, version, Role.SHADOW, action, store=store, window=window)
    champion = champion_of(spec, store=store, registry=outside.registry)
    _stand_down(spec, {version, champion}, f"version {version} runs beside instead", action, outside=outside)
    evidence = ShadowEvidence(incumbent=champion)
    return decide(spec, Topic.SHADOW, Answer.STARTED, version, action, store=store, evidence=evidence)


def end_probation(loaded: LoadedSpec, action: Action, *, outside: Outside) -> Decision:
    """Retire the former champion, because its successor is proven not worse; a rollback is still possible.

    Raises:
        RollOutError: when no promotion is in force.
    """
    spec, store = loaded.spec, outside.store
    if stored := store.decision(spec.name, action.decision_key):
        return stored
    promotion = promotion_in_force(spec, store)
    if promotion is None:
        raise RollOutError(f"{spec.name}: no promotion whose probation could end")
    if incumbent := promotion.grounds(PromotionEvidence).incumbent:
        give_role(spec, incumbent, Role.RETIRED, action, store=store)
    return decide(spec, Topic.PROBATION, Answer.PASSED, promotion.model_version, action, store=store)


_Effect = Callable[..., Decision]
ACTIONS: Mapping[str, _Effect] = {
    "promote": promote,
    "roll_back": roll_back,
    "refuse": refuse,
    "start_shadow": start_shadow,
    "end_probation": end_probation,
}
"""The actions of the roll-out job, by name."""
ACTION_AFTER: Mapping[Answer, str] = {
    Answer.PROMOTE: "promote",
    Answer.REFUSE: "refuse",
    Answer.ROLL_BACK: "roll_back",
    Answer.PASSED: "end_probation",
}
"""The action that follows from each answer about a trial."""


def _stand_down(spec: ModelSpec, kept: set[str], because: str, action: Action, *, outside: Outside) -> None:
    """Retire all other champions and shadows, because only two versions are compared at a time; refuse a shadow."""
    store = outside.store
    for record in store.versions(spec.name):
        if record.role in {Role.CHAMPION, Role.SHADOW} and record.model_version not in kept:
            give_role(spec, record.model_version, Role.RETIRED, action, store=store)
            leave_line(spec, record.model_version, outside)
    trial = running_trial(spec, store)
    if trial is not None and trial.stage is TrialStage.SHADOW and trial.newcomer not in kept:
        reason = f"its trial ended undecided: {because}"
        ended = replace(action, decision_key=trial.key.trial_answer(trial.stage, "ended"), reason=reason)
        decide(spec, Topic.PROMOTION, Answer.REFUSED, trial.newcomer, ended, store=store)


def _has_served(spec: ModelSpec, version: str, outside: Outside) -> bool:
    in_registry = outside.registry.has_version(spec.name, version)
    return in_registry or version in effective_spec(spec, outside.store).reference


def _wait(loaded: LoadedSpec, action: Action, *, outside: Outside) -> Decision:
    """Let a challenger keep its alias until a person decides."""
    spec, store = loaded.spec, outside.store
    if stored := store.decision(spec.name, action.decision_key):
        return stored
    return decide(spec, Topic.PROMOTION, Answer.WAITS, challenger_of(spec, action, outside), action, store=store)
