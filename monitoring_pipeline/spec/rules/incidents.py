"""Rules about incidents, objectives and business metrics."""

import datetime as dt
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from monitoring_pipeline.records.names import MetricName, metric_of_key, subject_and_name
from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.rules.threshold import Persistence, Threshold


class IncidentRules(SpecPart):
    """When breaches open, raise, resolve and reopen incidents."""

    added_fields: ClassVar[frozenset[str]] = frozenset({"outage"})

    open: Persistence = Persistence(chunks=3, of=5)
    """Breached chunks of drift, performance, estimates and business metrics that open an incident.

    Broken data (an unreadable table, a failed expectation, a column without values) opens one at once. A breach far
    beyond its limit counts as several: one by ten standard deviations between chunks opens one at once.
    """
    resolve: Persistence = Persistence(chunks=7, of=7)
    """Chunks without a breach that resolve an incident."""
    escalate: Persistence | None = Persistence(chunks=10, of=14)
    """Breached chunks that raise a warning to critical. With null, warnings are never raised."""
    reopen_within: int = Field(default=7, ge=0)
    """A cause that returns within this many chunks of its resolution reopens its incident; later it opens another."""
    horizon: Duration = Field(default=dt.timedelta(days=3), json_schema_extra={"default": "3d"})
    """Alerts are sent only for chunks that ended within this time; older chunks change stored incidents without alerts.

    For performance, business metrics and objectives the label delay (``labels.delay``) is added.
    """
    outage: Duration = Field(
        default=dt.timedelta(hours=12), le=dt.timedelta(days=1), json_schema_extra={"default": "12h"}
    )
    """How long a scheduled run whose source is away is started again before it is reported; 0h reports it at once.

    Chunks that are shorter than this are reported after their own length.
    """


class Objective(SpecPart):
    """A service level: the share of chunks in which a metric keeps its range, over a rolling window."""

    added_fields: ClassVar[frozenset[str]] = frozenset({"counts"})

    metric: str = Field(min_length=1)
    """Name of the metric or measurement, such as auroc; for one column write ``temperature.null_share`` (quality)."""
    kind: Literal["performance", "quality", "operations", "business"] = "performance"
    """Kind of the measurement."""
    lower: float | None = None
    """A chunk is good if the number is at or above this."""
    upper: float | None = None
    """A chunk is good if the number is at or below this."""
    share: float = Field(default=0.95, gt=0, lt=1)
    """Promised share of good chunks, or of predictions in good chunks."""
    counts: Literal["chunks", "predictions"] = "chunks"
    """What the share is of. With predictions, one chunk with many of them can spend the whole error budget.

    With predictions and neither lower nor upper, the metric must be a share of rows, such as accuracy or null_share.
    Then each row is good or bad.
    """
    days: int = Field(default=28, ge=2, le=366)
    """Length of the rolling window; rounded to whole chunks if these are weeks or months."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """Severity of an exhausted error budget."""

    @property
    def counts_rows(self) -> bool:
        """Whether each row is good or bad, instead of all rows of a chunk together."""
        return self.counts == "predictions" and self.lower is None and self.upper is None

    @property
    def measured(self) -> MetricName:
        """The name of the measurement, without the column."""
        return self._subject_and_name[1]

    @property
    def subject(self) -> str | None:
        """The column (or other subject) that the measurement is about; None for any."""
        return self._subject_and_name[0]

    @property
    def _subject_and_name(self) -> tuple[str | None, MetricName]:
        if self.kind == "performance":
            return None, metric_of_key(self.metric)
        return subject_and_name(self.metric)

    @model_validator(mode="after")
    def _named(self) -> Self:
        # Reading the property raises an error if the metric is not a valid name.
        _ = self._subject_and_name
        return self

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.lower is None and self.upper is None and not self.counts_rows:
            message = "give lower or upper; with counts: predictions, a metric that is a share of rows needs neither"
            raise ValueError(message)
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            message = f"lower ({self.lower:g}) must not be above upper ({self.upper:g})"
            raise ValueError(message)
        return self


class BusinessMetric(SpecPart):
    """A number that matters to the business, from your own SQL file."""

    sql: str = Field(min_length=1)
    """File with one SELECT that returns one number, relative to the spec.

    It may use the bound parameters :chunk_start, :chunk_end (UTC) and :model_version.
    """
    description: str = ""
    """Description of the number, with its unit."""
    threshold: Threshold | None = None
    """Allowed range of the number itself: lower, upper."""

    @model_validator(mode="after")
    def _has_no_reference(self) -> Self:
        if self.threshold is not None and self.threshold.worse_than_reference is not None:
            message = "threshold.worse_than_reference: a business metric has no reference; give lower or upper"
            raise ValueError(message)
        return self
