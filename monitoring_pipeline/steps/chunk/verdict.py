"""The step that judges a chunk from all its measurements."""

from collections.abc import Sequence
from functools import partial

import monitoring_pipeline
from monitoring_pipeline.evaluation.explanation.effect import weighed_by_effect
from monitoring_pipeline.evaluation.judgement.decisive import about_the_model, decisive_measurements
from monitoring_pipeline.evaluation.judgement.guards import measure_guards
from monitoring_pipeline.evaluation.judgement.lost_coverage import by_chunk, drift_not_measured
from monitoring_pipeline.evaluation.judgement.repeated_chunk import CHUNKS_LOOKED_BACK, repeated_chunk
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Kind, Measurement, Provenance, Status
from monitoring_pipeline.records.producer import Producer, days_producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.references import load_references

_CHUNKS_LOOKED_AT = 4
"""So many chunks are looked at for each one with predictions, because some are expected gaps."""


def verdict_of_refusal(results: ChunkResults) -> ChunkResults:
    """Return the verdict on a refused chunk, from the results about its predictions alone."""
    return ChunkResults(
        producer=Producer.VERDICT,
        chunk=results.chunk,
        provenance=results.provenance,
        verdict=judge(results.measurements),
    )


def judge_chunk(spec: ModelSpec, chunk: Chunk, producers: Sequence[str], *, store: Store) -> ChunkResults:
    """Judge a chunk from all its measurements.

    Args:
        spec: the model.
        chunk: the chunk.
        producers: the producers of those measurements, in the order of their fingerprints.
        store: where the results are kept.
    """
    measured = about_the_model(store.measurements(spec.name, chunk.key))
    rows = next((int(m.value) for m in measured if m.name == "rows" and m.value is not None), 0)
    history = partial(_history, spec, chunk, store)
    guards = measure_guards(spec, measured, rows, history)
    about_chunk = (drift_not_measured(spec, measured, history), _repeated(spec, chunk, store))
    lost = [found for found in about_chunk if found is not None]
    provenances = {name: store.provenance(spec.name, chunk.key, name) for name in map(Producer, producers)}
    made_from = [p.input_fingerprint for p in provenances.values() if p is not None]
    drift = provenances[Producer.DRIFT]
    return ChunkResults(
        producer=Producer.VERDICT,
        chunk=chunk,
        provenance=Provenance(
            spec_hash=spec.spec_hash,
            reference_hash=drift.reference_hash if drift else "",
            input_fingerprint=combined_fingerprint(*made_from),
            code_version=monitoring_pipeline.__version__,
        ),
        measurements=(decisive_measurements(measured, rows), *guards, *lost),
        verdict=judge(weighed_by_effect(spec, [*_counted(measured), *guards, *lost])),
    )


def _repeated(spec: ModelSpec, chunk: Chunk, store: Store) -> Measurement | None:
    """Return whether the chunk repeats one of those before it."""
    keys, before = [], chunk
    for _ in range(CHUNKS_LOOKED_BACK):
        before = spec.calendar.previous(before)
        keys.append(before.key)
    found = store.profiles_by_chunk(spec.name, Producer.PROFILE, [*keys, chunk.key])
    profiles = found.pop(chunk.key, ())
    return repeated_chunk(list(spec.inputs), profiles, found, partial(_of_reference, spec, profiles, store))


def _of_reference(
    spec: ModelSpec, profiles: Sequence[ChunkProfile], store: Store
) -> dict[str, tuple[ChunkProfile, ...]]:
    """Return the profiles of the last chunks of the reference of the version with most rows."""
    version = max(profiles, key=lambda profile: profile.rows).model_version
    references = load_references(spec, store, [version])
    keys = [of_chunk.chunk for reference in references.values() for of_chunk in reference.chunks[-CHUNKS_LOOKED_BACK:]]
    return store.profiles_by_chunk(spec.name, days_producer(version), keys)


def _counted(measured: Sequence[Measurement]) -> list[Measurement]:
    """Return the measurements that a verdict counts: those of the chunk, and the breached ones of windows."""
    return [m for m in measured if m.kind is not Kind.WINDOW or m.status is Status.BREACHED]


def _history(spec: ModelSpec, chunk: Chunk, store: Store, count: int) -> list[list[Measurement]]:
    """Return the measurements of the last chunks with predictions before a chunk, at most so many, newest first."""
    calendar = spec.calendar
    first = calendar.earlier(chunk, _CHUNKS_LOOKED_AT * count)
    last = calendar.previous(chunk)
    found = by_chunk(store.chunk_measurements(spec.name, None, first.key, last.key))
    return [found[key] for key in sorted(found, reverse=True)[:count]]
