"""What was learned from a reference besides its bins: a document of each kind and version, kept as a snapshot."""

import polars as pl

from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows.fingerprints import fingerprint
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.records.measurement import Provenance
from monitoring_pipeline.records.producer import ReferenceProducer
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.reference.stored import window_of

_COLUMN = "document"


def keep_document(
    document: str,
    spec: ModelSpec,
    reference: Reference,
    producer: ReferenceProducer,
    *,
    rules: str,
    kept: Kept,
    origin: Origin,
) -> None:
    """Store a document.

    Args:
        document: what was learned.
        spec: the model.
        reference: the reference that it was learned from.
        producer: names the kind of the document, and the version.
        rules: hash of all that decides what is learned.
        kept: the store, and the snapshots.
        origin: the run that stores it.
    """
    rows = pl.DataFrame({_COLUMN: [document]})
    content, window = fingerprint(rows), window_of(spec, reference)
    kind = producer.rpartition(":")[2]
    uri = kept.snapshots.write(rows, model=spec.name, chunk=window.key, kind=kind, fingerprint=content)
    results = ChunkResults(
        producer=producer,
        chunk=window,
        provenance=_provenance(reference, rules),
        snapshot=Snapshot(kind=producer, uri=uri, fingerprint=content, rows=rows.height),
    )
    kept.store.replace(results, run_id=origin.run_id, measured_at=origin.at)


def kept_document(
    spec: ModelSpec, reference: Reference, producer: ReferenceProducer, *, rules: str, kept: Kept
) -> str | None:
    """Return a document that was stored; None if there is none that was learned from this reference by these rules.

    Raises:
        SnapshotError: when its file is damaged or gone.
    """
    provenance = kept.store.provenance(spec.name, reference.window, producer)
    snapshot = kept.store.snapshot(spec.name, reference.window, producer)
    if provenance is None or snapshot is None or provenance != _provenance(reference, rules):
        return None
    return kept.snapshots.read(snapshot.uri)[_COLUMN][0]


def _provenance(reference: Reference, rules: str) -> Provenance:
    return Provenance(spec_hash=rules, reference_hash=reference.reference_hash, input_fingerprint="", code_version="")
