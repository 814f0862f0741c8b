"""Chunks that were counted where their rows are: the size of the sample that was read, and what was measured on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.performance.counted import FROM_COUNTS
from monitoring_pipeline.evaluation.quality.conditions import COUNTED
from monitoring_pipeline.evaluation.rows.pushdown import sampled_every
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.spec.derived_columns import parts_of

SAMPLED_ROWS, COUNTED_ROWS = "sampled_rows", "counted_rows"
"""Names of the measurements of rows that were read, and of the counted rows of a column."""


@dataclass(frozen=True)
class Sampled:
    """The sample of a chunk that was counted where its rows are, and the number of all its rows."""

    rows: int
    of_rows: int

    @property
    def every(self) -> int:
        """The number of rows for each one of the sample; see ``sampled_every``."""
        return sampled_every(self.of_rows)

    @property
    def measurement(self) -> Measurement:
        """The measurement that records the sample."""
        return Measurement(
            kind=Kind.OPERATIONS,
            subject="chunk",
            name=SAMPLED_ROWS,
            model_version="",
            value=float(self.rows),
            severity=Severity.INFO,
            definition="rows that were read; all rows of the chunk were counted in the warehouse",
            rows=self.of_rows,
        )

    def noted(self, measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
        """Return measurements whose definitions say that they were made on the sample."""
        if self.rows == self.of_rows:
            return tuple(measurements)
        note = f"on a sample of {self.rows} of {self.of_rows} rows"
        return tuple(m if _is_of_all_rows(m) else _with(m, note) for m in measurements)


def _is_of_all_rows(measurement: Measurement) -> bool:
    return any(words in (measurement.definition or "") for words in (COUNTED, FROM_COUNTS))


def _with(measurement: Measurement, note: str) -> Measurement:
    return replace(measurement, definition=f"{measurement.definition}; {note}" if measurement.definition else note)


def sampled_of(measurements: Iterable[Measurement]) -> Sampled | None:
    """Return the sample that a chunk's measurements record; None if all rows of the chunk were read."""
    found = next((m for m in measurements if m.name == SAMPLED_ROWS and m.value is not None), None)
    return Sampled(int(found.value or 0), found.rows) if found else None


def counted_in_sample(reasons: Mapping[str, str], sampled: Sampled) -> tuple[Measurement, ...]:
    """Return a measurement for each column that could be counted only in the rows that were read.

    A text or a vector has one; its parts are counted in the same rows.
    """
    return tuple(
        Measurement(
            kind=Kind.OPERATIONS,
            subject=column,
            name=COUNTED_ROWS,
            model_version="",
            value=float(sampled.rows),
            severity=Severity.INFO,
            definition=f"rows in which the column was counted; not counted in the warehouse, because {reason}",
            rows=sampled.of_rows,
        )
        for column, reason in reasons.items()
        if sampled.rows < sampled.of_rows and column not in parts_of(reasons.keys(), [column])
    )
