"""Rules about performance."""

from typing import Literal

from pydantic import Field

from monitoring_pipeline.spec.parsing.metric_key import MetricKey
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.rules.threshold import Threshold


class PerformanceRules(SpecPart):
    """When performance is judged, and by which thresholds."""

    minimum_rows: int = Field(default=50, ge=2)
    """A chunk with fewer labelled rows is not judged."""
    minimum_maturity: float = Field(default=0.5, ge=0, le=1)
    """A chunk with a smaller share of labelled rows is not judged until the label delay has passed."""
    breach_on: Literal["interval", "point"] = "interval"
    """Breached if the whole interval is on the wrong side of the threshold, or if the point estimate is."""
    quantile: float = Field(default=0.5, gt=0, lt=1)
    """Regression: the quantile that the model predicts, for the quantile loss."""
    thresholds: dict[MetricKey, Threshold] = {}
    """Allowed range by metric; for one class write ``recall[cancelled]``.

    Without any, the main metric is guarded with severity warning: AUROC (of several classes their mean) that is worse
    than the reference's by more than 0.05, or a mean absolute error that is worse by more than a quarter. Windows
    have two fifths of these margins.
    """
