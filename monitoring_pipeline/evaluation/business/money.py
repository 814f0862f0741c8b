"""The names of measurements of money, and how money is written."""

from monitoring_pipeline.records.measurement import Kind, Measurement

VALUE = "value"
COST = "cost"
SUBJECTS_OF_MONEY = (VALUE, COST)
"""Subjects of measurements, and the parts of a spec that declare them."""
TOTAL, PER_PREDICTION, OF_ALL = "value", "value_per_prediction", "value_of_all_predictions"
ESTIMATED_PER_PREDICTION = "estimated_value_per_prediction"
COST_PER_THOUSAND, COST_OF_MONTH, COST_FORECAST = "cost_per_thousand", "cost_of_month", "cost_forecast"
USUAL, DIFFERENCE = "usual_value_per_prediction", "value_against_reference"
ERROR_OF_ESTIMATES = "error_of_estimated_value"
ESTIMATED, REALIZED = "estimated without labels", "realized"
DRAWN = (PER_PREDICTION, ESTIMATED_PER_PREDICTION, DIFFERENCE)
"""Names of the measurements whose history is drawn."""
DRAWN_COSTS = (COST, COST_PER_THOUSAND, COST_FORECAST)
"""Names of the measurements of cost whose history is drawn."""
AGAINST_REFERENCE = frozenset({USUAL, DIFFERENCE, ERROR_OF_ESTIMATES})
"""Names of the measurements from which the money of an incident is summed up."""
JUDGED = (PER_PREDICTION, ESTIMATED_PER_PREDICTION)
"""Names of the measurements that thresholds are about."""


def is_against_reference(measurement: Measurement) -> bool:
    """Return whether a measurement compares what predictions are worth with what is usual."""
    m = measurement
    return m.kind is Kind.BUSINESS and m.subject == VALUE and m.name in AGAINST_REFERENCE


def amount(value: float) -> str:
    """Return an amount for people: three digits, or all before the point rounded to three."""
    size = abs(value)
    if size < 1000:  # noqa: PLR2004 - up to three digits before the point
        return f"{value:.3g}" if size >= 1 or not size else f"{value:.2g}"
    return f"{round(value, 3 - len(str(int(size)))):,.0f}"
