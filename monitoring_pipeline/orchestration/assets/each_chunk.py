"""The run of most assets: one step for each chunk, then the checks of all measurements."""

from collections.abc import Iterator

import dagster as dg

from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.errors import SourceUnreachableError
from monitoring_pipeline.orchestration.assets.asset import AssetRun, Event
from monitoring_pipeline.orchestration.assets.checks import check_results, outcome_of
from monitoring_pipeline.orchestration.runs.kept_chunks import kept_chunks, note_kept_chunks, reason_to_keep
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.refusals import refusal
from monitoring_pipeline.steps.same_projections import OtherProjectionsError


def each_chunk(this: AssetRun) -> Iterator[Event]:
    """Run the step of an asset for every chunk, and yield its checks."""
    measurements = measure_each_chunk(this)
    this.draw_history()
    yield dg.MaterializeResult()
    for check in this.asset.checks:
        outcomes = {key: outcome_of(check, measured) for key, measured in measurements.items()}
        yield from check_results(this.context, check, outcomes)


def measure_each_chunk(this: AssetRun) -> dict[str, tuple[Measurement, ...]]:
    """Measure every chunk, write the results of each chunk at once, and return the measurements by chunk.

    A chunk keeps its results if an asset that this one needs was refused or not read, if the source is unreachable, or
    if its texts and vectors were read with a reference that was rebuilt since.
    """
    measurements: dict[str, tuple[Measurement, ...]] = {}
    needs = this.asset.needs
    unread, kept = kept_chunks(this.context, needs), dict[str, str]()
    wanted = [
        chunk
        for chunk in this.chunks
        if chunk.key not in unread and all(refusal(this.spec, chunk, name, store=this.store) is None for name in needs)
    ]
    for chunk, measure in this.measured_by_step(wanted):
        try:
            results: ChunkResults = measure()
        except SourceUnreachableError as error:
            if this.waits:
                raise
            kept[chunk.key] = reason_to_keep(error)
            continue
        except OtherProjectionsError as error:
            kept[chunk.key] = f"not measured again, so the stored results stay: {error}"
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
