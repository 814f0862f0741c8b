"""The ports that are passed to the steps, grouped so that each step takes the smallest group that it needs."""

from dataclasses import dataclass

from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.own_functions import CallMeasure
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.serving_metrics import ServingMetrics
from monitoring_pipeline.ports.snapshots import Snapshots
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.suites import Suites
from monitoring_pipeline.ports.trainers import AskTrainer, RunTrainer
from monitoring_pipeline.ports.warehouse import Warehouse


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The results and rows that the pipeline has stored."""

    store: Store
    snapshots: Snapshots


@dataclass(frozen=True, kw_only=True)
class Reading(Kept):
    """For steps that also read the users' warehouse.

    Attributes:
        warehouse: the users' warehouse.
        suites: checks the rows.
        id_key: the key with which IDs are hashed.
        waits: whether the run is started again if a source is away; then nothing is recorded about it yet.
    """

    warehouse: Warehouse
    suites: Suites
    id_key: bytes
    waits: bool = False


@dataclass(frozen=True, kw_only=True)
class Scoring(Kept):
    """For steps that also score rows with registered model versions."""

    registry: Registry


@dataclass(frozen=True, kw_only=True)
class Calling(Kept):
    """For steps that also call the user's own functions on stored rows."""

    call_measure: CallMeasure


@dataclass(frozen=True, kw_only=True)
class Outside(Reading, Scoring, Calling):
    """All ports of one run, with its trainers, its clock and its ID."""

    run_trainer: RunTrainer
    ask_trainer: AskTrainer
    clock: Clock
    run_id: str
    serving_metrics: ServingMetrics
