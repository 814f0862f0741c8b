"""How most assets run: one step for each chunk, and a check of all that was measured."""

from collections.abc import Callable, Iterator, Sequence

import dagster as dg

from monitoring_pipeline.evaluation.rows.errors import SourceUnreachableError
from monitoring_pipeline.orchestration.assets.asset import AssetRun, Event, Step
from monitoring_pipeline.orchestration.assets.checks import check_result
from monitoring_pipeline.orchestration.runs.kept_chunks import kept_chunks, note_kept_chunks, reason_to_keep
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.refusals import refusal


def each_chunk(
    step: Callable[[AssetRun], Step], *, needs: Sequence[str] = ("predictions",)
) -> Callable[[AssetRun], Iterator[Event]]:
    """Return the run of an asset that takes one step for each chunk.

    Args:
        step: makes the step, once for a run.
        needs: assets whose rows the step reads; a chunk of which one was refused or not read is left as it is.
    """

    def run(this: AssetRun) -> Iterator[Event]:
        measurements = run_each_chunk(this, step(this), needs)
        for check in this.asset.checks:
            yield check_result(this.spec.name, this.asset.name, check, measurements)
        yield dg.MaterializeResult()

    return run


def run_each_chunk(this: AssetRun, step: Step, needs: Sequence[str]) -> dict[str, tuple[Measurement, ...]]:
    """Take a step for every chunk of the run, write the results of each at once, and return measurements by chunk.

    A chunk keeps its results if one of ``needs`` was refused or not read, or if the step finds the source unreachable.
    """
    measurements: dict[str, tuple[Measurement, ...]] = {}
    left, kept = kept_chunks(this.context, this.spec, needs), dict[str, str]()
    for chunk in this.chunks:
        if chunk.key in left or any(refusal(this.spec, chunk, name, store=this.store) is not None for name in needs):
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
    """Fail the run of the asset if rows of a chunk were refused or not read.

    Args:
        spec: the model.
        refusals: reasons by chunk key.

    Raises:
        dagster.Failure: with one line for each reason; it is not tried again, as that would not help.
    """
    if not refusals:
        return
    by_reason: dict[str, list[str]] = {}
    for key, reason in refusals.items():
        by_reason.setdefault(reason, []).append(key)
    lines = [f"{spec.name} {keys[0]}{f' and {len(keys) - 1} more' if len(keys) > 1 else ''}: {reason}"
             for reason, keys in by_reason.items()]  # fmt: skip
    raise dg.Failure(description="\n".join(lines), allow_retries=False)
