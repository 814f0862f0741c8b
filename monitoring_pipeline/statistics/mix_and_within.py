"""The change of a mean split over groups of rows: how many rows each has (mix), and the mean within it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Rows, mean and variance of numbers, for one group or for several, each of shape (groups,).

    The variance is that of the rows themselves (divided by their number). Of no rows, mean and variance are 0.
    """

    rows: Values
    means: Values
    variances: Values

    def __getitem__(self, wanted: NDArray[np.bool_]) -> "Moments":
        """Return those of some groups."""
        return Moments(self.rows[wanted], self.means[wanted], self.variances[wanted])

    def without(self, part: "Moments") -> "Moments":
        """Return the moments of the rows that are in none of the groups of ``part``, one by one."""
        rows = self.rows - part.rows
        counted = np.maximum(rows, 1.0)
        empty = rows <= 0.0
        means = np.where(empty, 0.0, self.means + part.rows * (self.means - part.means) / counted)
        spread = self.rows * self.variances - part.rows * part.variances
        between = part.rows * (part.means - self.means) ** 2 + rows * (means - self.means) ** 2
        variances = np.where(empty, 0.0, np.maximum(spread - between, 0.0) / counted)
        return Moments(np.where(empty, 0.0, rows), means, variances)


def moments_of(values: Values, codes: NDArray[np.int64], groups: int) -> Moments:
    """Return the moments of the numbers of each group.

    Args:
        values: finite numbers in a fixed order, because their sums depend on it in the last digits, shape (rows,).
        codes: number of the group of each, negative for none, shape (rows,).
        groups: the number of groups.
    """
    belongs = codes >= 0
    own, of = values[belongs], codes[belongs]
    rows = np.bincount(of, minlength=groups).astype(np.float64)
    counted = np.maximum(rows, 1.0)
    means = np.bincount(of, own, groups) / counted
    return Moments(rows, means, np.bincount(of, (own - means[of]) ** 2, groups) / counted)


@dataclass(frozen=True, eq=False)
class ChangeParts:
    """The parts of groups in the change of a mean, and their variances by the chance of rows, shape (groups,) each.

    Args:
        mix: by the change of the group's share of the rows.
        within: by the change of its mean.
        shift: what the change of the share brings if the shares of the other groups give way in proportion: the whole
            of it, of which ``mix`` is the group's own part.
        contrast: what the change of the mean brings beyond that of the other rows.
        share: the middle of the group's shares of both sides.
        mix_variance: of ``mix``.
        within_variance: of ``within``.
        shift_variance: of ``shift``.
        contrast_variance: of ``contrast``.
    """

    mix: Values
    within: Values
    shift: Values
    contrast: Values
    share: Values
    mix_variance: Values
    within_variance: Values
    shift_variance: Values
    contrast_variance: Values

    @property
    def brought(self) -> Values:
        """Both parts together."""
        return self.mix + self.within

    @property
    def brought_variance(self) -> Values:
        """The variance of both together, as if they were independent."""
        return self.mix_variance + self.within_variance


def change_of(before: Moments, after: Moments) -> tuple[float, float]:
    """Return the change of a mean, and its variance by the chance of rows. Both sides have one group."""
    variance = float((before.variances / before.rows + after.variances / after.rows)[0])
    return float((after.means - before.means)[0]), variance


def mix_and_within(before: Moments, after: Moments, whole_before: Moments, whole_after: Moments) -> ChangeParts:
    r"""Split the change of a mean over groups.

    With the share :math:`p` of a group in the rows, its mean :math:`m`, and bars for the middle of both sides,

    .. math:: \text{mix} = \Delta p (\bar m - \bar M), \quad \text{within} = \bar p \Delta m

    where :math:`M` is the mean of all rows. If every row is in one group, the parts of all groups sum to
    :math:`\Delta M` exactly (the midpoint form of Kitagawa 1955, JASA 50:272). A group without rows on one side has
    the mean of the other one, so that it brings its mix only. Variances are those of the first order (delta method).

    Args:
        before: the groups of the one side.
        after: the same groups of the other side.
        whole_before: all rows of the one side, one group.
        whole_after: all rows of the other side, one group.
    """
    sides = _Side.of(before, whole_before), _Side.of(after, whole_after)
    p0, p1 = (side.share for side in sides)
    moved, share = p1 - p0, (p0 + p1) / 2
    (m0, m1), (o0, o1) = _filled(*(side.own for side in sides)), _filled(*(side.others for side in sides))
    risen, apart = m1 - m0, (m0 - o0 + m1 - o1) / 2
    contrast, above = risen - (o1 - o0), ((1.0 - p0) * (m0 - o0) + (1.0 - p1) * (m1 - o1)) / 2

    def variance(then: tuple[Values, Values, Values], now: tuple[Values, Values, Values]) -> Values:
        return sides[0].variance(*then) + sides[1].variance(*now)

    # Shares and means of disjoint rows are uncorrelated; the slopes are by the share, the mean, and that of the others.
    rest, nothing = share * (1.0 - share), np.zeros_like(share)
    by_share = (1.0 - 2.0 * share) * contrast / 2
    halves = [moved * (1.0 - p) / 2 for p in (p0, p1)]
    return ChangeParts(
        mix=moved * above,
        within=share * risen,
        shift=moved * apart,
        contrast=rest * contrast,
        share=share,
        mix_variance=variance(
            (-above - moved * (m0 - o0) / 2, halves[0], -halves[0]),
            (above - moved * (m1 - o1) / 2, halves[1], -halves[1]),
        ),
        within_variance=variance((risen / 2, -share, nothing), (risen / 2, share, nothing)),
        shift_variance=variance((-apart, moved / 2, -moved / 2), (apart, moved / 2, -moved / 2)),
        contrast_variance=variance((by_share, -rest, rest), (by_share, rest, -rest)),
    )


@dataclass(frozen=True, eq=False)
class _Side:
    """The share of groups in the rows of one side, and the moments of their rows and of all others."""

    rows: Values
    share: Values
    own: Moments
    others: Moments

    @classmethod
    def of(cls, group: Moments, whole: Moments) -> "_Side":
        return cls(whole.rows, group.rows / whole.rows, group, whole.without(group))

    def variance(self, by_share: Values, by_mean: Values, by_others: Values) -> Values:
        """Return the variance of a number with these slopes."""
        of_share = by_share**2 * self.share * (1.0 - self.share) / self.rows
        of_means = by_mean**2 * _of_mean(self.own) + by_others**2 * _of_mean(self.others)
        return of_share + of_means


def _of_mean(moments: Moments) -> Values:
    return moments.variances / np.maximum(moments.rows, 1.0)


def _filled(before: Moments, after: Moments) -> tuple[Values, Values]:
    """Return the means of both sides; a side without rows has that of the other one."""
    return (
        np.where(before.rows > 0.0, before.means, after.means),
        np.where(after.rows > 0.0, after.means, before.means),
    )


def half_width(variance: float, errors: float) -> float:
    """Return the distance from a number to the end of its interval, of so many standard errors."""
    return errors * math.sqrt(max(variance, 0.0))
