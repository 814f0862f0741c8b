"""The part of a model spec that says when to retrain, what a challenger must prove, and how it takes over."""

import datetime as dt
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.rules.threshold import Persistence

TRAINER_PATTERN = r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$"
Worsening = Annotated[float, Field(ge=0)]


class FairnessGuard(SpecPart):
    """A gap between groups of rows that a challenger must not widen."""

    column: str
    """Feature whose values are the groups."""
    measure: Literal["selection_rate", "true_positive_rate", "false_positive_rate"] = "selection_rate"
    """Rate whose largest difference between two groups is guarded (binary)."""
    worsening: float = Field(default=0.02, ge=0)
    """Largest increase of that difference that is allowed."""


class GateRules(SpecPart):
    """What a challenger must prove on later rows that neither it nor the champion was trained on."""

    loss: Literal["log_loss", "brier_score", "auroc", "macro_auroc", "absolute_error", "squared_error"] | None = None
    """What decides by its paired difference: a loss of single rows, or the ranking (auroc, macro_auroc).

    Default log_loss for classes, absolute_error for numbers. The ranking is the better judge where days differ much in
    how many rows are positive, and where its threshold is what asks for retraining.
    """
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """Level of its interval, which takes days, not rows, as independent."""
    minimum_improvement: float = Field(default=0.0, ge=0)
    """The whole interval must show an improvement of more than this."""
    minimum_rows: int = Field(default=500, ge=50)
    """Fewer labelled rows prove nothing."""
    guards: dict[str, Worsening] = {}
    """Other metrics, and how much worse than the champion's the challenger's may be: ``auroc: 0.01``.

    The values themselves decide, not their intervals: doubt is no excuse.
    """
    segments: tuple[str, ...] = ()
    """Features whose values are segments in which the challenger must not be worse either."""
    segment_worsening: float = Field(default=0.02, ge=0)
    """How much worse the loss may be in a segment; larger is refused when the whole interval says so."""
    fairness: tuple[FairnessGuard, ...] = ()
    """Gaps between groups that must not widen."""


class ShadowRules(SpecPart):
    """How long a challenger runs beside the champion before it is decided about."""

    minimum_days: int = Field(default=14, ge=2)
    """No decision before so many days with labels."""
    maximum_days: int = Field(default=60, ge=2)
    """Not proven better by then is refused."""
    alpha: float = Field(default=0.05, gt=0, lt=1)
    """Level of the confidence sequence, valid at every day at once."""

    @model_validator(mode="after")
    def _can_end(self) -> Self:
        if self.minimum_days > self.maximum_days:
            message = f"minimum_days ({self.minimum_days}) must not be above maximum_days ({self.maximum_days})"
            raise ValueError(message)
        return self


class ProbationRules(SpecPart):
    """How a new champion is watched beside the one that it has replaced."""

    days: int = Field(default=28, ge=0)
    """How long; 0 for no probation."""
    minimum_days: int = Field(default=7, ge=2)
    """No decision before so many days with labels."""
    alpha: float = Field(default=0.05, gt=0, lt=1)
    """Level of the confidence sequence, valid at every day at once."""
    rollback: Literal["automatic", "manual"] = "manual"
    """What follows when it proves worse: the former champion comes back by itself, or by a person's command."""

    @model_validator(mode="after")
    def _can_prove(self) -> Self:
        if self.days and self.minimum_days > self.days:
            message = f"minimum_days ({self.minimum_days}) must not be above days ({self.days}); 0 days for none"
            raise ValueError(message)
        return self


class RetrainingRules(SpecPart):
    """When a model is trained again, by what, and what becomes of the result."""

    trainer: str | None = Field(default=None, pattern=TRAINER_PATTERN)
    """A function ``module:function`` that trains; see docs/retraining.md for its signature."""
    webhook: str | None = None
    """Or the name of a secret that holds an address: it is sent a request, trains, and registers a challenger."""
    job: str | None = None
    """Or the name of another Dagster job of the same code location, which does."""
    breached: Persistence = Persistence(chunks=4, of=10)
    """Chunks with provisional or final labels on which performance is breached: then retraining is asked for.

    Breached is a threshold of severity critical; of severity warning only where the spec has no critical one.
    """
    estimated: Persistence = Persistence(chunks=10, of=14)
    """Chunks on which it is, or, where labels do not say, its estimate is while inputs have drifted: then, too."""
    cool_down: Duration = Field(default=dt.timedelta(days=28), json_schema_extra={"default": "28d"})
    """Time after a retraining that a gate has judged, and after a change of champion, in which none is asked for."""
    training_start: dt.date | None = None
    """First day of the training rows; default the first day of the oldest reference."""
    training_days: int | None = Field(default=None, ge=7)
    """Train on the last so many days only; default all since training_start."""
    holdout_days: int = Field(default=14, ge=3)
    """Last days with labels, which training never sees: the gate's rows, and the reference of the new version."""
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
