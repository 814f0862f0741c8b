"""Scores that are probabilities, checked once where rows come in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.rows.errors import RowsError
from monitoring_pipeline.evaluation.rows.pushdown import TOLERATED_SHARE, ScoreFacts
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task

ROUNDING = 1e-6
"""A score beyond [0, 1] by this much is a rounding error of the model, as float32 gives, and is moved to the bound."""
ROUNDING_OF_A_CLASS, MOST_ROUNDING = 0.01, 0.1
"""Scores of all classes may miss the sum 1 by so much for each class, as rounded ones do, and by so much in all."""


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
    scores = {name: column for name, column in _users_names(spec).items() if name in rows.columns}
    checked = [_checked(spec, rows[name], users_name or name) for name, users_name in scores.items()]
    columns, sums = _checked_sums([column for column, _ in checked])
    measurements = (*(found for _, found in checked), sums)
    return Probabilities(tuple(columns), tuple(found for found in measurements if found is not None))


def measure_scores(spec: ModelSpec, scores: Sequence[ScoreFacts], sums: ScoreFacts | None) -> tuple[Measurement, ...]:
    """Return the measurements of scores that were counted where the rows are.

    Raises:
        RowsError: if more than ``TOLERATED_SHARE`` of a column's scores are outside [0, 1].
    """
    names = _users_names(spec)
    found = [_outside(spec, facts, names[facts.subject] or facts.subject) for facts in scores]
    return tuple(each for each in (*found, _not_normalised(sums) if sums else None) if each is not None)


def _users_names(spec: ModelSpec) -> dict[str, str | None]:
    return {"score": spec.predictions.score} | {
        spec.score_columns[name]: column for name, column in spec.predictions.scores.items()
    }


def reason_not_probabilities(scores: NDArray[np.float64]) -> str | None:
    """Return the reason why the scores of several classes are no probabilities; None if they are.

    Args:
        scores: finite scores, shape (rows, classes).
    """
    rows, classes = scores.shape
    off = np.abs(scores.sum(axis=1) - 1.0) > rounding_of_sums(classes)
    if classes == 1 or np.count_nonzero(off) <= TOLERATED_SHARE * rows:
        return None
    return f"the scores of all classes do not sum to 1 in {off.mean():.1%} of the rows, so they are no probabilities"


def rounding_of_sums(classes: int) -> float:
    """Return the largest tolerated distance of the sum of a row's scores from 1, for a number of classes."""
    # The sum of decimal fractions may miss the limit by a rounding error of the machine.
    return min(ROUNDING_OF_A_CLASS * classes, MOST_ROUNDING) + ROUNDING


def _checked_sums(columns: list[pl.Series]) -> tuple[list[pl.Series], Measurement | None]:
    """Return the scores of all classes, null in the rows whose scores do not sum to 1, if these are few."""
    if len(columns) == 1 or not all(column.dtype.is_numeric() for column in columns):
        return columns, None
    frame = pl.DataFrame(columns)
    sums = frame.select(pl.when(pl.all_horizontal(pl.all().is_finite())).then(pl.sum_horizontal(pl.all()))).to_series()
    off = ((sums - 1.0).abs() > rounding_of_sums(len(columns))).fill_null(value=False)
    seen = sums.filter(off)
    least, most = (cast("float | None", found) for found in (seen.min(), seen.max()))
    facts = ScoreFacts("score", sums.count(), int(off.sum()), least, most)
    measurement = _not_normalised(facts)
    if measurement is None or not facts.are_few:
        return columns, measurement
    kept = frame.with_columns(off.alias("__off")).select(pl.when(~pl.col("__off")).then(pl.exclude("__off")))
    return kept.get_columns(), measurement


def _not_normalised(facts: ScoreFacts) -> Measurement | None:
    """Return the measurement of rows whose scores of all classes do not sum to 1; None if there are none."""
    if not facts.outside:
        return None
    count, rows, few = facts.outside, facts.values, facts.are_few
    left_out = "these rows are left out of" if few else "no probabilities, so they are not used in"
    metrics = "performance" if few else "the metrics that need them"
    return Measurement(
        kind=Kind.QUALITY,
        subject="score",
        name="scores_not_normalised",
        model_version="",
        value=count / rows,
        threshold_upper=0.0,
        status=Status.BREACHED,
        reason=(
            f"the scores of all classes sum to {facts.least:.4g} to {facts.most:.4g} instead of 1 in {count} of {rows} "
            f"rows; {left_out} {metrics}"
        ),
        definition="share of rows whose scores of all classes do not sum to 1",
        rows=rows,
    )


def _checked(spec: ModelSpec, column: pl.Series, users_name: str) -> tuple[pl.Series, Measurement | None]:
    if not (column.dtype.is_numeric()):
        return column, None
    scores = column.cast(pl.Float64)
    near = scores.is_between(-ROUNDING, 1 + ROUNDING) | scores.is_nan()
    outside = scores.filter(~near)
    least, most = (cast("float | None", found) for found in (outside.min(), outside.max()))
    measurement = _outside(spec, ScoreFacts(column.name, scores.count(), outside.len(), least, most), users_name)
    if measurement is None:
        return _clipped(scores), None
    kept = scores.to_frame().select(pl.when(near).then(pl.col(column.name))).to_series()
    return _clipped(kept), measurement


def _outside(spec: ModelSpec, facts: ScoreFacts, users_name: str) -> Measurement | None:
    """Return the measurement of scores that are no probabilities; None if all are.

    Raises:
        RowsError: if they are many.
    """
    if not facts.outside:
        return None
    reason = (
        f"{facts.outside} of {facts.values} scores are outside [0, 1] ({facts.least:.4g} to {facts.most:.4g}); "
        "a probability is needed"
    )
    if facts.outside > TOLERATED_SHARE * facts.values:
        raise RowsError(f"{spec.name}: {facts.subject} ({users_name!r} in {spec.predictions.table!r}): {reason}")
    return Measurement(
        kind=Kind.QUALITY,
        subject=facts.subject,
        name="scores_out_of_range",
        model_version="",
        value=facts.outside / facts.values,
        threshold_upper=0.0,
        status=Status.BREACHED,
        severity=Severity.CRITICAL,
        reason=f"{reason}; these rows are left out of performance",
        definition="share of scores outside [0, 1]",
        rows=facts.values,
    )


def _clipped(scores: pl.Series) -> pl.Series:
    """Return scores with rounding errors moved to the bounds; NaN stays."""
    return scores.clip(0.0, 1.0)
