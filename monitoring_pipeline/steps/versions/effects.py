"""The single effects of a change of versions. Each can be repeated without harm."""

import datetime as dt
from dataclasses import dataclass, replace

from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.registry import CHALLENGER
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import NO_EVIDENCE, Evidence, GateEvidence
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline.steps.reference.building import take_reference
from monitoring_pipeline.steps.roles import effective_spec
from monitoring_pipeline.steps.versions.training import ACTOR, champion_of


class RollOutError(ValueError):
    """A version cannot be promoted or rolled back to; the message names the version and the reason."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """One requested change of versions.

    Args:
        version: the version to change; ``None`` for the registry's challenger, or for a rollback the former champion.
        decision_key: the key of the resulting decision, so that the change happens once.
        actor: the person or program that requests it.
        reason: the reason to record.
        now: the present time.
    """

    version: str | None
    decision_key: DecisionKey
    actor: str = ACTOR
    reason: str = ""
    now: dt.datetime


def challenger_of(spec: ModelSpec, action: Action, outside: Outside) -> str:
    """Return the version that an action names, or the registry's challenger if it names none.

    Raises:
        RollOutError: when there is no challenger, or the registry does not have the version.
    """
    version = action.version or outside.registry.version_with_alias(spec.name, CHALLENGER)
    if version is None:
        raise RollOutError(f"{spec.name}: the registry has no challenger; name a version")
    if not outside.registry.has_version(spec.name, version):
        raise RollOutError(f"{spec.name}: the registry has no version {version!r}")
    return version


def version_beside(spec: ModelSpec, action: Action, outside: Outside) -> str:
    """Return the version of an action that must not be about the champion.

    A version that a gate has judged is accepted even if it has been deleted from the registry since.

    Raises:
        RollOutError: when there is no such version, or it is the champion.
    """
    version = action.version
    if version is None or not gates_on(spec, version, outside.store):
        version = challenger_of(spec, action, outside)
    if version == champion_of(spec, store=outside.store, registry=outside.registry):
        raise RollOutError(f"{spec.name}: version {version} is the champion; roll back instead")
    return version


def gates_on(spec: ModelSpec, version: str, store: Store) -> list[Decision]:
    """Return the decisions of gates on a version, oldest first."""
    return [decision for decision in store.decisions(spec.name, topic=Topic.GATE) if decision.model_version == version]


def replaced_by(spec: ModelSpec, version: str, outside: Outside) -> str:
    """Return the version that a promotion of ``version`` replaces.

    Raises:
        RollOutError: when ``version`` is the champion already, by an earlier promotion.
    """
    champion = champion_of(spec, store=outside.store, registry=outside.registry)
    if champion != version:
        return champion
    gates = gates_on(spec, version, outside.store)
    promoted = promotion_in_force(spec, outside.store)
    # If a killed run already moved the alias, the gate's decision still names the version that was replaced.
    champions = [gate.grounds(GateEvidence).champion for gate in gates]
    former = [champion for champion in champions if champion is not None and champion != version]
    if not former or (promoted is not None and promoted.model_version == version):
        raise RollOutError(f"{spec.name}: version {version} is the champion already")
    return former[-1]


def window_of(spec: ModelSpec, version: str, store: Store) -> ReferenceWindow:
    """Return the reference window of a version from the spec, or else the days that its gate held out.

    Raises:
        RollOutError: when no gate has judged the version.
    """
    if declared := effective_spec(spec, store).reference.get(version):
        return declared
    compared = [gate.grounds(GateEvidence) for gate in gates_on(spec, version, store)]
    windows = [
        ReferenceWindow(start=gate.held_out_start, end=gate.held_out_end)
        for gate in compared
        if gate.held_out_start and gate.held_out_end
    ]
    if not windows:
        message = f"{spec.name}: no gate has judged version {version}: run the job {spec.name}_gate first"
        raise RollOutError(message)
    return windows[-1]


def take_reference_of(
    loaded: LoadedSpec, version: str, window: ReferenceWindow, *, now: dt.datetime, outside: Outside
) -> None:
    """Build the reference of a version over a window, unless it is stored already."""
    spec = effective_spec(loaded.spec, outside.store)
    if version not in spec.reference:
        spec = spec.model_copy(update={"reference": spec.reference | {version: window}})
    take_reference(replace(loaded, spec=spec), version, outside, now=now)


def give_role(
    spec: ModelSpec,
    version: str,
    role: Role,
    action: Action,
    *,
    store: Store,
    window: ReferenceWindow | None = None,
) -> None:
    """Record a role unless the version has it already, because a repeated run would record it at another time."""
    newest = {record.model_version: record.role for record in store.versions(spec.name)}
    if newest.get(version) is not role:
        store.set_role(spec.name, version, role, action.now, window=window, by=action.actor)


def leave_line(spec: ModelSpec, version: str, outside: Outside) -> None:
    """Remove the alias ``challenger`` from a version if it has it."""
    if outside.registry.version_with_alias(spec.name, CHALLENGER) == version:
        outside.registry.delete_alias(spec.name, CHALLENGER)


def promotion_in_force(spec: ModelSpec, store: Store) -> Decision | None:
    """Return the last promotion that was not rolled back; None if there is none."""
    in_force: list[Decision] = []
    for decision in store.decisions(spec.name):
        if decision.has(Topic.PROMOTION, Answer.PROMOTED):
            in_force.append(decision)
        elif decision.topic is Topic.ROLLBACK:
            while in_force and in_force[-1].model_version != decision.model_version:
                in_force.pop()
    return in_force[-1] if in_force else None


def decide(
    spec: ModelSpec,
    topic: Topic,
    answer: Answer,
    version: str | None,
    action: Action,
    *,
    store: Store,
    evidence: Evidence = NO_EVIDENCE,
) -> Decision:
    """Write a decision and return it. It is the last effect of a change, so that a killed run is repeated."""
    decision = Decision(
        model=spec.name,
        topic=topic,
        answer=answer,
        reason=action.reason,
        actor=action.actor,
        at=action.now,
        key=action.decision_key,
        model_version=version,
        evidence=evidence,
    )
    store.decide(decision)
    return decision
