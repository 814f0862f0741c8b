"""Principal components of numeric columns, and how far rows lie from the plane that they span."""

from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.statistics.inputs import LARGEST_MAGNITUDE, Vector
from monitoring_pipeline.statistics.results import UndefinedStatisticError

VARIANCE_KEPT = 0.65
FARTHEST = 20.0
"""Standard deviations at which a value is cut off, so that one wild number does not decide."""


@dataclass(frozen=True, eq=False)
class PrincipalComponents:
    """The plane fitted to some rows.

    Args:
        mean: mean of each column, shape (columns,); it also stands in for missing values.
        scale: standard deviation of each column, shape (columns,); infinite where a column was constant.
        components: orthonormal directions, shape (kept, columns).
    """

    mean: Vector
    scale: Vector
    components: Vector


def fit_components(matrix: Vector, variance_kept: float = VARIANCE_KEPT) -> PrincipalComponents:
    """Fit the fewest components that keep a share of the variance of the standardised columns.

    Principal components by singular value decomposition (Jolliffe 2002, Principal Component Analysis, sec. 3.5).
    Constant columns take no part.

    Args:
        matrix: shape (rows, columns); NaN is missing.
        variance_kept: share of the variance that the components must keep.

    Raises:
        UndefinedStatisticError: when fewer than two columns vary: no plane leaves a residual.
    """
    known = np.isfinite(matrix)
    bounded = np.clip(np.where(known, matrix, 0.0), -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE)
    counts = np.maximum(known.sum(axis=0), 1)
    mean = bounded.sum(axis=0) / counts
    spread = np.sqrt((np.where(known, bounded - mean, 0.0) ** 2).sum(axis=0) / counts)
    varying = spread > 1e-12 * np.maximum(np.abs(mean), np.finfo(np.float64).tiny)
    if varying.sum() < 2:  # noqa: PLR2004 - one column is its own component
        raise UndefinedStatisticError(f"{int(varying.sum())} features vary in the reference, at least 2 needed")
    fitted = PrincipalComponents(mean, np.where(varying, spread, np.inf), np.zeros((0, mean.size)))
    _, singular, directions = np.linalg.svd(_standardised(fitted, matrix), full_matrices=False)
    shares = np.cumsum(singular**2) / np.sum(singular**2)
    kept = min(int(np.searchsorted(shares, variance_kept)) + 1, int(varying.sum()) - 1)
    return PrincipalComponents(mean, fitted.scale, directions[:kept])


def residuals(fitted: PrincipalComponents, matrix: Vector) -> Vector:
    """Return the part of each value that the components leave out, in standard deviations, shape (rows, columns)."""
    standardised = _standardised(fitted, matrix)
    return standardised - standardised @ fitted.components.T @ fitted.components


def reconstruction_errors(fitted: PrincipalComponents, matrix: Vector) -> Vector:
    """Return the length of each row's residual, shape (rows,) (as NannyML, "Data reconstruction with PCA")."""
    return np.sqrt(np.sum(residuals(fitted, matrix) ** 2, axis=1))


def _standardised(fitted: PrincipalComponents, matrix: Vector) -> Vector:
    filled = np.where(np.isfinite(matrix), matrix, fitted.mean)
    bounded = np.clip(filled, -LARGEST_MAGNITUDE, LARGEST_MAGNITUDE)
    return np.clip((bounded - fitted.mean) / fitted.scale, -FARTHEST, FARTHEST)
