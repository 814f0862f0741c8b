"""A classifier for columns of codes: gradient-boosted trees of which all nodes of a level have the same split."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.statistics.inputs import Flags, Vector

Codes = NDArray[np.int64]

CODES = 32
"""Number of codes of a column: 0 to 31."""
TREES = 30
DEPTH = 3
RATE = 0.25
PENALTY = 5.0
"""Added to the sum of the second derivatives of a leaf, as by 20 rows of which both classes are equally likely."""
MOST_ROWS = 2**15
_GRID = 2.0**18
_ROW = 2.0**20
"""Gradients are multiples of 1 / _GRID, and each row counts _ROW beside its gradient. Sums of up to ``MOST_ROWS`` rows
are then exact, and one sum gives both numbers."""


@dataclass(frozen=True)
class Split:
    """Rows go left if their code is at most ``code``; in a column of categories, if it is equal to ``code``."""

    column: int
    code: int
    is_category: bool

    def is_right(self, codes: Codes) -> Flags:
        """Return whether rows go right, shape (rows,)."""
        own = codes[self.column]
        return own != self.code if self.is_category else own > self.code


@dataclass(frozen=True, eq=False)
class Tree:
    """A split for each level, and the log-odds that each leaf adds, shape (leaves,)."""

    splits: tuple[Split, ...]
    leaves: Vector

    def log_odds(self, codes: Codes) -> Vector:
        """Return the log-odds that the tree adds to rows, shape (rows,)."""
        leaf = np.zeros(codes.shape[1], dtype=np.int64)
        for split in self.splits:
            leaf = 2 * leaf + split.is_right(codes)
        return self.leaves[leaf]


@dataclass(frozen=True, eq=False)
class BoostedTrees:
    """Trees whose log-odds are added to those of all rows."""

    log_odds_of_all: float
    trees: tuple[Tree, ...]

    def log_odds(self, codes: Codes) -> Vector:
        """Return the log-odds of rows, shape (rows,)."""
        return sum((tree.log_odds(codes) for tree in self.trees), np.full(codes.shape[1], self.log_odds_of_all))


def fit_trees(codes: Codes, categories: Flags, current: Flags) -> BoostedTrees:
    """Fit trees to the log-loss by Newton's method (Friedman 2001, Annals of Statistics 29:1189).

    A level has one split for all of its nodes (symmetric trees; Prokhorenkova et al. 2018, NeurIPS). Equal rows give
    equal trees, whatever the order of the rows and the number of threads.

    Args:
        codes: codes below ``CODES``, shape (columns, rows). Splits of numbers need codes in the order of the numbers.
        categories: whether a column's codes are categories, shape (columns,).
        current: the class of each row, shape (rows,); both occur.

    Raises:
        ValueError: when there are more than ``MOST_ROWS`` rows.
    """
    if current.size > MOST_ROWS:
        raise ValueError(f"{current.size:,} rows; sums are exact for at most {MOST_ROWS:,}")
    # The codes of a column are beside each other, which those of chosen rows need not be.
    codes = np.ascontiguousarray(codes)
    share = float(current.mean())
    first = float(np.log(share / (1.0 - share)))
    target, log_odds = current.astype(np.float64), np.full(current.size, first)
    summing = _Summing(codes)
    trees: list[Tree] = []
    for _ in range(TREES):
        chance = 1.0 / (1.0 + np.exp(-log_odds))
        gradients, curvatures = _on_grid(target - chance), _on_grid(chance * (1.0 - chance))
        splits, leaf = _grown(codes, summing, categories, gradients, curvatures)
        weights = np.bincount(leaf, weights=curvatures, minlength=2**DEPTH) + PENALTY
        leaves = RATE * np.bincount(leaf, weights=gradients, minlength=2**DEPTH) / weights
        trees.append(Tree(splits, leaves))
        log_odds = log_odds + leaves[leaf]
    return BoostedTrees(first, tuple(trees))


def _on_grid(values: Vector) -> Vector:
    return np.rint(values * _GRID) / _GRID


def _grown(
    codes: Codes, summing: "_Summing", categories: Flags, gradients: Vector, curvatures: Vector
) -> tuple[tuple[Split, ...], Codes]:
    """Return the splits of a tree, and the leaf of each row."""
    node = np.zeros(gradients.size, dtype=np.int64)
    packed = gradients + _ROW
    sums = summing.of_all(packed)
    splits: list[Split] = []
    for level in range(DEPTH):
        rows = np.bincount(node, minlength=2**level)
        curvature = np.bincount(node, weights=curvatures, minlength=2**level) / np.maximum(rows, 1)
        split = _best_split(sums, categories, curvature)
        right = split.is_right(codes)
        splits.append(split)
        if level + 1 < DEPTH:
            # The sums of the other child are those of the parent minus those of the child with fewer rows.
            is_right_smaller = 2 * int(np.count_nonzero(right)) <= right.size
            smaller = summing.by_node(packed, node, np.flatnonzero(right == is_right_smaller), nodes=2**level)
            children = (sums - smaller, smaller) if is_right_smaller else (smaller, sums - smaller)
            sums = np.stack(children, axis=1).reshape(2 ** (level + 1), *sums.shape[1:])
        node = 2 * node + right
    return tuple(splits), node


class _Summing:
    """Sums of rows by column and code; the memory for a fit is taken once, because taking it is slower than adding."""

    def __init__(self, codes: Codes) -> None:
        """Take codes, shape (columns, rows)."""
        starts: Codes = np.arange(codes.shape[0], dtype=np.int64) * CODES
        self._places: Codes = codes + starts.reshape(-1, 1)
        self._cells: Codes = np.empty(codes.size, dtype=np.int64)
        self._weights: Vector = np.empty(codes.size)

    def of_all(self, packed: Vector) -> NDArray[np.float64]:
        """Return sums of all rows, shape (1, columns, codes)."""
        return self._sums(self._places, packed, nodes=1)

    def by_node(self, packed: Vector, node: Codes, wanted: Codes, *, nodes: int) -> NDArray[np.float64]:
        """Return sums of the wanted rows by node, shape (nodes, columns, codes)."""
        columns = self._places.shape[0]
        cells = self._cells[: columns * wanted.size].reshape(columns, wanted.size)
        # Without a mode, numpy would copy the result once more.
        np.take(self._places, wanted, axis=1, out=cells, mode="clip")
        cells += node[wanted] * (columns * CODES)
        return self._sums(cells, packed[wanted], nodes=nodes)

    def _sums(self, cells: Codes, packed: Vector, *, nodes: int) -> NDArray[np.float64]:
        weights = self._weights[: cells.size]
        weights.reshape(cells.shape)[:] = packed
        columns = cells.shape[0]
        sums = np.bincount(cells.ravel(), weights=weights, minlength=nodes * columns * CODES)
        return np.asarray(sums, dtype=np.float64).reshape(nodes, columns, CODES)


def _best_split(sums: NDArray[np.float64], categories: Flags, curvature: Vector) -> Split:
    """Return the split that lowers the log-loss most; of equal ones the first."""
    all_rows, all_gradients = _rows_and_gradients(sums[:, :1].sum(axis=2, keepdims=True))
    left, left_gradients = _rows_and_gradients(np.where(categories[:, None], sums, np.cumsum(sums, axis=2)))
    of_row = curvature[:, None, None]
    gains = left_gradients**2 / (left * of_row + PENALTY)
    gains += (all_gradients - left_gradients) ** 2 / ((all_rows - left) * of_row + PENALTY)
    column, code = divmod(int(gains.sum(axis=0).argmax()), CODES)
    return Split(column, code, bool(categories[column]))


def _rows_and_gradients(sums: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows = np.rint(sums / _ROW)
    return rows, sums - rows * _ROW


def log_odds_without(model: BoostedTrees, codes: Codes, moved: Iterator[tuple[tuple[int, ...], Codes]]) -> Vector:
    """Return the log-odds of rows if some columns had other codes, shape (moves, rows).

    Args:
        model: the trees.
        codes: shape (columns, rows).
        moved: positions of the columns of each move, and their codes, shape (columns of the move, rows).
    """
    of_trees = np.array([tree.log_odds(codes) for tree in model.trees]).reshape(len(model.trees), codes.shape[1])
    unmoved = model.log_odds(codes)
    by_column: dict[int, set[int]] = {}
    for number, tree in enumerate(model.trees):
        for split in tree.splits:
            by_column.setdefault(split.column, set()).add(number)
    changed = codes.copy()
    results: list[Vector] = []
    for positions, others in moved:
        used = sorted(set[int]().union(*(by_column.get(position, ()) for position in positions)))
        if not used:
            results.append(unmoved)
            continue
        changed[list(positions)] = others
        results.append(
            sum((model.trees[number].log_odds(changed) - of_trees[number] for number in used), start=unmoved)
        )
        changed[list(positions)] = codes[list(positions)]
    return np.array(results).reshape(len(results), codes.shape[1])
