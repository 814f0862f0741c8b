"""Rules about retraining, the gate, shadow and probation."""

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.metric_key import MetricKey
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.wording import FUNCTION_PATTERN
from monitoring_pipeline.spec.rules.threshold import Persistence

Worsening = Annotated[float, Field(ge=0)]


class FairnessGuard(SpecPart):
    """A gap between groups of rows that a challenger must not widen."""

    column: str
    """Feature whose values are the groups."""
    measure: Literal["selection_rate", "true_positive_rate", "false_positive_rate"] = "selection_rate"
    """Rate whose largest difference between two groups must not increase (binary)."""
    worsening: float = Field(default=0.02, ge=0)
    """Largest allowed increase of that difference."""


class GateRules(SpecPart):
    """Conditions that a challenger must meet on later rows that neither it nor the champion was trained on."""

    loss: Literal["log_loss", "brier_score", "auroc", "macro_auroc", "absolute_error", "squared_error"] | None = None
    """Loss whose paired difference decides: a loss of single rows, or the ranking (auroc, macro_auroc).

    Default log_loss for classes, absolute_error for numbers. Choose the ranking if days differ much in their share of
    positive rows, or if its threshold requests the retraining.
    """
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Confidence level of its interval, which treats days, not rows, as independent."""
    minimum_improvement: float = Field(default=0.0, ge=0)
    """The whole interval must show an improvement of more than this.

    0 stands for half a percent of the champion's loss (of a ranking: of its distance from 1), because a smaller
    improvement is not worth a change. Write a tiny number for none.
    """
    minimum_rows: int = Field(default=500, ge=50)
    """With fewer labelled rows the gate gives no answer."""
    guards: dict[MetricKey, Worsening] = {}
    """Other metrics, and how much worse than the champion the challenger may be: ``auroc: 0.01``.

    The values decide, not their intervals.
    """
    segments: tuple[str, ...] = ()
    """Features whose values are segments in which the challenger must not be worse either."""
    segment_worsening: float = Field(default=0.02, ge=0)
    """Largest allowed increase of the loss in a segment; a challenger is refused if the whole interval is above it."""
    fairness: tuple[FairnessGuard, ...] = ()
    """Gaps between groups that must not widen."""


class ShadowRules(SpecPart):
    """How long a challenger runs beside the champion before a decision."""

    minimum_days: int = Field(default=14, ge=2)
    """No decision before this many days with labels."""
    maximum_days: int = Field(default=60, ge=2)
    """A challenger that is not proven better after this many days is refused."""
    alpha: float = Field(default=0.05, gt=0, lt=1)
    """Error level of the confidence sequence, which holds for all days together."""

    @model_validator(mode="after")
    def _can_end(self) -> Self:
        if self.minimum_days > self.maximum_days:
            message = f"minimum_days ({self.minimum_days}) must not be above maximum_days ({self.maximum_days})"
            raise ValueError(message)
        return self


class ProbationRules(SpecPart):
    """How a new champion is compared with the one that it replaced."""

    days: int = Field(default=28, ge=0)
    """Length in days; 0 for no probation."""
    minimum_days: int = Field(default=14, ge=2)
    """No decision before this many days with labels. By default two whole weeks, or all days of a shorter probation."""
    alpha: float = Field(default=0.05, gt=0, lt=1)
    """Error level of the confidence sequence, which holds for all days together."""
    rollback: Literal["automatic", "manual"] = "manual"
    """If the new champion is proven worse: roll back automatically, or wait for a person's command."""

    @model_validator(mode="after")
    def _can_prove(self) -> Self:
        if "minimum_days" in self.model_fields_set and self.days and self.minimum_days > self.days:
            message = f"minimum_days ({self.minimum_days}) must not be above days ({self.days}); 0 days for none"
            raise ValueError(message)
        return self

    @property
    def least_days(self) -> int:
        """The days with labels before which nothing is decided, as far as the probation has so many."""
        return min(self.minimum_days, self.days) if self.days else self.minimum_days


class RetrainingRules(SpecPart):
    """When a model is retrained, by which trainer, and how the result is used."""

    trainer: str | None = Field(default=None, pattern=FUNCTION_PATTERN)
    """A function ``module:function`` that trains; see docs/retraining.md for its signature."""
    webhook: str | None = None
    """Or the name of a secret that holds the address of an external trainer, which registers a challenger."""
    job: str | None = None
    """Or the name of a Dagster job of the same code location that trains and registers a challenger."""
    breached: Persistence = Persistence(chunks=4, of=10)
    """Retraining is requested if performance is breached on so many chunks with provisional or final labels.

    Thresholds of severity critical count; those of severity warning only if the spec has no critical one.
    """
    estimated: Persistence = Persistence(chunks=10, of=14)
    """Retraining is also requested if performance is breached on so many chunks, by labels or, if they give no answer,
    by the estimate while inputs have drifted.
    """
    cool_down: Duration = Field(default=dt.timedelta(days=28), json_schema_extra={"default": "28d"})
    """Time after a judged retraining or a change of champion in which no retraining is requested."""
    training_start: dt.date | None = None
    """First day of the training rows; default the first day of the oldest reference."""
    training_days: int | None = Field(default=None, ge=7)
    """Number of most recent days to train on; default all since training_start."""
    holdout_days: int = Field(default=14, ge=3)
    """Number of last days with labels that training excludes. They are the gate's rows and the new reference.

    The gate gives no answer on fewer days than these, or than 14 if these are more: days of a week differ.
    """
    gate: GateRules = GateRules()
    promotion: Literal["automatic", "manual", "shadow"] = "manual"
    """After the gate: promote at once, wait for ``monitoring-pipeline promote``, or run beside the champion first."""
    shadow: ShadowRules = ShadowRules()
    probation: ProbationRules = ProbationRules()

    @model_validator(mode="after")
    def _one_way_to_train(self) -> Self:
        ways = [name for name in ("trainer", "webhook", "job") if getattr(self, name)]
        if len(ways) != 1:
            message = f"give one of trainer, webhook and job; got {', '.join(ways) or 'none'}"
            raise ValueError(message)
        return self
