"""Allowed ranges, and the number of breached chunks that counts as lasting."""

from typing import Literal, Self

from pydantic import Field, model_validator

from monitoring_pipeline.spec.parsing.part import SpecPart


class Threshold(SpecPart):
    """Allowed range of one number."""

    lower: float | None = None
    """Breached if the number is below this."""
    upper: float | None = None
    """Breached if the number is above this."""
    worse_than_reference: float | None = Field(default=None, ge=0)
    """Metrics: breached if worse than the value of the reference by more than this."""
    severity: Literal["info", "warning", "critical"] | None = None
    """Severity of a breach in the verdict; the default depends on the kind of measurement."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.lower is None and self.upper is None and self.worse_than_reference is None:
            message = "give lower, upper, or worse_than_reference"
            raise ValueError(message)
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            message = f"lower ({self.lower:g}) must not be above upper ({self.upper:g})"
            raise ValueError(message)
        return self


class Persistence(SpecPart):
    """A number of breached chunks among the last ones: ``{chunks: 3, of: 5}``."""

    chunks: int = Field(ge=1)
    """Number of chunks that must match."""
    of: int = Field(ge=1, le=366)
    """Number of last chunks to look at, the newest included; chunks without a measurement are not counted."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.chunks > self.of:
            message = f"chunks ({self.chunks}) must not be above of ({self.of})"
            raise ValueError(message)
        return self
