"""Looks up the reference of a version that is in use, and what it was built from."""

from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.drift.all_features import learn_together
from monitoring_pipeline.evaluation.drift.floors import learn_floors
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.doubts import doubts_about
from monitoring_pipeline.evaluation.reference.reference import BuiltReference, Reference, reference_from_document
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.producer import days_producer, reference_producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.declaration import (
    ReferenceDeclaration,
    declaration_from_text,
    declaration_of,
    spec_of_reference,
    window_of_key,
)
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.references import load_references, reference_rows


@dataclass(frozen=True)
class StoredReference:
    """The reference of a version in use; ``declaration`` is None if it is unknown what it was built from."""

    reference: Reference
    declaration: ReferenceDeclaration | None


def stored_reference(spec: ModelSpec, model_version: str, store: Store) -> StoredReference | None:
    """Return the reference of a version in use; None if it has none.

    An earlier version of this package recorded a hash of fewer fields. If those are unchanged, the reference counts
    once as built from the present declaration, which is recorded with it. Features may have been added since.
    """
    document = store.reference_document(spec.name, model_version)
    if document is None:
        return None
    reference = reference_from_document(document)
    recorded = store.reference_declaration(spec.name, model_version)
    if recorded is not None:
        return StoredReference(reference, declaration_from_text(recorded))
    provenance = store.provenance(spec.name, reference.window, reference_producer(model_version))
    is_its_window = spec.calendar.window(spec.reference[model_version]).key == reference.window
    for possible in (spec, spec.with_features_in(reference.bins)):
        fewer_fields = possible.reference_declaration_hash(model_version)
        if is_its_window and provenance is not None and provenance.spec_hash == fewer_fields:
            declared = declaration_of(possible, model_version)
            store.declare_reference(spec.name, model_version, declared.text)
            return StoredReference(reference, declared)
    return StoredReference(reference, None)


def with_floors_of_today(
    spec: ModelSpec, reference: Reference, declared: ReferenceDeclaration, kept: Kept, origin: Origin
) -> Reference:
    """Return a reference, with floors learned again and stored if the rules by which they are learned changed."""
    if reference.floors.rules_hash == spec.learned_floors_hash:
        return reference
    version = reference.model_version
    provenance = kept.store.provenance(spec.name, reference.window, reference_producer(version))
    relearned = _relearned(spec_of_reference(spec, version), reference, kept)
    if provenance is not None:
        window = window_of(spec, reference)
        kept.store.save_reference(relearned, provenance, window, origin=origin, declaration=declared.text)
    return relearned


def window_of(spec: ModelSpec, reference: Reference) -> Chunk:
    """Return the window of a reference."""
    return spec.calendar.window(window_of_key(reference.window))


def with_its_data(spec: ModelSpec, reference: Reference, kept: Kept) -> BuiltReference:
    """Return a stored reference with the profiles of its chunks and its rows.

    Raises:
        MissingInputError: when it was built by a version of this package that stored no rows.
    """
    rows = reference_rows(spec, reference, kept)
    return BuiltReference(reference, profiles_of_reference(spec, reference, kept.store), rows)


def profiles_of_reference(spec: ModelSpec, reference: Reference, store: Results) -> dict[str, ChunkProfile]:
    """Return the stored profiles of the chunks of a reference, by key."""
    keys = [chunk.key for chunk in spec.calendar.chunks_of(window_of_key(reference.window))]
    stored = store.profiles_by_chunk(spec.name, days_producer(reference.model_version), keys)
    return {key: profiles[0] for key, profiles in stored.items()}


def doubts_about_stored(spec: ModelSpec, model_version: str, store: Store) -> tuple[str, ...]:
    """Return one sentence for each doubt about the reference of a version; none if it has no reference."""
    stored = load_references(spec, store, [model_version])
    return tuple(
        doubt
        for reference in stored.values()
        for doubt in doubts_about(
            spec.with_features_in(reference.bins), reference, profiles_of_reference(spec, reference, store)
        )
    )


def _relearned(spec: ModelSpec, reference: Reference, kept: Kept) -> Reference:
    """Return the reference with floors learned by changed rules from the stored profiles of its days and its rows."""
    spec = spec.with_features_in(reference.bins)
    version = reference.model_version
    data = with_its_data(spec, reference, kept)
    together = learn_together(
        spec, version, data.rows, left_out=reference.constant_columns, classifier=reference.classifier
    )
    return replace(
        reference,
        floors=learn_floors(spec, version, reference.bins, data.chunks),
        multivariate_floors=together.floors,
        usual_contributions=together.usual,
    )
