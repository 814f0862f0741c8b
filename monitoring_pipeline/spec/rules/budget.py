"""The false alarms that a model may give."""

from pydantic import Field

from monitoring_pipeline.spec.parsing.part import SpecPart


class FalseAlarmBudget(SpecPart):
    """False alarms that are allowed: incidents that open, or open again, although nothing is wrong.

    Drift may spend 60 % of it, the model's numbers 20 %, and broken data 20 %. The floors of drift are learned so that
    its part is kept, unless ``drift.false_alarm_share`` is written.
    """

    pages_per_quarter: float = Field(default=1.0, gt=0, le=1_000)
    """False incidents in a quarter of a year that are or become critical."""
    warnings_per_month: float = Field(default=1.0, gt=0, le=1_000)
    """False incidents in a twelfth of a year that are warnings, and never become critical."""
