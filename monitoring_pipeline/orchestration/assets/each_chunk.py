"""The run of most assets: one step for each chunk, then the checks of all measurements."""

from collections.abc import Callable, Iterator, Sequence

import dagster as dg

from monitoring_pipeline.evaluation.rows.errors import SourceUnreachableError
from monitoring_pipeline.orchestration.assets.asset import AssetRun, Event, Step
from monitoring_pipeline.orchestration.assets.checks import check_result
from monitoring_pipeline.orchestration.runs.kept_chunks import kept_chunks, note_kept_chunks, reason_to_keep
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.refusals import refusal


def each_chunk(
    step: Callable[[AssetRun], Step], *, needs: Sequence[Producer] = (Producer.PREDICTIONS,)
) -> Callable[[AssetRun], Iterator[Event]]:
    """Return the run of an asset that takes one step for each chunk.

    Args:
        step: makes the step, once per run.
        needs: assets whose rows the step reads. A chunk keeps its results if one of them was refused or not read.
    """

    def run(this: AssetRun) -> Iterator[Event]:
        measurements = run_each_chunk(this, step(this), needs)
        for check in this.asset.checks:
            yield check_result(this.spec.name, this.asset.name, check, measurements)
        yield dg.MaterializeResult()

    return run


def run_each_chunk(this: AssetRun, step: Step, needs: Sequence[Producer]) -> dict[str, tuple[Measurement, ...]]:
    """Run a step for every chunk, write the results of each chunk at once, and return the measurements by chunk.

    A chunk keeps its results if one of ``needs`` was refused or not read, or if the step finds the source unreachable.
    """
    measurements: dict[str, tuple[Measurement, ...]] = {}
    unread, kept = kept_chunks(this.context, this.spec, needs), dict[str, str]()
    for chunk in this.chunks:
        if chunk.key in unread or any(refusal(this.spec, chunk, name, store=this.store) is not None for name in needs):
            continue
        try:
            results = step(chunk)
        except SourceUnreachableError as error:
            kept[chunk.key] = reason_to_keep(error)
            continue
        this.write(results)
        measurements[chunk.key] = results.measurements
    note_kept_chunks(this.context, kept)
    return measurements


def fail_on_refusals(spec: ModelSpec, refusals: dict[str, str]) -> None:
    """Raise if rows of a chunk were refused or not read.

    Args:
        spec: the model.
        refusals: reasons by chunk key.

    Raises:
        dagster.Failure: with one line for each reason. It is not retried, because a retry would fail, too.
    """
    if not refusals:
        return
    by_reason: dict[str, list[str]] = {}
    for key, reason in refusals.items():
        by_reason.setdefault(reason, []).append(key)
    lines = [f"{spec.name} {keys[0]}{f' and {len(keys) - 1} more' if len(keys) > 1 else ''}: {reason}"
             for reason, keys in by_reason.items()]  # fmt: skip
    raise dg.Failure(description="\n".join(lines), allow_retries=False)
