"""Which measurements decide a verdict."""

from collections.abc import Iterable

from monitoring_pipeline.evaluation.judgement.guards import GUARDED
from monitoring_pipeline.evaluation.judgement.lost_coverage import CHUNKS_WITHOUT_DRIFT
from monitoring_pipeline.evaluation.judgement.repeated_chunk import REPEATED_CHUNK
from monitoring_pipeline.evaluation.judgement.verdict import is_decisive
from monitoring_pipeline.evaluation.operations.pipeline_health import SUBJECT
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity

DECISIVE = "decisive_measurements"
_OF_THE_VERDICT = (DECISIVE, GUARDED, CHUNKS_WITHOUT_DRIFT, REPEATED_CHUNK)


def decisive_measurements(measurements: Iterable[Measurement], rows: int) -> Measurement:
    """Return the number of decisive measurements of a chunk as a measurement. Zero is a breach if the chunk has rows.

    Args:
        measurements: all of the chunk.
        rows: number of its predictions.
    """
    count = sum(map(is_decisive, measurements))
    measurement = Measurement(
        kind=Kind.OPERATIONS,
        subject="chunk",
        name=DECISIVE,
        model_version="",
        value=float(count),
        threshold_lower=1.0,
        severity=Severity.WARNING,
        definition="measurements of drift, performance and estimated performance that are not skipped",
        rows=rows,
    )
    if count or not rows:
        return measurement
    reason = f"nothing decisive could be measured, though there are {rows} predictions"
    return measurement.breached(reason)


def about_the_model(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Return the measurements without those about the monitoring itself, which do not affect the verdict."""
    return [m for m in measurements if m.subject != SUBJECT and m.name not in _OF_THE_VERDICT]
