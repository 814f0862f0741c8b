"""The domain classifier of today: boosted symmetric trees on few codes of each feature."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.fitted_models.classified import FOLDS, ClassifiedDomains, both_sides
from monitoring_pipeline.evaluation.fitted_models.coded_columns import CodedColumns, fold_codes
from monitoring_pipeline.evaluation.fitted_models.design_matrix import Values
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.statistics.boosted_trees import BoostedTrees, Codes, fit_trees, log_odds_without


@dataclass(frozen=True, eq=False)
class _OfFold:
    """The trees that were not fitted to a fold, and the codes of the fold's rows."""

    trees: BoostedTrees
    columns: CodedColumns


def by_symmetric_trees(
    columns: Mapping[str, FeatureKind], reference: pl.DataFrame, rows: pl.DataFrame
) -> ClassifiedDomains:
    """Fit trees per fold to all other folds; a missing value is a value to them.

    Args:
        columns: the features that the classifier uses.
        reference: canonical rows.
        rows: canonical rows of the chunk.
    """
    sides = both_sides(columns, reference, rows)
    log_odds = np.zeros(sides.current.size)
    of_folds: list[_OfFold] = []
    codes = fold_codes(columns, sides.rows, sides.current, sides.folds)
    for fold in range(FOLDS) if columns else ():
        held_out = sides.folds == fold
        coded = codes.held_out(fold)
        trees = fit_trees(coded.codes[:, ~held_out], coded.categories, sides.current[~held_out])
        of_fold = CodedColumns(coded.features, coded.categories, coded.codes[:, held_out])
        log_odds[held_out] = trees.log_odds(of_fold.codes)
        of_folds.append(_OfFold(trees, of_fold))
    probabilities = 1.0 / (1.0 + np.exp(-log_odds))
    features = tuple(columns)
    without = partial(_log_odds_without, features, of_folds, sides.folds)
    return ClassifiedDomains(sides.current, sides.folds, probabilities, features, without)


def _log_odds_without(
    features: tuple[str, ...], of_folds: Sequence[_OfFold], folds: NDArray[np.int64], generator: np.random.Generator
) -> Values:
    """Return the log-odds of all rows with the values of one feature permuted, shape (features, rows)."""
    log_odds = np.zeros((len(features), folds.size))
    for fold, own in enumerate(of_folds):
        moved = _permuted(features, own.columns, generator)
        log_odds[:, folds == fold] = log_odds_without(own.trees, own.columns.codes, moved)
    return log_odds


def _permuted(
    features: tuple[str, ...], columns: CodedColumns, generator: np.random.Generator
) -> Iterator[tuple[tuple[int, ...], Codes]]:
    """Yield the positions of each feature's columns, with codes that are permuted among the rows."""
    for feature in features:
        positions = columns.positions(feature)
        yield positions, columns.codes[list(positions)][:, generator.permutation(columns.codes.shape[1])]
