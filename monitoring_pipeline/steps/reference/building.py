"""Builds the reference of a model version once from its rows, and stores it for all steps."""

import datetime as dt
from dataclasses import dataclass, replace

import monitoring_pipeline
from monitoring_pipeline.evaluation.drift.all_features import learn_multivariate_floors
from monitoring_pipeline.evaluation.drift.floors import learn_floors
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.reference import Reference, build_reference, reference_from_document
from monitoring_pipeline.ports.outside import Kept, Outside
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Provenance
from monitoring_pipeline.records.producer import days_producer, reference_producer
from monitoring_pipeline.spec.declaration import (
    ReferenceDeclaration,
    declaration_of,
    spec_of_reference,
    window_of_key,
)
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.reference.reading import read_reference_rows
from monitoring_pipeline.steps.reference.storing import ToStore, store_reference
from monitoring_pipeline.steps.references import reference_rows


@dataclass(frozen=True)
class TakenReference:
    """The reference of a version; ``reused`` if it was not built again."""

    reference: Reference
    reused: bool


def take_reference(
    loaded: LoadedSpec, model_version: str, outside: Outside, *, now: dt.datetime, rebuild: bool = False
) -> TakenReference:
    """Build a version's reference, unless it was built from the same declaration before.

    Raises:
        SourceError: when its rows cannot be read, or do not fit the spec.
        EmptyReferenceError: when it has no rows of the version.
    """
    declared = declaration_of(loaded.spec, model_version)
    origin = Origin(run_id=outside.run_id, at=now)
    stored = None if rebuild else _stored_reference(loaded.spec, model_version, declared, outside.store)
    if stored is not None:
        return TakenReference(_with_floors_of_today(loaded.spec, stored, declared, outside, origin), reused=True)
    read = read_reference_rows(loaded, model_version, outside, now=now)
    built = build_reference(
        read.spec,
        model_version,
        read.window.key,
        read.rows,
        read.labels,
        table_columns=read.table_columns,
        as_of=now,
        shows_volume=not read.is_elsewhere,
    )
    provenance = Provenance(
        spec_hash=loaded.spec.reference_declaration_hash(model_version),
        reference_hash=built.reference.reference_hash,
        input_fingerprint=read.fingerprint,
        code_version=monitoring_pipeline.__version__,
    )
    to_store = ToStore(
        spec=spec_of_reference(loaded.spec, model_version),
        built=built,
        window=read.window,
        provenance=provenance,
        declaration=declared,
        findings=(*read.findings, *read.concentrated_nulls(model_version)),
    )
    store_reference(to_store, outside, origin)
    return TakenReference(built.reference, reused=False)


def _stored_reference(
    spec: ModelSpec, model_version: str, declared: ReferenceDeclaration, store: Store
) -> Reference | None:
    """Return the stored reference if it was built from the declaration.

    An earlier version of this package recorded a hash of fewer fields. If those are unchanged, the reference is
    accepted this once, and the whole declaration is recorded with it.
    """
    document = store.reference_document(spec.name, model_version)
    if document is None:
        return None
    reference = reference_from_document(document)
    recorded = store.reference_declaration(spec.name, model_version)
    if recorded is not None:
        return reference if recorded == declared.text else None
    window = spec.calendar.window(spec.reference[model_version])
    provenance = store.provenance(spec.name, window.key, reference_producer(model_version))
    fewer_fields = spec.reference_declaration_hash(model_version)
    if reference.window != window.key or provenance is None or provenance.spec_hash != fewer_fields:
        return None
    store.declare_reference(spec.name, model_version, declared.text)
    return reference


def _with_floors_of_today(
    spec: ModelSpec, reference: Reference, declared: ReferenceDeclaration, kept: Kept, origin: Origin
) -> Reference:
    """Return the reference, with floors learned again and stored if the rules by which they are learned changed."""
    version = reference.model_version
    spec = spec_of_reference(spec, version)
    if reference.floors.rules_hash == spec.learned_floors_hash:
        return reference
    provenance = kept.store.provenance(spec.name, reference.window, reference_producer(version))
    window = spec.calendar.window(window_of_key(reference.window))
    relearned = _relearned(spec, reference, kept)
    if provenance is not None:
        kept.store.save_reference(relearned, provenance, window, origin=origin, declaration=declared.text)
    return relearned


def _relearned(spec: ModelSpec, reference: Reference, kept: Kept) -> Reference:
    """Return the reference with floors learned by changed rules from the stored profiles of its days and its rows."""
    spec = spec.with_features_in(reference.bins)
    version = reference.model_version
    chunks = profiles_of_reference(spec, reference, kept.store)
    rows = reference_rows(spec, reference, kept)
    return replace(
        reference,
        floors=learn_floors(spec, version, reference.bins, chunks),
        multivariate_floors=learn_multivariate_floors(spec, version, rows, left_out=reference.constant_columns),
    )


def profiles_of_reference(spec: ModelSpec, reference: Reference, store: Results) -> dict[str, ChunkProfile]:
    """Return the stored profiles of the chunks of a reference, by key."""
    keys = [chunk.key for chunk in spec.calendar.chunks_of(window_of_key(reference.window))]
    stored = store.profiles_by_chunk(spec.name, days_producer(reference.model_version), keys)
    return {key: profiles[0] for key, profiles in stored.items()}
