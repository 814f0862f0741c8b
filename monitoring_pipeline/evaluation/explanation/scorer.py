"""What scores mixed rows for an explanation: a registered model, or a surrogate fitted to the scores."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.fitted_models.design_matrix import (
    Values,
    code_matrix,
    encoding_of,
    features_of,
)
from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.versions.outputs import has_outputs, outputs_in
from monitoring_pipeline.spec.model import ModelSpec

LEAST_ROWS = 100
TREES, LEAVES, LEARNING_RATE = 40, 15, 0.25
ROWS_COMPARED, NEARLY_EQUAL, DIFFERENT = 200, 1e-4, 0.05
LARGEST_CATEGORY = 254
"""The trees of scikit-learn take at most 255 categories."""


@dataclass(frozen=True)
class Scorer:
    """A function from the features of canonical rows to outputs, shape (rows, outputs).

    Args:
        score: the function.
        words: what it is, for the definition of a measurement.
        fidelity: share of the variance of the scores that a surrogate explains on rows that it was not fitted to; None
            for a registered model.
    """

    score: Callable[[pl.DataFrame], Values]
    words: str
    fidelity: float | None = None


def fit_surrogate(spec: ModelSpec, reference: pl.DataFrame, rows: pl.DataFrame) -> Scorer | None:
    """Fit boosted trees to the outputs of both sides; None if there are too few rows with outputs.

    The rows of the chunk are fitted too, so that values which the reference lacks, such as nulls, have an effect.

    Args:
        spec: the model.
        reference: canonical rows of the reference.
        rows: canonical rows of the chunk.
    """
    import sklearn.ensemble as untyped_ensemble  # pyright: ignore[reportMissingTypeStubs]

    ensemble: Any = untyped_ensemble
    features = features_of(spec)
    wanted = [*features, *outputs_in(spec, rows).columns]
    pooled = pl.concat([side.filter(has_outputs(spec, side)).select(wanted) for side in (reference, rows)])
    if pooled.height < LEAST_ROWS:
        return None
    encoding = encoding_of(features, pooled)

    def matrix(of_rows: pl.DataFrame) -> Values:
        coded = code_matrix(encoding, of_rows)
        return np.where(np.array(encoding.categorical), np.minimum(coded, LARGEST_CATEGORY), coded)

    inputs, outputs = matrix(pooled), outputs_in(spec, pooled).to_numpy().astype(np.float64)
    held_out = np.arange(pooled.height) % 5 == 0
    fitted = [
        ensemble.HistGradientBoostingRegressor(
            max_iter=TREES,
            max_leaf_nodes=LEAVES,
            learning_rate=LEARNING_RATE,
            early_stopping=False,
            categorical_features=encoding.categorical,
            random_state=0,
        )
        for _ in range(outputs.shape[1])
    ]
    with one_thread():
        for trees, of_output in zip(fitted, outputs.T, strict=True):
            trees.fit(inputs[~held_out], of_output[~held_out])

    def score(of_rows: pl.DataFrame) -> Values:
        of_matrix = matrix(of_rows)
        with one_thread():
            return np.column_stack([trees.predict(of_matrix) for trees in fitted])

    fidelity = _explained(outputs[held_out], score(pooled.filter(pl.Series(held_out))))
    words = f"a surrogate fitted to the scores, which explains {max(fidelity, 0.0):.0%} of their variance"
    return Scorer(score, words, fidelity)


def reproduces(spec: ModelSpec, scorer: Scorer, rows: pl.DataFrame) -> bool:
    """Return whether a scorer gives rows the outputs that they were served with, but for ``DIFFERENT`` of them."""
    some = rows.head(ROWS_COMPARED)
    served = outputs_in(spec, some).to_numpy().astype(np.float64)
    differs = np.abs(scorer.score(some) - served) > NEARLY_EQUAL * np.maximum(1.0, np.abs(served))
    return float(differs.any(axis=1).mean()) <= DIFFERENT


def _explained(outputs: Values, fitted: Values) -> float:
    total = float(((outputs - outputs.mean(axis=0)) ** 2).sum())
    return 1.0 - float(((outputs - fitted) ** 2).sum()) / total if total else 1.0
