"""The reference of a model version: built once from its window, and found again by every step."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

import monitoring_pipeline
from monitoring_pipeline.evaluation.quality import SuiteResult
from monitoring_pipeline.evaluation.reference import (
    Reference,
    build_reference,
    find_concentrated_nulls,
    reference_document,
    reference_from_document,
)
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows import (
    SourceError,
    canonical_labels,
    canonical_predictions,
    combined_fingerprint,
    fingerprint,
)
from monitoring_pipeline.orchestration.ports import Store, Suites, Warehouse
from monitoring_pipeline.spec.chunk import chunk_of_reference
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.measurement import Provenance
from monitoring_pipeline.spec.model import ModelSpec


@dataclass(frozen=True)
class BuiltReference:
    """A reference and where it came from; ``reused`` when nothing had changed."""

    reference: Reference
    reused: bool


class MissingInputError(RuntimeError):
    """A step needs what an earlier one has not left; the message names the asset to run first."""


def take_reference(
    loaded: LoadedSpec,
    model_version: str,
    *,
    warehouse: Warehouse,
    store: Store,
    suites: Suites,
    id_key: bytes,
    rebuild: bool,
    run_id: str,
    now: dt.datetime,
) -> BuiltReference:
    """Build a version's reference from its window, unless it was built from the same declaration before.

    Raises:
        SourceError: when the window's rows cannot be read, or do not fit the spec.
        EmptyReferenceError: when the window has no rows of the version.
    """
    spec = loaded.spec
    chunk = chunk_of_reference(spec, spec.reference[model_version])
    declaration = spec.reference_declaration_hash(model_version)
    known = store.provenance(spec.name, chunk.key, _reference_producer(model_version))
    document = store.reference_document(spec.name, model_version)
    if known and known.spec_hash == declaration and document and not rebuild:
        return BuiltReference(reference_from_document(document), reused=True)
    read = warehouse.read_predictions(spec, chunk)
    if refusal := schema_refusal(spec, suites(spec, loaded.suite_path, read.frame)):
        message = f"{spec.name}: reference.{model_version}: {spec.predictions.table}: {refusal}"
        raise SourceError(message)
    rows = canonical_predictions(spec, read.frame, id_key=id_key, without_time=read.rows_without_time)
    labels_read = warehouse.read_labels(spec, chunk, now)
    labels = canonical_labels(spec, labels_read.frame, rows.frame, labels_read.accounting, id_key=id_key)
    reference = build_reference(spec, model_version, chunk.key, rows.frame, labels.frame)
    provenance = Provenance(
        spec_hash=declaration,
        reference_hash=reference.reference_hash,
        input_fingerprint=combined_fingerprint(fingerprint(rows.frame), fingerprint(labels.frame)),
        code_version=monitoring_pipeline.__version__,
    )
    own = rows.frame.filter(pl.col("model_version") == model_version)
    findings = find_concentrated_nulls(spec, own, model_version=model_version)
    store.save_reference(
        spec.name,
        model_version,
        reference.reference_hash,
        reference_document(reference),
        spec_hash=declaration,
        input_fingerprint=provenance.input_fingerprint,
        rows=reference.profile.rows,
        window_start=chunk.start,
        window_end=chunk.end,
        run_id=run_id,
        created_at=now,
    )
    results = ChunkResults(
        producer=_reference_producer(model_version),
        chunk=chunk,
        provenance=provenance,
        measurements=findings,
        profiles=(reference.profile,),
    )
    store.replace(results, run_id=run_id, measured_at=now)
    return BuiltReference(reference, reused=False)


def load_reference(spec: ModelSpec, store: Store, model_version: str) -> Reference:
    """Return a version's reference.

    Raises:
        MissingInputError: when it has not been built.
    """
    document = store.reference_document(spec.name, model_version)
    if document is None:
        message = f"{spec.name}: version {model_version!r} has no reference yet: materialize {spec.name}/reference"
        raise MissingInputError(message)
    return reference_from_document(document)


def load_references(spec: ModelSpec, store: Store, versions: Iterable[str]) -> dict[str, Reference]:
    """Return the references of those versions that have a reference window.

    Raises:
        MissingInputError: when one of them has not been built.
    """
    return {version: load_reference(spec, store, version) for version in sorted(versions) if version in spec.reference}


def schema_refusal(spec: ModelSpec, suite: SuiteResult) -> str:
    """Return why rows do not fit the spec, by the user's own names; empty when they do."""
    return "; ".join(dict.fromkeys(f"{_own_name(spec, m.subject)}: {m.reason}" for m in suite.schema_failures))


def _own_name(spec: ModelSpec, column: str) -> str:
    source = spec.predictions
    outputs = {"row_id": source.id, "predicted_at": source.time, "model_version": source.model_version,
               "score": source.score, "prediction": source.prediction, "horizon": source.horizon,
               "naive": source.naive}  # fmt: skip
    scores = {spec.score_columns[name]: column for name, column in source.scores.items()}
    feature = spec.features.get(column)
    own = feature.column if feature else (outputs | scores)[column]
    return column if own in (None, column) else f"{column} ({own!r} in {source.table!r})"


def _reference_producer(model_version: str) -> str:
    return f"reference:{model_version}"
