"""Rules about data quality."""

from pydantic import Field

from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.rules.threshold import Threshold


class QualityRules(SpecPart):
    """Conditions that the rows of a chunk must meet."""

    minimum_rows: int = Field(default=1, ge=0)
    """A chunk with fewer predictions is a breach, unless the reference has none on that weekday."""
    # The value is never used as limits; it keeps the hashes of older specs.
    volume_ratio: Threshold = Field(default=Threshold(lower=0.5, upper=2.0), json_schema_extra={"default": None})
    """Allowed number of predictions, as a multiple of the reference's median on the same weekday.

    If the spec has none, the limits are learned from the chunks of the reference.
    """
    freshness: Duration | None = None
    """Longest allowed time between the newest prediction and the chunk's end; learned from the reference if absent."""
    suite: str | None = None
    """File of the Great Expectations suite, relative to the spec; default <name>.suite.yaml."""
