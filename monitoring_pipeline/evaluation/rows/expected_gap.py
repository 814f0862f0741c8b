"""Chunks that have no predictions and need none, such as Sundays of a model that works on weekdays."""

from collections.abc import Iterable
from dataclasses import replace

from monitoring_pipeline.records.measurement import Measurement, Status

ROWS, WITHOUT_TIME = "rows", "predictions_without_time"
GAP = "predictions in the chunk, which needs none"


def as_expected_gap(measurements: Iterable[Measurement], reason: str) -> tuple[Measurement, ...]:
    """Return the measurements of a chunk that has no predictions and needs none: those about its rows are skipped."""
    return tuple(
        replace(m.skipped(reason), definition=GAP if m.name == ROWS else m.definition)
        if m.subject != "table" and m.name != WITHOUT_TIME
        else m
        for m in measurements
    )


def is_expected_gap(measurements: Iterable[Measurement]) -> bool:
    """Return whether a chunk has no predictions and needs none, by the measurements of ``as_expected_gap``."""
    return why_gap_is_expected(measurements) is not None


def why_gap_is_expected(measurements: Iterable[Measurement]) -> str | None:
    """Return the reason why a chunk has no predictions and needs none; None if it has some, or needs some."""
    return next(
        (m.reason for m in measurements if m.name == ROWS and m.status is Status.SKIPPED and m.definition == GAP), None
    )
