"""Decides whether a chunk is counted where its rows are."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitoring_pipeline.evaluation.quality.sampled import SAMPLED_ROWS, Sampled, sampled_of
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.evaluation.rows.pushdown import TOLERATED_SHARE
from monitoring_pipeline.ports.counting import Counting, RowsCounted
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.ports.warehouse import PredictionsRead, Warehouse
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

ONLY_A_SAMPLE = "the rows were counted in the warehouse, and only a sample of them is kept"
"""Why numbers that need all rows of a chunk are not measured."""


@dataclass(frozen=True)
class CountedThere:
    """A chunk that is counted where its rows are."""

    counting: Counting


def read_or_counted(spec: ModelSpec, chunk: Chunk, warehouse: Warehouse) -> PredictionsRead | CountedThere:
    """Return the predictions of a chunk, unless the chunk is counted where its rows are.

    Raises:
        SourceError: when they cannot be read, or when the spec wants them counted, and the warehouse can only be read.
    """
    counting = None if spec.pushdown == "never" else warehouse.counting(spec)
    if spec.pushdown == "always":
        if counting is None:
            raise SourceError(f"{spec.name}: pushdown: always: this warehouse does not count rows; write auto")
        return CountedThere(counting)
    if counting is None:
        return warehouse.read_predictions(spec, chunk)
    read = counting.read_if_few(spec, chunk)
    return CountedThere(counting) if read is None else read


def sampled_chunk(spec: ModelSpec, chunk: Chunk, store: Results) -> Sampled | None:
    """Return the sample of a chunk that was counted where its rows are; None if all its rows were read."""
    return sampled_of(store.measurements(spec.name, chunk.key, Producer.PREDICTIONS, names=[SAMPLED_ROWS]))


def rows_counted(spec: ModelSpec, chunk: Chunk, store: Results) -> RowsCounted:
    """Return the facts about the rows of a counted chunk, from its stored measurements."""
    measured = {m.name: m.value or 0.0 for m in store.measurements(spec.name, chunk.key, Producer.PREDICTIONS)}
    return RowsCounted(
        has_repeated=measured.get("duplicate_predictions", 0.0) > 0,
        has_sums=measured.get("scores_not_normalised", 0.0) <= TOLERATED_SHARE,
    )


def noted_if_derived(
    spec: ModelSpec, sampled: Sampled | None, measurements: Iterable[Measurement]
) -> tuple[Measurement, ...]:
    """Return measurements of columns; those of texts and vectors have a note if they were made on a sample of rows."""
    return tuple(
        noted(sampled, (m,))[0] if spec.feature_of(m.subject) in spec.derived_features else m for m in measurements
    )


def noted(sampled: Sampled | None, measurements: tuple[Measurement, ...]) -> tuple[Measurement, ...]:
    """Return measurements that were made on a chunk's rows, with a note if these are a sample."""
    return measurements if sampled is None else sampled.noted(measurements)
