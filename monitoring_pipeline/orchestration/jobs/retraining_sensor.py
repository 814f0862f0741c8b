"""Turns decisions into runs: a retraining that is asked for, a challenger from outside, the end of a trial."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster import DagsterInstance, RunsFilter

from monitoring_pipeline.orchestration.jobs.retraining import gate_job_name, retrain_job_name, rollout_job_name
from monitoring_pipeline.orchestration.runs.requests import ASKED_AGAIN, UNFINISHED
from monitoring_pipeline.ports.registry import CHALLENGER, CHAMPION, DECISION_TAG, Registry
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey, Step
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.versions.effects import gates_on
from monitoring_pipeline.steps.versions.roll_out import ACTION_AFTER
from monitoring_pipeline.steps.versions.running_trial import Trial, running_trial

SENSOR = "retraining"
MOST_TRIES = 3
RUN_TAG = "monitoring_pipeline/decision"


@dataclass(frozen=True)
class Wanted:
    """A run that a decision asks for."""

    key: str
    job: str
    op: str
    config: dict[str, str]


def build_retraining_sensor(
    specs: Sequence[ModelSpec], jobs: Sequence[dg.JobDefinition], *, interval_seconds: int
) -> dg.SensorDefinition:
    """Return the sensor that asks for the runs which decisions call for, each once."""

    @dg.sensor(
        name=SENSOR,
        jobs=jobs,
        minimum_interval_seconds=interval_seconds,
        description="Starts retrainings that were decided, judges challengers from outside, ends trials.",
    )
    def retraining(
        context: dg.SensorEvaluationContext, store: dg.ResourceParam[Store], registry: dg.ResourceParam[Registry]
    ) -> dg.SensorResult:
        requests: list[dg.RunRequest] = []
        for spec in specs:
            try:
                wanted = list(wanted_runs(spec, store, registry))
            except Exception:
                # Whatever a registry raises: the other models must not wait for it.
                context.log.exception("%s: the registry cannot be asked", spec.name)
                continue
            found = (run_request(spec, entry, context.instance) for entry in wanted)
            requests.extend(request for request in found if request is not None)
        reason = None if requests else dg.SkipReason("nothing was decided that has not been done")
        return dg.SensorResult(run_requests=requests, skip_reason=reason)

    return retraining


def build_external_job_sensors(specs: Sequence[ModelSpec], *, interval_seconds: int) -> list[dg.SensorDefinition]:
    """Return a sensor for each model that another Dagster job trains: it asks for that job, with the decision."""
    return [
        _external_job_sensor(spec, spec.retraining.job, interval_seconds)
        for spec in specs
        if spec.retraining is not None and spec.retraining.job is not None
    ]


def wanted_runs(spec: ModelSpec, store: Store, registry: Registry) -> Iterator[Wanted]:
    """Yield the runs that a model's decisions call for, and that have not been done."""
    rules = spec.retraining
    if rules is None:
        return
    if rules.job is None:
        for asked in _unserved_retrainings(spec, store):
            config = {"decision_key": asked.key.text}
            yield Wanted(asked.key.text, retrain_job_name(spec), f"{spec.name}_train", config)
    if rules.trainer is None:
        yield from _challenger_from_outside(spec, store, registry)
    trial = running_trial(spec, store)
    if trial is not None:
        yield from _end_of_trial(spec, trial, store)


def run_request(spec: ModelSpec, wanted: Wanted, instance: DagsterInstance) -> dg.RunRequest | None:
    """Return the request for a run, unless one for the same decision is under way or has failed too often."""
    runs = instance.get_runs(RunsFilter(tags={RUN_TAG: _tag(spec, wanted.key)}))
    if len(runs) >= MOST_TRIES or any(run.status in UNFINISHED for run in runs):
        return None
    return dg.RunRequest(
        run_key=f"{spec.name}:{wanted.key}:{len(runs)}",
        job_name=wanted.job,
        run_config={"ops": {wanted.op: {"config": wanted.config}}},
        tags={RUN_TAG: _tag(spec, wanted.key)} | ASKED_AGAIN,
    )


def _unserved_retrainings(spec: ModelSpec, store: Store) -> list[Decision]:
    """Return the last retraining that was asked for, unless it was brought to its end or handed to somebody else."""
    asked = [own for own in store.decisions(spec.name, topic=Topic.RETRAINING) if own.answer is Answer.YES]
    return [
        decision
        for decision in asked[-1:]
        if store.decision(spec.name, decision.key.roll_out()) is None
        and store.decision(spec.name, decision.key.asked()) is None
    ]


def _challenger_from_outside(spec: ModelSpec, store: Store, registry: Registry) -> Iterator[Wanted]:
    version = registry.version_with_alias(spec.name, CHALLENGER)
    if version is None or version == registry.version_with_alias(spec.name, CHAMPION):
        return
    key = _decision_on(spec, version, store, registry)
    if store.decision(spec.name, key.roll_out()) is None:
        config = {"decision_key": key.text, "version": version}
        yield Wanted(f"{key}:{version}", gate_job_name(spec), f"{spec.name}_outside_challenger", config)


def _decision_on(spec: ModelSpec, version: str, store: Store, registry: Registry) -> DecisionKey:
    """Return the key under which a challenger from outside is judged.

    It is that of the retraining which asked for it if no gate has judged one for that retraining, else its own.
    """
    if gates := gates_on(spec, version, store):
        return gates[-1].key.origin(Step.GATE) or gates[-1].key
    asked = registry.version_tags(spec.name, version).get(DECISION_TAG)
    if asked and store.decision(spec.name, DecisionKey(asked).gate()) is None:
        return DecisionKey(asked)
    return DecisionKey.of_outside_challenger(version)


def _end_of_trial(spec: ModelSpec, trial: Trial, store: Store) -> Iterator[Wanted]:
    """Yield what follows from the answer about the trial that runs; one that a person has ended asks for nothing."""
    rules = spec.retraining
    answers = [own for own in store.decisions(spec.name, topic=Topic.TRIAL) if own.key.origin(Step.TRIAL) == trial.key]
    for decision in answers:
        if decision.answer is Answer.ROLL_BACK and rules is not None and rules.probation.rollback == "manual":
            continue
        config = {
            "decision_key": decision.key.done().text,
            "action": ACTION_AFTER[decision.answer],
            "version": decision.model_version or "",
            "reason": decision.reason,
        }
        yield Wanted(decision.key.text, rollout_job_name(spec), f"{spec.name}_change_version", config)


def _external_job_sensor(spec: ModelSpec, job: str, interval_seconds: int) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{spec.name}_asks_{job}",
        job_name=job,
        minimum_interval_seconds=interval_seconds,
        description=f"Asks the job {job} to train {spec.name} when that was decided.",
    )
    def ask(_: dg.SensorEvaluationContext, store: dg.ResourceParam[Store]) -> dg.SensorResult:
        requests = [
            dg.RunRequest(
                run_key=f"{spec.name}:{decision.key}",
                tags={RUN_TAG: _tag(spec, decision.key.text), "model": spec.name, DECISION_TAG: decision.key.text},
            )
            for decision in _unserved_retrainings(spec, store)
        ]
        reason = None if requests else dg.SkipReason("no retraining is asked for")
        return dg.SensorResult(run_requests=requests, skip_reason=reason)

    return ask


def _tag(spec: ModelSpec, key: str) -> str:
    return f"{spec.name}/{key}"
