"""The step that replays the rules of a proposed spec over the stored history of a model."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from monitoring_pipeline.evaluation.drift.floors import learn_floors
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, chunk_measurements, fold_incidents
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.review.changed_fields import check_only_rules, never_measured, not_replayed
from monitoring_pipeline.evaluation.review.differences import Reviewed, compare_incidents, real_unmatched
from monitoring_pipeline.evaluation.review.rejudging import OfVersion, Proposal, rejudged
from monitoring_pipeline.evaluation.review.suggestion import suggest_floors
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.declaration import spec_of_reference
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.reference.stored import profiles_of_reference
from monitoring_pipeline.steps.references import MissingInputError, load_references


def review_rules(
    in_use: ModelSpec,
    proposed: ModelSpec,
    store: Store,
    *,
    first: str | None = None,
    last: str | None = None,
    with_suggestion: bool = False,
) -> Reviewed:
    """Return the incidents of the stored history under both specs. Nothing is measured, and nothing is stored.

    Args:
        in_use: the spec in use. Its breaches are those that are stored.
        proposed: the spec whose rules are replayed.
        store: where the history is.
        first: first day or chunk; None for the first judged chunk.
        last: last day or chunk, included; None for the last judged chunk.
        with_suggestion: whether to suggest floors.

    Raises:
        NotOnlyRulesError: when the proposed spec changes what is measured.
        UnknownChunkError: when a text is neither a key nor a day.
        MissingInputError: when no chunk was judged.
    """
    check_only_rules(in_use, proposed)
    chunks = _history(in_use, store, first, last)
    proposal = Proposal(in_use, proposed, _versions(in_use, proposed, chunks, store))
    after = [replace(of, measurements=rejudged(proposal, of.measurements)) for of in chunks]
    keys = tuple(chunk.chunk for chunk in chunks)
    stored = [
        entry
        for entry in store.incidents(in_use.name)
        if entry.incident.since <= keys[-1] and keys[0] <= entry.incident.last_breached
    ]
    incidents = compare_incidents(fold_incidents(in_use, chunks), fold_incidents(proposed, after), stored)
    return Reviewed(
        model=in_use.name,
        chunks=keys,
        incidents=incidents,
        not_replayed=not_replayed(in_use, proposed),
        never_measured=never_measured(in_use, proposed, chunks),
        suggested=suggest_floors(proposed, after, stored) if with_suggestion else None,
        real_unmatched=real_unmatched(incidents, stored),
    )


def _history(spec: ModelSpec, store: Store, first: str | None, last: str | None) -> list[ChunkMeasurements]:
    """Return all measurements of the judged chunks of a range."""
    keys = sorted(store.verdicts(spec.name))
    if keys and (first is not None or last is not None):
        named = spec.calendar.chunks_named(first or keys[0], last or keys[-1])
        keys = [key for key in keys if named[0].key <= key <= named[-1].key]
    if not keys:
        message = f"{spec.name}: no chunk of the range was judged yet; backfill it first"
        raise MissingInputError(message)
    by_chunk: dict[str, list[Measurement]] = {key: [] for key in keys}
    for key, measurement in store.chunk_measurements(spec.name, None, keys[0], keys[-1]):
        by_chunk.setdefault(key, []).append(measurement)
    return [chunk_measurements(key, measured) for key, measured in sorted(by_chunk.items())]


def _versions(
    in_use: ModelSpec, proposed: ModelSpec, chunks: Sequence[ChunkMeasurements], store: Store
) -> Mapping[str, OfVersion]:
    """Return what the stored reference of each measured version gives, with floors learned again if their rules are."""
    measured: Collection[str] = {m.model_version for chunk in chunks for m in chunk.measurements if m.model_version}
    return {
        version: _of_version(in_use, proposed, reference, store)
        for version, reference in load_references(in_use, store, measured).items()
    }


def _of_version(in_use: ModelSpec, proposed: ModelSpec, reference: Reference, store: Store) -> OfVersion:
    floors = reference.floors
    if in_use.learned_floors_hash != proposed.learned_floors_hash:
        of_reference = spec_of_reference(proposed, reference.model_version).with_features_in(reference.bins)
        days = profiles_of_reference(proposed, reference, store)
        floors = learn_floors(of_reference, reference.model_version, reference.bins, days)
    return OfVersion(
        learned=reference.floors.floor,
        learned_anew=floors.floor,
        multivariate_floors=reference.multivariate_floors,
        estimates=reference.estimates,
    )
