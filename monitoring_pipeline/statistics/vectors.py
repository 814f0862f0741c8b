"""Directions fitted to some vectors of length 1, and the places of other vectors along them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.inputs import Vector

Whole = npt.NDArray[np.int64]
UNIT = 2.0**-20
"""Entries of vectors and directions are rounded to multiples of it.

Their products then add up to the same bits in every order, because a sum of products of two vectors of length 1 has at
most 42 binary digits.
"""
LEAST_VARIANCE = 1e-9
"""Directions with a smaller share of the variance are left out, because rounding decides where they point."""


@dataclass(frozen=True, eq=False)
class Directions:
    """The directions in which some vectors vary most, as multiples of ``UNIT``.

    Args:
        mean: mean of the vectors, shape (numbers,).
        directions: principal components, those of most variance first, shape (kept, numbers).
    """

    mean: Whole
    directions: Whole


def fit_directions(vectors: Vector, at_most: int) -> Directions:
    """Fit the principal components of vectors of length 1, which are centred and not scaled.

    Jolliffe 2002, Principal Component Analysis, ch. 2: eigenvectors of the covariance. The sign of a direction is that
    of its largest entry.

    Args:
        vectors: shape (rows, numbers).
        at_most: directions that are kept.
    """
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    # In ascending order.
    variances, columns = np.linalg.eigh(centred.T @ centred / vectors.shape[0])
    kept = np.flatnonzero(variances > LEAST_VARIANCE * max(float(variances.sum()), UNIT))[::-1][:at_most]
    directions = columns[:, kept].T
    largest = np.abs(directions).argmax(axis=1) if kept.size else np.zeros(0, dtype=np.int64)
    signs = np.sign(directions[np.arange(kept.size), largest])
    return Directions(_rounded(mean), _rounded(directions * signs[:, None]))


def places_along(fitted: Directions, vectors: Vector) -> tuple[Vector, Vector]:
    """Return the place of each vector along each direction, and its distance from the plane of the directions.

    Args:
        fitted: the directions.
        vectors: vectors of length 1, shape (rows, numbers).

    Returns:
        places around the mean, shape (rows, kept), and distances, shape (rows,).
    """
    rounded, mean = np.rint(vectors / UNIT), fitted.mean.astype(np.float64)
    directions = fitted.directions.astype(np.float64)
    products = rounded @ np.column_stack([directions.T, mean])
    places = (products[:, :-1] - directions @ mean) * UNIT**2
    squared = np.einsum("ij,ij->i", rounded, rounded) - 2 * products[:, -1] + mean @ mean
    outside = squared * UNIT**2 - np.square(places).sum(axis=1)
    return places, np.sqrt(np.maximum(outside, 0.0))


def lengths_of(vectors: Vector) -> Vector:
    """Return the Euclidean length of each row, shape (rows,)."""
    return np.sqrt(np.square(vectors).sum(axis=1))


def _rounded(numbers: Vector) -> Whole:
    return np.rint(numbers / UNIT).astype(np.int64)
