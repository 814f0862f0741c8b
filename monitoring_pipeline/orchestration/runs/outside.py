"""The ports of a run, made from its resources. Users may override each resource."""

from typing import cast

import dagster as dg

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.snapshots import Snapshots
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.suites import Suites
from monitoring_pipeline.ports.trainers import AskTrainer, RunTrainer
from monitoring_pipeline.ports.warehouse import Warehouse


@dg.resource(
    required_resource_keys={
        "warehouse", "store", "snapshots", "suites", "registry", "run_trainer", "ask_trainer", "id_key", "clock",
    },
    description="All ports that the steps use, made from the other resources.",
)  # fmt: skip
@hidden_in_errors()
def outside_of_run(context: dg.InitResourceContext) -> Outside:
    """Return the ports of the steps of a run."""
    resources = context.resources
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
        run_id=context.run.run_id if context.run else "",
    )
