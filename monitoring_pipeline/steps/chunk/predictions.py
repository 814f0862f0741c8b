"""The step that reads a chunk's predictions, checks them, and writes their snapshot."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl

from monitoring_pipeline.evaluation.quality.suite import SuiteResult, unreadable_features
from monitoring_pipeline.evaluation.quality.table import measure_table
from monitoring_pipeline.evaluation.quality.volume import as_expected_gap, why_none_expected, without_least_rows
from monitoring_pipeline.evaluation.reference.known_categories import number_codes, with_known_categories
from monitoring_pipeline.evaluation.reference.reference import Reference
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
    if refusal := schema_refusal(spec, suite):
        results = refusal_results(spec, chunk, (*suite.schema, *suite.values))
        return PredictionsOutcome(results, suite, refusal)
    readable = read.frame.drop(unreadable_features(spec, suite.schema), strict=False)
    rows = canonical_predictions(spec, readable, id_key=reading.id_key, without_time=read.rows_without_time)
    references = load_references(spec, reading.store, rows.frame["model_version"].unique())
    frame = with_known_categories(
        rows.frame,
        number_codes(spec, readable, read.table_columns),
        {version: reference.bins for version, reference in references.items()},
    )
    content = fingerprint(frame)
    snapshot = Snapshot(
        kind=PREDICTIONS,
        uri=reading.snapshots.write(frame, model=spec.name, chunk=chunk.key, kind=PREDICTIONS, fingerprint=content),
        fingerprint=content,
        rows=frame.height,
        latest_at=latest_time(frame["predicted_at"]),
    )
    # A prediction that a shadow also scored counts once.
    served = frame.unique("row_id", keep="first", maintain_order=True)
    reference = _reference_of(spec, served, references, reading.store)
    table = measure_table(
        spec, chunk, served["predicted_at"], read.table_columns, reference.table, repeated=lambda: _repeated(served)
    )
    about_rows = _expectation(spec, chunk, reference, served.height)
    # Stored hashes depend on the order.
    measurements = (*about_rows((*rows.measurements, *table)), *suite.schema, *about_rows(suite.values))
    inputs = combined_fingerprint(content, outcome_fingerprint(measurements))
    results = ChunkResults(
        producer=PREDICTIONS,
        chunk=chunk,
        provenance=made_from(spec, inputs),
        measurements=measurements,
        snapshot=snapshot,
    )
    return PredictionsOutcome(results, suite, None)


def _reference_of(
    spec: ModelSpec, rows: pl.DataFrame, references: Mapping[str, Reference], store: References
) -> Reference:
    """Return the reference of the version with most rows, with which the table is compared.

    If no version in the chunk has a reference, the first one of the spec is used.
    """
    counted = rows["model_version"].value_counts(name="rows").sort(["rows", "model_version"], descending=[True, False])
    version = next((version for version in counted["model_version"] if version in references), None)
    return references[version] if version is not None else load_reference(spec, store, next(iter(spec.reference)))


def _expectation(
    spec: ModelSpec, chunk: Chunk, reference: Reference, rows: int
) -> Callable[[Sequence[Measurement]], tuple[Measurement, ...]]:
    """Return a function from measurements of a chunk to those that count if it need not have predictions."""
    reason = why_none_expected(spec.calendar, chunk, reference.table.slots(spec))
    if reason is None:
        return tuple
    return without_least_rows if rows else partial(as_expected_gap, reason=reason)


def _repeated(rows: pl.DataFrame) -> int:
    """Return the number of rows that equal an earlier one in everything but the id."""
    content = rows.drop("row_id")
    return content.height - content.unique().height


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
