"""Sensors that request the runs for decisions: a retraining, the gate of an external challenger, the end of a trial."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster import DagsterInstance, RunsFilter

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
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
    """A run that is needed for a decision."""

    key: str
    job: str
    op: str
    config: dict[str, str]


def build_retraining_sensor(
    specs: Sequence[ModelSpec], jobs: Sequence[dg.JobDefinition], *, interval_seconds: int, names: Names = PLAIN
) -> dg.SensorDefinition:
    """Return the sensor that requests the runs that are needed for decisions."""

    @dg.sensor(
        name=names.of(SENSOR),
        jobs=jobs,
        minimum_interval_seconds=interval_seconds,
        description="Requests decided retrainings, gates of external challengers, and the ends of trials.",
    )
    @hidden_in_errors()
    @names.given
    def retraining(
        context: dg.SensorEvaluationContext, store: dg.ResourceParam[Store], registry: dg.ResourceParam[Registry]
    ) -> dg.SensorResult:
        requests: list[dg.RunRequest] = []
        for spec in specs:
            try:
                wanted = list(wanted_runs(spec, store, registry, names))
            except Exception:
                # Other models must not wait, whatever a registry raises.
                context.log.exception("%s: the registry cannot be reached", spec.name)
                continue
            possible = (run_request(spec, entry, context.instance, names) for entry in wanted)
            requests.extend(request for request in possible if request is not None)
        reason = None if requests else dg.SkipReason("all decisions have been carried out")
        return dg.SensorResult(run_requests=requests, skip_reason=reason)

    return retraining


def build_external_job_sensors(
    specs: Sequence[ModelSpec], *, interval_seconds: int, names: Names = PLAIN
) -> list[dg.SensorDefinition]:
    """Return a sensor for each model that another Dagster job trains; it requests that job with the decision key."""
    return [
        _external_job_sensor(spec, spec.retraining.job, interval_seconds, names)
        for spec in specs
        if spec.retraining is not None and spec.retraining.job is not None
    ]


def wanted_runs(spec: ModelSpec, store: Store, registry: Registry, names: Names = PLAIN) -> Iterator[Wanted]:
    """Yield the runs that are still needed for a model's decisions."""
    rules = spec.retraining
    if rules is None:
        return
    if rules.job is None:
        for decision in _open_retrainings(spec, store):
            config = {"decision_key": decision.key.text}
            yield Wanted(decision.key.text, names.retrain_job(spec), names.of(f"{spec.name}_train"), config)
    if rules.trainer is None:
        yield from _gate_of_external_challenger(spec, store, registry, names)
    trial = running_trial(spec, store)
    if trial is not None:
        yield from _end_of_trial(spec, trial, store, names)


def run_request(
    spec: ModelSpec, wanted: Wanted, instance: DagsterInstance, names: Names = PLAIN
) -> dg.RunRequest | None:
    """Return the request for a run; None if a run for its decision is unfinished, or after too many attempts."""
    runs = instance.get_runs(RunsFilter(tags={RUN_TAG: _tag(spec, wanted.key, names)}))
    if len(runs) >= MOST_TRIES or any(run.status in UNFINISHED for run in runs):
        return None
    return dg.RunRequest(
        run_key=f"{spec.name}:{wanted.key}:{len(runs)}",
        job_name=wanted.job,
        run_config={"ops": {wanted.op: {"config": wanted.config}}},
        tags={RUN_TAG: _tag(spec, wanted.key, names)} | ASKED_AGAIN,
    )


def _open_retrainings(spec: ModelSpec, store: Store) -> list[Decision]:
    """Return the last requested retraining, unless it is finished or was passed to an external trainer."""
    decisions = store.decisions(spec.name, topic=Topic.RETRAINING)
    requested = [decision for decision in decisions if decision.answer is Answer.YES]
    return [
        decision
        for decision in requested[-1:]
        if store.decision(spec.name, decision.key.roll_out()) is None
        and store.decision(spec.name, decision.key.asked()) is None
    ]


def _gate_of_external_challenger(spec: ModelSpec, store: Store, registry: Registry, names: Names) -> Iterator[Wanted]:
    version = registry.version_with_alias(spec.name, CHALLENGER)
    if version is None or version == registry.version_with_alias(spec.name, CHAMPION):
        return
    key = _decision_on(spec, version, store, registry)
    if store.decision(spec.name, key.roll_out()) is None:
        config = {"decision_key": key.text, "version": version}
        op = names.of(f"{spec.name}_outside_challenger")
        yield Wanted(f"{key}:{version}", names.gate_job(spec), op, config)


def _decision_on(spec: ModelSpec, version: str, store: Store, registry: Registry) -> DecisionKey:
    """Return the decision key for which an external challenger is judged.

    It is the key of the retraining that requested it if that retraining has no gate decision, else a key that is made
    from the version.
    """
    if gates := gates_on(spec, version, store):
        return gates[-1].key.origin(Step.GATE) or gates[-1].key
    requested_by = registry.version_tags(spec.name, version).get(DECISION_TAG)
    if requested_by and store.decision(spec.name, DecisionKey(requested_by).gate()) is None:
        return DecisionKey(requested_by)
    return DecisionKey.of_outside_challenger(version)


def _end_of_trial(spec: ModelSpec, trial: Trial, store: Store, names: Names) -> Iterator[Wanted]:
    """Yield the runs that follow from the answers about the running trial, except rollbacks left to a person."""
    rules = spec.retraining
    answers = store.decisions(spec.name, topic=Topic.TRIAL)
    for decision in (answer for answer in answers if answer.key.origin(Step.TRIAL) == trial.key):
        if decision.answer is Answer.ROLL_BACK and rules is not None and rules.probation.rollback == "manual":
            continue
        config = {
            "decision_key": decision.key.done().text,
            "action": ACTION_AFTER[decision.answer],
            "version": decision.model_version or "",
            "reason": decision.reason,
        }
        op = names.of(f"{spec.name}_change_version")
        yield Wanted(decision.key.text, names.rollout_job(spec), op, config)


def _external_job_sensor(spec: ModelSpec, job: str, interval_seconds: int, names: Names) -> dg.SensorDefinition:
    @dg.sensor(
        name=names.of(f"{spec.name}_asks_{job}"),
        job_name=job,
        minimum_interval_seconds=interval_seconds,
        description=f"Requests the job {job} when a retraining of {spec.name} is decided.",
    )
    @hidden_in_errors()
    @names.given
    def ask(_: dg.SensorEvaluationContext, store: dg.ResourceParam[Store]) -> dg.SensorResult:
        requests = [
            dg.RunRequest(
                run_key=f"{spec.name}:{decision.key}",
                tags={
                    RUN_TAG: _tag(spec, decision.key.text, names),
                    "model": names.of(spec.name),
                    DECISION_TAG: decision.key.text,
                },
            )
            for decision in _open_retrainings(spec, store)
        ]
        reason = None if requests else dg.SkipReason("no retraining is requested")
        return dg.SensorResult(run_requests=requests, skip_reason=reason)

    return ask


def _tag(spec: ModelSpec, key: str, names: Names) -> str:
    return names.tag(f"{spec.name}/{key}")
