"""What predictions are usually worth, and how far days and estimates stray: learned from a version's reference."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.estimation.estimation import (
    FOLDS,
    Estimation,
    cross_validated,
    scored_classes,
    true_classes,
    unlike_rows,
)
from monitoring_pipeline.evaluation.estimation.of_losses import LossModel, fit_loss_model, row_losses
from monitoring_pipeline.evaluation.estimation.unlike import UNKNOWN_AT, UNSURE_AT, OutputCells, reason_not_known
from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.evaluation.rows.joined import by_id
from monitoring_pipeline.evaluation.rows.probabilities import reason_not_probabilities
from monitoring_pipeline.evaluation.rows.usable import usable
from monitoring_pipeline.evaluation.segments.membership import parts_of, values_of
from monitoring_pipeline.evaluation.value.prices import (
    ExpectedValues,
    Values,
    error_shares,
    expected_of_classes,
    expected_of_losses,
    outcomes_of,
    realized_values,
    rules_of,
)
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.intervals.paired import serial_inflation
from monitoring_pipeline.statistics.results import NORMAL_QUANTILE, Quantity

LEAST_DAYS = 5
"""Fewer days of the reference show neither what is usual nor how far days stray."""
WHOLE = ""
"""The name of all rows, beside those of segments."""


@dataclass(frozen=True)
class UsualValue:
    """The value per prediction on the days of a reference.

    Args:
        mean: of all labelled rows.
        error: standard error of the mean, widened by how much a day resembles the one before it.
        within: variance of the value of rows.
        between: standard deviation between days that their rows do not explain, widened likewise.
        days: days with labels.
    """

    mean: float
    error: float
    within: float
    between: float
    days: int

    @property
    def quantity(self) -> Quantity:
        """The mean with its 95 % interval."""
        half_width = NORMAL_QUANTILE * self.error
        return Quantity(self.mean, self.mean - half_width, self.mean + half_width)

    def variance_of_a_day(self, rows: int) -> float:
        """Return the variance of what so many predictions of a usual day are worth together."""
        return self.within * rows + (self.between * rows) ** 2


@dataclass(frozen=True)
class EstimateOff:
    """How far estimates per prediction were off on the days of the reference, each estimated without its fold.

    ``systematic`` is the standard deviation that chance in the labels does not explain.
    """

    mean_absolute: float
    bias: float
    systematic: float
    days: int


Estimator = Callable[[pl.DataFrame], ExpectedValues | str]
"""Returns what rows are expected to be worth, or the reason why it cannot be estimated."""


@dataclass(frozen=True, eq=False)
class UsualValues:
    """What is usual in a version's reference, as a whole and in its segments.

    Args:
        of: by the name of a segment; all rows have the name ``WHOLE``.
        segments: the values that are segments of their own, by segmentation.
        estimate: estimates rows without labels.
        off: how far such estimates were off; None if nothing can be estimated.
        reason: the reason if nothing is usual.
    """

    of: Mapping[str, UsualValue]
    segments: Mapping[str, tuple[str, ...]]
    estimate: Estimator
    off: EstimateOff | None = None
    reason: str | None = None


def learn_values(
    spec: ModelSpec, estimation: Estimation, cells: Mapping[str, OutputCells], rows: pl.DataFrame
) -> UsualValues:
    """Learn from the stored rows of a reference what predictions are worth.

    Args:
        spec: the model.
        estimation: learned from the same reference.
        cells: of the scores in the reference, by column.
        rows: its canonical rows with ``label``, null where it is not known.
    """
    labelled = by_id(usable(spec, rows))
    labelled = labelled.filter(pl.Series(np.isfinite(realized_values(spec, outcomes_of(spec, labelled)))))
    days = chunk_keys(spec.calendar, labelled["predicted_at"])
    segments = values_of(spec.segments.by, rows)
    number_of_days = days.drop_nulls().n_unique()
    if number_of_days < LEAST_DAYS:
        noun = spec.calendar.noun
        reason = f"{number_of_days} {noun}s of the reference have labels, at least {LEAST_DAYS} needed"
        return UsualValues({}, segments, lambda _rows: reason, reason=reason)
    values = realized_values(spec, outcomes_of(spec, labelled))
    every = np.ones(values.size, dtype=np.bool_)
    places = days.rank("dense").fill_null(0).to_numpy().astype(np.int64)
    parts = [(WHOLE, every), *((part.name, part.rows) for part in parts_of(spec.segments.by, segments, labelled))]
    usual = {name: own for name, flags in parts if (own := _usual(values[flags], places[flags])) is not None}
    if estimation.reason is not None:
        why = estimation.reason
        return UsualValues(usual, segments, lambda _rows: why)
    if spec.task is Task.REGRESSION:
        estimate, expected = _learn_losses(spec, labelled, places)
    else:
        estimate, expected = _learn_classes(spec, estimation, cells, labelled, places)
    return UsualValues(usual, segments, estimate, _off(expected, values, places))


def _usual(values: Values, places: NDArray[np.int64]) -> UsualValue | None:
    """Return the usual value on days; None if there are too few.

    A day's sum strays from what its rows give at the mean. The variance of that is the one of its rows, and one that
    grows with the square of their number, which is estimated by moments.
    """
    days = np.unique(places)
    if days.size < LEAST_DAYS:
        return None
    of_days = [values[places == day] for day in days]
    rows = np.array([own.size for own in of_days], dtype=np.float64)
    mean = math.fsum(values) / values.size
    strays = np.array([math.fsum(own - mean) for own in of_days])
    within = math.fsum((values - mean) ** 2) / values.size
    squares = float(np.sum(strays**2))
    between = max(0.0, squares - within * values.size) / float(np.sum(rows**2))
    inflation = serial_inflation(strays / rows)
    correction = days.size / (days.size - 1)
    return UsualValue(
        mean=mean,
        error=inflation * math.sqrt(squares * correction) / values.size,
        within=within,
        between=inflation * math.sqrt(between * correction),
        days=int(days.size),
    )


Learned = tuple[Estimator, Iterator[tuple[NDArray[np.bool_], ExpectedValues]]]
"""How rows are estimated, and the rows of the reference as they are estimated without their fold."""


def _learn_classes(
    spec: ModelSpec,
    estimation: Estimation,
    cells: Mapping[str, OutputCells],
    labelled: pl.DataFrame,
    places: NDArray[np.int64],
) -> Learned:
    recalibrations = estimation.recalibrations
    as_is = scored_classes(spec, labelled, ())
    left_out = cross_validated(as_is, true_classes(spec, labelled), places % FOLDS) if recalibrations else as_is

    def estimate(rows: pl.DataFrame) -> ExpectedValues | str:
        classes = scored_classes(spec, rows, recalibrations)
        unknown = unlike_rows(spec, classes, cells, UNKNOWN_AT)
        if reason := reason_not_known(unknown, "score") or reason_not_probabilities(classes.scores):
            return reason
        return expected_of_classes(spec, classes, unlike_rows(spec, classes, cells, UNSURE_AT))

    none = np.zeros(labelled.height, dtype=np.bool_)
    return estimate, iter([(~none, expected_of_classes(spec, left_out, none))])


def _learn_losses(spec: ModelSpec, labelled: pl.DataFrame, places: NDArray[np.int64]) -> Learned:
    prices, shares = rules_of(spec).per_unit, error_shares(outcomes_of(spec, labelled))
    if prices is None:
        raise ValueError(f"{spec.name}: no value of a unit of error is declared")

    @cache
    def fitted() -> LossModel:
        return fit_loss_model(spec, labelled)

    def estimate(rows: pl.DataFrame) -> ExpectedValues | str:
        losses = row_losses(fitted(), rows)
        return reason_not_known(losses.unknown, "predicted error") or expected_of_losses(prices, losses, shares)

    def left_out() -> Iterator[tuple[NDArray[np.bool_], ExpectedValues]]:
        for fold in np.unique(places % FOLDS):
            inside = places % FOLDS == fold
            model = fit_loss_model(spec, labelled.filter(~inside))
            losses = row_losses(model, labelled.filter(inside))
            yield inside, expected_of_losses(prices, replace(losses, unlike=np.zeros_like(losses.unlike)), shares)

    return estimate, left_out()


def _off(
    expected: Iterator[tuple[NDArray[np.bool_], ExpectedValues]], values: Values, places: NDArray[np.int64]
) -> EstimateOff | None:
    off: list[float] = []
    variances: list[float] = []
    for inside, own in expected:
        for day in np.unique(places[inside]):
            of_day = places[inside] == day
            total, rows = own.total(of_day), int(np.count_nonzero(of_day))
            off.append((total.value - math.fsum(values[inside][of_day])) / rows)
            variances.append(total.variance / rows**2)
    if len(off) < LEAST_DAYS:
        return None
    errors = np.array(off)
    return EstimateOff(
        mean_absolute=float(np.abs(errors).mean()),
        bias=float(errors.mean()),
        systematic=math.sqrt(max(0.0, float(np.mean(errors**2 - np.array(variances))))),
        days=len(off),
    )
