"""The numbers whose mean is split over segments, and their level in each segment of the reference."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.segments.metrics import LEAST_DAYS
from monitoring_pipeline.records.names import text_of
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.mix_and_within import Moments, mix_and_within, moments_of
from monitoring_pipeline.statistics.predictions.score_counts import SMALLEST_PROBABILITY

Values = NDArray[np.float64]
Codes = NDArray[np.int64]
LOSSES: Mapping[Task, str] = {
    Task.BINARY: "log_loss",
    Task.MULTICLASS: "log_loss",
    Task.REGRESSION: "mean_absolute_error",
}
"""The loss of each task whose mean is split."""


@dataclass(frozen=True)
class UsualLevel:
    """One number in a segment of the reference.

    Args:
        number: its name.
        rows: rows that have it.
        mean: its mean.
        variance: its variance over the rows.
        strays_within: root mean square, over days, of what its mean brings to the change of a day beyond that of the
            other rows; None if too few days have enough rows.
        strays_mix: root mean square of what its share of the rows brings.
    """

    number: str
    rows: int
    mean: float
    variance: float
    strays_within: float | None = None
    strays_mix: float | None = None

    @property
    def moments(self) -> Moments:
        """The number as moments of one group."""
        return Moments(*(np.array([float(each)]) for each in (self.rows, self.mean, self.variance)))


def numbers_of(spec: ModelSpec, rows: pl.DataFrame) -> dict[str, Values]:
    """Return the outputs of each row by their names, and its loss if the rows have ``label``; NaN where there is none.

    Args:
        spec: the model.
        rows: canonical rows.
    """
    numbers = {name: _finite(rows[column]) for name, column in _outputs(spec).items() if column in rows.columns}
    if "label" in rows.columns:
        numbers[LOSSES[spec.task]] = _losses(spec, rows)
    return numbers


def in_order(rows: pl.DataFrame) -> Codes:
    """Return the places of rows in the order of their IDs, so that sums do not depend on how they were read."""
    return rows["row_id"].arg_sort().to_numpy().astype(np.int64)


def moments_in(values: Values, codes: Codes, groups: int) -> Moments:
    """Return the moments of the values that are numbers, by group."""
    return moments_of(values, np.where(np.isnan(values), -1, codes), groups)


def learn_levels(numbers: Mapping[str, Values], codes: Codes, days: int, least: int) -> "LevelsByDay":
    """Return the moments of all rows, and of those of each day.

    Args:
        numbers: the numbers of each row, in the order of their IDs.
        codes: number of the day of each row, negative for none.
        days: the number of days.
        least: rows that a segment needs on a day for the day to count.
    """
    whole = np.zeros(codes.size, np.int64)
    return LevelsByDay(
        numbers,
        codes,
        {name: moments_in(values, whole, 1) for name, values in numbers.items()},
        {name: moments_in(values, codes, days) for name, values in numbers.items()},
        least,
    )


@dataclass(frozen=True, eq=False)
class LevelsByDay:
    """The moments of all rows of a reference and of its days, from which the levels of segments are learned."""

    numbers: Mapping[str, Values]
    days: Codes
    whole: Mapping[str, Moments]
    by_day: Mapping[str, Moments]
    least: int

    def of_segment(self, inside: NDArray[np.bool_]) -> tuple[UsualLevel, ...]:
        """Return the level of each number in a segment, with how far it strays between days."""
        return tuple(self._level(name, values, inside) for name, values in self.numbers.items())

    def of_all_rows(self) -> tuple[UsualLevel, ...]:
        """Return the level of each number in all rows."""
        return tuple(_level(name, moments) for name, moments in self.whole.items())

    def _level(self, name: str, values: Values, inside: NDArray[np.bool_]) -> UsualLevel:
        own = moments_in(values, np.where(inside, 0, -1), 1)
        by_day, everything = moments_in(values, np.where(inside, self.days, -1), self._days(name)), self.by_day[name]
        counted = by_day.rows >= self.least
        if np.count_nonzero(counted) < LEAST_DAYS or not own.rows[0]:
            return _level(name, own)
        parts = mix_and_within(own, by_day[counted], self.whole[name], everything[counted])
        within, mix = (math.sqrt(float(np.mean(part**2))) for part in (parts.contrast, parts.shift))
        return replace(_level(name, own), strays_within=within, strays_mix=mix)

    def _days(self, name: str) -> int:
        return self.by_day[name].rows.size


def _level(name: str, moments: Moments) -> UsualLevel:
    return UsualLevel(name, int(moments.rows[0]), float(moments.means[0]), float(moments.variances[0]))


def _outputs(spec: ModelSpec) -> dict[str, str]:
    if spec.task is Task.REGRESSION:
        return {"mean_prediction": "prediction"}
    if spec.task is Task.BINARY:
        return {"mean_score": "score"}
    return {text_of("mean_score", name): column for name, column in spec.score_columns.items()}


def _finite(column: pl.Series) -> Values:
    values = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _losses(spec: ModelSpec, rows: pl.DataFrame) -> Values:
    if spec.task is Task.MULTICLASS:
        columns = spec.score_columns
        of_label = [pl.when(pl.col("label") == name).then(pl.col(columns[name])) for name in spec.classes]
        likelihood = _finite(rows.select(pl.coalesce(of_label)).to_series())
        return -np.log(np.clip(likelihood, SMALLEST_PROBABILITY, None))
    labels = _finite(rows["label"])
    if spec.task is Task.REGRESSION:
        return np.abs(_finite(rows["prediction"]) - labels)
    scores = np.clip(_finite(rows["score"]), SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return -(labels * np.log(scores) + (1.0 - labels) * np.log1p(-scores))
