"""Everything outside, made from the resources of a run: users may override each of these."""

from typing import cast

import dagster as dg

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
    description="Everything outside that the steps work with, made from the other resources.",
)  # fmt: skip
def outside_of_run(context: dg.InitResourceContext) -> Outside:
    """Return everything outside that the steps of a run work with."""
    given = context.resources
    return Outside(
        warehouse=cast("Warehouse", given.warehouse),
        store=cast("Store", given.store),
        snapshots=cast("Snapshots", given.snapshots),
        suites=cast("Suites", given.suites),
        registry=cast("Registry", given.registry),
        run_trainer=cast("RunTrainer", given.run_trainer),
        ask_trainer=cast("AskTrainer", given.ask_trainer),
        id_key=cast("bytes", given.id_key),
        clock=cast("Clock", given.clock),
        run_id=context.run.run_id if context.run else "",
    )
