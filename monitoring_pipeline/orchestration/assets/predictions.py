"""The run of the asset ``predictions``: the other chunks of a run are measured even if one is refused."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import dagster as dg

from monitoring_pipeline.evaluation.rows.errors import SourceUnreachableError
from monitoring_pipeline.orchestration.assets.asset import AssetRun, Event
from monitoring_pipeline.orchestration.assets.checks import check_results, outcome_of
from monitoring_pipeline.orchestration.assets.each_chunk import fail_on_refusals
from monitoring_pipeline.orchestration.runs.kept_chunks import note_kept_chunks, reason_to_keep
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.steps.chunk.incidents import update_incidents
from monitoring_pipeline.steps.chunk.predictions import PredictionsOutcome
from monitoring_pipeline.steps.chunk.verdict import verdict_of_refusal
from monitoring_pipeline.steps.versions.decisions import decide_after_chunk


@dataclass
class _Taken:
    """The outcomes of the chunks read so far.

    Attributes:
        measured: measurements by check and chunk key.
        refused: reasons of refused chunks by key.
        kept: reasons of chunks by key that could not be read again and keep their results.
    """

    measured: dict[str, dict[str, tuple[Measurement, ...]]] = field(
        default_factory=lambda: {"schema": {}, "values": {}, "rows": {}}
    )
    refused: dict[str, str] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)

    def add(self, chunk: Chunk, outcome: PredictionsOutcome) -> None:
        """Add the outcome of a chunk."""
        suite_measurements = {*outcome.suite.schema, *outcome.suite.values}
        self.measured["schema"][chunk.key] = outcome.suite.schema
        self.measured["values"][chunk.key] = outcome.suite.values
        self.measured["rows"][chunk.key] = tuple(m for m in outcome.results.measurements if m not in suite_measurements)
        if outcome.refusal:
            self.refused[chunk.key] = outcome.refusal

    @property
    def is_nothing_read(self) -> bool:
        """Whether every chunk was refused, so that later assets have no rows."""
        return len(self.refused) == len(self.measured["schema"])


def run_predictions(this: AssetRun) -> Iterator[Event]:
    """Read the predictions of each chunk; raise if no chunk could be read."""
    taken = _Taken()
    for chunk, read in this.measured_by_step(this.chunks):
        try:
            outcome: PredictionsOutcome = read()
        except SourceUnreachableError as error:
            if this.waits:
                raise
            taken.kept[chunk.key] = reason_to_keep(error)
            continue
        taken.add(chunk, outcome)
        this.write(outcome.results)
        if outcome.refusal:
            this.write(verdict_of_refusal(outcome.results))
    if taken.is_nothing_read:
        yield from _checks(this, taken)
        # No later asset will run, so incidents, alerts and decisions are updated here.
        update_incidents(this.spec, this.store, this.alerting, now=this.clock())
        decide_after_chunk(this.spec, this.chunks[-1], store=this.store, now=this.clock())
        fail_on_refusals(this.spec, taken.refused | taken.kept)
    note_kept_chunks(this.context, taken.kept)
    yield dg.MaterializeResult()
    yield from _checks(this, taken)


def _checks(this: AssetRun, taken: _Taken) -> Iterator[Event]:
    """Yield the check results of the chunks that were read.

    A blocking check stops the assets downstream only if no chunk was read, because it stops them for all chunks.
    """
    for check in this.asset.checks:
        if measured := taken.measured[check.name]:
            stops = taken.is_nothing_read if check.blocking else True
            outcomes = {key: outcome_of(check, of_chunk) for key, of_chunk in measured.items()}
            yield from check_results(this.context, check, outcomes, stops=stops)
