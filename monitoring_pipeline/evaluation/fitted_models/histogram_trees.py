"""The domain classifier of references that an earlier version of this package built: scikit-learn's boosted trees.

Floors that were learned with it hold only for its effects, so such references keep it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.fitted_models.classified import FOLDS, ClassifiedDomains, both_sides
from monitoring_pipeline.evaluation.fitted_models.design_matrix import Encoding, Values, code_matrix, encoding_of
from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.spec.sources import FeatureKind

ROWS_OF_A_CALL = 20_000


def by_histogram_trees(
    columns: Mapping[str, FeatureKind], reference: pl.DataFrame, rows: pl.DataFrame, *, trees: int
) -> ClassifiedDomains:
    """Fit trees per fold to all other folds; a missing value is a value to them.

    A column without any value in the rows of a fit is left out, because the trees reject it.

    Args:
        columns: the features that the classifier uses.
        reference: canonical rows.
        rows: canonical rows of the chunk.
        trees: number of trees.
    """
    from sklearn import ensemble as untyped_ensemble  # pyright: ignore[reportMissingTypeStubs]

    ensemble: Any = untyped_ensemble

    sides = both_sides(columns, reference, rows)
    encoding, matrix = _with_values_in_each_fit(encoding_of(columns, sides.rows), sides.rows, sides.folds)
    probabilities = np.full(sides.current.size, 0.5)
    classifiers: list[Any] = []
    for fold in range(FOLDS) if encoding.columns else ():
        held_out = sides.folds == fold
        unfitted = ensemble.HistGradientBoostingClassifier(
            max_iter=trees,
            max_leaf_nodes=8,
            min_samples_leaf=20,
            early_stopping=False,
            categorical_features=encoding.categorical,
            random_state=0,
        )
        with one_thread():
            fitted = unfitted.fit(matrix[~held_out], sides.current[~held_out])
            probabilities[held_out] = fitted.predict_proba(matrix[held_out])[:, 1]
        classifiers.append(fitted)
    features = tuple(encoding.columns)
    without = partial(_probabilities_without, matrix, sides.folds, classifiers)
    return ClassifiedDomains(sides.current, sides.folds, probabilities, features, without)


def _with_values_in_each_fit(
    encoding: Encoding, pooled: pl.DataFrame, folds: NDArray[np.int64]
) -> tuple[Encoding, Values]:
    """Return the columns that have a value among the rows of each fit, and their matrix."""
    matrix = code_matrix(encoding, pooled)
    has_value = np.isfinite(matrix)
    usable = np.all([has_value[folds != fold].any(axis=0) for fold in range(FOLDS)], axis=0)
    names = [name for name, is_usable in zip(encoding.columns, usable, strict=True) if is_usable]
    kept = Encoding(
        {name: encoding.columns[name] for name in names},
        {name: shares for name, shares in encoding.shares.items() if name in names},
    )
    return kept, matrix[:, usable]


def _probabilities_without(
    matrix: Values, folds: NDArray[np.int64], classifiers: Sequence[Any], generator: np.random.Generator
) -> Values:
    """Return the probabilities of all rows with the values of one column permuted, shape (columns, rows)."""
    held_out = [np.flatnonzero(folds == fold) for fold in range(len(classifiers))]
    # Drawn column by column, so that the shares of stored results stay the same.
    permuted = [
        [generator.permutation(matrix[rows, position]) for rows in held_out] for position in range(matrix.shape[1])
    ]
    probabilities = np.zeros((len(permuted), folds.size))
    for fold, (classifier, rows) in enumerate(zip(classifiers, held_out, strict=True)):
        # Many columns in one call, because a call takes longer than the prediction of a thousand rows.
        at_once = max(1, ROWS_OF_A_CALL // rows.size)
        for first in range(0, len(permuted), at_once):
            positions = range(first, min(first + at_once, len(permuted)))
            matrices = np.repeat(matrix[rows][None], len(positions), axis=0)
            for changed, position in zip(matrices, positions, strict=True):
                changed[:, position] = permuted[position][fold]
            with one_thread():
                predicted = classifier.predict_proba(matrices.reshape(-1, matrices.shape[2]))[:, 1]
            probabilities[first : positions.stop, rows] = predicted.reshape(len(positions), rows.size)
    return probabilities
