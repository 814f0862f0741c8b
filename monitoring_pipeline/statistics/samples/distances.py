"""Distances of two distributions, as functions of two count arrays over the same cells.

Every function takes ``reference`` and ``current``, each of shape (cells,), not negative; only the proportions
matter. Each raises ``ValueError`` for wrong shapes or negative counts and ``UndefinedStatisticError`` when a side
has no rows. The ``..._DEFINITION`` beside each is stored with its values, because values of the same statistic under
different conventions cannot be compared.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.statistics.inputs import Vector, count_pair

PSEUDO_COUNT = 0.5

_SMOOTHING = (
    f"cells empty on both sides dropped; if a cell is empty on one side, {PSEUDO_COUNT} rows are added to every cell "
    "of both sides, otherwise none"
)

POPULATION_STABILITY_INDEX_DEFINITION = f"sum (p - q) ln(p / q), p reference, q current; {_SMOOTHING}"
KULLBACK_LEIBLER_DIVERGENCE_DEFINITION = f"sum p ln(p / q) in nats, p reference, q current; {_SMOOTHING}"
JENSEN_SHANNON_DIVERGENCE_DEFINITION = (
    "w1 KL(p || m) + w2 KL(q || m) in nats, m = w1 p + w2 q, p reference, q current; no smoothing"
)
JENSEN_SHANNON_DISTANCE_DEFINITION = (
    "square root of the Jensen-Shannon divergence in base 2, equal weights, 0 to 1; no smoothing"
)
KOLMOGOROV_SMIRNOV_DISTANCE_DEFINITION = "largest |P - Q| of the cumulative proportions at the ends of ordered cells"
HELLINGER_DISTANCE_DEFINITION = "square root of sum (sqrt p - sqrt q)^2 / 2, 0 to 1; no smoothing"
TOTAL_VARIATION_DISTANCE_DEFINITION = "sum |p - q| / 2, 0 to 1; no smoothing"
L_INFINITY_DISTANCE_DEFINITION = "largest |p - q| of one cell, 0 to 1; no smoothing"

L_INFINITY_CORRECTED_DEFINITION = (
    "max(0, L-infinity - 1.80 sqrt(1/n + 1/m)): what exceeds the distance that chance reaches in 3 of 1,000 cases"
)
COHENS_H_DEFINITION = "largest change of a cell's proportion in Cohen's h, |2 asin sqrt p - 2 asin sqrt q|, 0 to pi"
CRAMERS_V_DEFINITION = "Cramer's V of side and cell, bias-corrected (Bergsma 2013), chi-squared without Yates, 0 to 1"
WASSERSTEIN_DISTANCE_DEFINITION = (
    "area between the cumulative proportions over the middles of ordered cells; rows beyond the outermost edges count "
    "at these edges"
)
CHANCE_OF_L_INFINITY = 0.003


def population_stability_index(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Population stability index: the sum of both Kullback-Leibler divergences (Jeffreys 1946), in nats.

    An empty cell would make it infinite, and the value then depends on the floor alone, so the smoothing is part
    of the definition: see ``POPULATION_STABILITY_INDEX_DEFINITION``. The half row is that of the estimate of a
    proportion under Jeffreys' prior. Without a one-sided empty cell the value is the textbook one
    (Siddiqi, Credit Risk Scorecards, 2006, ch. 9).
    """
    p, q = _smoothed_proportions(reference, current)
    return float(np.sum((p - q) * np.log(p / q)))


def kullback_leibler_divergence(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Kullback-Leibler divergence of the reference from the current distribution, in nats (1951, eq. 2.4).

    Smoothed as the population stability index, so that PSI = KL(p || q) + KL(q || p) holds for all counts.
    """
    p, q = _smoothed_proportions(reference, current)
    return max(0.0, float(np.sum(special.rel_entr(p, q))))


def jensen_shannon_divergence(
    reference: npt.ArrayLike, current: npt.ArrayLike, *, weights: tuple[float, float] = (0.5, 0.5)
) -> float:
    """Jensen-Shannon divergence in nats with weights for reference and current (Lin 1991, eq. 5.1).

    With weights n / (n + m) and m / (n + m) of the two numbers of rows, 2 (n + m) times it is the G statistic.

    Raises:
        ValueError: when the weights are not both positive with sum 1.
    """
    if min(weights) <= 0.0 or not math.isclose(sum(weights), 1.0):
        raise ValueError(f"weights are {weights}; both must be positive and their sum 1")
    p, q = _proportions(reference, current)
    mixture = weights[0] * p + weights[1] * q
    divergence = weights[0] * np.sum(special.rel_entr(p, mixture)) + weights[1] * np.sum(special.rel_entr(q, mixture))
    return max(0.0, float(divergence))


def jensen_shannon_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Jensen-Shannon distance, base 2: a metric between 0 and 1 (Endres & Schindelin 2003)."""
    return _capped(np.sqrt(jensen_shannon_divergence(reference, current) / np.log(2.0)))


def kolmogorov_smirnov_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Largest difference of the two cumulative distributions at the ends of ordered cells.

    The distance of the raw values is at least this large, and larger by at most the mass of one cell.
    """
    p, q = _proportions(reference, current)
    return _capped(np.max(np.abs(np.cumsum(p) - np.cumsum(q))))


def hellinger_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Hellinger distance, between 0 and 1 (van der Vaart, Asymptotic Statistics, 1998, sec. 14.5, halved)."""
    p, q = _proportions(reference, current)
    return _capped(np.sqrt(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2) / 2.0))


