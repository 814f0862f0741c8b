"""The step that splits the change of the score and of performance over features and faults, by scoring mixed rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.explanation import by_cause
from monitoring_pipeline.evaluation.explanation.by_cause import CauseInputs, split_performance
from monitoring_pipeline.evaluation.explanation.by_columns import (
    CHANGE,
    SAMPLE_ROWS,
    MeanOutputs,
    attribute_rows,
    split_mean_output,
    with_outputs_only,
)
from monitoring_pipeline.evaluation.explanation.faults import Fault, faults_of
from monitoring_pipeline.evaluation.explanation.importance import measure_importance
from monitoring_pipeline.evaluation.explanation.relation_metrics import labelled_rows
from monitoring_pipeline.evaluation.explanation.scorer import Scorer, fit_surrogate, reproduces
from monitoring_pipeline.evaluation.explanation.unlike_rows import UnlikeRows, find_unlike_rows, measure_unlike_rows
from monitoring_pipeline.evaluation.fitted_models.design_matrix import Values, without_words
from monitoring_pipeline.evaluation.profiles.bins import SPECIAL_CELLS_AFTER, SPECIAL_CELLS_BEFORE, Bins, NumericBins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.evaluation.rows.joined import with_labels
from monitoring_pipeline.evaluation.versions.outputs import OutputError, outputs_in
from monitoring_pipeline.ports.outside import Scoring
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.explanation import ExplanationRules
from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.steps.explaining import scorer_of
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    known_labels,
    made_from,
    nothing_to_measure,
    required_snapshot,
    rows_of_version,
    versions_in,
    with_readable_features,
)
from monitoring_pipeline.steps.pushdown import noted, sampled_chunk
from monitoring_pipeline.steps.references import load_references, reference_rows
from monitoring_pipeline.steps.same_projections import refuse_other_projections

REFERENCE_ROWS = 2 * SAMPLE_ROWS
LEAST_ROWS = 50


def explain_chunk(spec: ModelSpec, chunk: Chunk, scoring: Scoring) -> ChunkResults:
    """Split the change of each version's mean output, and of its performance if there are labels."""
    refuse_other_projections(spec, chunk, scoring)
    predictions = required_snapshot(scoring.store, spec, chunk, PREDICTIONS)
    label_rows, labels_fingerprint = known_labels(spec, chunk, scoring)
    versions = versions_in(scoring.snapshots, predictions)
    references = load_references(spec, scoring.store, versions)
    profiles = {profile.model_version: profile for profile in scoring.store.profiles(spec.name, chunk.key)}
    quality = scoring.store.measurements(spec.name, chunk.key, Producer.PROFILE)
    measured = tuple(
        measurement
        for version, reference in references.items()
        for measurement in _explained(
            spec, chunk, reference, scoring, labels=label_rows, profile=profiles.get(version), quality=quality
        )
    )
    reason = "no version has a reference" if versions else "no predictions"
    nothing = nothing_to_measure(Kind.PERFORMANCE, CHANGE, "relation", reason, severity=Severity.INFO)
    fingerprints = [predictions.fingerprint, *([labels_fingerprint] if labels_fingerprint else [])]
    return ChunkResults(
        producer=Producer.EXPLANATION,
        chunk=chunk,
        provenance=made_from(spec, combined_fingerprint(*fingerprints), references),
        measurements=noted(sampled_chunk(spec, chunk, scoring.store), measured) or (nothing,),
    )


@dataclass(frozen=True)
class _Version:
    """One version of a chunk: its rows with outputs, and those of its reference, each sorted by ID."""

    spec: ModelSpec
    reference: Reference
    before: pl.DataFrame
    rows: pl.DataFrame
    seed_parts: tuple[str, ...]


def _explained(
    spec: ModelSpec,
    chunk: Chunk,
    reference: Reference,
    scoring: Scoring,
    *,
    labels: pl.DataFrame | None,
    profile: ChunkProfile | None,
    quality: Sequence[Measurement],
) -> Iterator[Measurement]:
    version = reference.model_version
    readable = with_readable_features(spec, chunk, scoring.store).with_features_in(reference.bins)
    missing = sorted(spec.features.keys() - readable.features.keys())
    before = with_outputs_only(spec, reference_rows(spec, reference, scoring, first=REFERENCE_ROWS))
    rows = with_outputs_only(spec, rows_of_version(spec, chunk, version, scoring, first=REFERENCE_ROWS))
    reason = _why_not(missing, before, rows, profile)
    if reason or profile is None:
        yield _blank(version, rows).skipped(reason or "no profile")
        return
    of_version = _Version(spec, reference, before, rows, (spec.name, version, chunk.key))
    faults = faults_of(spec, quality, version)
    broken = {fault.column: "it is broken" for fault in faults}
    unlike = _unlike(of_version, rows, broken)
    words = without_words(broken, spec.features)
    yield measure_unlike_rows(unlike, rows["row_id"], model_version=version, words=words)
    scorer = scorer_of(spec, version, scoring.registry, reference=before, rows=rows)
    if isinstance(scorer, str):
        yield _blank(version, rows).skipped(scorer)
    else:
        yield from _of_output(of_version, scorer, profile)
    if labels is not None:
        yield from _of_performance(of_version, labels, faults, None if isinstance(scorer, str) else scorer)


