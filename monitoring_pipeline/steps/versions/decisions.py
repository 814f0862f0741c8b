"""The step that decides once a night about retraining and trials of a model; each answer is a row of the audit."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TypeVar

from monitoring_pipeline.evaluation.incidents.changes import is_active
from monitoring_pipeline.evaluation.incidents.horizon import is_within_horizon
from monitoring_pipeline.evaluation.versions.retraining_policy import (
    GIVEN_UP_AFTER,
    LOOK_BACK,
    JudgedChunk,
    RetrainingCase,
    decide_retraining,
    judged_chunk_of,
)
from monitoring_pipeline.evaluation.versions.trial import decide_probation, decide_shadow
from monitoring_pipeline.ports.decisions import Decisions
from monitoring_pipeline.ports.incidents import Incidents
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.versions import Versions
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import TrialEvidence, TrialStage
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.retraining import ProbationRules, RetrainingRules, ShadowRules
from monitoring_pipeline.steps.roles import recorded_champion
from monitoring_pipeline.steps.versions.running_trial import Trial, running_trial
from monitoring_pipeline.steps.versions.training import ACTOR
from monitoring_pipeline.steps.versions.trial import trial_days

LEAST_CHUNKS = 2
_OF_PERFORMANCE = (Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE)
TrialRules = TypeVar("TrialRules", ShadowRules, ProbationRules)


def decide_after_chunk(spec: ModelSpec, chunk: Chunk, *, store: Store, now: dt.datetime) -> tuple[Decision, ...]:
    """Decide about retraining and about a running trial as of a chunk; return the new decisions.

    Answers about a chunk beyond the horizon are never changed.
    """
    rules = spec.retraining
    if rules is None:
        return ()
    young = is_within_horizon(spec, chunk, now)
    decided = [_about_retraining(spec, rules, chunk, young=young, store=store, now=now)]
    if young:
        decided.append(_about_trial(spec, rules, chunk, store=store, now=now))
    return tuple(decision for decision in decided if decision is not None and store.decide(decision))


def _about_retraining(
    spec: ModelSpec, rules: RetrainingRules, chunk: Chunk, *, young: bool, store: Store, now: dt.datetime
) -> Decision | None:
    before = store.decisions(spec.name, topic=Topic.RETRAINING)
    of_chunk = [decision for decision in before if decision.chunk == chunk.key]
    if any(decision.answer is Answer.YES for decision in of_chunk) or (of_chunk and not young):
        return None
    requested = [decision for decision in before if decision.answer is Answer.YES]
    judged = [decision for decision in requested if store.decision(spec.name, decision.key.gate())]
    champion = recorded_champion(spec, store)
    changes = [decision.at for decision in judged] + ([champion.since] if champion else [])
    history = _history(spec, rules, chunk, store)
    case = RetrainingCase(
        history=history,
        serving=_serving(spec, history, store),
        now=now.astimezone(spec.zone),
        horizon=spec.incidents.horizon,
        label_delay=spec.label_delay,
        length=spec.calendar.length,
        last_change=max(changes, default=None),
        trial=_running_trial_text(spec, rules, store, now),
        running=any(now < decision.at + GIVEN_UP_AFTER for decision in requested if decision not in judged),
    )
    answer = decide_retraining(rules, case)
    return Decision(
        model=spec.name,
        topic=Topic.RETRAINING,
        answer=answer.answer,
        reason=answer.reason,
        actor=ACTOR,
        at=now,
        key=DecisionKey.of_retraining(chunk.key, answer.answer),
        chunk=chunk.key,
        incident_id=_incident_of(spec, store),
        evidence=answer.evidence,
    )


def _history(spec: ModelSpec, rules: RetrainingRules, chunk: Chunk, store: Results) -> list[JudgedChunk]:
    """Return the states of the judged chunks that the policy considers, oldest first."""
    calendar = spec.calendar
    back = LOOK_BACK * max(rules.breached.of, rules.estimated.of) + calendar.count(spec.label_delay)
    first = calendar.earlier(chunk, back).key
    by_chunk: dict[str, list[Measurement]] = {}
    for key, measurement in _of_the_policy(spec, first, chunk.key, store):
        by_chunk.setdefault(key, []).append(measurement)
    outputs = {*spec.output_columns, "label"}
    return [
        judged_chunk_of(key, calendar.chunk(key).end, by_chunk.get(key, ()), outputs=outputs)
        for key in sorted(store.verdicts(spec.name))
        if first <= key <= chunk.key
    ]


def _of_the_policy(spec: ModelSpec, first: str, last: str, store: Results) -> Iterator[tuple[str, Measurement]]:
    """Yield the measurements that the policy reads, some twice: a wide model has thousands of others on each chunk.

    The drift of the outputs shows how many rows of each version there are, also where no label is known.
    """
    yield from store.chunk_measurements(spec.name, None, first, last, kinds=_OF_PERFORMANCE)
    yield from store.chunk_measurements(spec.name, None, first, last, statuses=(Status.BREACHED,))
    for output in spec.output_columns:
        yield from store.chunk_measurements(spec.name, None, first, last, kinds=(Kind.DRIFT,), subject=output)


def _serving(spec: ModelSpec, history: Sequence[JudgedChunk], store: Versions) -> str:
    """Return the version that serves now: the store's champion, or the newest night's version if the store lacks that.

    The store has no versions before the first promotion, and no version that was put into service in another way. A
    night on which no rows could be read has no version.
    """
    newest = next((night.model_version for night in reversed(history) if night.model_version), "")
    champion = recorded_champion(spec, store)
    recorded = {record.model_version for record in store.versions(spec.name)}
    return champion.model_version if champion and newest in {"", *recorded} else newest


def _running_trial_text(spec: ModelSpec, rules: RetrainingRules, store: Decisions, now: dt.datetime) -> str | None:
    """Return a text about the running trial, which blocks retraining; None if none runs, or it is long overdue."""
    trial = running_trial(spec, store)
    if trial is None:
        return None
    shadow = trial.stage is TrialStage.SHADOW
    days = rules.shadow.maximum_days if shadow else rules.probation.days
    end = trial.since + dt.timedelta(days=days) + spec.label_delay
    if now >= end + GIVEN_UP_AFTER:
        return None
    state = "runs as a shadow" if shadow else "is on probation"
    return f"version {trial.newcomer} {state}, to end by {end.astimezone(spec.zone):%Y-%m-%d}"


def _in_chunks(rules: TrialRules, calendar: Calendar) -> TrialRules:
    """Return the rules of a trial with numbers of chunks in place of days, because it has a difference per chunk."""
    in_days = {name: getattr(rules, name) for name in type(rules).model_fields if name.endswith("days")}
    in_chunks = {name: days and calendar.chunks_in_days(days) for name, days in in_days.items()}
    # A mean difference has bounds from the second chunk on.
    return rules.model_copy(update=in_chunks | {"minimum_days": max(in_chunks["minimum_days"], LEAST_CHUNKS)})


def _about_trial(
    spec: ModelSpec, rules: RetrainingRules, chunk: Chunk, *, store: Store, now: dt.datetime
) -> Decision | None:
    trial = running_trial(spec, store)
    if trial is None:
        return None
    days = trial_days(spec, trial, chunk.key, store)
    days_with_labels_due = spec.calendar.count(chunk.end - spec.label_delay - trial.since)
    noun = spec.calendar.noun
    if trial.stage is TrialStage.SHADOW:
        answer = decide_shadow(_in_chunks(rules.shadow, spec.calendar), days, days_with_labels_due, noun=noun)
    else:
        answer = decide_probation(_in_chunks(rules.probation, spec.calendar), days, days_with_labels_due, noun=noun)
    if answer.answer is None:
        return None
    return Decision(
        model=spec.name,
        topic=Topic.TRIAL,
        answer=answer.answer,
        reason=answer.reason,
        actor=ACTOR,
        at=now,
        key=trial.key.trial_answer(trial.stage, answer.answer),
        chunk=chunk.key,
        model_version=_version_of(trial, answer.answer),
        incident_id=_incident_of(spec, store),
        evidence=TrialEvidence(stage=trial.stage, newcomer=trial.newcomer, incumbent=trial.incumbent),
    )


def _version_of(trial: Trial, answer: Answer) -> str:
    """Return the version to act on after an answer: the incumbent for a rollback, else the newcomer."""
    return trial.incumbent if answer is Answer.ROLL_BACK else trial.newcomer


def _incident_of(spec: ModelSpec, store: Incidents) -> str | None:
    """Return the ID of the active incident about the champion's performance; None if there is none."""
    active = [entry for entry in store.incidents(spec.name) if is_active(entry.incident)]
    return next((entry.incident_id for entry in active if entry.incident.cause == Cause(Family.PERFORMANCE)), None)
