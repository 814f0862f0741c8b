"""The step that measures a chunk's business metrics with the user's SQL in the warehouse."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from monitoring_pipeline.evaluation.business.business_metrics import (
    MODEL_VERSION,
    BusinessQueryError,
    business_failure,
    business_measurement,
    parse_business_query,
    without_predictions,
)
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.errors import SourceError, SourceUnreachableError
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.ports.outside import Kept, Reading
from monitoring_pipeline.ports.warehouse import Warehouse
from monitoring_pipeline.records.measurement import Measurement, Status
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec, SpecError
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.files import UnreadableFileError, read_small_text
from monitoring_pipeline.spec.rules.incidents import BusinessMetric
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    made_from,
    outcome_fingerprint,
    required_snapshot,
    versions_in,
)


def check_business(loaded: LoadedSpec) -> None:
    """Refuse business metrics whose SQL file cannot be read or refers to unknown parameters.

    Raises:
        SpecError: with one line per problem: spec, metric, file, and the problem.
    """
    problems: list[str] = []
    files = {f"business.{name}.sql": metric.sql for name, metric in loaded.spec.business.items()}
    if loaded.spec.cost is not None and loaded.spec.cost.sql is not None:
        files["cost.sql"] = loaded.spec.cost.sql
    for field, sql in files.items():
        try:
            parse_business_query(sql_text(loaded, sql))
        except BusinessQueryError as error:
            problems.append(f"{loaded.path}: {field}: {sql}: {error}")
    if problems:
        raise SpecError("\n".join(problems))


def measure_business(loaded: LoadedSpec, chunk: Chunk, reading: Reading) -> ChunkResults:
    """Measure every business metric of the spec on a chunk; one that cannot be measured is skipped.

    A metric whose SQL uses :model_version is measured for each version with predictions in the chunk, any other metric
    once. The input fingerprint is made from the text and the results of the SQL, because the rows that it reads are
    not known here.

    Raises:
        SourceUnreachableError: when the warehouse is away, and the run waits for it, or the metrics of the chunk have
            been measured before.
    """
    spec = loaded.spec
    versions = _versions(reading, spec, chunk) if spec.business else []
    stored = reading.store.measurements(spec.name, chunk.key, Producer.BUSINESS)
    was_measured = any(m.status is not Status.SKIPPED for m in stored)
    query = _Query(loaded, chunk, tuple(versions), reading.warehouse, was_measured or reading.waits)
    measured: list[Measurement] = []
    texts: list[str] = []
    for name, metric in spec.business.items():
        try:
            text = sql_text(loaded, metric.sql)
        except BusinessQueryError as error:
            measured.append(business_failure(name, metric, str(error)))
            continue
        texts.append(f"{name}:{hashlib.sha256(text.encode()).hexdigest()}")
        measured.extend(_measure(query, name, metric, text))
    return ChunkResults(
        producer=Producer.BUSINESS,
        chunk=chunk,
        provenance=made_from(spec, combined_fingerprint(*texts, outcome_fingerprint(measured))),
        measurements=tuple(measured),
    )


def _versions(kept: Kept, spec: ModelSpec, chunk: Chunk) -> list[str]:
    return versions_in(kept.snapshots, required_snapshot(kept.store, spec, chunk, PREDICTIONS))


@dataclass(frozen=True)
class _Query:
    """The inputs that all metrics of one chunk share; ``was_measured`` if results of the chunk are stored."""

    loaded: LoadedSpec
    chunk: Chunk
    versions: tuple[str, ...]
    warehouse: Warehouse
    needs_answer: bool


def _measure(query: _Query, name: str, metric: BusinessMetric, text: str) -> Iterator[Measurement]:
    try:
        by_version = MODEL_VERSION in parse_business_query(text).parameters
    except BusinessQueryError as error:
        yield business_failure(name, metric, str(error))
        return
    if by_version and not query.versions:
        yield without_predictions(name, metric)
    for version in query.versions if by_version else ("",):
        try:
            value = query.warehouse.business_metric(query.loaded.spec, text, query.chunk, version)
        except SourceError as error:
            if query.needs_answer and isinstance(error, SourceUnreachableError):
                raise
            yield business_failure(name, metric, str(error), model_version=version)
        else:
            yield business_measurement(name, metric, value, model_version=version)


def sql_text(loaded: LoadedSpec, sql: str) -> str:
    """Return the text of a SQL file that a spec names.

    Raises:
        BusinessQueryError: when it cannot be read.
    """
    path = loaded.path.parent / sql
    if not path.is_file():
        message = f"no such file beside {loaded.path.name}"
        raise BusinessQueryError(message)
    try:
        return read_small_text(path)
    except UnreadableFileError as error:
        raise BusinessQueryError(str(error)) from error
