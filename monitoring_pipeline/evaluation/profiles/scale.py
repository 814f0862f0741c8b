"""The factor between the values of two profiles of a column, as a change of unit gives it."""

import math
from dataclasses import dataclass

from monitoring_pipeline.evaluation.profiles.bins import SPECIAL_CELLS_AFTER, SPECIAL_CELLS_BEFORE, Bins, NumericBins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile

LEAST_VALUES = 30
LEAST_FACTOR = 2.0
NEAR_A_POWER = 0.07
"""Distance from a power of ten, as a logarithm, within which that power is named: units differ by powers of ten."""
SPREADS_ALIKE = 1.5
"""Largest quotient of the factors of mean and spread at which the values are taken as multiplied."""
RANGES_ALIKE = 4.0
"""Largest quotient of the factors of the range and of the mean; a few rows span less than many do."""
LEAST_WIDENING = 0.3
"""Smallest quotient of the logarithms of both."""
SHIFT = 0.5
"""Largest distance of the mean from the multiplied one, in standard deviations."""


@dataclass(frozen=True)
class _Moments:
    mean: float
    spread: float
    width: float


def scale_in_words(
    bins: Bins, expected: ColumnProfile, observed: ColumnProfile, words: str = "the reference"
) -> str | None:
    """Return the factor between two profiles, such as ``values are about 100 times those of the reference``.

    None if the values are not multiplied by one and the same factor, or it is close to 1.
    """
    factor = scale_between(bins, expected, observed)
    return None if factor is None else f"values are about {_rounded(factor)} times those of {words}"


def scale_between(bins: Bins, expected: ColumnProfile, observed: ColumnProfile) -> float | None:
    """Return the factor by which mean, spread and range of a column differ; None if it is not one and the same."""
    before, now = _moments(bins, expected), _moments(bins, observed)
    if before is None or now is None:
        return None
    of_spread = now.spread / before.spread
    if abs(before.mean) > before.spread:
        factor = now.mean / before.mean
        fits = factor > 0 and 1 / SPREADS_ALIKE <= of_spread / factor <= SPREADS_ALIKE
    else:
        # The quotient of two means near zero is arbitrary.
        factor = of_spread
        fits = abs(now.mean - factor * before.mean) <= SHIFT * now.spread
    if not fits or not 0 < factor < math.inf or abs(multiplied := math.log(factor)) < math.log(LEAST_FACTOR):
        return None
    widened = math.log(now.width) - math.log(before.width)
    # A share of ones that rises has a larger mean and spread, and the same range.
    has_its_range = abs(widened - multiplied) <= math.log(RANGES_ALIKE) and widened / multiplied >= LEAST_WIDENING
    return factor if has_its_range else None


def _moments(bins: Bins, column: ColumnProfile) -> _Moments | None:
    """Return mean and standard deviation of the finite values; None for few or equal values, or for categories."""
    values = sum(column.counts[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER])
    if not isinstance(bins, NumericBins) or values < LEAST_VALUES or column.minimum is None or column.maximum is None:
        return None
    shift = column.sum_centred / values
    spread = math.sqrt(max(column.sum_squares_centred / values - shift**2, 0.0))
    width = column.maximum - column.minimum
    return _Moments(bins.centre + shift, spread, width) if spread > 0 and width > 0 else None


def _rounded(factor: float) -> str:
    power = round(math.log10(factor))
    if abs(math.log10(factor) - power) <= NEAR_A_POWER:
        factor = 10.0**power
    digits = 1 - math.floor(math.log10(factor))
    return f"{round(factor, digits):,.10g}"
