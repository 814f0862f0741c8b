"""The step that compares a chunk's profiles with the reference or the baseline."""

from collections.abc import Iterator, Mapping, Sequence

from monitoring_pipeline.evaluation.drift.all_features import SAMPLE_ROWS, measure_multivariate, rows_compared
from monitoring_pipeline.evaluation.drift.baselines import baseline_chunks, baseline_words, choose_baseline
from monitoring_pipeline.evaluation.drift.columns import Counterpart, deciding_statistics, measure_drift, needs_rows
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.quality.dead_columns import dead_columns
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.records.producer import Producer, days_producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import Against
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    made_from,
    missing_input,
    nothing_to_measure,
    required_snapshot,
    rows_of_version,
    with_readable_features,
)
from monitoring_pipeline.steps.pushdown import noted, noted_if_derived, sampled_chunk
from monitoring_pipeline.steps.references import load_references, reference_rows


def compare_chunk(spec: ModelSpec, chunk: Chunk, kept: Kept) -> ChunkResults:
    """Compare the chunk's profiles with the reference, or with the baseline that the spec names.

    Raises:
        MissingInputError: when the chunk has no profile or no predictions, or a reference has not been built.
    """
    profiles = {profile.model_version: profile for profile in kept.store.profiles(spec.name, chunk.key)}
    provenance = kept.store.provenance(spec.name, chunk.key, Producer.PROFILE)
    if provenance is None:
        raise missing_input(spec, chunk, Producer.PROFILE)
    references = load_references(spec, kept.store, profiles)
    readable = with_readable_features(spec, chunk, kept.store)
    measured: list[Measurement] = []
    inputs = [provenance.input_fingerprint]
    sampled = sampled_chunk(spec, chunk, kept.store)
    for version, reference in references.items():
        against = _against(spec, chunk, reference, kept)
        if isinstance(against, str):
            measured.append(nothing_to_measure(Kind.DRIFT, "drifted_columns", "chunk", against))
            continue
        comparable = readable.with_features_in(reference.bins)
        of_columns = measure_drift(comparable, against, profiles[version])
        measured.extend(noted(sampled, of_columns) if needs_rows(spec) else noted_if_derived(spec, sampled, of_columns))
        measured.extend(_left_out(spec, readable, reference))
        measured.extend(noted(sampled, _together(comparable, chunk, reference, kept)))
        if against.profile is not reference.profile:
            inputs.append(repr(against.profile))
    empty = not required_snapshot(kept.store, spec, chunk, PREDICTIONS).rows
    reason = "no predictions" if empty else "no version has a reference"
    return ChunkResults(
        producer=Producer.DRIFT,
        chunk=chunk,
        provenance=made_from(spec, combined_fingerprint(*inputs), references),
        measurements=tuple(measured) or (nothing_to_measure(Kind.DRIFT, "drifted_columns", "chunk", reason),),
    )


def _left_out(spec: ModelSpec, readable: ModelSpec, reference: Reference) -> Iterator[Measurement]:
    """Yield a skipped measurement for each feature that was unreadable in the chunk or in the reference."""
    for column in spec.features:
        where = "chunk" if column not in readable.features else "reference" if column not in reference.bins else None
        if where:
            reason = f"the column could not be read when the {where} was read; its quality has the reason"
            yield nothing_to_measure(Kind.DRIFT, deciding_statistics(spec, column)[0], column, reason)


def _together(spec: ModelSpec, chunk: Chunk, reference: Reference, kept: Kept) -> tuple[Measurement, ...]:
    """Compare all watched features at once, on samples of rows."""
    if not spec.drift.multivariate:
        return ()
    version = reference.model_version
    return measure_multivariate(
        spec,
        version,
        reference_rows(spec, reference, kept, first=2 * SAMPLE_ROWS),
        rows_of_version(spec, chunk, version, kept, first=rows_compared(spec)),
        seed_parts=(spec.name, version, chunk.key),
        learned=reference.multivariate_floors,
        usual=reference.usual_contributions,
        left_out=reference.constant_columns,
        dead=dead_columns(spec, kept.store.measurements(spec.name, chunk.key, Producer.PROFILE), version),
        classifier=reference.classifier,
    )


def _against(spec: ModelSpec, chunk: Chunk, reference: Reference, kept: Kept) -> Counterpart | str:
    """Return the counterpart of a version's rows, or the reason why there is none."""
    profile: ChunkProfile | None = reference.profile
    if spec.drift.against is not Against.REFERENCE:
        wanted = baseline_chunks(spec, chunk)
        keys = [other.key for other in wanted]
        profiles = _profiles_of(spec, reference, keys, kept.store)
        not_yet = _not_profiled(spec, wanted, profiles, kept.store)
        baseline = choose_baseline(spec.drift, keys, profiles, not_yet, noun=spec.calendar.noun)
        if baseline.profile is None:
            return baseline.reason or "no baseline"
        profile = baseline.profile
    with_rows = needs_rows(spec)
    return Counterpart(
        bins=reference.bins,
        profile=profile,
        words=baseline_words(spec.drift),
        learned=reference.floors.floor,
        expected_sample=reference_rows(spec, reference, kept) if with_rows else None,
        observed_sample=rows_of_version(spec, chunk, reference.model_version, kept) if with_rows else None,
    )


def _profiles_of(spec: ModelSpec, reference: Reference, keys: Sequence[str], store: Results) -> dict[str, ChunkProfile]:
    """Return profiles over the bins of a reference, by key: those of the reference's chunks and of monitored chunks."""
    version = reference.model_version
    of_reference = store.profiles_by_chunk(spec.name, days_producer(version), keys)
    monitored = store.profiles_by_chunk(spec.name, Producer.PROFILE, keys)
    return {
        key: profile
        for key, profiles in (of_reference | monitored).items()
        for profile in profiles
        if profile.model_version == version
    }


def _not_profiled(
    spec: ModelSpec, wanted: Sequence[Chunk], profiles: Mapping[str, ChunkProfile], store: Results
) -> list[str]:
    """Return the keys of the wanted chunks that still have to be monitored; a refused chunk has been monitored."""
    first = spec.calendar.first
    return [
        chunk.key
        for chunk in wanted
        if chunk.key not in profiles
        and first.start <= chunk.start
        and store.provenance(spec.name, chunk.key, PREDICTIONS) is None
    ]
