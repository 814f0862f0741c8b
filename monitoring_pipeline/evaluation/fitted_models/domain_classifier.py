"""A classifier that is trained to distinguish the rows of a chunk from those of the reference."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.fitted_models.design_matrix import Encoding, Values, code_matrix, encoding_of
from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.statistics.inputs import Flags
from monitoring_pipeline.statistics.samples.permutation import area_by_stratum

FOLDS = 3
TREES = 20
ROWS_OF_A_CALL = 20_000


@dataclass(frozen=True, eq=False)
class ClassifiedDomains:
    """Reference and current rows with their out-of-fold probability of being current.

    Args:
        encoding: the columns.
        matrix: shape (rows, columns).
        current: whether a row is of the chunk, shape (rows,).
        folds: fold of each row, shape (rows,).
        probabilities: by the classifier that was not fitted to the row's fold, shape (rows,).
        classifiers: one per fold.
    """

    encoding: Encoding
    matrix: Values
    current: Flags
    folds: np.ndarray[Any, np.dtype[np.int64]]
    probabilities: Values
    classifiers: tuple[Any, ...]


def classify_domains(
    columns: dict[str, FeatureKind], reference: pl.DataFrame, rows: pl.DataFrame, trees: int = TREES
) -> ClassifiedDomains:
    """Fit a classifier per fold to all other folds (gradient-boosted trees, to which a missing value is a value).

    Both sides are sorted by hashed ID and dealt out in turn, so that a fold depends on neither values nor order. A
    column without any value in the rows of a fit is left out, because the trees reject it.

    Args:
        columns: the features that the classifier uses.
        reference: canonical rows.
        rows: canonical rows of the chunk.
        trees: number of trees.
    """
    from sklearn import ensemble as untyped_ensemble  # pyright: ignore[reportMissingTypeStubs]

    ensemble: Any = untyped_ensemble

    sides = [side.sort("row_id").select(list(columns)) for side in (reference, rows)]
    pooled = pl.concat(sides)
    current = np.arange(pooled.height) >= sides[0].height
    folds = np.concatenate([np.arange(side.height) % FOLDS for side in sides])
    encoding, matrix = _with_values_in_each_fit(encoding_of(columns, pooled), pooled, folds)
    if not encoding.columns:
        return ClassifiedDomains(encoding, matrix, current, folds, np.full(pooled.height, 0.5), ())
    probabilities = np.zeros(pooled.height)
    classifiers: list[Any] = []
    for fold in range(FOLDS):
        held_out = folds == fold
        unfitted = ensemble.HistGradientBoostingClassifier(
            max_iter=trees,
            max_leaf_nodes=8,
            min_samples_leaf=20,
            early_stopping=False,
            categorical_features=encoding.categorical,
            random_state=0,
        )
        with one_thread():
            fitted = unfitted.fit(matrix[~held_out], current[~held_out])
            probabilities[held_out] = fitted.predict_proba(matrix[held_out])[:, 1]
        classifiers.append(fitted)
    return ClassifiedDomains(encoding, matrix, current, folds, probabilities, tuple(classifiers))


def _with_values_in_each_fit(
    encoding: Encoding, pooled: pl.DataFrame, folds: np.ndarray[Any, np.dtype[np.int64]]
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


def shares_of_columns(classified: ClassifiedDomains, generator: np.random.Generator) -> dict[str, float]:
    """Return each column's share in the separation of the two sides, the largest first.

    The share is proportional to the fall of the area under the ROC curve if the column's values are permuted among
    the rows of a fold (permutation importance, Breiman 2001, Machine Learning 45:5).
    """
    area = area_by_stratum(classified.probabilities, classified.current, classified.folds)
    losses = {
        name: max(0.0, area - area_by_stratum(probabilities, classified.current, classified.folds))
        for name, probabilities in zip(
            classified.encoding.columns, _probabilities_without(classified, generator), strict=True
        )
    }
    total = sum(losses.values())
    ordered = sorted(losses, key=lambda name: (-losses[name], name))
    return {name: losses[name] / total for name in ordered if losses[name] > 0.0}


def _probabilities_without(classified: ClassifiedDomains, generator: np.random.Generator) -> Values:
    """Return the probabilities of all rows with the values of one column permuted, shape (columns, rows)."""
    held_out = [np.flatnonzero(classified.folds == fold) for fold in range(len(classified.classifiers))]
    # Drawn column by column, so that the shares of stored results stay the same.
    permuted = [
        [generator.permutation(classified.matrix[rows, position]) for rows in held_out]
        for position in range(classified.matrix.shape[1])
    ]
    probabilities = np.zeros((len(permuted), classified.probabilities.size))
    for fold, (classifier, rows) in enumerate(zip(classified.classifiers, held_out, strict=True)):
        # Many columns in one call, because a call takes longer than the prediction of a thousand rows.
        at_once = max(1, ROWS_OF_A_CALL // rows.size)
        for first in range(0, len(permuted), at_once):
            positions = range(first, min(first + at_once, len(permuted)))
            matrices = np.repeat(classified.matrix[rows][None], len(positions), axis=0)
            for matrix, position in zip(matrices, positions, strict=True):
                matrix[:, position] = permuted[position][fold]
            with one_thread():
                predicted = classifier.predict_proba(matrices.reshape(-1, matrices.shape[2]))[:, 1]
            probabilities[first : positions.stop, rows] = predicted.reshape(len(positions), rows.size)
    return probabilities
