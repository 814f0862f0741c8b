"""The step that calls the user's own functions on the rows of a chunk."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.business.business_metrics import MEASURES
from monitoring_pipeline.evaluation.measures.answers import Numbers, measurements_of
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.evaluation.rows.joined import by_id
from monitoring_pipeline.evaluation.segments.membership import Values, parts_of, values_of
from monitoring_pipeline.ports.outside import Calling
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.measures import Measure
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    known_labels,
    made_from,
    nothing_to_measure,
    outcome_fingerprint,
    required_snapshot,
    rows_of_version,
    versions_in,
)
from monitoring_pipeline.steps.pushdown import noted, sampled_chunk
from monitoring_pipeline.steps.references import MissingInputError, load_references, reference_rows
from monitoring_pipeline.steps.same_projections import refuse_other_projections

ALWAYS_GIVEN = ("row_id", "predicted_at", "model_version", "label")
"""Columns that every function gets; IDs are hashed."""


def measure_own(spec: ModelSpec, calling: Calling) -> Callable[[Chunk], ChunkResults]:
    """Return the step that measures a chunk; functions are called on a reference once for all chunks of a run."""
    usual = _OnReferences(spec, calling)

    def measure_chunk(chunk: Chunk) -> ChunkResults:
        refuse_other_projections(spec, chunk, calling)
        predictions = required_snapshot(calling.store, spec, chunk, PREDICTIONS)
        labels, labels_fingerprint = known_labels(spec, chunk, calling)
        versions = versions_in(calling.snapshots, predictions)
        references = load_references(spec, calling.store, versions)
        sampled = sampled_chunk(spec, chunk, calling.store)
        measured: list[Measurement] = []
        for version in versions:
            rows = by_id(_with_labels(rows_of_version(spec, chunk, version, calling), labels))
            of_version = _Version(version, rows, references.get(version), has_segments=sampled is None)
            for name in spec.measures:
                measured += _measure(usual, chunk, of_version, name)
        nothing = nothing_to_measure(Kind.BUSINESS, MEASURES, MEASURES, "no predictions", severity=Severity.INFO)
        inputs = (predictions.fingerprint, labels_fingerprint, outcome_fingerprint(measured))
        return ChunkResults(
            producer=Producer.MEASURES,
            chunk=chunk,
            provenance=made_from(spec, combined_fingerprint(*inputs), references),
            measurements=noted(sampled, tuple(measured)) or (nothing,),
        )

    return measure_chunk


@dataclass(frozen=True)
class _Version:
    """A chunk's rows of one version, with labels, and its reference; a sample has no segments."""

    model_version: str
    rows: pl.DataFrame
    reference: Reference | None
    has_segments: bool


@dataclass(frozen=True)
class _OnReferences:
    """Numbers of measures on references, and the values of their segments; each is found once."""

    spec: ModelSpec
    calling: Calling
    _numbers: dict[tuple[str, str], Numbers | str] = field(default_factory=dict)
    _values: dict[str, Values] = field(default_factory=dict)

    def numbers(self, name: str, reference: Reference | None) -> Numbers | str:
        """Return the numbers of a measure on a reference, or why there are none; no numbers if none are needed."""
        measure = self.spec.measures[name]
        if measure.threshold is None or measure.threshold.worse_than_reference is None:
            return {}
        if reference is None:
            return "this version has no reference"
        key = (name, reference.reference_hash)
        if key not in self._numbers:
            self._numbers[key] = self._called(measure, reference)
        return self._numbers[key]

    def values(self, reference: Reference) -> Values:
        """Return the values that are segments of their own."""
        key = reference.reference_hash
        if key not in self._values:
            self._values[key] = values_of(self.spec.segments.by, reference_rows(self.spec, reference, self.calling))
        return self._values[key]

    def _called(self, measure: Measure, reference: Reference) -> Numbers | str:
        try:
            rows = reference_rows(self.spec, reference, self.calling)
        except MissingInputError as error:
            return str(error)
        return self.calling.call_measure(measure, _given(self.spec, measure, by_id(_with_labels(rows, None))))


def _measure(usual: _OnReferences, chunk: Chunk, version: _Version, name: str) -> Iterator[Measurement]:
    """Yield the numbers of a measure; of a function that gives none for all rows, segments are not measured."""
    spec, measure = usual.spec, usual.spec.measures[name]
    for segment, rows in _parts(usual, version, measure):
        answer = usual.calling.call_measure(measure, _given(spec, measure, rows))
        if isinstance(answer, str):
            answer = f"{spec.name} {chunk.key}: {answer}"
        yield from measurements_of(
            name,
            measure,
            answer,
            model_version=version.model_version,
            rows=rows.height,
            reference={} if segment else usual.numbers(name, version.reference),
            segment=segment,
        )
        if isinstance(answer, str) and not segment:
            return


def _parts(usual: _OnReferences, version: _Version, measure: Measure) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield all rows, and then those of each segment that has enough; its name is empty for all rows."""
    yield "", version.rows
    if not measure.by_segment or version.reference is None or not version.has_segments:
        return
    rules = usual.spec.segments
    for part in parts_of(rules.by, usual.values(version.reference), version.rows):
        if np.count_nonzero(part.rows) >= rules.minimum_rows:
            yield part.name, version.rows.filter(pl.Series(part.rows))


def _with_labels(rows: pl.DataFrame, labels: pl.DataFrame | None) -> pl.DataFrame:
    """Return rows with the column ``label``, which is null where none is known."""
    if "label" in rows.columns:
        return rows
    if labels is None:
        return rows.with_columns(label=pl.lit(None, dtype=pl.Float64))
    return rows.join(labels, on="row_id", how="left", maintain_order="left")


def _given(spec: ModelSpec, measure: Measure, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that a function gets; the time at which a label came is left out."""
    columns = measure.columns or tuple(name for name in spec.canonical_columns if name not in ALWAYS_GIVEN)
    return rows.select(name for name in dict.fromkeys((*ALWAYS_GIVEN, *columns)) if name in rows.columns)
