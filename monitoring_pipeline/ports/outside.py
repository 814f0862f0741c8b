"""Everything outside the process, as the steps are handed it: each step takes the smallest view that it needs."""

from dataclasses import dataclass

from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.snapshots import Snapshots
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.suites import Suites
from monitoring_pipeline.ports.trainers import AskTrainer, RunTrainer
from monitoring_pipeline.ports.warehouse import Warehouse


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The results and rows that the pipeline itself has stored."""

    store: Store
    snapshots: Snapshots


@dataclass(frozen=True, kw_only=True)
class Reading(Kept):
    """For steps that also read the users' warehouse: ids are hashed with ``id_key``, rows are checked by ``suites``."""

    warehouse: Warehouse
    suites: Suites
    id_key: bytes


@dataclass(frozen=True, kw_only=True)
class Scoring(Kept):
    """For steps that also ask registered model versions for scores."""

    registry: Registry


@dataclass(frozen=True, kw_only=True)
class Outside(Reading, Scoring):
    """Everything, as one run has it: also who trains, what time it is, and the run's own name."""

    run_trainer: RunTrainer
    ask_trainer: AskTrainer
    clock: Clock
    run_id: str
