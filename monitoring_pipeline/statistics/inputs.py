"""Checks of the arrays that statistics take, with errors that name the argument at fault.

A wrong shape is a mistake of the caller and raises ``ValueError``. Values that occur in real rows but leave the
statistic undefined raise ``UndefinedStatisticError``; its message becomes the reason of a skipped measurement.
"""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.results import UndefinedStatisticError

Vector = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LARGEST_MAGNITUDE = 1e75
"""Beyond this a variance of squared errors no longer fits a 64-bit float."""


def checked_confidence(confidence: float) -> float:
    """Return the confidence level, a number strictly between 0 and 1.

    Raises:
        ValueError: when the level lies outside (0, 1).
    """
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}; it must lie strictly between 0 and 1, such as 0.95")
    return confidence


def count_pair(reference: npt.ArrayLike, current: npt.ArrayLike) -> tuple[Vector, Vector]:
    """Return reference and current counts, shape (cells,), over the same cells.

    Raises:
        ValueError: when they are not 1-D of one length, or a count is negative or not finite.
        UndefinedStatisticError: when either side has no rows.
    """
    sides = {"reference": _vector("reference", reference), "current": _vector("current", current)}
    if sides["reference"].size != sides["current"].size:
        raise ValueError(
            f"reference has {sides['reference'].size} cells and current has {sides['current'].size}; "
            "both must be counts over the same cells"
        )
    for side, counts in sides.items():
        wrong = ~np.isfinite(counts) | (counts < 0)
        if wrong.any():
            cell = int(np.flatnonzero(wrong)[0])
            raise ValueError(f"{side} count of cell {cell} is {counts[cell]}; counts are finite and not negative")
    for side, counts in sides.items():
        if not counts.any():
            raise UndefinedStatisticError(f"{side} has no rows")
    return sides["reference"], sides["current"]


def paired_rows(first: npt.ArrayLike, second: npt.ArrayLike, names: tuple[str, str]) -> tuple[Vector, Vector]:
    """Return two columns of the same rows as floats, shape (rows,).

    Raises:
        ValueError: when they are not 1-D of one length.
        UndefinedStatisticError: when there are no rows, or a value is NaN, infinite or beyond
            ``LARGEST_MAGNITUDE``.
    """
    columns = tuple(_vector(name, values) for name, values in zip(names, (first, second), strict=True))
    if columns[0].size != columns[1].size:
        raise ValueError(f"{names[0]} has {columns[0].size} rows and {names[1]} has {columns[1].size}")
    if columns[0].size == 0:
        raise UndefinedStatisticError(f"no rows with both {names[0]} and {names[1]}")
    for name, column in zip(names, columns, strict=True):
        unusable = ~(np.abs(column) <= LARGEST_MAGNITUDE)
        if unusable.any():
            raise UndefinedStatisticError(
                f"{int(unusable.sum())} of {column.size} {name} are not usable numbers (first: {column[unusable][0]})"
            )
    return columns[0], columns[1]


def labels_and_scores(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Flags, Vector]:
    """Return binary labels as flags and scores as floats, shape (rows,).

    Raises:
        ValueError: when they are not 1-D of one length.
        UndefinedStatisticError: as ``paired_rows``, and when a label is neither 0 nor 1.
    """
    truth, score = paired_rows(labels, scores, ("labels", "scores"))
    return _flags("labels", truth), score


def labels_and_probabilities(labels: npt.ArrayLike, scores: npt.ArrayLike) -> tuple[Flags, Vector]:
    """Return binary labels as flags and scores that are probabilities, shape (rows,).

    Raises:
        ValueError: when they are not 1-D of one length.
        UndefinedStatisticError: as ``labels_and_scores``, and when a score lies outside [0, 1].
    """
    truth, score = labels_and_scores(labels, scores)
    lowest, highest = float(score.min()), float(score.max())
    if lowest < 0.0 or highest > 1.0:
        raise UndefinedStatisticError(f"scores are not probabilities: they range from {lowest} to {highest}")
    return truth, score


def labels_and_classes(labels: npt.ArrayLike, predictions: npt.ArrayLike) -> tuple[Flags, Flags]:
    """Return binary labels and binary predictions as flags, shape (rows,).

    Raises:
        ValueError: when they are not 1-D of one length.
        UndefinedStatisticError: as ``paired_rows``, and when a label or a prediction is neither 0 nor 1.
    """
    truth, decided = paired_rows(labels, predictions, ("labels", "predictions"))
    return _flags("labels", truth), _flags("predictions", decided)


def _vector(name: str, values: npt.ArrayLike) -> Vector:
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"{name} has shape {vector.shape}; a 1-D array is expected")
    return vector


def _flags(name: str, values: Vector) -> Flags:
    flags = values == 1.0
    other = values[~flags & (values != 0.0)]
    if other.size:
        raise UndefinedStatisticError(f"{other.size} of {values.size} {name} are neither 0 nor 1 (first: {other[0]})")
    return flags
