"""Runs of assets over rolling windows: they also measure later chunks whose windows contain a chunk of the run."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import dagster as dg

from monitoring_pipeline.orchestration.assets.asset import AssetRun, Event
from monitoring_pipeline.orchestration.assets.checks import check_results, outcome_of
from monitoring_pipeline.orchestration.assets.each_chunk import measure_each_chunk
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.chunk import cost, fairness, operations, windows
from monitoring_pipeline.steps.chunk.objectives import chunks_after
from monitoring_pipeline.steps.chunk.verdict import judge_chunk
from monitoring_pipeline.steps.inputs import is_changed


class LaterChunks(Protocol):
    """Returns the later chunks whose numbers may follow from those of a chunk."""

    def __call__(self, spec: ModelSpec, chunk: Chunk, *, store: Store) -> tuple[Chunk, ...]:
        """Return them in order."""
        ...


def run_objectives(this: AssetRun) -> Iterator[Event]:
    """Measure the objectives as of each chunk of the run; then measure and judge the affected later chunks again."""
    measure_each_chunk(this)
    for chunk, measure in this.measured_by_step(chunks_after(this.spec, this.chunks[-1], store=this.store)):
        this.write(measure())
        this.write(judge_chunk(this.spec, chunk, this.measured, store=this.store))
    yield dg.MaterializeResult()


def run_over_windows(this: AssetRun) -> Iterator[Event]:
    """Measure the windows as of each chunk of the run, and those of later chunks; judge these again if they changed."""
    return _with_later_chunks(this, windows.later_chunks)


def run_fairness(this: AssetRun) -> Iterator[Event]:
    """Measure the groups of each chunk of the run, and the gaps of later chunks; judge these again if they changed."""
    return _with_later_chunks(this, fairness.later_chunks)


def run_cost(this: AssetRun) -> Iterator[Event]:
    """Measure the cost of each chunk of the run, and the month of later chunks; judge these again if they changed."""
    return _with_later_chunks(this, cost.later_chunks)


def run_operations(this: AssetRun) -> Iterator[Event]:
    """Measure how each chunk of the run was served; judge later chunks again that are judged beside these."""
    measurements = measure_each_chunk(this)
    for chunk in operations.later_chunks(this.spec, this.chunks[-1], store=this.store):
        results = operations.judge_server_again(this.spec, chunk, this.store)
        if results is not None:
            this.write(results)
            this.write(judge_chunk(this.spec, chunk, this.measured, store=this.store))
    this.draw_history()
    yield dg.MaterializeResult()
    yield from _checked(this, measurements)


def _with_later_chunks(this: AssetRun, later_chunks: LaterChunks) -> Iterator[Event]:
    measurements = measure_each_chunk(this)
    for chunk, measure in this.measured_by_step(later_chunks(this.spec, this.chunks[-1], store=this.store)):
        results = measure()
        if is_changed(results, store=this.store):
            this.write(results)
            this.write(judge_chunk(this.spec, chunk, this.measured, store=this.store))
    yield dg.MaterializeResult()
    yield from _checked(this, measurements)


def _checked(this: AssetRun, measurements: Mapping[str, tuple[Measurement, ...]]) -> Iterator[Event]:
    for check in this.asset.checks:
        outcomes = {key: outcome_of(check, measured) for key, measured in measurements.items()}
        yield from check_results(this.context, check, outcomes)
