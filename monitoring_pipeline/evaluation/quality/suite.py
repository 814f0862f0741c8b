"""The outcome of a suite of checks for a chunk."""

from dataclasses import dataclass

from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status

READABLE = "readable"


@dataclass(frozen=True)
class SuiteResult:
    """Outcome of a suite: failures of ``schema`` block all later steps, those of ``values`` are only reported."""

    schema: tuple[Measurement, ...]
    values: tuple[Measurement, ...]

    @property
    def schema_failures(self) -> tuple[Measurement, ...]:
        """The schema measurements that are not ok; one that could not be measured counts as failed."""
        return tuple(m for m in self.schema if m.status is not Status.OK)


def source_failure(reason: str) -> Measurement:
    """Return the measurement that stands for a chunk whose rows could not be read."""
    return Measurement(
        kind=Kind.QUALITY,
        subject="chunk",
        name=READABLE,
        model_version="",
        value=0.0,
        threshold_lower=1.0,
        status=Status.BREACHED,
        severity=Severity.CRITICAL,
        reason=reason,
        definition="1 when the chunk's rows could be read from the warehouse",
    )
