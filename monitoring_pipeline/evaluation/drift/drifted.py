"""The columns of a chunk that have drifted: one count for the store, the reports and the Dagster UI."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.derived_columns import feature_and_part

ALL_FEATURES = "features"
"""Subject of the comparison of all watched features at once; it is not a column."""
_NO_COLUMNS = frozenset({"chunk", "model", ALL_FEATURES})


@dataclass(frozen=True)
class Drifted:
    """The drifted columns of a chunk.

    Args:
        columns: columns that count for the verdict, each once, the one highest above its floor first.
        ignored: columns that the spec ignores, likewise.
        together: whether all watched features, taken at once, have drifted.
        measured: whether any column that counts could be measured; otherwise there is no count.
    """

    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    together: bool
    measured: bool

    @property
    def subjects(self) -> tuple[str, ...]:
        """The columns that count, and ``features`` if all of them together have drifted."""
        return (*self.columns, *([ALL_FEATURES] if self.together else []))


def in_floors(measurement: Measurement) -> float:
    """Return the effect of a measurement of drift as a multiple of its floor; as it is if there is none."""
    value = measurement.value or 0.0
    return value / measurement.threshold_upper if measurement.threshold_upper else value


def one_of_each_column(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Return measurements of drift, the drifted ones and the largest effects first.

    Several statistics decide for a column. Of these only the one that lies highest in terms of its floor is returned.
    """
    ordered = sorted(measurements, key=lambda m: (m.status is not Status.BREACHED, -in_floors(m)))
    decided: set[tuple[str, str]] = set()
    return [m for m in ordered if m.threshold_upper is None or _is_first(decided, (m.subject, m.model_version))]


def _is_first(seen: set[tuple[str, str]], key: tuple[str, str]) -> bool:
    is_first = key not in seen
    seen.add(key)
    return is_first


def drifted_of(measurements: Iterable[Measurement], weight: Callable[[str], float] = lambda _column: 1.0) -> Drifted:
    """Return the drifted columns of a chunk, each once even if several statistics or versions show its drift.

    The parts of a text or a vector count as one column, the one of their feature.

    Args:
        measurements: those of the chunk.
        weight: by how much the drift of a column counts in their order, such as its importance.
    """
    drift = [m for m in measurements if m.kind is Kind.DRIFT]
    measured = {m.subject for m in drift}
    breached = sorted(
        (m for m in drift if m.status is Status.BREACHED), key=lambda m: -in_floors(m) * weight(m.subject)
    )
    of_columns = [m for m in breached if m.subject not in _NO_COLUMNS]

    def named(chosen: Iterable[Measurement]) -> tuple[str, ...]:
        features = ((m.subject, feature_and_part(m.subject)[0]) for m in chosen)
        return tuple(dict.fromkeys(feature if feature in measured else subject for subject, feature in features))

    return Drifted(
        columns=named(m for m in of_columns if m.severity is not Severity.INFO),
        ignored=named(m for m in of_columns if m.severity is Severity.INFO),
        together=any(m.subject == ALL_FEATURES and m.severity is not Severity.INFO for m in breached),
        measured=any(
            m.status is not Status.SKIPPED and m.severity is not Severity.INFO and m.subject not in _NO_COLUMNS
            for m in drift
        ),
    )
