"""Values that lie far outside the reference's range: by more than its width, or negative where nothing ever was."""

from monitoring_pipeline.evaluation.profiles.bins import SPECIAL_CELLS_AFTER, SPECIAL_CELLS_BEFORE, NumericBins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile

LEAST_ROWS = 4
ROUNDING = 1e-12


def lie_far_outside(bins: NumericBins, expected: ColumnProfile, observed: ColumnProfile, share: float) -> bool:
    """Return whether at least about this share of the values lies outside the expected range by more than its width.

    A profile has no count of such values. That many add ``share`` of the squared width to the variance, or move the
    mean out of the range by more than the width. The smallest and the largest value are left out first, so that one
    wrong value is not taken for many.
    """
    low, high = expected.minimum, expected.maximum
    rest = _without_extremes(bins, observed)
    before = _without_extremes(bins, expected)
    if low is None or high is None or observed.minimum is None or observed.maximum is None or not (rest and before):
        return False
    width = high - low
    if max(low - observed.minimum, observed.maximum - high) <= width:
        return False
    mean, variance = rest
    return variance - before[1] >= share * width**2 or max(low - mean, mean - high) > width


def share_below_zero(expected: ColumnProfile, observed: ColumnProfile) -> float:
    """Return the share of negative values if 0 is the smallest value of the expected side, else 0."""
    if expected.minimum != 0.0 or not observed.rows:
        return 0.0
    return observed.counts[SPECIAL_CELLS_BEFORE] / observed.rows


def _without_extremes(bins: NumericBins, profile: ColumnProfile) -> tuple[float, float] | None:
    """Return mean and variance of the finite values but the smallest and the largest; None if there are too few.

    The variance is rather too small, by what rounding may have added to its sums.
    """
    rows = sum(profile.counts[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER])
    if rows < LEAST_ROWS or profile.minimum is None or profile.maximum is None:
        return None
    extremes = (profile.minimum - bins.centre, profile.maximum - bins.centre)
    mean = (profile.sum_centred - sum(extremes)) / (rows - 2)
    squares = (profile.sum_squares_centred - sum(value * value for value in extremes)) / (rows - 2)
    return mean + bins.centre, squares - mean * mean - ROUNDING * profile.sum_squares_centred
