"""Direct loss estimation: the size of a regression's errors, predicted by a model of its errors on the reference."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.estimation.of_classes import Expected
from monitoring_pipeline.evaluation.estimation.unlike import UNKNOWN_AT, OutputCells, cells_of_values
from monitoring_pipeline.evaluation.fitted_models.design_matrix import Encoding, Values, code_matrix, encoding_of
from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.rows.usable import usable
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.inputs import LARGEST_MAGNITUDE, Flags

MEAN_ABSOLUTE, ROOT_MEAN_SQUARED = MetricName("mean_absolute_error"), MetricName("root_mean_squared_error")
ROWS_FITTED = 20_000
SMALLEST_ERROR = 1e-75
"""The square of the square of a smaller error is next to zero for a 64-bit float."""
TREES = 60
LOSS_UNSURE = 1.5
"""Factor by which the error of a row that is unlike the reference may be off."""


@dataclass(frozen=True, eq=False)
class LossModel:
    """A model of the absolute and the squared error of each row, given features and prediction.

    Args:
        encoding: features that had a value in the fit, then the prediction.
        absolute: fitted regressor of the absolute error.
        squared: fitted regressor of the squared error.
        cells: of the predicted absolute error, on the rows of the fit.
        spread_of_squares: variance of the squared errors over their squared mean, on the rows of the fit.
    """

    encoding: Encoding
    absolute: Any
    squared: Any
    spread_of_squares: float
    cells: OutputCells


def reason_not_squared(labelled: pl.DataFrame) -> str | None:
    """Return the reason if the errors of labelled rows have a size that cannot be squared, else None."""
    errors = (labelled["prediction"] - labelled["label"]).abs()
    largest = errors.max()
    if not isinstance(largest, float) or not largest or SMALLEST_ERROR <= largest <= LARGEST_MAGNITUDE:
        return None
    return f"the largest error of the reference is {largest:g}; its square cannot be computed with"


def fit_loss_model(spec: ModelSpec, labelled: pl.DataFrame) -> LossModel:
    """Fit gradient-boosted trees to a regression's errors on labelled reference rows, at most ``ROWS_FITTED``.

    The method is NannyML's (its documentation, "Direct Loss Estimation"), with trees that accept missing values. Equal
    rows give equal models. The model is not stored.

    Args:
        spec: the model.
        labelled: canonical predictions of one version with ``label``, sorted by ID; rows without a label are left out.
    """
    from sklearn import ensemble as untyped_ensemble  # pyright: ignore[reportMissingTypeStubs]

    ensemble: Any = untyped_ensemble

    rows = usable(spec, labelled).filter(pl.col("label").is_not_null()).head(ROWS_FITTED)
    columns = {name: kind for name, kind in spec.columns.items() if name in spec.inputs or name == "prediction"}
    values: Values = np.isfinite(code_matrix(encoding_of(columns, rows), rows)).sum(axis=0)
    # The trees reject a column without values.
    used = {name: kind for (name, kind), count in zip(columns.items(), values, strict=True) if count}
    encoding = encoding_of(used, rows)
    matrix = code_matrix(encoding, rows)
    off = (rows["prediction"] - rows["label"]).to_numpy()
    with one_thread():
        fitted: list[Any] = [
            ensemble.HistGradientBoostingRegressor(
                max_iter=TREES,
                max_leaf_nodes=15,
                min_samples_leaf=50,
                early_stopping=False,
                categorical_features=encoding.categorical,
                random_state=0,
            ).fit(matrix, target)
            for target in (np.abs(off), off**2)
        ]
        cells = cells_of_values(fitted[0].predict(matrix))
    mean_square = float(np.mean(off**2))
    spread = float(np.var(off**2)) / mean_square**2 if mean_square**2 > 0 else 0.0
    return LossModel(encoding, fitted[0], fitted[1], spread, cells)


@dataclass(frozen=True, eq=False)
class RowLosses:
    """The predicted absolute and squared errors of some rows.

    ``unlike`` are the rows that widen an estimate, ``unknown`` those of which little is known, each shape (rows,).
    """

    absolute: Values
    squared: Values
    unlike: Flags
    unknown: Flags

    def expected(self, spread_of_squares: float) -> dict[MetricName, Expected]:
        """Return the expected errors of the rows, with the variance of the realized errors by chance."""
        rows = self.absolute.size
        absolute = float(self.absolute.mean())
        square = max(float(self.squared.mean()), absolute**2)
        return {
            MEAN_ABSOLUTE: Expected(absolute, (square - absolute**2) / rows),
            # By the delta method, the variance of a root is the variance of the square over four times the square.
            ROOT_MEAN_SQUARED: Expected(math.sqrt(square), spread_of_squares * square / (4 * rows)),
        }


def row_losses(model: LossModel, rows: pl.DataFrame) -> RowLosses:
    """Predict the errors of some rows."""
    matrix = code_matrix(model.encoding, rows)
    with one_thread():
        absolute: Values = model.absolute.predict(matrix)
        squared: Values = model.squared.predict(matrix)
    cells = model.cells
    return RowLosses(
        np.maximum(absolute, 0.0),
        np.maximum(squared, 0.0),
        unlike=cells.unlike(absolute),
        unknown=cells.unlike(absolute, UNKNOWN_AT),
    )


def estimate_losses(model: LossModel, losses: RowLosses) -> dict[MetricName, Expected]:
    """Return the expected errors of some rows; they may be off by what unlike rows with other errors change."""
    found = losses.expected(model.spread_of_squares)
    if not losses.unlike.any():
        return found
    for factor in (1 / LOSS_UNSURE, LOSS_UNSURE):
        scale = np.where(losses.unlike, factor, 1.0)
        scaled = replace(losses, absolute=losses.absolute * scale, squared=losses.squared * scale**2)
        other = scaled.expected(0.0)
        for name, own in found.items():
            change = other[name].value - own.value
            found[name] = replace(own, below=max(own.below, -change), above=max(own.above, change))
    return found


def estimate_and_truth(
    labelled: pl.DataFrame, model: LossModel
) -> tuple[dict[MetricName, Expected], dict[MetricName, float]]:
    """Return the expected and the realized errors of labelled rows."""
    off = (labelled["prediction"] - labelled["label"]).to_numpy()
    realized = {
        MEAN_ABSOLUTE: float(np.abs(off).mean()),
        ROOT_MEAN_SQUARED: float(np.sqrt(np.mean(off**2))),
    }
    return estimate_losses(model, row_losses(model, labelled)), realized
