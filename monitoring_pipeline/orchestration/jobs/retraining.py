"""The jobs of retraining; their Dagster ops only call the steps."""

import datetime as dt
from typing import cast

import dagster as dg

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
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
    """The key of the decision that requests a retraining."""

    decision_key: str


class GateConfig(dg.Config):
    """The challenger to judge, and the key of the decision that it is judged for."""

    decision_key: str
    version: str


class RollOutConfig(dg.Config):
    """A change of versions: the action, the version, the actor and the reason.

    An empty version stands for the registry's challenger, or for a rollback the former champion.
    """

    decision_key: str
    action: str
    version: str = ""
    actor: str = ""
    reason: str = ""


def build_retrain_job(loaded: LoadedSpec, names: Names = PLAIN) -> dg.JobDefinition:
    """Return the job that trains a challenger for a decision, judges it, and applies the policy."""
    spec = loaded.spec

    @dg.op(
        name=names.of(f"{spec.name}_train"),
        out=dg.Out(dict, is_required=False),
        description="Trains a challenger on the labelled rows of the warehouse and registers it, once per decision.",
    )
    @names.given
    def train(context: dg.OpExecutionContext, config: RetrainConfig, outside: dg.ResourceParam[Outside]):  # noqa: ANN202
        key, now = DecisionKey(config.decision_key), _now(context, outside)
        with hidden_in_errors(), failure_recorded(spec, key, now=now, outside=outside):
            version = train_challenger(spec, decision_key=key, now=now, outside=outside)
        if version is None:
            context.log.info("an external trainer was requested; the challenger is judged when it is registered")
            return
        context.log.info("challenger: version %s", version)
        yield dg.Output({"version": version, "decision_key": key.text}, metadata={"version": version})

    judge, follow = _gate_op(spec, names), _roll_out_op(loaded, names)

    @dg.job(
        name=names.retrain_job(spec),
        executor_def=dg.in_process_executor,
        tags={"model": names.of(spec.name)},
        description=f"Trains a challenger of {spec.name} and, if it passes the gate, promotes it by the policy.",
    )
    def retrain() -> None:
        follow(judge(train()))

    return retrain


def build_gate_job(loaded: LoadedSpec, names: Names = PLAIN) -> dg.JobDefinition:
    """Return the job that judges a challenger registered by an external trainer, and applies the policy."""
    spec = loaded.spec

    @dg.op(name=names.of(f"{spec.name}_outside_challenger"), out=dg.Out(dict))
    def outside_challenger(config: GateConfig) -> dict[str, str]:
        return {"version": config.version, "decision_key": config.decision_key}

    judge, follow = _gate_op(spec, names, "_outside"), _roll_out_op(loaded, names, "_outside")

    @dg.job(
        name=names.gate_job(spec),
        executor_def=dg.in_process_executor,
        tags={"model": names.of(spec.name)},
        description=f"Judges a challenger of {spec.name} that an external trainer registered.",
    )
    def gate() -> None:
        follow(judge(outside_challenger()))

    return gate


def build_rollout_job(loaded: LoadedSpec, names: Names = PLAIN) -> dg.JobDefinition:
    """Return the job that changes the serving version after a person's command or at the end of a trial."""
    spec = loaded.spec

    @dg.op(
        name=names.of(f"{spec.name}_change_version"),
        description=f"Does one of {', '.join(ACTIONS)}, once per decision key.",
    )
    @hidden_in_errors()
    @names.given
    def change_version(
        context: dg.OpExecutionContext, config: RollOutConfig, outside: dg.ResourceParam[Outside]
    ) -> None:
        if config.action not in ACTIONS:
            message = f"unknown action {config.action!r}; known: {', '.join(ACTIONS)}"
            raise dg.Failure(description=message, allow_retries=False)
        action = Action(
            version=config.version or None,
            decision_key=DecisionKey(config.decision_key),
            actor=config.actor or ACTOR,
            reason=config.reason,
            now=_now(context, outside),
        )
        _report(context, ACTIONS[config.action](loaded, action, outside=outside))

    @dg.job(
        name=names.rollout_job(spec),
        executor_def=dg.in_process_executor,
        tags={"model": names.of(spec.name)},
        description=f"Changes the serving version of {spec.name}.",
    )
    def rollout() -> None:
        change_version()

    return rollout


def _gate_op(spec: ModelSpec, names: Names, suffix: str = "") -> dg.OpDefinition:
    # The suffix is needed because Dagster requires unique names of ops across all jobs.
    @dg.op(
        name=names.of(f"{spec.name}_judge{suffix}"),
        ins={"challenger": dg.In(dict)},
        out=dg.Out(dict),
        description="Compares challenger and champion on the same held-out rows, and records the answer as a decision.",
    )
    @names.given
    def judge(
        context: dg.OpExecutionContext, challenger: dict[str, str], outside: dg.ResourceParam[Outside]
    ) -> dict[str, str]:
        key, version = DecisionKey(challenger["decision_key"]), challenger["version"]
        now = _now(context, outside)
        with hidden_in_errors(), failure_recorded(spec, key, now=now, outside=outside):
            decision = run_gate(spec, version, decision_key=key, now=now, outside=outside)
        _report(context, decision)
        return challenger

    return judge


def _roll_out_op(loaded: LoadedSpec, names: Names, suffix: str = "") -> dg.OpDefinition:
    spec = loaded.spec

    @dg.op(
        name=names.of(f"{spec.name}_roll_out{suffix}"),
        ins={"judged": dg.In(dict)},
        description="Promotes or refuses the challenger, starts a shadow, or waits for a person, by the policy.",
    )
    @names.given
    def follow(context: dg.OpExecutionContext, judged: dict[str, str], outside: dg.ResourceParam[Outside]) -> None:
        key, now = DecisionKey(judged["decision_key"]), _now(context, outside)
        gate = outside.store.decision(spec.name, key.gate())
        if gate is None:
            raise dg.Failure(description=f"{spec.name}: no decision of the gate is stored for {key}")
        with hidden_in_errors(), failure_recorded(spec, key, now=now, outside=outside):
            decision = roll_out(loaded, gate, decision_key=key, now=now, outside=outside)
        _report(context, decision)

    return follow


def _now(context: dg.OpExecutionContext, outside: Outside) -> dt.datetime:
    return as_of(cast("dg.AssetExecutionContext", context), outside.clock)


def _report(context: dg.OpExecutionContext, decision: Decision) -> None:
    context.log.info(
        "%s: %s (version %s): %s", decision.topic, decision.answer_text, decision.model_version, decision.reason
    )
    context.add_output_metadata({"answer": decision.answer_text, "reason": decision.reason})
