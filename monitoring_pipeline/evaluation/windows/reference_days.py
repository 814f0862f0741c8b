"""How much healthy days differ in a number, from the labelled rows that are kept of a reference."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.profiles.bins import Bins, NumericBins
from monitoring_pipeline.evaluation.profiles.labelled import ClassCounts, DayCounts, scores_of_cells, sides_of
from monitoring_pipeline.evaluation.rows.usable import usable
from monitoring_pipeline.evaluation.windows.numbers import DailyNumber, Values, numbers_of
from monitoring_pipeline.evaluation.windows.spans import units_of
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.predictions import score_counts
from monitoring_pipeline.statistics.predictions.score_counts import ScoreCounts
from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.samples.day_effects import DayEffect
from monitoring_pipeline.statistics.samples.window_errors import LEAST_DAYS, effect_of_days, without_each_day


@dataclass(frozen=True)
class KnownEffect:
    """How days differ in a number, and the number of independent days from which that is known."""

    effect: DayEffect
    days: float


@dataclass(frozen=True)
class ReferenceDays:
    """What the days of a reference show: how they differ, and how far binning moves a number, by metric."""

    effects: Mapping[MetricName, KnownEffect] = field(default_factory=dict[MetricName, KnownEffect])
    errors_by_binning: Mapping[MetricName, float] = field(default_factory=dict[MetricName, float])


def effect_of(number: DailyNumber, chosen: Values, places: Values) -> KnownEffect:
    """Return how the chosen days differ in a number.

    Args:
        number: the number.
        chosen: rows of each chosen day, 0 of any other; shape (days,).
        places: the place of each day in time, shape (days,).

    Raises:
        UndefinedStatisticError: when the number has no value, or fewer than 10 days have rows.
    """
    used = chosen > 0
    if (days := int(used.sum())) < LEAST_DAYS:
        raise UndefinedStatisticError(f"{days} days show how days differ, at least {LEAST_DAYS} needed")
    _, apart = without_each_day(number.value, chosen)
    by_chance = number.by_chance(used.astype(np.float64)) if number.by_chance else 0.0
    effect = effect_of_days(apart, chosen[used], places[used], by_chance)
    return KnownEffect(effect, effect.effective_days(days, round(float(chosen[used].mean()))))


def days_of_reference(spec: ModelSpec, bins: Mapping[str, Bins], rows: pl.DataFrame) -> ReferenceDays:
    """Return what the days of a reference show of the numbers of windows.

    Args:
        spec: the model.
        bins: the reference's bins by column, with those of a regression's errors.
        rows: its kept rows: predicted_at, label (null if unknown) and the outputs.
    """
    known = usable(spec, rows.filter(pl.col("label").is_not_null() & pl.col("predicted_at").is_not_null()))
    if known.is_empty():
        return ReferenceDays()
    places, day_of_row = _days_of_rows(spec, known)
    counts = _counts(spec, bins, known, day_of_row, places.size)
    effects: dict[MetricName, KnownEffect] = {}
    for number in numbers_of(spec, counts) if counts else ():
        try:
            effects[number.metric] = effect_of(number, number.rows, places)
        except UndefinedStatisticError:
            continue
    return ReferenceDays(effects, _errors_by_binning(spec, counts, known) if counts else {})


def _errors_by_binning(spec: ModelSpec, counts: DayCounts, rows: pl.DataFrame) -> dict[MetricName, float]:
    """Return how far the AUROC of the counts lies from that of the rows, by class and for their mean."""
    if spec.task is Task.REGRESSION:
        return {}
    errors: dict[MetricName, float] = {}
    for (column, _, _), name, side in zip(sides_of(spec), spec.classes or ("",), counts.scores, strict=True):
        hits, misses = (cells.sum(axis=0) for cells in (side.positives, side.negatives))
        labels = (rows["label"] == (name or 1.0)).cast(pl.Float64).to_numpy()
        of_rows = score_counts.auroc(_counts_of_rows(rows[column].to_numpy(), labels))[0]
        of_cells = score_counts.auroc(ScoreCounts(side.scores, hits + misses, hits[None, :]))[0]
        if np.isfinite(of_rows) and np.isfinite(of_cells):
            errors[MetricName("auroc", name)] = abs(float(of_rows - of_cells))
    if spec.task is Task.MULTICLASS and errors:
        errors[MetricName("macro_auroc")] = sum(errors.values()) / len(errors)
    return errors


def _counts_of_rows(scores: Values, labels: Values) -> ScoreCounts:
    order = np.argsort(scores, kind="stable")
    return ScoreCounts(scores[order], np.ones(scores.size), labels[order][None, :])


def _days_of_rows(spec: ModelSpec, rows: pl.DataFrame) -> tuple[Values, NDArray[np.int64]]:
    """Return the place of each day in time, and the number of the day of each row."""
    calendar = spec.calendar
    times = rows["predicted_at"].cast(pl.Datetime("us", "UTC"))
    earliest, latest = times.min(), times.max()
    if not isinstance(earliest, dt.datetime) or not isinstance(latest, dt.datetime):
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    chunks = calendar.range(calendar.chunk_at(earliest), calendar.chunk_at(latest))
    starts = pl.Series([chunk.start for chunk in chunks], dtype=times.dtype).to_physical().to_numpy()
    chunk_of_row = np.searchsorted(starts, times.to_physical().to_numpy(), side="right") - 1
    units = np.array(units_of(calendar, [chunk.key for chunk in chunks]))
    unit_of_row = (units - units[0])[chunk_of_row]
    is_present = np.bincount(unit_of_row) > 0
    day_of_unit = np.cumsum(is_present) - 1
    return np.flatnonzero(is_present).astype(np.float64), day_of_unit[unit_of_row].astype(np.int64)


def _counts(
    spec: ModelSpec, bins: Mapping[str, Bins], rows: pl.DataFrame, day_of_row: NDArray[np.int64], days: int
) -> DayCounts | None:
    def summed(values: Values | None = None) -> Values:
        return np.bincount(day_of_row, weights=values, minlength=days).astype(np.float64)

    nothing = np.zeros(days)
    if spec.task is Task.REGRESSION:
        errors = (rows["prediction"] - rows["label"]).to_numpy()
        return DayCounts(days, summed(), summed(np.abs(errors)), summed(errors), summed(errors**2))
    sides: list[ClassCounts] = []
    for (column, _, _), name in zip(sides_of(spec), spec.classes or (1.0,), strict=True):
        of_column = bins.get(column)
        if not isinstance(of_column, NumericBins) or not of_column.edges:
            return None
        scores = rows[column].to_numpy()
        is_class = (rows["label"] == name).to_numpy()
        centres = scores_of_cells(of_column)
        cell = day_of_row * centres.size + np.searchsorted(of_column.edges, scores, side="right")
        every, hits = (
            np.bincount(cell[wanted], minlength=days * centres.size).reshape(days, centres.size).astype(np.float64)
            for wanted in (np.ones(scores.size, dtype=bool), is_class)
        )
        squares = summed((scores - is_class) ** 2)
        sides.append(ClassCounts(centres, hits, every - hits, summed(scores), squares))
    return DayCounts(days, summed(), nothing, nothing, nothing, tuple(sides))
