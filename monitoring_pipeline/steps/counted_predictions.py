"""Counts the predictions of a large chunk where they are, and reads a sample of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import narwhals as nw
import polars as pl

from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, profile_column
from monitoring_pipeline.evaluation.quality.conditions import AllRows
from monitoring_pipeline.evaluation.quality.sampled import Sampled, counted_in_sample
from monitoring_pipeline.evaluation.quality.suite import SuiteResult, unreadable_features
from monitoring_pipeline.evaluation.quality.table import measure_counted_table
from monitoring_pipeline.evaluation.reference.known_categories import number_codes, with_known_categories
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows.accounting import predictions_left_out
from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.evaluation.rows.probabilities import measure_scores
from monitoring_pipeline.evaluation.rows.pushdown import ChunkFacts, sampled_every
from monitoring_pipeline.ports.counting import CountedColumns, Counting
from monitoring_pipeline.ports.outside import Reading
from monitoring_pipeline.ports.upkeep import Upkeep
from monitoring_pipeline.ports.warehouse import PredictionsRead
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    made_from,
    outcome_fingerprint,
    require_rows_known_before,
    without_forgotten,
)
from monitoring_pipeline.steps.predictions import PredictionsOutcome, expectation_of_rows, reference_of_table
from monitoring_pipeline.steps.references import load_references, schema_refusal
from monitoring_pipeline.steps.refusals import refusal_results
from monitoring_pipeline.steps.roles import without_shadows


def count_predictions(loaded: LoadedSpec, chunk: Chunk, reading: Reading, counting: Counting) -> PredictionsOutcome:
    """Count a chunk's predictions where they are, run the suite on a sample, and write the snapshot of the sample.

    The profiles over the bins of each version's reference are stored with the results, for the asset ``profile``.

    Raises:
        SourceError: when the predictions cannot be read, do not fit the spec, or are gone.
    """
    spec = loaded.spec
    facts = counting.facts(spec, chunk)
    read = counting.sample(spec, chunk, sampled_every(facts.kept))
    if not facts.rows:
        require_rows_known_before(spec, chunk, PREDICTIONS, read.frame, store=reading.store)
    served = without_shadows(spec, chunk, read.frame, reading.store)
    every = AllRows()
    if served is read.frame:
        every = AllRows(facts.rows, partial(counting.conditions, spec, chunk))
    # Rows of shadows are no part of a suite, and are not told apart in the warehouse.
    suite = reading.suites(spec, loaded.suite_path, served, every if sampled_every(facts.kept) > 1 else None)
    if refusal := schema_refusal(spec, suite):
        results = refusal_results(spec, chunk, (*suite.schema, *suite.values))
        return PredictionsOutcome(results, suite, refusal)
    scores = measure_scores(spec, facts.scores, facts.sums)
    references = load_references(spec, reading.store, [version.model_version for version in facts.versions])
    taken = _taken(spec, read, suite, facts, references, store=reading.store, id_key=reading.id_key)
    counted = counting.profiles(spec, chunk, facts, taken.bins)
    suite = replace(suite, values=taken.sampled.noted(suite.values))
    counts = {version.model_version: version.kept for version in facts.versions}
    reference = reference_of_table(spec, counts, references, reading.store)
    about_rows = expectation_of_rows(spec, chunk, reference, facts.ids)
    measurements = (
        *about_rows((*_left_out(spec, facts), *scores, *_table(spec, chunk, facts, read, reference))),
        *suite.schema,
        *about_rows(suite.values),
        taken.sampled.measurement,
        *counted_in_sample(counted.not_counted, taken.sampled),
    )
    profiles = taken.complete(counted)
    content = fingerprint(taken.rows)
    snapshot = Snapshot(
        kind=PREDICTIONS,
        uri=reading.snapshots.write(
            taken.rows, model=spec.name, chunk=chunk.key, kind=PREDICTIONS, fingerprint=content
        ),
        fingerprint=content,
        rows=taken.rows.height,
        latest_at=facts.latest_at,
    )
    results = ChunkResults(
        producer=PREDICTIONS,
        chunk=chunk,
        provenance=made_from(
            spec, combined_fingerprint(content, outcome_fingerprint(measurements), repr(profiles)), references
        ),
        measurements=measurements,
        profiles=profiles,
        snapshot=snapshot,
    )
    return PredictionsOutcome(results, suite, None)


@dataclass(frozen=True)
class _Taken:
    """The canonical rows of the sample, and the bins of the readable columns by version."""

    rows: pl.DataFrame
    sampled: Sampled
    bins: Mapping[str, Mapping[str, Bins]]

    def complete(self, counted: CountedColumns) -> tuple[ChunkProfile, ...]:
        """Return the profiles with the columns that were not counted; these are counted in the sample."""
        if not counted.not_counted:
            return counted.profiles
        return tuple(self._complete(profile) for profile in counted.profiles)

    def _complete(self, profile: ChunkProfile) -> ChunkProfile:
        version = profile.model_version
        lazy = nw.from_native(self.rows.filter(pl.col("model_version") == version).lazy())
        known = {column.column: column for column in profile.columns}
        columns = tuple(
            known[name] if name in known else profile_column(lazy.select(name), name, bins)
            for name, bins in self.bins[version].items()
        )
        return replace(profile, columns=columns)


def _taken(
    spec: ModelSpec,
    read: PredictionsRead,
    suite: SuiteResult,
    facts: ChunkFacts,
    references: Mapping[str, Reference],
    *,
    store: Upkeep,
    id_key: bytes,
) -> _Taken:
    unreadable = unreadable_features(spec, suite.schema)
    readable = read.frame.drop(suite.unreadable_columns(spec), strict=False)
    projections = {version: reference.projections for version, reference in references.items()}
    canonical = canonical_predictions(spec, readable, id_key=id_key, without_time=0, projections=projections).frame
    canonical = without_forgotten(spec, canonical, store)
    codes = number_codes(spec, readable, read.table_columns)
    rows = with_known_categories(canonical, codes, {version: each.bins for version, each in references.items()})
    columns = spec.with_features_in(spec.features.keys() - set(unreadable)).columns
    bins = {
        version: {column: bins for column, bins in reference.bins.items() if column in columns}
        for version, reference in references.items()
    }
    return _Taken(rows, Sampled(rows.height, facts.kept), bins)


def _left_out(spec: ModelSpec, facts: ChunkFacts) -> tuple[Measurement, ...]:
    return predictions_left_out(
        spec,
        rows=facts.rows,
        ids=facts.ids,
        duplicates=facts.duplicates,
        without_id=facts.without_id,
        without_time=facts.without_time,
    )


def _table(
    spec: ModelSpec, chunk: Chunk, facts: ChunkFacts, read: PredictionsRead, reference: Reference
) -> tuple[Measurement, ...]:
    return measure_counted_table(
        spec,
        chunk,
        rows=facts.ids,
        newest=facts.latest_at,
        columns=read.table_columns,
        facts=reference.table,
    )
