"""Numbers for readers: as many digits as matter, thousands in groups, shares as percent."""

import math

NONE = "-"
LARGEST_IN_FULL, SMALLEST_IN_FULL = 1e15, 1e-4
SMALLEST_SHARE = 0.0001
SHARES = ("share", "_rate", "maturity")
"""Parts of the names of numbers that are shares of rows."""


def number(value: float | None) -> str:
    """Return a number with up to three significant digits and all digits before its point; a dash if there is none."""
    if value is None or not math.isfinite(value):
        return NONE
    if float(value).is_integer() and abs(value) < LARGEST_IN_FULL:
        return f"{value + 0.0:,.0f}"
    if not SMALLEST_IN_FULL <= abs(value) < LARGEST_IN_FULL:
        return f"{value:.2e}"
    magnitude = math.floor(math.log10(abs(value)))
    return f"{value:,.{max(2 - magnitude, 0)}f}"


def signed(value: float | None) -> str:
    """Return a change with its sign; nothing if there is none."""
    return "" if value is None else f"{'+' if value > 0 else ''}{number(value)}"


def percent(share: float | None) -> str:
    """Return a share as percent, with two significant digits unless it is nearly nothing or nearly all."""
    if share is None or not math.isfinite(share):
        return NONE
    hundredths = 100 * share
    if hundredths in {0.0, 100.0}:
        return f"{hundredths:.0f} %"
    if abs(share) < SMALLEST_SHARE:
        return "below 0.01 %"
    decimals = 2 if abs(hundredths) < 1 else 1
    return f"{hundredths:.{decimals}f} %"


def is_share(name: str) -> bool:
    """Return whether a number of that name is a share of rows."""
    return any(part in name for part in SHARES)


def named(name: str, value: float | None) -> str:
    """Return the value of a number as its name asks."""
    return percent(value) if is_share(name) else number(value)


def interval(name: str, lower: float | None, upper: float | None) -> str:
    """Return the interval of a number in brackets; nothing if it has none."""
    return "" if lower is None or upper is None else f"[{named(name, lower)}, {named(name, upper)}]"


def allowed(name: str, lower: float | None, upper: float | None) -> str:
    """Return the limits of a number; nothing if it has none."""
    limits = (("at least", lower), ("at most", upper))
    return " and ".join(f"{word} {named(name, limit)}" for word, limit in limits if limit is not None)
