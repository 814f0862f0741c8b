"""What is usual in the telemetry of a version's reference: learned when it or the rules change, and stored."""

import polars as pl

from monitoring_pipeline.evaluation.operations.learned import (
    LearnedOperations,
    learn_operations,
    learned_from,
    operations_document,
    operations_from_document,
)
from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows.fingerprints import fingerprint
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.records.measurement import Provenance
from monitoring_pipeline.records.producer import operations_producer
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import LATENCY, STATUS
from monitoring_pipeline.steps.reference.stored import window_of
from monitoring_pipeline.steps.references import MissingInputError, reference_rows


def take_operations(spec: ModelSpec, reference: Reference, kept: Kept, origin: Origin) -> LearnedOperations | None:
    """Return what is usual, learned and stored if it is not yet; None without columns of telemetry.

    Raises:
        MissingInputError: when the stored rows of the reference have no telemetry.
    """
    wanted = [name for name in (LATENCY, STATUS) if name in spec.operations.columns]
    if not wanted:
        return None
    if (stored := load_operations(spec, reference, kept)) is not None:
        return stored
    version = reference.model_version
    rows = reference_rows(spec, reference, kept)
    if missing := [spec.operations.columns[name] for name in wanted if name not in rows.columns]:
        message = f"{spec.name}: {', '.join(missing)}: not in the rows of the reference: rebuild it"
        raise MissingInputError(message)
    chunks = chunk_keys(spec.calendar, rows["predicted_at"])
    learned = learn_operations(spec, version, rows, chunks, reference_hash=reference.reference_hash)
    document = pl.DataFrame({"document": [operations_document(learned)]})
    content = fingerprint(document)
    window = window_of(spec, reference)
    kind = operations_producer(version)
    uri = kept.snapshots.write(document, model=spec.name, chunk=window.key, kind="operations", fingerprint=content)
    results = ChunkResults(
        producer=kind,
        chunk=window,
        provenance=_provenance(spec, reference),
        snapshot=Snapshot(kind=kind, uri=uri, fingerprint=content, rows=document.height),
    )
    kept.store.replace(results, run_id=origin.run_id, measured_at=origin.at)
    return learned


def load_operations(spec: ModelSpec, reference: Reference, kept: Kept) -> LearnedOperations | None:
    """Return what is usual in the telemetry of a version; None if it has not been learned."""
    kind = operations_producer(reference.model_version)
    provenance = kept.store.provenance(spec.name, reference.window, kind)
    snapshot = kept.store.snapshot(spec.name, reference.window, kind)
    if provenance is None or snapshot is None or provenance != _provenance(spec, reference):
        return None
    return operations_from_document(kept.snapshots.read(snapshot.uri)["document"][0])


def _provenance(spec: ModelSpec, reference: Reference) -> Provenance:
    rules = learned_from(spec, reference.reference_hash)
    return Provenance(spec_hash=rules, reference_hash=reference.reference_hash, input_fingerprint="", code_version="")
