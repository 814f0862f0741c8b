"""The run of the asset ``objectives``: it also measures later chunks whose windows contain a chunk of the run."""

from collections.abc import Iterator

import dagster as dg

from monitoring_pipeline.orchestration.assets.asset import AssetRun, Event
from monitoring_pipeline.orchestration.assets.each_chunk import measure_each_chunk
from monitoring_pipeline.steps.chunk.objectives import chunks_after
from monitoring_pipeline.steps.chunk.verdict import judge_chunk


def run_objectives(this: AssetRun) -> Iterator[Event]:
    """Measure the objectives as of each chunk of the run; then measure and judge the affected later chunks again."""
    measure_each_chunk(this)
    for chunk, measure in this.measured_by_step(chunks_after(this.spec, this.chunks[-1], store=this.store)):
        this.write(measure())
        this.write(judge_chunk(this.spec, chunk, this.measured, store=this.store))
    yield dg.MaterializeResult()
