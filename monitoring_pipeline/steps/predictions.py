"""What reading and counting the predictions of a chunk have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from monitoring_pipeline.evaluation.quality.suite import SuiteResult
from monitoring_pipeline.evaluation.quality.volume import why_none_expected, without_least_rows
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.expected_gap import as_expected_gap
from monitoring_pipeline.ports.references import References
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.references import load_reference


@dataclass(frozen=True)
class PredictionsOutcome:
    """The results to store about a chunk's predictions; ``refusal`` is the reason if the chunk is refused."""

    results: ChunkResults
    suite: SuiteResult
    refusal: str | None


def reference_of_table(
    spec: ModelSpec, rows: Mapping[str, int], references: Mapping[str, Reference], store: References
) -> Reference:
    """Return the reference of the version with most rows, with which the table is compared.

    ``rows`` has their number by version. If no version in the chunk has a reference, the first one of the spec is used.
    """
    by_rows = sorted(rows, key=lambda version: (-rows[version], version))
    version = next((version for version in by_rows if version in references), None)
    return references[version] if version is not None else load_reference(spec, store, next(iter(spec.reference)))


def expectation_of_rows(
    spec: ModelSpec, chunk: Chunk, reference: Reference, rows: int
) -> Callable[[Sequence[Measurement]], tuple[Measurement, ...]]:
    """Return a function from measurements of a chunk to those that count if it need not have predictions."""
    reason = why_none_expected(spec.calendar, chunk, reference.table.slots(spec))
    if reason is None:
        return tuple
    return without_least_rows if rows else partial(as_expected_gap, reason=reason)
