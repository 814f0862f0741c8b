"""What is usual in the telemetry of a version's reference: learned when it or the rules change, and stored."""

from contextlib import suppress

from monitoring_pipeline.evaluation.operations.learned import (
    LearnedOperations,
    learn_operations,
    learned_from,
    operations_document,
    operations_from_document,
)
from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.ports.snapshots import SnapshotError
from monitoring_pipeline.records.producer import operations_producer
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import LATENCY, STATUS
from monitoring_pipeline.steps.reference.learned_documents import keep_document, kept_document
from monitoring_pipeline.steps.references import MissingInputError, reference_rows


def take_operations(spec: ModelSpec, reference: Reference, kept: Kept, origin: Origin) -> LearnedOperations | None:
    """Return what is usual, learned and stored if it is not yet; None without columns of telemetry.

    Raises:
        MissingInputError: when the stored rows of the reference have no telemetry.
    """
    wanted = [name for name in (LATENCY, STATUS) if name in spec.operations.columns]
    if not wanted:
        return None
    # A damaged document is learned again.
    with suppress(SnapshotError):
        if (stored := load_operations(spec, reference, kept)) is not None:
            return stored
    version = reference.model_version
    rows = reference_rows(spec, reference, kept)
    if missing := [spec.operations.columns[name] for name in wanted if name not in rows.columns]:
        message = f"{spec.name}: {', '.join(missing)}: not in the rows of the reference: rebuild it"
        raise MissingInputError(message)
    chunks = chunk_keys(spec.calendar, rows["predicted_at"])
    learned = learn_operations(spec, version, rows, chunks, reference_hash=reference.reference_hash)
    document, producer = operations_document(learned), operations_producer(version)
    rules = learned_from(spec, reference.reference_hash)
    keep_document(document, spec, reference, producer, rules=rules, kept=kept, origin=origin)
    return learned


def load_operations(spec: ModelSpec, reference: Reference, kept: Kept) -> LearnedOperations | None:
    """Return what is usual in the telemetry of a version; None if it has not been learned."""
    rules = learned_from(spec, reference.reference_hash)
    document = kept_document(spec, reference, operations_producer(reference.model_version), rules=rules, kept=kept)
    return None if document is None else operations_from_document(document)
