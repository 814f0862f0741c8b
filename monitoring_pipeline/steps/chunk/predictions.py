"""The steps of one night, each for one chunk: read, call pure functions, return what the store shall hold."""

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
import polars as pl

import monitoring_pipeline
from monitoring_pipeline.evaluation.judgement.guards import measure_guards
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.evaluation.operations.pipeline_health import about_the_model, decisive_measurements
from monitoring_pipeline.evaluation.profiles.profile import profile_chunk
from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.quality.suite import READABLE, SuiteResult, source_failure
from monitoring_pipeline.evaluation.quality.table import measure_table
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows.canonical import (
    SourceError,
    SourceUnreachableError,
    canonical_predictions,
    combined_fingerprint,
    fingerprint,
)
from monitoring_pipeline.ports.store import Snapshots, Store, Suites, Warehouse
from monitoring_pipeline.records.measurement import Kind, Measurement, Provenance, Severity, Status
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import (
    LABELS,
    PREDICTIONS,
    latest_time,
    made_from,
    outcome_fingerprint,
    require_rows_known_before,
    required_snapshot,
    versions_in,
)
from monitoring_pipeline.steps.reference.building import load_reference, load_references, schema_refusal
from monitoring_pipeline.steps.roles import without_shadows


@dataclass(frozen=True)
class PredictionsOutcome:
    """What the store shall hold of a chunk's predictions; ``refusal`` says why nothing may follow."""

    results: ChunkResults
    suite: SuiteResult
    refusal: str | None


def take_predictions(
    loaded: LoadedSpec,
    chunk: Chunk,
    *,
    warehouse: Warehouse,
    store: Store,
    snapshots: Snapshots,
    suites: Suites,
    id_key: bytes,
) -> PredictionsOutcome:
    """Read a chunk's predictions, run the suite on them, and leave a snapshot unless the schema fails.

    Raises:
        SourceError: when they cannot be read, do not fit the spec, or are gone.
    """
    spec = loaded.spec
    read = warehouse.read_predictions(spec, chunk)
    require_rows_known_before(spec, chunk, PREDICTIONS, read.frame, store=store)
    suite = suites(spec, loaded.suite_path, without_shadows(spec, chunk, read.frame, store))
    if suite.schema_failures:
        refusal = schema_refusal(spec, suite)
        results = _refused(spec, chunk, (*suite.schema, *suite.values))
        return PredictionsOutcome(results, suite, refusal)
    rows = canonical_predictions(spec, read.frame, id_key=id_key, without_time=read.rows_without_time)
    content = fingerprint(rows.frame)
    snapshot = Snapshot(
        kind=PREDICTIONS,
        uri=snapshots.write(rows.frame, model=spec.name, chunk=chunk.key, kind=PREDICTIONS, fingerprint=content),
        fingerprint=content,
        rows=rows.frame.height,
        latest_at=latest_time(rows.frame["predicted_at"]),
    )
    # A prediction that a shadow has scored, too, is one prediction.
    served = rows.frame.unique("row_id", keep="first", maintain_order=True)
    table = _measure_table(spec, chunk, served, read.table_columns, store)
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
    spec: ModelSpec, chunk: Chunk, rows: pl.DataFrame, columns: Mapping[str, str], store: Store
) -> tuple[Measurement, ...]:
    """Compare the table with what the reference of the version with most rows knew of it."""
    counted = rows["model_version"].value_counts(name="rows").sort(["rows", "model_version"], descending=[True, False])
    known = load_references(spec, store, counted["model_version"])
    named = [version for version in counted["model_version"] if version in known]
    reference = known[named[0]] if named else load_reference(spec, store, next(iter(spec.reference)))
    return measure_table(spec, chunk, rows["predicted_at"], columns, reference.table)


def unreadable(spec: ModelSpec, chunk: Chunk, error: SourceError, *, producer: str, store: Store) -> ChunkResults:
    """Return what the store shall hold of a chunk whose rows could not be read.

    Raises:
        SourceUnreachableError: ``error``, when the source was away and more is known of the chunk: that stays.
    """
    if isinstance(error, SourceUnreachableError):
        known = store.measurements(spec.name, chunk.key, producer)
        if any(measurement.name != READABLE for measurement in known):
            raise error
    return _refused(spec, chunk, (source_failure(str(error)),), producer=producer)


