"""How far a number lies beyond its limit, in its own unit and relative to the limit."""

import math


def excess(value: float | None, lower: float | None, upper: float | None) -> float:
    """Return the distance of a value beyond its lower or upper limit, in its unit; 0 within or without limits."""
    if value is None:
        return 0.0
    above = 0.0 if upper is None else value - upper
    below = 0.0 if lower is None else lower - value
    return max(above, below, 0.0)


def relative_excess(value: float | None, lower: float | None, upper: float | None) -> float:
    """Return the excess in multiples of the limit; infinite for a limit of zero, 0 without an excess."""
    beyond = excess(value, lower, upper)
    if not beyond:
        return 0.0
    passed = upper if upper is not None and value is not None and value > upper else lower
    return beyond / abs(passed) if passed else math.inf
