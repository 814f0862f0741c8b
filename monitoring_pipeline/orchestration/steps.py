"""The steps of one night, each for one chunk: read, call pure functions, return what the store shall hold."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import narwhals as nw
import polars as pl

import monitoring_pipeline
from monitoring_pipeline.evaluation.drift import measure_columns, measure_drift
from monitoring_pipeline.evaluation.maturity import assess_maturity, maturity_measurements
from monitoring_pipeline.evaluation.performance import measure_performance
from monitoring_pipeline.evaluation.profile import profile_chunk
from monitoring_pipeline.evaluation.quality import SuiteResult, source_failure
from monitoring_pipeline.evaluation.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows import (
    SourceError,
    canonical_labels,
    canonical_predictions,
    combined_fingerprint,
    fingerprint,
)
from monitoring_pipeline.evaluation.verdict import judge
from monitoring_pipeline.orchestration.ports import Snapshots, Store, Suites, Warehouse
from monitoring_pipeline.orchestration.references import MissingInputError, load_references, schema_refusal
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.measurement import Kind, Measurement, Provenance, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

PREDICTIONS, LABELS = "predictions", "labels"


@dataclass(frozen=True)
class PredictionsOutcome:
    """What the store shall hold of a chunk's predictions; ``refusal`` says why nothing may follow."""

    results: ChunkResults
    suite: SuiteResult
    refusal: str | None


def take_predictions(
    loaded: LoadedSpec, chunk: Chunk, *, warehouse: Warehouse, snapshots: Snapshots, suites: Suites, id_key: bytes
) -> PredictionsOutcome:
    """Read a chunk's predictions, run the suite on them, and leave a snapshot unless the schema fails."""
    spec = loaded.spec
    read = warehouse.read_predictions(spec, chunk)
    suite = suites(spec, loaded.suite_path, read.frame)
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
        latest_at=_latest(rows.frame["predicted_at"]),
    )
    measurements = (*rows.measurements, *suite.schema, *suite.values)
    inputs = combined_fingerprint(content, _outcome_fingerprint(measurements))
    results = ChunkResults(
        producer=PREDICTIONS,
        chunk=chunk,
        provenance=_provenance(spec, inputs),
        measurements=measurements,
        snapshot=snapshot,
    )
    return PredictionsOutcome(results, suite, None)


def unreadable(spec: ModelSpec, chunk: Chunk, error: SourceError, *, producer: str) -> ChunkResults:
    """Return what the store shall hold of a chunk whose rows could not be read."""
    return _refused(spec, chunk, (source_failure(str(error)),), producer=producer)


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
    snapshot = _snapshot(store, spec, chunk, PREDICTIONS)
    versions = _versions(snapshots, snapshot)
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
        provenance=_provenance(spec, snapshot.fingerprint, references),
        measurements=(*measured, *without_reference),
        profiles=profiles,
    )


def compare_with_reference(spec: ModelSpec, chunk: Chunk, *, store: Store) -> ChunkResults:
    """Compare the chunk's profiles with the references."""
    profiles = store.profiles(spec.name, chunk.key)
    provenance = store.provenance(spec.name, chunk.key, "profile")
    if provenance is None:
        raise _missing(spec, chunk, "profile")
    references = load_references(spec, store, [profile.model_version for profile in profiles])
    measured = tuple(
        m
        for profile in sorted(profiles, key=lambda profile: profile.model_version)
        if profile.model_version in references
        for m in measure_drift(spec, references[profile.model_version], profile)
    )
    reason = "no predictions" if not _snapshot(store, spec, chunk, PREDICTIONS).rows else "no version has a reference"
    nothing = (_nothing_to_measure(Kind.DRIFT, "drifted_columns", "chunk", reason),)
    return ChunkResults(
        producer="drift",
        chunk=chunk,
        provenance=_provenance(spec, provenance.input_fingerprint, references),
        measurements=measured or nothing,
    )


def take_labels(
    spec: ModelSpec,
    chunk: Chunk,
    as_of: dt.datetime,
    *,
    warehouse: Warehouse,
    store: Store,
    snapshots: Snapshots,
    id_key: bytes,
) -> ChunkResults:
    """Read the labels that are known by now, and say how mature the chunk is."""
    predictions = _snapshot(store, spec, chunk, PREDICTIONS)
    read = warehouse.read_labels(spec, chunk, as_of)
    rows = snapshots.read(predictions.uri, ["row_id", "predicted_at"])
    labels = canonical_labels(spec, read.frame, rows, read.accounting, id_key=id_key)
    content = fingerprint(labels.frame)
    snapshot = Snapshot(
        kind=LABELS,
        uri=snapshots.write(labels.frame, model=spec.name, chunk=chunk.key, kind=LABELS, fingerprint=content),
        fingerprint=content,
        rows=read.frame.height,
        latest_at=_latest(read.frame["known_at"]),
    )
    labelled = rows.join(labels.frame, on="row_id", how="semi").height
    maturity = assess_maturity(spec, chunk, predictions=rows.height, labelled=labelled, as_of=as_of)
    measurements = (*maturity_measurements(maturity), *labels.measurements)
    inputs = combined_fingerprint(predictions.fingerprint, content, _outcome_fingerprint(measurements))
    return ChunkResults(
        producer=LABELS,
        chunk=chunk,
        provenance=_provenance(spec, inputs),
        measurements=measurements,
        snapshot=snapshot,
        as_of=as_of,
    )


