"""All adapters that a retraining needs."""

from dataclasses import dataclass

from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.snapshots import Snapshots
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.suites import Suites
from monitoring_pipeline.ports.trainers import AskTrainer, RunTrainer
from monitoring_pipeline.ports.warehouse import Warehouse


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """Everything outside that the steps of a retraining work with."""

    warehouse: Warehouse
    store: Store
    snapshots: Snapshots
    suites: Suites
    registry: Registry
    run_trainer: RunTrainer
    ask_trainer: AskTrainer
    id_key: bytes
    clock: Clock
    run_id: str
