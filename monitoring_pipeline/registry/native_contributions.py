"""Contributions of features by a model's own means: LightGBM's, and the exact ones of linear models."""

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from monitoring_pipeline.evaluation.explanation.native import Contributions

if TYPE_CHECKING:
    import pandas as pd

Contributor = Callable[["pd.DataFrame", "pd.DataFrame", int], Contributions]
"""From rows that are explained, rows of the reference, and the number of the output, to the contributions."""


def contributor_of(model: object, features: Collection[str]) -> Contributor | None:
    """Return the function that splits the raw output of a model over its features; None if it has none.

    A pipeline of scikit-learn may prepare the features; what it makes of a feature is summed.

    Args:
        model: the model as its library loads it.
        features: names of the features.
    """
    estimator, prepare = _estimator_and_preparation(model)
    of_estimator = _of_lightgbm(estimator) or _of_linear(estimator)
    if of_estimator is None:
        return None

    def contribute(rows: "pd.DataFrame", reference: "pd.DataFrame", output: int) -> Contributions:
        (inputs, names), (usual, _) = prepare(rows), prepare(reference)
        values, base, words = of_estimator(inputs, usual, output)
        owners = [_owner(name, features) for name in names]
        summed = {name: np.zeros(len(rows)) for name in features}
        for owner, column in zip(owners, values.T, strict=True):
            summed[owner] += column
        return Contributions(summed, base, words)

    return contribute


_OfEstimator = Callable[[Any, Any, int], tuple[Any, Any, str]]


def _estimator_and_preparation(model: Any) -> tuple[Any, Callable[[Any], tuple[Any, Sequence[str]]]]:
    """Return the model without its preparation, and the preparation: from rows to inputs with their names."""
    steps = getattr(model, "steps", None)
    if not steps:
        return model, lambda rows: (rows, list(rows.columns))
    if len(steps) == 1:
        return steps[0][1], lambda rows: (rows, list(rows.columns))
    preparation = model[:-1]

    def prepare(rows: Any) -> tuple[Any, Sequence[str]]:
        prepared = preparation.transform(rows)
        return prepared, [str(name).rpartition("__")[2] for name in preparation.get_feature_names_out()]

    return steps[-1][1], prepare


def _owner(name: str, features: Collection[str]) -> str:
    """Return the feature from which a preparation made an input: of the same name, or the longest with a suffix.

    Raises:
        ValueError: when there is none.
    """
    owners = [feature for feature in features if name == feature or name.startswith(f"{feature}_")]
    if not owners:
        message = f"{name}: made from none of the features {', '.join(features)}"
        raise ValueError(message)
    return max(owners, key=len)


def _of_lightgbm(estimator: Any) -> _OfEstimator | None:
    """Return LightGBM's own contributions: TreeSHAP by the paths of its trees (Lundberg et al. 2020).

    https://doi.org/10.1038/s42256-019-0138-9
    """
    if type(estimator).__module__.partition(".")[0] != "lightgbm":
        return None
    booster = getattr(estimator, "booster_", estimator)

    def contribute(inputs: Any, _usual: Any, output: int) -> tuple[Any, Any, str]:
        found = np.asarray(booster.predict(_dense(inputs), pred_contrib=True))
        # Of several classes one block after the other, each with its expected value in the last column.
        columns = booster.num_feature() + 1
        block = found[:, output * columns : (output + 1) * columns] if found.shape[1] > columns else found
        return block[:, :-1], block[:, -1], "LightGBM's own contributions"

    return contribute


def _of_linear(estimator: Any) -> _OfEstimator | None:
    """Return the contributions of a linear model: each coefficient times the distance from the reference's mean."""
    if type(estimator).__module__.partition(".")[2].partition(".")[0] != "linear_model":
        return None
    if not hasattr(estimator, "coef_") or not hasattr(estimator, "intercept_"):
        return None
    coefficients, intercepts = np.atleast_2d(estimator.coef_), np.atleast_1d(estimator.intercept_)

    def contribute(inputs: Any, usual: Any, output: int) -> tuple[Any, Any, str]:
        of_rows, of_reference = (np.asarray(_dense(side), dtype=np.float64) for side in (inputs, usual))
        place = output if coefficients.shape[0] > 1 else 0
        weights, mean = coefficients[place], of_reference.mean(axis=0)
        base = float(intercepts[min(place, intercepts.size - 1)] + mean @ weights)
        return (of_rows - mean) * weights, np.full(of_rows.shape[0], base), "the model's own coefficients"

    return contribute


def _dense(matrix: Any) -> Any:
    """Return a matrix with all its zeros. LightGBM's contributions of a sparse one have another shape."""
    return matrix.toarray() if hasattr(matrix, "toarray") else matrix