def score_chunk(
    spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, *, store: Store, snapshots: Snapshots
) -> ChunkResults:
    """Measure every version's performance on the rows whose labels are known."""
    predictions = _snapshot(store, spec, chunk, PREDICTIONS)
    labels = _snapshot(store, spec, chunk, LABELS)
    outputs = ["row_id", "model_version", *(c for c in spec.columns if c not in spec.features)]
    rows = snapshots.read(predictions.uri, outputs)
    known = snapshots.read(labels.uri, ["row_id", "label"])
    versions = rows["model_version"].unique().sort().to_list()
    references = load_references(spec, store, versions)
    measured: list[Measurement] = []
    states: list[str] = []
    for version in versions:
        own = rows.filter(pl.col("model_version") == version)
        labelled = own.join(known, on="row_id", how="semi").height
        maturity = assess_maturity(spec, chunk, predictions=own.height, labelled=labelled, as_of=as_of)
        states.append(maturity.state)
        reference = references.get(version)
        measured.extend(
            measure_performance(
                spec,
                own,
                known,
                model_version=version,
                maturity=maturity,
                reference_values={b.metric: b.value for b in reference.performance} if reference else {},
            )
        )
    inputs = combined_fingerprint(predictions.fingerprint, labels.fingerprint, *states)
    nothing = (_nothing_to_measure(Kind.PERFORMANCE, "performance", "model", "no predictions"),)
    return ChunkResults(
        producer="performance",
        chunk=chunk,
        provenance=_provenance(spec, inputs, references),
        measurements=tuple(measured) or nothing,
        as_of=as_of,
    )


def judge_chunk(spec: ModelSpec, chunk: Chunk, *, store: Store) -> ChunkResults:
    """Judge a chunk from everything that was measured on it."""
    producers = (PREDICTIONS, "profile", "drift", LABELS, "performance")
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
        verdict=judge(store.measurements(spec.name, chunk.key)),
    )


def _snapshot(store: Store, spec: ModelSpec, chunk: Chunk, kind: str) -> Snapshot:
    snapshot = store.snapshot(spec.name, chunk.key, kind)
    if snapshot is None:
        raise _missing(spec, chunk, kind)
    return snapshot


def _missing(spec: ModelSpec, chunk: Chunk, asset: str) -> MissingInputError:
    return MissingInputError(f"{spec.name} {chunk.key}: nothing from {asset} yet: materialize {spec.name}/{asset}")


def _versions(snapshots: Snapshots, snapshot: Snapshot) -> list[str]:
    return snapshots.read(snapshot.uri, ["model_version"])["model_version"].unique().sort().to_list()


def _of_version(rows: pl.LazyFrame, version: str, versions: list[str]) -> pl.LazyFrame:
    # One version is the rule: then no filter has to read the version column beside every other.
    return rows if len(versions) == 1 else rows.filter(pl.col("model_version") == version)


def _provenance(spec: ModelSpec, input_fingerprint: str, references: dict[str, Reference] | None = None) -> Provenance:
    hashes = [reference.reference_hash for reference in (references or {}).values()]
    return Provenance(
        spec_hash=spec.spec_hash,
        reference_hash=hashes[0] if len(hashes) == 1 else combined_fingerprint(*hashes) if hashes else "",
        input_fingerprint=input_fingerprint,
        code_version=monitoring_pipeline.__version__,
    )


def _refused(
    spec: ModelSpec, chunk: Chunk, measurements: tuple[Measurement, ...], *, producer: str = PREDICTIONS
) -> ChunkResults:
    return ChunkResults(
        producer=producer,
        chunk=chunk,
        provenance=_provenance(spec, _outcome_fingerprint(measurements)),
        measurements=measurements,
    )


def _outcome_fingerprint(measurements: Sequence[Measurement]) -> str:
    # The suite is the user's file, not part of the spec: what it said is part of what the results were made from.
    return combined_fingerprint(*(repr(m) for m in measurements))


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


def _nothing_to_measure(kind: Kind, name: str, subject: str, reason: str) -> Measurement:
    return Measurement(kind=kind, subject=subject, name=name, model_version="", status=Status.SKIPPED, reason=reason)


def _latest(times: pl.Series) -> dt.datetime | None:
    latest = times.max()
    return latest if isinstance(latest, dt.datetime) else None
