"""The step that reads a chunk's predictions, checks them, and writes their snapshot."""

from collections.abc import Mapping
from dataclasses import replace

import polars as pl

from monitoring_pipeline.evaluation.quality.suite import SuiteResult
from monitoring_pipeline.evaluation.quality.table import measure_table
from monitoring_pipeline.evaluation.reference.known_categories import number_codes, with_known_categories
from monitoring_pipeline.evaluation.reference.reference import Reference, projections_fingerprint
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions, versions_of
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.evaluation.rows.repeated import one_of_each_id, repeated_rows
from monitoring_pipeline.ports.outside import Reading
from monitoring_pipeline.records.measurement import Provenance
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.counted_predictions import count_predictions
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    latest_time,
    made_from,
    outcome_fingerprint,
    require_rows_known_before,
    without_forgotten,
)
from monitoring_pipeline.steps.predictions import PredictionsOutcome, expectation_of_rows, reference_of_table
from monitoring_pipeline.steps.pushdown import CountedThere, read_or_counted
from monitoring_pipeline.steps.references import load_references, schema_refusal
from monitoring_pipeline.steps.refusals import refusal_results, unreadable
from monitoring_pipeline.steps.roles import without_shadows


def take_predictions(loaded: LoadedSpec, chunk: Chunk, reading: Reading) -> PredictionsOutcome:
    """Read a chunk's predictions, run the suite on them, and write a snapshot unless the schema fails.

    The predictions of a large chunk are counted where they are; see ``count_predictions``.

    Raises:
        SourceError: when the predictions cannot be read, do not fit the spec, or are gone.
    """
    spec = loaded.spec
    read = read_or_counted(spec, chunk, reading.warehouse)
    if isinstance(read, CountedThere):
        return count_predictions(loaded, chunk, reading, read.counting)
    require_rows_known_before(spec, chunk, PREDICTIONS, read.frame, store=reading.store)
    suite = reading.suites(spec, loaded.suite_path, without_shadows(spec, chunk, read.frame, reading.store))
    if refusal := schema_refusal(spec, suite):
        results = refusal_results(spec, chunk, (*suite.schema, *suite.values))
        return PredictionsOutcome(results, suite, refusal)
    readable = read.frame.drop(suite.unreadable_columns(spec), strict=False)
    references = load_references(spec, reading.store, set(versions_of(spec, readable)))
    rows = canonical_predictions(
        spec,
        readable,
        id_key=reading.id_key,
        without_time=read.rows_without_time,
        projections={version: reference.projections for version, reference in references.items()},
    )
    frame = with_known_categories(
        without_forgotten(spec, rows.frame, reading.store),
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
    served = one_of_each_id(frame)
    counts = dict(served["model_version"].value_counts(name="rows").iter_rows())
    reference = reference_of_table(spec, counts, references, reading.store)
    table = measure_table(
        spec,
        chunk,
        served["predicted_at"],
        read.table_columns,
        reference.table,
        repeated=lambda: repeated_rows(served.drop("row_id")),
    )
    about_rows = expectation_of_rows(spec, chunk, reference, served.height)
    # Stored hashes depend on the order.
    measurements = (*about_rows((*rows.measurements, *table)), *suite.schema, *about_rows(suite.values))
    inputs = combined_fingerprint(content, outcome_fingerprint(measurements))
    results = ChunkResults(
        producer=PREDICTIONS,
        chunk=chunk,
        provenance=_made_from(spec, inputs, references, frame["model_version"]),
        measurements=measurements,
        snapshot=snapshot,
    )
    return PredictionsOutcome(results, suite, None)


def _made_from(spec: ModelSpec, inputs: str, references: Mapping[str, Reference], versions: pl.Series) -> Provenance:
    """Return the provenance of rows, with the projections that texts and vectors were read with."""
    made = made_from(spec, inputs)
    if not spec.derived_features:
        return made
    of_rows = {version: references[version] for version in versions.unique() if version in references}
    return replace(made, reference_hash=projections_fingerprint(of_rows))


def predictions_or_refusal(loaded: LoadedSpec, chunk: Chunk, reading: Reading) -> PredictionsOutcome:
    """Read a chunk's predictions; if they cannot be read, return the refusal of the chunk.

    Raises:
        SourceUnreachableError: when the source was away, and the run waits for it, or the predictions of the chunk have
            been read before.
    """
    try:
        return take_predictions(loaded, chunk, reading)
    except SourceError as error:
        results = unreadable(loaded.spec, chunk, error, producer=PREDICTIONS, reading=reading)
        return PredictionsOutcome(results, SuiteResult(schema=results.measurements, values=()), str(error))
