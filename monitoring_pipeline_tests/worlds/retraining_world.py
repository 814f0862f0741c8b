"""The small world with a retraining policy, and the ports of its steps."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from monitoring_pipeline.definitions import build_resources
from monitoring_pipeline.orchestration.runs.partitions import AS_OF_TAG
from monitoring_pipeline.own_functions import call_measure
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.prometheus.querying import PrometheusServers
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline.registry.trainers import run_trainer
from monitoring_pipeline.steps.versions.roll_out import Action
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline_tests.worlds.world import LOANS, QUIET, World

TRAINERS = "monitoring_pipeline_tests.registry.trainers_for_tests"
NOW = dt.datetime(2024, 4, 6, 6, tzinfo=dt.UTC)
KEY = DecisionKey("retraining:2024-04-05")
RETRAINING: dict[str, Any] = {
    "trainer": f"{TRAINERS}:boosting",
    "holdout_days": 8,
    "promotion": "automatic",
    "gate": {"segments": ["employment"]},
}
AGE_DECIDES = """
    CREATE OR REPLACE TABLE "Outcomes" AS
    SELECT "Ref", "Reported At", CASE WHEN hash("Ref") % 1000 < CASE WHEN age > 50 THEN 800 ELSE 200 END
                                      THEN 'default' ELSE 'repaid' END AS "Outcome"
    FROM "Outcomes" JOIN "Loan Scores" ON "Ref" = "Application ID"
"""
"""Outcomes that depend on age alone: the champion is no better than chance, and a model trained on age is good."""


@contextmanager
def outside(world: World) -> Iterator[Outside]:
    with world.store() as store:
        yield outside_of(world, store)


def outside_of(world: World, store: ResultStore) -> Outside:
    from monitoring_pipeline.quality.runner import run_suite

    settings = world.settings
    return Outside(
        warehouse=world.warehouse,
        store=store,
        snapshots=SnapshotFiles(settings.snapshots),
        suites=run_suite,
        registry=ModelRegistry(settings.mlflow_tracking_uri, settings.home / "mlflow"),
        run_trainer=run_trainer,
        ask_trainer=lambda secret, request: None,
        id_key=b"world",
        serving_metrics=PrometheusServers({}),
        call_measure=call_measure,
        clock=lambda: NOW,
        run_id="by hand",
    )


def action(key: str, version: str | None = None, **parts: Any) -> Action:
    return Action(version=version, decision_key=DecisionKey(key), now=parts.pop("now", NOW), **parts)


def aliases(ports: Outside) -> dict[str, str | None]:
    names = ("champion", "challenger", "former_champion")
    return {name: ports.registry.version_with_alias(LOANS, name) for name in names}


def roles(ports: Outside) -> dict[str, Role]:
    return {record.model_version: record.role for record in ports.store.versions(LOANS)}


def run_job(world: World, job: dg.JobDefinition, *, config: dict[str, Any]) -> dg.ExecuteInProcessResult:
    ports = outside_of(world, ResultStore.open(world.settings.store_url))
    replaced = {
        "registry": dg.ResourceDefinition.hardcoded_resource(ports.registry),
        "run_trainer": dg.ResourceDefinition.hardcoded_resource(ports.run_trainer),
        "ask_trainer": dg.ResourceDefinition.hardcoded_resource(ports.ask_trainer),
    }
    definitions = dg.Definitions(jobs=[job], resources=build_resources(world.settings) | replaced)
    return definitions.resolve_job_def(job.name).execute_in_process(
        instance=world.instance,
        run_config=QUIET | {"ops": {next(iter(job.graph.node_dict)): {"config": config}}},
        tags={AS_OF_TAG: NOW.isoformat()},
        raise_on_error=False,
    )
