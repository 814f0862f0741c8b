"""Rules about performance."""

from typing import Literal

from pydantic import Field

from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.rules.threshold import Threshold


class PerformanceRules(SpecPart):
    """When performance is judged, and against what."""

    minimum_rows: int = Field(default=50, ge=2)
    """Fewer labelled rows are not judged."""
    minimum_maturity: float = Field(default=0.5, ge=0, le=1)
    """Smaller shares of labelled rows are not judged until the label delay has passed."""
    breach_on: Literal["interval", "point"] = "interval"
    """Breached when the whole interval is on the wrong side of the threshold, or already the point."""
    quantile: float = Field(default=0.5, gt=0, lt=1)
    """Regression: the quantile that the model predicts, for the quantile loss."""
    thresholds: dict[str, Threshold] = {}
    """Allowed range by metric; of one class as ``recall[cancelled]``."""
