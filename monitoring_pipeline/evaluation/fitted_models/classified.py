"""Rows of a chunk and of the reference, with the probability of being of the chunk by a classifier."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.fitted_models.design_matrix import Values
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.statistics.inputs import Flags
from monitoring_pipeline.statistics.samples.permutation import area_by_stratum

FOLDS = 3


@dataclass(frozen=True, eq=False)
class BothSides:
    """The rows of both sides, each side in the order of its hashed IDs and dealt out to the folds in turn.

    A fold therefore depends on neither values nor order.

    Args:
        rows: features of the reference's rows, then of the chunk's.
        current: whether a row is of the chunk, shape (rows,).
        folds: fold of each row, shape (rows,).
    """

    rows: pl.DataFrame
    current: Flags
    folds: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ClassifiedDomains:
    """Reference and current rows with their out-of-fold probability of being current.

    Args:
        current: whether a row is of the chunk, shape (rows,).
        folds: fold of each row, shape (rows,).
        probabilities: by the classifier that was not fitted to the row's fold, shape (rows,).
        features: the features that the classifiers use.
        scores_without: returns the scores of all rows if the values of a feature are permuted among the rows of a
            fold, shape (features, rows); scores have the order of probabilities.
    """

    current: Flags
    folds: NDArray[np.int64]
    probabilities: Values
    features: tuple[str, ...]
    scores_without: Callable[[np.random.Generator], Values]


Classify = Callable[[Mapping[str, FeatureKind], pl.DataFrame, pl.DataFrame], ClassifiedDomains]
"""Classifies canonical rows of the reference and of the chunk by some features."""


def both_sides(columns: Mapping[str, FeatureKind], reference: pl.DataFrame, rows: pl.DataFrame) -> BothSides:
    """Return the rows of both sides with their folds.

    Args:
        columns: the features that are kept.
        reference: canonical rows.
        rows: canonical rows of the chunk.
    """
    sides = [side.sort("row_id").select(list(columns)) for side in (reference, rows)]
    current = np.arange(sum(side.height for side in sides)) >= sides[0].height
    folds = np.concatenate([np.arange(side.height) % FOLDS for side in sides])
    return BothSides(pl.concat(sides), current, folds)


def losses_without_columns(classified: ClassifiedDomains, generator: np.random.Generator) -> dict[str, float]:
    """Return by how much the area under the ROC curve falls without each column; 0 where it does not.

    A column's values are permuted among the rows of a fold (permutation importance, Breiman 2001, Machine Learning
    45:5).
    """
    sides = (classified.current, classified.folds)
    area = area_by_stratum(classified.probabilities, *sides)
    without = classified.scores_without(generator)
    return {
        name: max(0.0, area - area_without)
        for name, area_without in zip(classified.features, _areas(without, *sides), strict=True)
    }


def _areas(scores: Values, current: Flags, folds: NDArray[np.int64]) -> Iterator[float]:
    """Yield the area of each row of scores, shape (features, rows).

    The classifier uses few of many columns. Without any of the others the scores are the same, and so is the area.
    """
    before, area = None, 0.0
    for of_feature in scores:
        if before is None or not np.array_equal(of_feature, before):
            before, area = of_feature, area_by_stratum(of_feature, current, folds)
        yield area
