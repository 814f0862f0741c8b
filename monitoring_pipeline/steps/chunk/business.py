"""The step that asks the warehouse for a chunk's business metrics: the numbers of the user's own SQL."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec, SpecError
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.incidents import BusinessMetric
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    made_from,
    outcome_fingerprint,
    required_snapshot,
    versions_in,
)

BUSINESS = "business"


def check_business(loaded: LoadedSpec) -> None:
    """Refuse business metrics whose SQL file cannot be read, or refers to unknown parameters.

    Raises:
        SpecError: with one line per problem: spec, metric, file, and what is wrong.
    """
    problems: list[str] = []
    for name, metric in loaded.spec.business.items():
        try:
            parse_business_query(_sql_text(loaded, metric))
        except BusinessQueryError as error:
            problems.append(f"{loaded.path}: business.{name}.sql: {metric.sql}: {error}")
    if problems:
        raise SpecError("\n".join(problems))


def measure_business(loaded: LoadedSpec, chunk: Chunk, reading: Reading) -> ChunkResults:
    """Measure every business metric of the spec on a chunk; one that cannot be measured does not stop the others.

    A metric whose SQL uses :model_version is measured for each version that made predictions in the chunk, any other
    once. The results are made from the SQL's text and what came out, as nobody knows which rows it has read.

    Raises:
        SourceUnreachableError: when the warehouse is away, and the metrics of the chunk have been measured before.
    """
    spec = loaded.spec
    versions = _versions(reading, spec, chunk) if spec.business else []
    known = reading.store.measurements(spec.name, chunk.key, BUSINESS)
    night = _Night(
        loaded, chunk, tuple(versions), reading.warehouse, is_known=any(m.status is not Status.SKIPPED for m in known)
    )
    measured: list[Measurement] = []
    texts: list[str] = []
    for name, metric in spec.business.items():
        try:
            text = _sql_text(loaded, metric)
        except BusinessQueryError as error:
            measured.append(business_failure(name, metric, str(error)))
            continue
        texts.append(f"{name}:{hashlib.sha256(text.encode()).hexdigest()}")
        measured.extend(_measure(night, name, metric, text))
    return ChunkResults(
        producer=BUSINESS,
        chunk=chunk,
        provenance=made_from(spec, combined_fingerprint(*texts, outcome_fingerprint(measured))),
        measurements=tuple(measured),
    )


def _versions(kept: Kept, spec: ModelSpec, chunk: Chunk) -> list[str]:
    return versions_in(kept.snapshots, required_snapshot(kept.store, spec, chunk, PREDICTIONS))


@dataclass(frozen=True)
class _Night:
    """What all metrics of one chunk share."""

    loaded: LoadedSpec
    chunk: Chunk
    versions: tuple[str, ...]
    warehouse: Warehouse
    is_known: bool


def _measure(night: _Night, name: str, metric: BusinessMetric, text: str) -> Iterator[Measurement]:
    try:
        by_version = MODEL_VERSION in parse_business_query(text).parameters
    except BusinessQueryError as error:
        yield business_failure(name, metric, str(error))
        return
    if by_version and not night.versions:
        yield without_predictions(name, metric)
    for version in night.versions if by_version else ("",):
        try:
            value = night.warehouse.business_metric(text, night.chunk, version)
        except SourceError as error:
            if night.is_known and isinstance(error, SourceUnreachableError):
                raise
            yield business_failure(name, metric, str(error), model_version=version)
        else:
            yield business_measurement(name, metric, value, model_version=version)


def _sql_text(loaded: LoadedSpec, metric: BusinessMetric) -> str:
    path = _sql_path(loaded, metric)
    if not path.is_file():
        message = f"no such file beside {loaded.path.name}"
        raise BusinessQueryError(message)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {type(error).__name__}"
        raise BusinessQueryError(message) from error


def _sql_path(loaded: LoadedSpec, metric: BusinessMetric) -> Path:
    return loaded.path.parent / metric.sql
