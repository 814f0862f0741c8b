"""Coverage that was lost: a version that nothing is compared with, and drift that has not been measured for long.

Nothing else is breached then, so that the chunks would be ok because nobody looks at them.
"""

from collections.abc import Callable, Mapping, Sequence

from monitoring_pipeline.records.measurement import SERVING, Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

VERSIONS, DRIFT = "versions", "drift"
ROWS_WITHOUT_REFERENCE, CHUNKS_WITHOUT_DRIFT = "rows_without_reference", "chunks_without_drift"

History = Callable[[int], Sequence[Sequence[Measurement]]]
"""Returns the measurements of the last chunks with predictions before a chunk, at most so many, newest first."""


def version_without_reference(spec: ModelSpec, version: str, rows: int, rows_of_chunk: int) -> Measurement:
    """Return the breach that a version serves and has no reference.

    Args:
        spec: the model.
        version: the version, empty for predictions without one.
        rows: number of its predictions in the chunk.
        rows_of_chunk: number of predictions of the chunk.
    """
    made = f"{rows} of {rows_of_chunk} predictions"
    who = f"version {version!r} made {made} and has no reference" if version else f"{made} have no version"
    known = ", ".join(map(repr, sorted(spec.reference)))
    similar = next((name for name in sorted(spec.reference) if _folded(name) == _folded(version)), None)
    if similar is not None:
        remedy = f"is it {similar!r}, written in another way?"
    else:
        remedy = f"declare its window under reference, which has {known}"
    return Measurement(
        kind=Kind.OPERATIONS,
        subject=VERSIONS,
        name=ROWS_WITHOUT_REFERENCE,
        model_version=version,
        value=float(rows),
        threshold_upper=0.0,
        status=Status.BREACHED,
        severity=Severity.WARNING,
        reason=f"{who}, so its drift is not measured and nothing is estimated; {remedy}",
        definition="predictions of a version that serves and has no reference",
        rows=rows,
    )


def drift_not_measured(spec: ModelSpec, measurements: Sequence[Measurement], history: History) -> Measurement | None:
    """Return the breach that drift has not been measured on several chunks in a row, or None if it has been.

    The number of chunks is that of ``incidents.open``, because one small chunk is nothing unusual.

    Args:
        spec: the model.
        measurements: all of the chunk.
        history: the chunks before it.
    """
    reason = _why_without_drift(measurements)
    if reason is None:
        return None
    needed = spec.incidents.open.of
    earlier = history(needed - 1)
    if len(earlier) < needed - 1 or any(_why_without_drift(each) is None for each in earlier):
        return None
    return Measurement(
        kind=Kind.OPERATIONS,
        subject=DRIFT,
        name=CHUNKS_WITHOUT_DRIFT,
        model_version="",
        value=float(needed),
        threshold_upper=float(needed - 1),
        status=Status.BREACHED,
        severity=Severity.WARNING,
        reason=f"drift could not be measured on the last {needed} {spec.calendar.noun}s with predictions: {reason}",
        definition=f"{spec.calendar.noun}s with predictions, without measured drift, up to this one",
    )


def by_chunk(measured: Sequence[tuple[str, Measurement]]) -> Mapping[str, list[Measurement]]:
    """Return measurements by the key of their chunk, only of chunks with predictions."""
    found: dict[str, list[Measurement]] = {}
    for key, measurement in measured:
        found.setdefault(key, []).append(measurement)
    return {key: each for key, each in found.items() if _has_rows(each)}


def _has_rows(measurements: Sequence[Measurement]) -> bool:
    return any(m.kind is Kind.QUALITY and m.name == "rows" and m.value for m in measurements)


def _why_without_drift(measurements: Sequence[Measurement]) -> str | None:
    """Return the first reason why no column's drift was measured; None if one was, or if nothing was to be compared."""
    of_drift = [m for m in measurements if m.kind is Kind.DRIFT and m.subject != "chunk" and m.role in SERVING]
    if not of_drift or any(m.status is not Status.SKIPPED for m in of_drift):
        return None
    return of_drift[0].reason


def _folded(version: str) -> str:
    return "".join(version.split()).casefold().lstrip("v")
