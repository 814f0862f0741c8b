"""Numbers as cells of a table for people."""

from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.statistics.results import Quantity

NOT_MEASURED = "not measured"
DASH = "-"


def quantity_cell(estimate: Quantity | None, form: str = ".3f") -> str:
    """Return a value with its interval, or a dash if there is none."""
    if estimate is None:
        return DASH
    if estimate.lower is None or estimate.upper is None:
        return f"{estimate.value:{form}}"
    return f"{estimate.value:{form}} [{estimate.lower:{form}}, {estimate.upper:{form}}]"


def interval_cell(measurement: Measurement, form: str = ".3f") -> str:
    """Return the value of a measurement with its interval, or a dash if it was skipped."""
    if measurement.value is None:
        return DASH
    return quantity_cell(Quantity(measurement.value, measurement.lower, measurement.upper), form)


def signed_cell(estimate: Quantity | None) -> str:
    """Return a change, with a star if its interval excludes zero."""
    if estimate is None:
        return DASH
    excludes_zero = (
        estimate.lower is not None and estimate.upper is not None and not estimate.lower <= 0.0 <= estimate.upper
    )
    return f"{estimate.value:+.3f}{'*' if excludes_zero else ''}"


def number_cell(value: float | None) -> str:
    """Return a number with four digits, nothing if there is none."""
    return "" if value is None else f"{value:.4g}"
