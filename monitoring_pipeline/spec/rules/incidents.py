"""The part of a model spec that says when breaches become an incident, and what its objectives are."""

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator

from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.rules.threshold import Persistence, Threshold


class IncidentRules(SpecPart):
    """How breaches of a model become incidents, and incidents end."""

    open: Persistence = Persistence(chunks=3, of=5)
    """Drift, performance, estimates and business metrics: breached chunks that open an incident.

    Broken data (an unreadable table, a failed expectation, a column without values) opens one at once.
    """
    resolve: Persistence = Persistence(chunks=7, of=7)
    """Chunks without a breach that resolve an incident."""
    escalate: Persistence | None = Persistence(chunks=10, of=14)
    """Breached chunks that raise a warning to critical; null never does."""
    reopen_within: int = Field(default=7, ge=0)
    """A cause that comes back within so many chunks of its resolution reopens its incident, later it is a new one."""
    horizon: Duration = Field(default=dt.timedelta(days=3), json_schema_extra={"default": "3d"})
    """Only chunks that ended within this time may notify anybody; older ones change history silently.

    What labels may tell (performance, business metrics, objectives) may be told as much later: ``labels.delay``.
    """


class Objective(SpecPart):
    """A service level: the share of days on which a metric keeps its range, over a rolling window."""

    metric: str = Field(min_length=1)
    """Name of the metric or measurement, such as auroc; of one column as ``temperature.null_share`` (quality)."""
    kind: Literal["performance", "quality", "operations", "business"] = "performance"
    """Its kind."""
    lower: float | None = None
    """A day counts as good at or above."""
    upper: float | None = None
    """A day counts as good at or below."""
    share: float = Field(default=0.95, gt=0, lt=1)
    """Share of good days that is promised."""
    days: int = Field(default=28, ge=2, le=366)
    """Length of the rolling window."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """What an exhausted error budget weighs."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.lower is None and self.upper is None:
            message = "give lower or upper"
            raise ValueError(message)
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            message = f"lower ({self.lower:g}) must not be above upper ({self.upper:g})"
            raise ValueError(message)
        return self


class BusinessMetric(SpecPart):
    """A number that the business cares about, from a SQL file of the user's own."""

    sql: str = Field(min_length=1)
    """File with one SELECT that returns one number, relative to the spec.

    It may use the bound parameters :chunk_start, :chunk_end (UTC) and :model_version.
    """
    description: str = ""
    """What the number is, with its unit."""
    threshold: Threshold | None = None
    """Allowed range of the number itself: lower, upper."""

    @model_validator(mode="after")
    def _judged_by_itself(self) -> Self:
        if self.threshold is not None and self.threshold.worse_than_reference is not None:
            message = "threshold.worse_than_reference: a business metric has no reference; give lower or upper"
            raise ValueError(message)
        return self
