"""Refuses thresholds that a number cannot reach, which are mistakes of units such as 70 for 0.7."""

import datetime as dt

from monitoring_pipeline.api.frames import ArgumentError
from monitoring_pipeline.evaluation.spec_check.declared import Declared
from monitoring_pipeline.evaluation.spec_check.limits import limits_outside_of_range
from monitoring_pipeline.spec.model import ModelSpec

_PART = "performance."


def check_limits(spec: ModelSpec) -> None:
    """Raise if a threshold is outside of the values that its metric can have.

    Raises:
        ArgumentError: with the metric, the threshold, and the range; one line for each.
    """
    # The limits of a number do not depend on the day.
    found = limits_outside_of_range(Declared(spec=spec, today=dt.date.min))
    if problems := [f"{each.field.removeprefix(_PART)}: {each.seen}; {each.remedy}" for each in found]:
        raise ArgumentError("\n".join(problems))
