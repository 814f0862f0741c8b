"""The step that measures what the predictions of a chunk cost."""

from monitoring_pipeline.evaluation.business.business_metrics import (
    MODEL_VERSION,
    BusinessQueryError,
    parse_business_query,
)
from monitoring_pipeline.evaluation.business.costs import chunks_of_month, cost_by_price, measure_cost, rules_of
from monitoring_pipeline.evaluation.business.money import COST
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.errors import SourceError, SourceUnreachableError
from monitoring_pipeline.evaluation.rows.expected_gap import is_expected_gap
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.ports.outside import Reading
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.records.measurement import Kind, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.chunk.business import sql_text
from monitoring_pipeline.steps.inputs import PREDICTIONS, made_from, outcome_fingerprint


def measure_costs(loaded: LoadedSpec, chunk: Chunk, reading: Reading) -> ChunkResults:
    """Measure what a chunk and its month so far have cost, from the chunks of the month up to this one.

    Raises:
        SourceUnreachableError: when the warehouse is away, and the run waits for it, or the cost of the chunk has
            been measured before.
    """
    spec, store = loaded.spec, reading.store
    rows = _rows(spec, chunk, store)
    if rules_of(spec).sql is not None:
        cost = _billed(loaded, chunk, reading)
    elif rows is None:
        cost = "the predictions were not counted"
    else:
        cost = cost_by_price(spec, chunk, rows)
    earlier = _earlier(spec, chunk, store)
    measured = measure_cost(spec, chunk, cost, rows, earlier)
    inputs = combined_fingerprint(repr(sorted(earlier.items())), outcome_fingerprint(measured))
    return ChunkResults(producer=Producer.COST, chunk=chunk, provenance=made_from(spec, inputs), measurements=measured)


def later_chunks(spec: ModelSpec, chunk: Chunk, *, store: Results) -> tuple[Chunk, ...]:
    """Return the later measured chunks of the same month, whose sum contains this chunk."""
    calendar = spec.calendar
    keys = [key for key in store.revisions(spec.name, Producer.COST) if key > chunk.key]
    return tuple(later for later in map(calendar.chunk, keys) if chunks_of_month(calendar, later)[0].key <= chunk.key)


def _rows(spec: ModelSpec, chunk: Chunk, store: Results) -> int | None:
    found = store.measurements(spec.name, chunk.key, PREDICTIONS, names=["rows"])
    if is_expected_gap(found):
        return 0
    counted = [m.value for m in found if m.kind is Kind.QUALITY and m.subject == "chunk" and m.value is not None]
    return int(counted[0]) if counted else None


def _earlier(spec: ModelSpec, chunk: Chunk, store: Results) -> dict[str, float]:
    """Return the known costs of earlier chunks of the month."""
    first = chunks_of_month(spec.calendar, chunk)[0]
    if first.key >= chunk.key:
        return {}
    last = spec.calendar.previous(chunk)
    return {
        key: m.value
        for key, m in store.chunk_measurements(spec.name, [MetricName(COST)], first.key, last.key)
        if m.kind is Kind.BUSINESS and m.subject == COST and m.value is not None
    }


def _billed(loaded: LoadedSpec, chunk: Chunk, reading: Reading) -> float | str:
    spec, sql = loaded.spec, rules_of(loaded.spec).sql or ""
    try:
        text = sql_text(loaded, sql)
        if MODEL_VERSION in parse_business_query(text).parameters:
            return f"{sql}: a billing query gives the cost of all versions; :{MODEL_VERSION} is not possible"
        value = reading.warehouse.business_metric(spec, text, chunk, "")
    except SourceUnreachableError:
        stored = reading.store.measurements(spec.name, chunk.key, Producer.COST, names=[COST])
        if reading.waits or any(m.status is not Status.SKIPPED for m in stored):
            raise
        return f"{sql}: the warehouse cannot be reached"
    except (SourceError, BusinessQueryError) as error:
        return f"{sql}: {without_secrets(str(error))}"
    return "the query gave NULL" if value is None else value
