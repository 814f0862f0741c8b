"""The step that reads a chunk's predictions, checks them, and writes their snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.quality.suite import SuiteResult
from monitoring_pipeline.evaluation.quality.table import measure_table
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.ports.outside import Reading
from monitoring_pipeline.ports.references import References
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    latest_time,
    made_from,
    outcome_fingerprint,
    require_rows_known_before,
)
from monitoring_pipeline.steps.references import load_reference, load_references, schema_refusal
from monitoring_pipeline.steps.refusals import refusal_results, unreadable
from monitoring_pipeline.steps.roles import without_shadows


@dataclass(frozen=True)
class PredictionsOutcome:
    """The results to store about a chunk's predictions; ``refusal`` is the reason if the chunk is refused."""

    results: ChunkResults
    suite: SuiteResult
    refusal: str | None


def take_predictions(loaded: LoadedSpec, chunk: Chunk, reading: Reading) -> PredictionsOutcome:
    """Read a chunk's predictions, run the suite on them, and write a snapshot unless the schema fails.

    Raises:
        SourceError: when the predictions cannot be read, do not fit the spec, or are gone.
    """
    spec = loaded.spec
    read = reading.warehouse.read_predictions(spec, chunk)
    require_rows_known_before(spec, chunk, PREDICTIONS, read.frame, store=reading.store)
    suite = reading.suites(spec, loaded.suite_path, without_shadows(spec, chunk, read.frame, reading.store))
    if suite.schema_failures:
        refusal = schema_refusal(spec, suite)
        results = refusal_results(spec, chunk, (*suite.schema, *suite.values))
        return PredictionsOutcome(results, suite, refusal)
    rows = canonical_predictions(spec, read.frame, id_key=reading.id_key, without_time=read.rows_without_time)
    content = fingerprint(rows.frame)
    snapshot = Snapshot(
        kind=PREDICTIONS,
        uri=reading.snapshots.write(
            rows.frame, model=spec.name, chunk=chunk.key, kind=PREDICTIONS, fingerprint=content
        ),
        fingerprint=content,
        rows=rows.frame.height,
        latest_at=latest_time(rows.frame["predicted_at"]),
    )
    # A prediction that a shadow also scored counts once.
    served = rows.frame.unique("row_id", keep="first", maintain_order=True)
    table = _measure_table(spec, chunk, served, read.table_columns, reading.store)
    measurements = (*rows.measurements, *table, *suite.schema, *suite.values)
    inputs = combined_fingerprint(content, outcome_fingerprint(measurements))
    results = ChunkResults(
        producer=PREDICTIONS,
        chunk=chunk,
        provenance=made_from(spec, inputs),
        measurements=measurements,
        snapshot=snapshot,
    )
    return PredictionsOutcome(results, suite, None)


def _measure_table(
    spec: ModelSpec, chunk: Chunk, rows: pl.DataFrame, columns: Mapping[str, str], store: References
) -> tuple[Measurement, ...]:
    """Compare the table with the facts about it in the reference of the version with most rows.

    If no version in the chunk has a reference, the first one of the spec is used.
    """
    counted = rows["model_version"].value_counts(name="rows").sort(["rows", "model_version"], descending=[True, False])
    references = load_references(spec, store, counted["model_version"])
    version = next((version for version in counted["model_version"] if version in references), None)
    reference = references[version] if version is not None else load_reference(spec, store, next(iter(spec.reference)))
    return measure_table(spec, chunk, rows["predicted_at"], columns, reference.table)


def predictions_or_refusal(loaded: LoadedSpec, chunk: Chunk, reading: Reading) -> PredictionsOutcome:
    """Read a chunk's predictions; if they cannot be read, return the refusal of the chunk.

    Raises:
        SourceUnreachableError: when the source was away, and the predictions of the chunk have been read before.
    """
    try:
        return take_predictions(loaded, chunk, reading)
    except SourceError as error:
        results = unreadable(loaded.spec, chunk, error, producer=PREDICTIONS, store=reading.store)
        return PredictionsOutcome(results, SuiteResult(schema=results.measurements, values=()), str(error))
