"""The columns of a chunk that have drifted: one count for the store, the reports and the Dagster UI."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status

ALL_FEATURES = "features"
"""Subject of the comparison of all watched features at once; it is not a column."""
_NO_COLUMNS = frozenset({"chunk", "model", ALL_FEATURES})


@dataclass(frozen=True)
class Drifted:
    """The drifted columns of a chunk.

    Args:
        columns: columns that count for the verdict, each once, the largest effect first.
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


def drifted_of(measurements: Iterable[Measurement]) -> Drifted:
    """Return the drifted columns of a chunk, each once even if several statistics or versions show its drift."""
    drift = [m for m in measurements if m.kind is Kind.DRIFT]
    breached = sorted((m for m in drift if m.status is Status.BREACHED), key=lambda m: -(m.value or 0.0))
    of_columns = [m for m in breached if m.subject not in _NO_COLUMNS]
    counted = tuple(dict.fromkeys(m.subject for m in of_columns if m.severity is not Severity.INFO))
    return Drifted(
        columns=counted,
        ignored=tuple(dict.fromkeys(m.subject for m in of_columns if m.severity is Severity.INFO)),
        together=any(m.subject == ALL_FEATURES and m.severity is not Severity.INFO for m in breached),
        measured=any(
            m.status is not Status.SKIPPED and m.severity is not Severity.INFO and m.subject not in _NO_COLUMNS
            for m in drift
        ),
    )
