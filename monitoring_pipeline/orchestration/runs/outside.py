"""The ports of a run, made from its resources. Users may override each resource."""

from types import SimpleNamespace
from typing import cast

import dagster as dg

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.own_functions import CallMeasure
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.serving_metrics import ServingMetrics
from monitoring_pipeline.ports.snapshots import Snapshots
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.suites import Suites
from monitoring_pipeline.ports.trainers import AskTrainer, RunTrainer
from monitoring_pipeline.ports.warehouse import Warehouse
from monitoring_pipeline.steps.restoring import FindSpec, with_restored_snapshots

PORTS = frozenset({
    "warehouse", "store", "snapshots", "suites", "registry", "run_trainer", "ask_trainer", "id_key", "clock",
    "serving_metrics", "call_measure",
})  # fmt: skip


def build_outside(names: Names = PLAIN, find_spec: FindSpec = lambda _: None) -> dg.ResourceDefinition:
    """Return the resource that makes the ports of the steps of a run from the other resources.

    Args:
        names: the names of definitions.
        find_spec: finds the spec of a model whose damaged snapshots are to be read again.
    """

    @dg.resource(
        required_resource_keys={names.of(port) for port in PORTS},
        description="All ports that the steps use, made from the other resources.",
    )
    @hidden_in_errors()
    def outside(context: dg.InitResourceContext) -> Outside:
        found = {port: getattr(context.resources, names.of(port)) for port in PORTS}
        return with_restored_snapshots(_outside(context, SimpleNamespace(**found)), find_spec)

    return outside


def _outside(context: dg.InitResourceContext, resources: SimpleNamespace) -> Outside:
    return Outside(
        warehouse=cast("Warehouse", resources.warehouse),
        store=cast("Store", resources.store),
        snapshots=cast("Snapshots", resources.snapshots),
        suites=cast("Suites", resources.suites),
        registry=cast("Registry", resources.registry),
        run_trainer=cast("RunTrainer", resources.run_trainer),
        ask_trainer=cast("AskTrainer", resources.ask_trainer),
        id_key=cast("bytes", resources.id_key),
        clock=cast("Clock", resources.clock),
        serving_metrics=cast("ServingMetrics", resources.serving_metrics),
        call_measure=cast("CallMeasure", resources.call_measure),
        run_id=context.run.run_id if context.run else "",
    )
