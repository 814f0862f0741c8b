"""Scores that are probabilities, checked once where rows come in."""

from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.rows.errors import RowsError
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task

ROUNDING = 1e-6
"""A score beyond [0, 1] by this much is a rounding error of the model, as float32 gives, and is moved to the bound."""
TOLERATED_SHARE = 0.05
"""With a larger share of scores outside [0, 1], the column holds no probabilities and the chunk is refused."""


@dataclass(frozen=True)
class Probabilities:
    """The score columns of a chunk, with null for scores outside [0, 1], and a measurement for each that has some."""

    columns: tuple[pl.Series, ...]
    measurements: tuple[Measurement, ...]


def probabilities(spec: ModelSpec, rows: pl.DataFrame) -> Probabilities:
    """Return a chunk's score columns without values that are no probability.

    Raises:
        RowsError: if more than ``TOLERATED_SHARE`` of a column's scores are outside [0, 1].
    """
    if spec.task is Task.REGRESSION:
        return Probabilities((), ())
    users_names = {"score": spec.predictions.score} | {
        spec.score_columns[name]: column for name, column in spec.predictions.scores.items()
    }
    scores = {name: column for name, column in users_names.items() if name in rows.columns}
    checked = [_checked(spec, rows[name], users_name or name) for name, users_name in scores.items()]
    return Probabilities(
        tuple(column for column, _ in checked), tuple(found for _, found in checked if found is not None)
    )


def _checked(spec: ModelSpec, column: pl.Series, users_name: str) -> tuple[pl.Series, Measurement | None]:
    if not (column.dtype.is_numeric()):
        return column, None
    scores = column.cast(pl.Float64)
    near = scores.is_between(-ROUNDING, 1 + ROUNDING) | scores.is_nan()
    outside = scores.filter(~near)
    if outside.is_empty():
        return _clipped(scores), None
    reason = (
        f"{outside.len()} of {scores.count()} scores are outside [0, 1] ({outside.min():.4g} to {outside.max():.4g}); "
        "a probability is needed"
    )
    if outside.len() > TOLERATED_SHARE * scores.count():
        raise RowsError(f"{spec.name}: {column.name} ({users_name!r} in {spec.predictions.table!r}): {reason}")
    measurement = Measurement(
        kind=Kind.QUALITY,
        subject=column.name,
        name="scores_out_of_range",
        model_version="",
        value=outside.len() / scores.count(),
        threshold_upper=0.0,
        status=Status.BREACHED,
        severity=Severity.CRITICAL,
        reason=f"{reason}; these rows are left out of performance",
        definition="share of scores outside [0, 1]",
        rows=scores.count(),
    )
    kept = scores.to_frame().select(pl.when(near).then(pl.col(column.name))).to_series()
    return _clipped(kept), measurement


def _clipped(scores: pl.Series) -> pl.Series:
    """Return scores with rounding errors moved to the bounds; NaN stays."""
    return scores.clip(0.0, 1.0)
