"""Rules about measures of your own: Python functions of a chunk's rows."""

from typing import Literal, Self

from pydantic import Field, model_validator

from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.wording import FUNCTION_PATTERN
from monitoring_pipeline.spec.rules.threshold import Threshold


class Measure(SpecPart):
    """A number, or several with names, that your function returns for the rows of a chunk."""

    function: str = Field(pattern=FUNCTION_PATTERN)
    """A function ``module:function`` that takes a Polars frame and returns a number or a dict of numbers."""
    columns: tuple[str, ...] = ()
    """Features and outputs that it needs; without them it gets all."""
    description: str = ""
    """Description of the number, with its unit."""
    better: Literal["higher", "lower"] | None = None
    """The good side, for worse_than_reference."""
    threshold: Threshold | None = None
    """Allowed range of each number: lower, upper, worse_than_reference. Severity warning by default."""
    by_segment: bool = False
    """Whether it is also measured for each declared segment, for information."""
    seconds: float = Field(default=60.0, gt=0)
    """Time after which a call counts as failed."""

    @model_validator(mode="after")
    def _has_a_good_side(self) -> Self:
        if self.threshold is not None and self.threshold.worse_than_reference is not None and self.better is None:
            raise ValueError("better: needed for threshold.worse_than_reference: higher or lower")
        return self
