"""Rules about fairness: groups of people, and how far numbers of the model may differ between them."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.rules.segments import Segmentations


class AllowedGap(SpecPart):
    """The largest gap between two groups that is allowed; breached only if the whole interval is beyond it."""

    difference: float | None = Field(default=None, ge=0)
    """Largest difference of the highest and the lowest group."""
    ratio: float | None = Field(default=None, gt=0, le=1)
    """Smallest ratio of the lowest to the highest group, such as 0.8 for the four-fifths rule."""

    @model_validator(mode="after")
    def _has_a_limit(self) -> Self:
        if self.difference is None and self.ratio is None:
            raise ValueError("give difference or ratio")
        return self


class FairnessRules(SpecPart):
    """Groups, and the gaps between them that are allowed."""

    by: Segmentations = {}
    """Groups by name, in the form of segments: a column, ranges, a crossing for intersections, or conditions."""
    allowed: dict[str, AllowedGap] = {}
    """Measures and their allowed gaps.

    selection_rate is statistical parity (its ratio: disparate impact), true_positive_rate equal opportunity, precision
    predictive parity, mean_bias calibration within groups. Classes have error_rate, numbers mean_absolute_error.
    Without any, the ratio of selection rates must be 0.8 (binary), or differences of error rates 0.1 (multiclass).
    """
    days: int = Field(default=28, ge=1, le=366)
    """Gaps are judged over so many last days, which end with the chunk, because chunks are too small to show them."""
    minimum_rows: int = Field(default=50, ge=20)
    """A group with fewer rows over these days is left out. A group with fewer than 20 on a chunk is not shown."""
    confidence: float = Field(default=0.99, gt=0.5, lt=1)
    """Confidence level of the intervals, for all pairs of groups together."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """Severity of a breach."""

    added_fields: ClassVar[frozenset[str]] = frozenset()
