"""Records of results: a measurement, its status, and the verdict on a chunk."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from monitoring_pipeline.records.names import MetricName, is_bare


class Status(StrEnum):
    """The outcome of a measurement; ``skipped`` is neither healthy nor breached and has a reason."""

    OK = "ok"
    BREACHED = "breached"
    SKIPPED = "skipped"


class Kind(StrEnum):
    """The family a measurement belongs to."""

    QUALITY = "quality"
    DRIFT = "drift"
    PERFORMANCE = "performance"
    ESTIMATED_PERFORMANCE = "estimated_performance"
    OPERATIONS = "operations"
    BUSINESS = "business"
    OBJECTIVE = "objective"
    WINDOW = "window"
    SEGMENT = "segment"
    FAIRNESS = "fairness"


class Severity(StrEnum):
    """How much a breach of a measurement weighs in the verdict."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


WEIGHT = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}


class VerdictStatus(StrEnum):
    """The judgement on a whole chunk; ``unknown``: nothing decisive was measured and nothing is breached."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class Role(StrEnum):
    """The role of a model version: it serves, serves a share on trial, is scored only, or served before."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"
    SHADOW = "shadow"
    RETIRED = "retired"


SERVING = frozenset({Role.CHAMPION, Role.CHALLENGER})
"""Roles of versions whose predictions somebody uses: only these decide anything."""


class Maturity(StrEnum):
    """How far the labels of a chunk have arrived."""

    IMMATURE = "immature"
    PROVISIONAL = "provisional"
    FINAL = "final"


_NUMBERS = (
    "value", "lower", "upper", "reference_value", "p_value", "q_value", "threshold_lower", "threshold_upper",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One number about one chunk, or the reason why there is none.

    ``value`` is ``None`` exactly when the status is ``skipped``; a number that is not finite is
    refused, so that no NaN can pass a threshold. ``name`` is bare, ``of`` is the part that it is measured of: a class,
    another metric, a pair of versions, a segment; empty for the whole. ``segment`` has the text form of ``Segment``.

    Raises:
        ValueError: when value, status and reason contradict each other, a number is not finite, or a name has brackets.
    """

    kind: Kind
    subject: str
    name: str
    model_version: str
    status: Status = Status.OK
    severity: Severity = Severity.WARNING
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    reference_value: float | None = None
    p_value: float | None = None
    q_value: float | None = None
    threshold_lower: float | None = None
    threshold_upper: float | None = None
    reason: str | None = None
    definition: str | None = None
    rows: int = 0
    maturity: Maturity | None = None
    role: Role = Role.CHAMPION
    segment: str = ""
    of: str = ""

    def __post_init__(self) -> None:
        """Refuse contradictions, NaN and brackets in the name."""
        if not is_bare(self.name):
            message = f"{self.kind}/{self.subject}: the name {self.name!r} has brackets; give the part as of"
            raise ValueError(message)
        skipped = self.status is Status.SKIPPED
        if skipped != (self.value is None) or (skipped and not self.reason):
            message = (
                f"{self.kind}/{self.subject}/{self.metric}: a skipped measurement has a reason and no value, "
                f"any other has a value; got status={self.status}, value={self.value}, reason={self.reason!r}"
            )
            raise ValueError(message)
        for field in _NUMBERS:
            number: float | None = getattr(self, field)
            if number is not None and not math.isfinite(number):
                message = f"{self.kind}/{self.subject}/{self.metric}: {field} is {number}, not a finite number"
                raise ValueError(message)

    @property
    def metric(self) -> MetricName:
        """The name with the part that it is measured of."""
        return MetricName(self.name, self.of)

    def skipped(self, reason: str) -> Self:
        """Return the measurement without a value, and why there is none."""
        return replace(self, value=None, status=Status.SKIPPED, reason=reason)

    def noted(self, words: str | None) -> Self:
        """Return the measurement with words added to its reason; the measurement itself if there are none."""
        return self if words is None else replace(self, reason=f"{self.reason}; {words}" if self.reason else words)

    def breached(self, reason: str) -> Self:
        """Return the measurement as a breach, and why it is one."""
        return replace(self, status=Status.BREACHED, reason=reason)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The judgement on one chunk from all its measurements.

    ``reasons`` are one line each, most severe first; ``breaches`` and ``skipped`` are counts.
    """

    status: VerdictStatus
    reasons: tuple[str, ...]
    measured: int
    breaches: int
    skipped: int


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """The inputs of a result; equal provenance gives equal numbers."""

    spec_hash: str
    reference_hash: str
    input_fingerprint: str
    code_version: str