def total_variation_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Total variation distance: the share of rows that would have to change cell, between 0 and 1."""
    p, q = _proportions(reference, current)
    return _capped(np.sum(np.abs(p - q)) / 2.0)


def l_infinity_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Largest change of one cell's proportion, between 0 and 1 (Breck et al., Data Validation for ML, 2019)."""
    p, q = _proportions(reference, current)
    return _capped(np.max(np.abs(p - q)))


def l_infinity_corrected(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """L-infinity distance minus the one that chance exceeds with probability 0.003 (Deequ, Distance.scala, robust).

    The correction c sqrt(1/n + 1/m), c = sqrt(-ln(alpha / 2) / 2), bounds the largest difference of two empirical
    distribution functions (Knuth, TAOCP 2, 3.3.1), so it is conservative for cells.
    """
    reference_counts, current_counts = count_pair(reference, current)
    c = math.sqrt(-math.log(CHANCE_OF_L_INFINITY / 2.0) / 2.0)
    chance = c * math.sqrt(1.0 / reference_counts.sum() + 1.0 / current_counts.sum())
    return max(0.0, l_infinity_distance(reference_counts, current_counts) - chance)


def largest_cohens_h(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Largest change of one cell's proportion in Cohen's h, between 0 and pi (Cohen 1988, Power Analysis, 6.2).

    It is about the change in standard deviations of a value that is 1 in the cell and 0 elsewhere, so that an event of
    8 % that is halved moves as far as a share that falls from 67 to 59 %.
    """
    p, q = _proportions(reference, current)
    return float(2.0 * np.max(np.abs(np.arcsin(np.sqrt(p)) - np.arcsin(np.sqrt(q)))))


def share_increased_by(share: float, cohens_h: float) -> float:
    """Return the share that lies above another one by so much in Cohen's h; at most 1."""
    return math.sin(min(math.asin(math.sqrt(share)) + cohens_h / 2.0, math.pi / 2.0)) ** 2


def cramers_v(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Cramer's V of the side (reference or current) and the cell, corrected for bias (Bergsma 2013, JKSS 42:323).

    Cells that are empty on both sides are dropped. The value is 0 with a single cell, and with as many cells as rows.
    It depends on the ratio of the two numbers of rows, so it suits sides of similar size only.
    """
    counts = np.stack(count_pair(reference, current))
    counts = counts[:, counts.any(axis=0)]
    rows, cells = counts.sum(), counts.shape[1]
    if cells == 1 or cells >= rows:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / rows
    phi_squared = float(np.sum((counts - expected) ** 2 / expected)) / rows
    corrected = max(0.0, phi_squared - (cells - 1) / (rows - 1))
    sides, cells_corrected = 2.0 - 1.0 / (rows - 1), cells - (cells - 1) ** 2 / (rows - 1)
    return _capped(np.sqrt(np.float64(corrected / min(sides - 1.0, cells_corrected - 1.0))))


def wasserstein_distance(reference: npt.ArrayLike, current: npt.ArrayLike, positions: npt.ArrayLike) -> float:
    """First Wasserstein (earth mover's) distance of two distributions over ordered points, in the points' unit.

    The area between the two distribution functions (Vallender 1974, Theory Probab. Appl. 18:784). Where the points
    stand for bins, every row is off by at most half its bin's width, and so is the distance.

    Args:
        reference: rows at each point.
        current: rows at each point.
        positions: the points, shape (cells,), increasing.

    Raises:
        ValueError: when there are not as many points as cells.
    """
    p, q = _proportions(reference, current)
    points = np.asarray(positions, dtype=np.float64)
    if points.shape != p.shape:
        raise ValueError(f"{points.size} positions for {p.size} cells")
    return float(np.sum(np.abs(np.cumsum(p - q))[:-1] * np.diff(points)))


def _proportions(reference: npt.ArrayLike, current: npt.ArrayLike) -> tuple[Vector, Vector]:
    reference_counts, current_counts = count_pair(reference, current)
    return reference_counts / reference_counts.sum(), current_counts / current_counts.sum()


def _smoothed_proportions(reference: npt.ArrayLike, current: npt.ArrayLike) -> tuple[Vector, Vector]:
    reference_counts, current_counts = count_pair(reference, current)
    used = (reference_counts > 0) | (current_counts > 0)
    counts = np.stack([reference_counts[used], current_counts[used]])
    if not counts.all():
        counts = counts + PSEUDO_COUNT
    return _proportions(counts[0], counts[1])


def _capped(distance: np.float64) -> float:
    """Return the distance, at most 1: rounding can exceed the largest possible distance by an ulp."""
    return min(1.0, float(distance))
