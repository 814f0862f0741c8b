"""The order in which breaches are the reasons of a verdict: of equal severity, causes come before consequences."""

from dataclasses import dataclass

from monitoring_pipeline.evaluation.judgement.excess import relative_excess
from monitoring_pipeline.evaluation.operations.measuring import SUBJECTS_OF_SERVING
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity

SEVERITY_ORDER = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


@dataclass(frozen=True)
class _Place:
    """A place in the order, and the measurements that stand in it (subjects, beginnings of names; empty: all)."""

    place: int
    kind: Kind
    subjects: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def has(self, kind: Kind, subject: str, name: str) -> bool:
        """Return whether a measurement stands here."""
        return (
            kind is self.kind
            and (not self.subjects or subject in self.subjects)
            and (not self.names or name.startswith(self.names))
        )


_PLACES = (
    _Place(0, Kind.QUALITY, ("chunk",), ("readable", "rows")),
    _Place(1, Kind.QUALITY, names=("column_to_exist", "column_values_to_be_in_type_list", "columns_")),
    _Place(3, Kind.QUALITY, ("chunk",), ("volume_ratio", "table_row_count", "freshness_hours")),
    _Place(4, Kind.QUALITY, ("label",)),
    _Place(2, Kind.QUALITY),
    _Place(5, Kind.PERFORMANCE),
    _Place(5, Kind.WINDOW, ("model",)),
    _Place(6, Kind.ESTIMATED_PERFORMANCE),
    # Where a column is broken comes before how much of it is.
    _Place(1, Kind.SEGMENT, names=("null_share", "unseen_share")),
    _Place(6, Kind.SEGMENT, ("model",)),
    _Place(9, Kind.SEGMENT),
    _Place(7, Kind.FAIRNESS),
    _Place(7, Kind.BUSINESS),
    _Place(8, Kind.OBJECTIVE),
    _Place(9, Kind.DRIFT),
    _Place(9, Kind.WINDOW),
    _Place(7, Kind.OPERATIONS, SUBJECTS_OF_SERVING),
    # A measurement that is missing comes last, because another reason usually explains it.
    _Place(10, Kind.OPERATIONS),
)
"""Read from the top: the first row that fits decides."""


def place_among_causes(kind: Kind, subject: str, name: str) -> int:
    """Return the place of a measurement in the order from broken data to drift, and to what could not be measured."""
    return next(row.place for row in _PLACES if row.has(kind, subject, name))


def place_of_reason(measurement: Measurement) -> tuple[int, int, float, str, str, str]:
    """Return the sort key: the most severe first, then by cause, then the farthest beyond its limit.

    Severity comes first because the first reason explains the status of the verdict.
    """
    m = measurement
    return (
        SEVERITY_ORDER[m.severity],
        place_among_causes(m.kind, m.subject, m.name),
        -relative_excess(m.value, m.threshold_lower, m.threshold_upper),
        m.subject,
        str(m.metric),
        m.model_version,
    )