def _why_not(
    missing: Sequence[str], before: pl.DataFrame, rows: pl.DataFrame, profile: ChunkProfile | None
) -> str | None:
    if missing:
        return f"{', '.join(missing)} could not be read in the chunk or in the reference"
    if profile is None:
        return "the chunk has no profile"
    for side, where in ((before, "in the reference"), (rows, "in the chunk")):
        if side.height < LEAST_ROWS:
            return f"{side.height} rows with outputs {where}, at least {LEAST_ROWS} needed"
    return None


def _blank(version: str, rows: pl.DataFrame) -> Measurement:
    return Measurement(
        kind=Kind.PERFORMANCE,
        subject="relation",
        name=CHANGE,
        model_version=version,
        severity=Severity.INFO,
        value=0.0,
        rows=rows.height,
    )


def _unlike(version: _Version, rows: pl.DataFrame, broken: dict[str, str]) -> UnlikeRows | str:
    try:
        return find_unlike_rows(version.spec, version.before, rows, left_out=broken)
    except UndefinedStatisticError as undefined:
        return str(undefined)


def _of_output(version: _Version, scorer: Scorer, profile: ChunkProfile) -> Iterator[Measurement]:
    spec, reference = version.spec, version.reference
    rules = spec.explanation or ExplanationRules()
    names = outputs_in(spec, version.rows).columns
    means = MeanOutputs(*(_means(reference.bins, side, names) for side in (reference.profile, profile)))
    output = int(np.argmax(np.abs(means.current - means.reference)))
    half = version.before.height // 2
    try:
        explained, usual = (
            attribute_rows(
                spec,
                scorer,
                (version.before.head(half), side),
                pairs=rules.pairs,
                output=output,
                seed_parts=(*seed_parts, "output"),
            )
            for side, seed_parts in (
                (version.rows, version.seed_parts),
                (version.before.tail(half), version.seed_parts[:2]),
            )
        )
    except OutputError as error:
        yield _blank(reference.model_version, version.rows).skipped(str(error))
        return
    of_version = {"model_version": reference.model_version}
    yield from split_mean_output(spec, scorer, explained, means, rows=profile.rows, **of_version)
    yield from measure_importance(usual, explained, words=scorer.words, **of_version)


def _means(bins: dict[str, Bins], profile: ChunkProfile, names: Sequence[str]) -> Values:
    """Return the mean of the finite values of some columns, from their counts and sums."""
    means: list[float] = []
    for name in names:
        column, own = profile[name], bins[name]
        values = sum(column.counts[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER])
        centre = own.centre if isinstance(own, NumericBins) else 0.0
        means.append(centre + column.sum_centred / max(values, 1))
    return np.array(means)


def _of_performance(
    version: _Version, labels: pl.DataFrame, faults: Sequence[Fault], scorer: Scorer | None
) -> Iterator[Measurement]:
    spec, model_version = version.spec, version.reference.model_version
    before = labelled_rows(spec, version.before)[1].head(by_cause.SAMPLE_ROWS)
    current = labelled_rows(spec, with_labels(version.rows, labels))[1].head(by_cause.SAMPLE_ROWS)
    unlike = _unlike(version, current, {fault.column: "" for fault in faults}) if current.height else "no rows"
    inputs = CauseInputs(
        reference=before,
        current=current,
        unlike=None if isinstance(unlike, str) else unlike,
        faults=faults,
        scorer=_for_faults(version, scorer) if faults and scorer is not None else None,
        classifier=version.reference.classifier,
    )
    try:
        yield from split_performance(spec, inputs, model_version=model_version, seed_parts=version.seed_parts)
    except OutputError as error:
        yield replace(_blank(model_version, current), name=by_cause.CHANGE).skipped(str(error))


def _for_faults(version: _Version, scorer: Scorer) -> Scorer | None:
    """Return what scores the reference's rows with faults.

    A version that does not give them the scores that they were served with was often trained on them. Then it fits
    their labels too closely, and a fault would seem worse than it is.
    """
    if scorer.fidelity is not None or reproduces(version.spec, scorer, version.before):
        return scorer
    return fit_surrogate(version.spec, version.before, version.rows)
