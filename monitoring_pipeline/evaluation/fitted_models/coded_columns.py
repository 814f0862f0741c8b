"""Features as few codes, for the trees of the domain classifier."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.fitted_models.design_matrix import Values, code_matrix, encoding_of
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.statistics.boosted_trees import CODES, Codes
from monitoring_pipeline.statistics.inputs import Flags

MISSING = 0
ROWS_OF_NO_CATEGORY = 10.0
"""The share of current rows among those of a category counts as if there were so many further rows, as all rows are."""
LEAST_ORDERED = 3


@dataclass(frozen=True, eq=False)
class CodedColumns:
    """Columns of codes, some of which are of the same feature.

    A number has one column: the interval between quantiles of all rows. A categorical feature has one of its most
    frequent categories. If it has at least ``LEAST_ORDERED`` categories, a further one orders them by their shares of
    current rows, which are those of other rows than the coded one.

    Args:
        features: name of the feature of each column.
        categories: whether the codes are categories, shape (columns,).
        codes: shape (columns, rows); 0 is a missing value.
    """

    features: tuple[str, ...]
    categories: Flags
    codes: Codes

    def positions(self, feature: str) -> tuple[int, ...]:
        """Return the positions of a feature's columns."""
        return self._positions.get(feature, ())

    @cached_property
    def _positions(self) -> dict[str, tuple[int, ...]]:
        positions: dict[str, tuple[int, ...]] = {}
        for position, name in enumerate(self.features):
            positions[name] = (*positions.get(name, ()), position)
        return positions


@dataclass(frozen=True, eq=False)
class FoldCodes:
    """Columns of codes for each fold, which is held out from the fit.

    Args:
        shared: the columns whose codes do not depend on the fold.
        ordered: the numbers of the categories of features with a further column, shape (rows,) each.
        current: whether a row is of the chunk, shape (rows,).
        folds: fold of each row, shape (rows,).
    """

    shared: CodedColumns
    ordered: dict[str, Codes]
    current: Flags
    folds: Codes

    def held_out(self, fold: int) -> CodedColumns:
        """Return all columns of all rows, for a fit to all folds but one."""
        further = [_ordered_codes(of_feature, self.current, self.folds, fold) for of_feature in self.ordered.values()]
        if not further:
            return self.shared
        return CodedColumns(
            (*self.shared.features, *self.ordered),
            np.concatenate([self.shared.categories, np.zeros(len(further), dtype=np.bool_)]),
            np.vstack([self.shared.codes, *further]),
        )


def fold_codes(columns: Mapping[str, FeatureKind], pooled: pl.DataFrame, current: Flags, folds: Codes) -> FoldCodes:
    """Return the codes of the rows of both sides.

    Args:
        columns: the features with their kinds.
        pooled: the rows.
        current: whether a row is of the chunk, shape (rows,).
        folds: fold of each row, shape (rows,).
    """
    encoding = encoding_of(columns, pooled)
    matrix = code_matrix(encoding, pooled)
    is_categorical = np.array(encoding.categorical, dtype=np.bool_)
    codes: list[Codes] = []
    ordered: dict[str, Codes] = {}
    for position, name in enumerate(encoding.columns):
        values = matrix[:, position]
        if not is_categorical[position]:
            codes.append(_intervals(values))
            continue
        # Rare categories share the last code.
        codes.append(np.where(np.isnan(values), MISSING, np.minimum(np.nan_to_num(values) + 1, CODES - 1)).astype(int))
        if len(encoding.shares[name]) >= LEAST_ORDERED:
            ordered[name] = np.where(np.isnan(values), len(encoding.shares[name]) + 1, np.nan_to_num(values)).astype(
                int
            )
    shared = np.array(codes, dtype=np.int64).reshape(len(codes), pooled.height)
    return FoldCodes(CodedColumns(tuple(encoding.columns), is_categorical, shared), ordered, current, folds)


def _intervals(values: Values) -> Codes:
    """Return the numbers of the intervals between quantiles, from 1; of few distinct values each has a number."""
    known = np.sort(values[~np.isnan(values)])
    edges = _edges(known, CODES - 1)
    return np.where(np.isnan(values), MISSING, 1 + np.searchsorted(edges, values, side="left"))


def _edges(ordered: Values, intervals: int) -> Values:
    """Return the upper edges of all intervals but the last, each interval with about as many of the ordered values."""
    if not ordered.size:
        return ordered
    is_last = np.append(ordered[1:] != ordered[:-1], True)
    distinct = ordered[is_last]
    if distinct.size > intervals:
        places = np.arange(1, intervals) * ordered.size // intervals
        distinct = np.append(np.unique(ordered[places]), ordered[-1])
    return distinct[:-1][:intervals]


def _ordered_codes(categories: Codes, current: Flags, folds: Codes, held_out: int) -> Codes:
    """Return codes in the order of the categories' shares of current rows.

    The share for a row is that of other folds than its own and the held-out one, so that it depends on neither the
    side of the row nor any side that is held out.
    """
    used = np.unique(folds[folds != held_out])
    size = int(categories.max()) + 1
    rows = np.array([np.bincount(categories[folds == fold], minlength=size) for fold in used])
    currents = np.array([np.bincount(categories[(folds == fold) & current], minlength=size) for fold in used])
    prior = float(current[folds != held_out].mean())
    shares = np.empty(categories.size)
    for fold in [*used.tolist(), held_out]:
        others: Sequence[bool] = [other != fold for other in used.tolist()]
        of_category = (currents[others].sum(axis=0) + ROWS_OF_NO_CATEGORY * prior) / (
            rows[others].sum(axis=0) + ROWS_OF_NO_CATEGORY
        )
        shares[folds == fold] = of_category[categories[folds == fold]]
    edges = _edges(np.sort(shares[folds != held_out]), CODES)
    return np.searchsorted(edges, shares, side="left").astype(np.int64)
