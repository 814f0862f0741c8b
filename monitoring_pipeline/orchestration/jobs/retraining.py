"""The jobs of retraining: thin Dagster ops around the steps."""

import datetime as dt
from typing import cast

import dagster as dg

from monitoring_pipeline.orchestration.runs.partitions import as_of
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.records.decision import Decision
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.versions.failures import failure_recorded
from monitoring_pipeline.steps.versions.gate import run_gate
from monitoring_pipeline.steps.versions.roll_out import ACTIONS, Action, roll_out
from monitoring_pipeline.steps.versions.training import ACTOR, train_challenger


class RetrainConfig(dg.Config):
    """Which decision a retraining serves."""

    decision_key: str


class GateConfig(dg.Config):
    """Which challenger is judged."""

    decision_key: str
    version: str


class RollOutConfig(dg.Config):
    """What is to become of which version, who asks, and why; an empty version is the next in line."""

    decision_key: str
    action: str
    version: str = ""
    actor: str = ""
    reason: str = ""


def retrain_job_name(spec: ModelSpec) -> str:
    """Name of the job that trains a challenger and decides about it."""
    return f"{spec.name}_retrain"


def gate_job_name(spec: ModelSpec) -> str:
    """Name of the job that decides about a challenger that somebody else has trained."""
    return f"{spec.name}_gate"


def rollout_job_name(spec: ModelSpec) -> str:
    """Name of the job that changes which version serves."""
    return f"{spec.name}_rollout"


def build_retrain_job(loaded: LoadedSpec) -> dg.JobDefinition:
    """Return the job that trains a challenger for a decision, judges it, and does what the policy says."""
    spec = loaded.spec

    @dg.op(
        name=f"{spec.name}_train",
        out=dg.Out(dict, is_required=False),
        description="Trains on the warehouse's labelled rows and registers a challenger; nothing when done before.",
    )
    def train(context: dg.OpExecutionContext, config: RetrainConfig, outside: dg.ResourceParam[Outside]):  # noqa: ANN202
        key, now = DecisionKey(config.decision_key), _now(context, outside)
        with failure_recorded(spec, key, now=now, adapters=outside):
            version = train_challenger(spec, decision_key=key, now=now, adapters=outside)
        if version is None:
            context.log.info("training was asked for elsewhere: the challenger is judged when it is registered")
            return
        context.log.info("challenger: version %s", version)
        yield dg.Output({"version": version, "decision_key": key.text}, metadata={"version": version})

    judge, follow = _gate_op(spec), _roll_out_op(loaded)

    @dg.job(
        name=retrain_job_name(spec),
        executor_def=dg.in_process_executor,
        tags={"model": spec.name},
        description=f"Trains a challenger of {spec.name} and lets it take over if it is proven better.",
    )
    def retrain() -> None:
        follow(judge(train()))

    return retrain


def build_gate_job(loaded: LoadedSpec) -> dg.JobDefinition:
    """Return the job that judges a challenger that was registered from outside, and does what the policy says."""
    spec = loaded.spec

    @dg.op(name=f"{spec.name}_outside_challenger", out=dg.Out(dict))
    def outside_challenger(config: GateConfig) -> dict[str, str]:
        return {"version": config.version, "decision_key": config.decision_key}

    judge, follow = _gate_op(spec, "_outside"), _roll_out_op(loaded, "_outside")

    @dg.job(
        name=gate_job_name(spec),
        executor_def=dg.in_process_executor,
        tags={"model": spec.name},
        description=f"Judges a challenger of {spec.name} that was registered from outside.",
    )
    def gate() -> None:
        follow(judge(outside_challenger()))

    return gate


def build_rollout_job(loaded: LoadedSpec) -> dg.JobDefinition:
    """Return the job that changes which version serves: by a person's command, or when a trial has ended."""
    spec = loaded.spec

    @dg.op(name=f"{spec.name}_change_version", description=f"One of {', '.join(ACTIONS)}; done once for its key.")
    def change_version(
        context: dg.OpExecutionContext, config: RollOutConfig, outside: dg.ResourceParam[Outside]
    ) -> None:
        if config.action not in ACTIONS:
            message = f"unknown action {config.action!r}; known: {', '.join(ACTIONS)}"
            raise dg.Failure(description=message, allow_retries=False)
        asked = Action(
            version=config.version or None,
            decision_key=DecisionKey(config.decision_key),
            actor=config.actor or ACTOR,
            reason=config.reason,
            now=_now(context, outside),
        )
        _tell(context, ACTIONS[config.action](loaded, asked, adapters=outside))

    @dg.job(
        name=rollout_job_name(spec),
        executor_def=dg.in_process_executor,
        tags={"model": spec.name},
        description=f"Changes which version of {spec.name} serves.",
    )
    def rollout() -> None:
        change_version()

    return rollout


def _gate_op(spec: ModelSpec, suffix: str = "") -> dg.OpDefinition:
    # Dagster wants the name of an op to be its own within all jobs.
    @dg.op(
        name=f"{spec.name}_judge{suffix}",
        ins={"challenger": dg.In(dict)},
        out=dg.Out(dict),
        description="Challenger and champion on the same held-out rows; the answer is a decision.",
    )
    def judge(
        context: dg.OpExecutionContext, challenger: dict[str, str], outside: dg.ResourceParam[Outside]
    ) -> dict[str, str]:
        key, version = DecisionKey(challenger["decision_key"]), challenger["version"]
        now = _now(context, outside)
        with failure_recorded(spec, key, now=now, adapters=outside):
            decision = run_gate(spec, version, decision_key=key, now=now, adapters=outside)
        _tell(context, decision)
        return challenger

    return judge


def _roll_out_op(loaded: LoadedSpec, suffix: str = "") -> dg.OpDefinition:
    spec = loaded.spec

    @dg.op(
        name=f"{spec.name}_roll_out{suffix}",
        ins={"judged": dg.In(dict)},
        description="Promotes, waits, starts a shadow or refuses, as the policy says.",
    )
    def follow(context: dg.OpExecutionContext, judged: dict[str, str], outside: dg.ResourceParam[Outside]) -> None:
        key, now = DecisionKey(judged["decision_key"]), _now(context, outside)
        gate = outside.store.decision(spec.name, key.gate())
        if gate is None:
            raise dg.Failure(description=f"{spec.name}: the gate has left no decision for {key}")
        with failure_recorded(spec, key, now=now, adapters=outside):
            decision = roll_out(loaded, gate, decision_key=key, now=now, adapters=outside)
        _tell(context, decision)

    return follow


def _now(context: dg.OpExecutionContext, outside: Outside) -> dt.datetime:
    return as_of(cast("dg.AssetExecutionContext", context), outside.clock)


def _tell(context: dg.OpExecutionContext, decision: Decision) -> None:
    context.log.info(
        "%s: %s (version %s): %s", decision.topic, decision.answer_text, decision.model_version, decision.reason
    )
    context.add_output_metadata({"answer": decision.answer_text, "reason": decision.reason})
