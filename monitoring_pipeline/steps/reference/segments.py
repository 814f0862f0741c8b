"""What is usual in the segments of a version's reference: learned when it or the rules change, and stored."""

from contextlib import suppress

from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.segments.learned import (
    LearnedSegments,
    learn_segments,
    learned_from,
    segments_document,
    segments_from_document,
)
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.ports.snapshots import SnapshotError
from monitoring_pipeline.records.producer import segments_producer
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.reference.learned_documents import keep_document, kept_document
from monitoring_pipeline.steps.references import MissingInputError, reference_rows


@one_thread()
def take_segments(spec: ModelSpec, reference: Reference, kept: Kept, origin: Origin) -> LearnedSegments | None:
    """Return what is usual in the segments, learned and stored if it is not yet; None without segments.

    Raises:
        MissingInputError: when the reference was built by a version of this package that stored no rows.
    """
    if not spec.segments.by:
        return None
    # A damaged document is learned again.
    with suppress(SnapshotError):
        if (stored := _stored(spec, reference, kept)) is not None:
            return stored
    version = reference.model_version
    rows = reference_rows(spec, reference, kept)
    if missing := [name for name in spec.predictions.group_columns if name not in rows.columns]:
        message = f"{spec.name}: {', '.join(missing)}: not in the rows of the reference: rebuild it"
        raise MissingInputError(message)
    comparable = spec.with_features_in(reference.bins)
    learned = learn_segments(comparable, version, reference.bins, rows, reference_hash=reference.reference_hash)
    document, producer = segments_document(learned), segments_producer(version)
    rules = learned_from(spec, reference.reference_hash)
    keep_document(document, spec, reference, producer, rules=rules, kept=kept, origin=origin)
    return learned


def load_segments(spec: ModelSpec, reference: Reference, kept: Kept) -> LearnedSegments:
    """Return what is usual in the segments of a version.

    Raises:
        MissingInputError: when it has not been learned.
    """
    stored = _stored(spec, reference, kept)
    if stored is None:
        message = f"{spec.name}: its segments have not been learned yet: materialize {spec.name}/reference"
        raise MissingInputError(message)
    return stored


def _stored(spec: ModelSpec, reference: Reference, kept: Kept) -> LearnedSegments | None:
    rules = learned_from(spec, reference.reference_hash)
    document = kept_document(spec, reference, segments_producer(reference.model_version), rules=rules, kept=kept)
    return None if document is None else segments_from_document(document)
