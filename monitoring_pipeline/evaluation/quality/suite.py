"""The outcome of a suite of checks for a chunk."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

READABLE = "readable"
SUITE = "suite"
"""Name of the measurement of a suite file that is missing or cannot be read."""
SCHEMA_CHECKS = frozenset({"column_to_exist", "column_values_to_be_in_type_list"})
"""Names of the measurements of a chunk's schema."""


@dataclass(frozen=True)
class SuiteResult:
    """Outcome of a suite.

    A failure of ``schema`` that concerns a feature, a group column or a column of telemetry leaves that column out of
    all later steps; any other one blocks them. Failures of ``values`` are only reported.
    """

    schema: tuple[Measurement, ...]
    values: tuple[Measurement, ...]

    @property
    def schema_failures(self) -> tuple[Measurement, ...]:
        """The schema measurements that are not ok; one that could not be measured counts as failed."""
        return tuple(m for m in self.schema if m.status is not Status.OK)

    def blocking_failures(self, spec: ModelSpec) -> tuple[Measurement, ...]:
        """Return the schema failures of columns without which a chunk cannot be measured: id, time, outputs."""
        spared = {*spec.features, *_beside_features(spec)}
        return tuple(m for m in self.schema_failures if m.subject not in spared)

    def unreadable_columns(self, spec: ModelSpec) -> tuple[str, ...]:
        """Return the features, group columns and columns of telemetry that the schema checks left out."""
        return _failed(self.schema, (*spec.features, *_beside_features(spec)))


def unreadable_features(spec: ModelSpec, measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """Return the features that a chunk's schema checks left out, in the order of the spec."""
    return _failed(measurements, tuple(spec.features))


def _beside_features(spec: ModelSpec) -> tuple[str, ...]:
    return (*spec.predictions.group_columns, *spec.operations.columns)


def _failed(measurements: Iterable[Measurement], columns: tuple[str, ...]) -> tuple[str, ...]:
    failed = {
        m.subject
        for m in measurements
        if m.name in SCHEMA_CHECKS and m.severity is Severity.CRITICAL and m.status is not Status.OK
    }
    return tuple(name for name in columns if name in failed)


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
        reason=without_secrets(reason),
        definition="1 when the chunk's rows could be read from the warehouse",
    )
