"""Outputs of a model version: read from the values that its model returns, and put in place of another version's."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task

PREDICTION = "prediction"
_BINARY_DECISIONS = {"0": "0", "1": "1", "0.0": "0", "1.0": "1", "False": "0", "True": "1"}


class OutputError(ValueError):
    """A model returned values that its task does not allow. The message names them and what is needed."""


@dataclass(frozen=True, eq=False)
class VersionOutputs:
    """Outputs of a version, row by row.

    Args:
        values: binary the probability of the positive class, regression the number, shape (rows,); multiclass the
            probability of each class in the spec's order, shape (rows, classes).
        decided: the decided class as text, where the model itself decides; shape (rows,).
    """

    values: NDArray[np.float64]
    decided: NDArray[np.object_] | None = None


def read_outputs(spec: ModelSpec, returned: object, *, rows: int) -> VersionOutputs:
    """Bring the values that a model returned into one form.

    Binary: shape (rows,), or (rows, 2) with the positive class last, as ``predict_proba`` does. Multiclass: a data
    frame with a column for each class, or an array with the classes in alphabetical order, as ``predict_proba`` does.
    Regression: shape (rows,) or (rows, 1). The column ``prediction`` of a data frame with other columns is the
    decision.

    Raises:
        OutputError: when the shape is wrong, a number is missing or no probability, or a decision is no class.
    """
    decided: NDArray[np.object_] | None = None
    values: NDArray[np.float64]
    if hasattr(returned, "columns"):
        frame: Any = returned
        if PREDICTION in frame.columns and len(frame.columns) > 1:
            decided = _decisions(spec, frame[PREDICTION])
            frame = frame.drop(columns=PREDICTION)
        if spec.classes and set(spec.classes) <= set(frame.columns):
            values = _numbers(spec, frame[list(spec.classes)].to_numpy())
        else:
            values = _of_task(spec, _numbers(spec, frame.to_numpy()), rows)
    else:
        values = _of_task(spec, _numbers(spec, returned), rows)
    _check_values(spec, values, rows)
    return VersionOutputs(values, decided)


def with_outputs(spec: ModelSpec, rows: pl.DataFrame, version: str, outputs: VersionOutputs) -> pl.DataFrame:
    """Return canonical rows as if ``version`` had made the predictions.

    The decision follows from the outputs: a number is the prediction, a probability from ``decision_threshold`` on
    decides for the positive class, and otherwise the most likely class. A decision that the model returned is kept.
    """
    values = outputs.values
    if spec.task is Task.MULTICLASS:
        columns = [pl.Series(column, values[:, k]) for k, column in enumerate(spec.score_columns.values())]
        names = np.array(spec.classes, dtype=object)[values.argmax(axis=1)]
    elif spec.task is Task.BINARY:
        columns = [pl.Series("score", values)]
        names = np.where(values >= spec.predictions.decision_threshold, "1", "0")
    else:
        return rows.with_columns(pl.Series(PREDICTION, values), model_version=pl.lit(version))
    decided = names if outputs.decided is None else outputs.decided
    return rows.with_columns(
        *columns, pl.Series(PREDICTION, decided.tolist(), dtype=pl.String), model_version=pl.lit(version)
    )


def outputs_in(spec: ModelSpec, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of canonical rows that hold a version's scores, or the predicted number."""
    names = {Task.BINARY: ("score",), Task.MULTICLASS: tuple(spec.score_columns.values())}.get(spec.task, (PREDICTION,))
    return rows.select(names)


def has_outputs(spec: ModelSpec, rows: pl.DataFrame) -> pl.Series:
    """Return which rows have all of a version's outputs, as finite numbers."""
    outputs = outputs_in(spec, rows)
    return outputs.select(pl.all_horizontal(pl.all().is_finite().fill_null(value=False))).to_series()


def _numbers(spec: ModelSpec, returned: object) -> NDArray[np.float64]:
    try:
        return np.asarray(returned, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise OutputError(f"{spec.name}: the model returned what are no numbers: {error}") from error


def _decisions(spec: ModelSpec, column: Any) -> NDArray[np.object_] | None:
    """Return the decided classes as text, or None for a regression."""
    if spec.task is Task.REGRESSION:
        return None
    known = {name: name for name in spec.classes} or _BINARY_DECISIONS
    told = [str(value) for value in column]
    if unknown := sorted(set(told) - known.keys()):
        classes = ", ".join(dict.fromkeys(known.values()))
        raise OutputError(f"{spec.name}: the model decided {unknown[0]!r}; known: {classes}")
    return np.array([known[value] for value in told], dtype=object)


def _of_task(spec: ModelSpec, values: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    if spec.task is Task.MULTICLASS:
        if values.ndim == 2 and values.shape[1] == len(spec.classes):  # noqa: PLR2004 - rows and classes
            alphabetical = sorted(spec.classes)
            return values[:, [alphabetical.index(name) for name in spec.classes]]
    elif values.shape == (rows, 2) and spec.task is Task.BINARY:
        return values[:, 1]
    elif values.shape in {(rows,), (rows, 1)}:
        return values.reshape(rows)
    needed = {
        Task.BINARY: f"({rows},) or ({rows}, 2)",
        Task.MULTICLASS: f"({rows}, {len(spec.classes)})",
        Task.REGRESSION: f"({rows},)",
    }
    message = f"{spec.name}: the model returned numbers of shape {values.shape}, {spec.task} needs {needed[spec.task]}"
    raise OutputError(message)


def _check_values(spec: ModelSpec, values: NDArray[np.float64], rows: int) -> None:
    if values.shape[0] != rows:
        raise OutputError(f"{spec.name}: the model returned {values.shape[0]} outputs for {rows} rows")
    if not np.isfinite(values).all():
        count = int((~np.isfinite(values)).sum())
        raise OutputError(f"{spec.name}: {count} of the model's outputs are not finite numbers")
    if spec.task is not Task.REGRESSION and ((values < 0) | (values > 1)).any():
        raise OutputError(
            f"{spec.name}: the model returned {values.min():g} to {values.max():g}, probabilities are needed"
        )
