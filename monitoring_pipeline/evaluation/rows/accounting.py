"""Measurements of a chunk's rows: how many there are, and how many were left out for which reason."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec


@dataclass(frozen=True)
class LabelAccounting:
    """Numbers of label rows that could not be joined to a chunk's predictions; None if they cannot be counted.

    ``orphans`` became known during the chunk and have no prediction. ``outside_window`` became known during the chunk
    and belong to predictions of another chunk, as late labels do. ``not_yet_known`` belong to the chunk and are dated
    after the moment of reading, or have no time, or are null where a null label is not known yet.
    """

    orphans: int | None
    outside_window: int | None
    not_yet_known: int


def ambiguous_labels(labels: int, rows: int) -> tuple[Measurement, ...]:
    """Return the measurement of labels that may belong to predictions of several chunks, if there are some."""
    if not labels:
        return ()
    measurement = Measurement(
        kind=Kind.QUALITY,
        subject="chunk",
        name="ambiguous_labels",
        model_version="",
        value=float(labels),
        threshold_upper=0.0,
        status=Status.BREACHED,
        severity=Severity.CRITICAL,
        reason=f"{ambiguity(labels, rows)}; they are left out",
        definition="labels whose ids have several labels and several predictions",
        rows=rows,
    )
    return (measurement,)


def contradictory_labels(ids: int, rows: int) -> tuple[Measurement, ...]:
    """Return the measurement of ids with several labels of one time, if there are some."""
    if not ids:
        return ()
    measurement = Measurement(
        kind=Kind.QUALITY,
        subject="chunk",
        name="labels_contradictory",
        model_version="",
        value=float(ids),
        threshold_upper=0.0,
        status=Status.BREACHED,
        reason=f"{ids} predictions have several labels of the same time, so which one is the last is unknown; they are "
        "left out. Write the time of a correction in labels.known_at, or replace the row",
        definition="predictions with several labels of the same time",
        rows=rows,
    )
    return (measurement,)


def ambiguity(labels: int, rows: int) -> str:
    """Return the sentence about labels that may belong to several predictions."""
    return (
        f"{labels} of {rows} labels belong to ids that are predicted several times and have several labels, "
        "so no label can be assigned to one prediction; name all columns that identify a prediction, "
        "such as id: [customer, day], in predictions and in labels"
    )


def predictions_left_out(
    spec: ModelSpec, *, rows: int, ids: int, duplicates: int, without_id: int, without_time: int
) -> tuple[Measurement, ...]:
    """Return the measurements of the number of predictions, and of the rows that were left out."""
    counts = {
        "duplicate_predictions": (duplicates, "rows beyond the first of an id and version"),
        "predictions_without_id": (without_id, "rows of the chunk whose id is null"),
        "predictions_without_time": (without_time, "rows of the whole table whose time is null: in no chunk"),
    }
    return (volume(spec, ids), *counted(counts, rows))


def volume(spec: ModelSpec, rows: int) -> Measurement:
    """Return the measurement of the number of predictions, judged by ``quality.minimum_rows``."""
    minimum = spec.quality.minimum_rows
    breached = rows < minimum
    return Measurement(
        kind=Kind.QUALITY,
        subject="chunk",
        name="rows",
        model_version="",
        value=float(rows),
        threshold_lower=float(minimum),
        status=Status.BREACHED if breached else Status.OK,
        severity=Severity.CRITICAL,
        reason=f"{rows} predictions, at least {minimum} expected" if breached else None,
        definition="predictions in the chunk, each id once",
        rows=rows,
    )


def counted(
    counts: Mapping[str, tuple[int | None, str]], rows: int, *, breach_when_positive: bool = True
) -> tuple[Measurement, ...]:
    """Return one measurement for each count of rows that could be counted, by its name and definition."""
    return tuple(
        Measurement(
            kind=Kind.QUALITY,
            subject="chunk",
            name=name,
            model_version="",
            value=float(count),
            threshold_upper=0.0 if breach_when_positive else None,
            status=Status.BREACHED if breach_when_positive and count else Status.OK,
            reason=f"{count} {definition}" if breach_when_positive and count else None,
            definition=definition,
            rows=rows,
        )
        for name, (count, definition) in counts.items()
        if count is not None
    )
