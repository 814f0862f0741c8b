"""Direct loss estimation: how large a regression's errors will be, by a model of its errors on the reference."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.class_estimates import Expected
from monitoring_pipeline.spec.model import FeatureKind, ModelSpec

Values = NDArray[np.float64]
ROWS_FITTED = 20_000
CATEGORIES = 200
TREES = 60


@dataclass(frozen=True, eq=False)
class LossModel:
    """Predicts the absolute and the squared error of each row from features and prediction.

    Args:
        columns: features that had a value in the fit, then the prediction.
        categories: the categories of each categorical feature that have a code of their own.
        absolute: fitted regressor of the absolute error.
        squared: fitted regressor of the squared error.
        spread_of_squares: variance of the squared errors over their squared mean, on the rows of the fit.
    """

    columns: dict[str, FeatureKind]
    categories: dict[str, tuple[str, ...]]
    absolute: Any
    squared: Any
    spread_of_squares: float


def fit_loss_model(spec: ModelSpec, labelled: pl.DataFrame) -> LossModel:
    """Fit gradient-boosted trees to a regression's errors on labelled reference rows, at most ``ROWS_FITTED``.

    Direct loss estimation as NannyML's (its documentation, "Direct Loss Estimation"), with trees that take missing
    values as they are. Equal rows give equal models; nothing is kept in a file.

    Args:
        spec: the model.
        labelled: canonical predictions of one version with ``label``, sorted by id; rows without one are left out.
    """
    from sklearn import ensemble as untyped_ensemble  # pyright: ignore[reportMissingTypeStubs]

    ensemble: Any = untyped_ensemble

    rows = labelled.filter(pl.col("label").is_not_null() & pl.col("prediction").is_finite()).head(ROWS_FITTED)
    watched = {name: kind for name, kind in spec.columns.items() if name in spec.features or name == "prediction"}
    # The trees refuse a column without any value.
    columns = {name: kind for name, kind in watched.items() if _has_values(rows[name], kind)}
    categories = {
        name: tuple(rows[name].drop_nulls().value_counts(name="n").sort("n", name, descending=[True, False])[name])[
            :CATEGORIES
        ]
        for name, kind in columns.items()
        if kind is FeatureKind.CATEGORICAL
    }
    off = (rows["prediction"] - rows["label"]).to_numpy()
    matrix = _matrix(columns, categories, rows)
    fitted: list[Any] = [
        ensemble.HistGradientBoostingRegressor(
            max_iter=TREES,
            max_leaf_nodes=15,
            min_samples_leaf=50,
            early_stopping=False,
            categorical_features=[kind is FeatureKind.CATEGORICAL for kind in columns.values()],
            random_state=0,
        ).fit(matrix, target)
        for target in (np.abs(off), off**2)
    ]
    mean_square = float(np.mean(off**2))
    spread = float(np.var(off**2)) / mean_square**2 if mean_square > 0 else 0.0
    return LossModel(columns, categories, fitted[0], fitted[1], spread)


def estimate_losses(model: LossModel, rows: pl.DataFrame) -> dict[str, Expected]:
    """Return the expected errors of some rows, with the variance that chance gives the realized ones."""
    matrix = _matrix(model.columns, model.categories, rows)
    absolute = float(np.maximum(model.absolute.predict(matrix), 0.0).mean())
    square = max(float(np.maximum(model.squared.predict(matrix), 0.0).mean()), absolute**2)
    return {
        "mean_absolute_error": Expected(absolute, (square - absolute**2) / rows.height),
        # By the delta method: the variance of a root is that of the square over four times the square.
        "root_mean_squared_error": Expected(math.sqrt(square), model.spread_of_squares * square / (4 * rows.height)),
    }


def estimate_and_truth(labelled: pl.DataFrame, model: LossModel) -> tuple[dict[str, Expected], dict[str, float]]:
    """Return the expected and the realized errors of labelled rows."""
    off = (labelled["prediction"] - labelled["label"]).to_numpy()
    realized = {
        "mean_absolute_error": float(np.abs(off).mean()),
        "root_mean_squared_error": float(np.sqrt(np.mean(off**2))),
    }
    return estimate_losses(model, labelled), realized


def _matrix(columns: dict[str, FeatureKind], categories: dict[str, tuple[str, ...]], rows: pl.DataFrame) -> Values:
    """Features as numbers, shape (rows, columns): unknown categories and what is not finite are missing."""
    return np.column_stack(
        [
            _codes(rows[name], categories[name]) if kind is FeatureKind.CATEGORICAL else _finite(rows[name])
            for name, kind in columns.items()
        ]
    )


def _has_values(values: pl.Series, kind: FeatureKind) -> bool:
    return values.count() > 0 if kind is FeatureKind.CATEGORICAL else bool(np.isfinite(_finite(values)).any())


def _codes(values: pl.Series, categories: tuple[str, ...]) -> Values:
    known = {name: float(code) for code, name in enumerate(categories)}
    return values.replace_strict(known, default=None, return_dtype=pl.Float64).fill_null(math.nan).to_numpy()


def _finite(values: pl.Series) -> Values:
    numbers = values.cast(pl.Float64).fill_null(math.nan).to_numpy()
    return np.where(np.isfinite(numbers), numbers, math.nan)