def unreadable_predictions(spec: ModelSpec, chunk: Chunk, error: SourceError, *, store: Store) -> PredictionsOutcome:
    """Return the outcome for a chunk whose predictions could not be read; raises as ``unreadable`` does."""
    results = unreadable(spec, chunk, error, producer=PREDICTIONS, store=store)
    return PredictionsOutcome(results, SuiteResult(schema=results.measurements, values=()), str(error))


def refusal(spec: ModelSpec, chunk: Chunk, producer: str, *, store: Store) -> str | None:
    """Return why a chunk's rows were refused when ``producer`` last read them; None when they were not."""
    if store.snapshot(spec.name, chunk.key, producer) or store.provenance(spec.name, chunk.key, producer) is None:
        return None
    critical = [
        m
        for m in store.measurements(spec.name, chunk.key, producer)
        if m.status is Status.BREACHED and m.severity is Severity.CRITICAL
    ]
    return "; ".join(dict.fromkeys(f"{producer}: {m.subject}: {m.reason}" for m in critical)) or f"{producer}: refused"


def verdict_of_refusal(results: ChunkResults) -> ChunkResults:
    """Return the verdict on a chunk that was refused: nothing after the predictions is known of it."""
    return ChunkResults(
        producer="verdict",
        chunk=results.chunk,
        provenance=results.provenance,
        verdict=judge(results.measurements),
    )


def profile_predictions(spec: ModelSpec, chunk: Chunk, *, store: Store, snapshots: Snapshots) -> ChunkResults:
    """Count every column of the snapshot over the bins of its version's reference."""
    snapshot = required_snapshot(store, spec, chunk, PREDICTIONS)
    versions = versions_in(snapshots, snapshot)
    references = load_references(spec, store, versions)
    rows = snapshots.scan(snapshot.uri)
    profiles = tuple(
        profile_chunk(
            nw.from_native(_of_version(rows, version, versions)), references[version].bins, model_version=version
        )
        for version in versions
        if version in references
    )
    without_reference = tuple(_no_reference(spec, version) for version in versions if version not in references)
    measured = tuple(m for profile in profiles for m in measure_columns(references[profile.model_version], profile))
    return ChunkResults(
        producer="profile",
        chunk=chunk,
        provenance=made_from(spec, snapshot.fingerprint, references),
        measurements=(*measured, *without_reference),
        profiles=profiles,
    )


def judge_chunk(spec: ModelSpec, chunk: Chunk, *, store: Store) -> ChunkResults:
    """Judge a chunk from everything that was measured on it."""
    producers = (
        PREDICTIONS, "profile", "drift", "estimate", LABELS, "performance", "attribution",
        "business", "objectives", "trial",
    )  # fmt: skip
    measured = about_the_model(store.measurements(spec.name, chunk.key))
    rows = next((int(m.value) for m in measured if m.name == "rows" and m.value is not None), 0)
    guards = measure_guards(spec, measured, rows)
    provenances = {name: store.provenance(spec.name, chunk.key, name) for name in producers}
    made_from = [p.input_fingerprint for p in provenances.values() if p is not None]
    drift = provenances["drift"]
    return ChunkResults(
        producer="verdict",
        chunk=chunk,
        provenance=Provenance(
            spec_hash=spec.spec_hash,
            reference_hash=drift.reference_hash if drift else "",
            input_fingerprint=combined_fingerprint(*made_from),
            code_version=monitoring_pipeline.__version__,
        ),
        measurements=(decisive_measurements(measured, rows), *guards),
        verdict=judge([*measured, *guards]),
    )


def _of_version(rows: pl.LazyFrame, version: str, versions: list[str]) -> pl.LazyFrame:
    # One version is the rule: then no filter has to read the version column beside every other.
    return rows if len(versions) == 1 else rows.filter(pl.col("model_version") == version)


def _refused(
    spec: ModelSpec, chunk: Chunk, measurements: tuple[Measurement, ...], *, producer: str = PREDICTIONS
) -> ChunkResults:
    return ChunkResults(
        producer=producer,
        chunk=chunk,
        provenance=made_from(spec, outcome_fingerprint(measurements)),
        measurements=measurements,
    )


def _no_reference(spec: ModelSpec, version: str) -> Measurement:
    return Measurement(
        kind=Kind.DRIFT,
        subject="model",
        name="reference",
        model_version=version,
        status=Status.SKIPPED,
        severity=Severity.WARNING,
        reason=f"version {version!r} has no reference window; reference knows {', '.join(sorted(spec.reference))}",
    )
