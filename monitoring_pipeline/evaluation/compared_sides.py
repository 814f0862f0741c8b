"""Compares two versions, two segments or two periods of a model, from counts of their labelled rows by day."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.performance.metrics_table import better_of, range_of
from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.labelled import SummedMetric, summed_performance
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.intervals.paired import jackknife_interval
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

MOST_LEFT_OUT = 60
"""Numbers are computed so often without a part of the days; of more days, neighbours are left out together."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Args:
        name: its name, such as ``version 3`` or ``2024-03-01 to 2024-03-31``.
        bins: bins of the scores or errors that were counted, those of its version's reference.
        days: what ``profile_labelled`` found on each day, by chunk key, oldest first; days without labelled rows are
            left out.
    """

    name: str
    bins: Mapping[str, Bins]
    days: Mapping[str, tuple[ChunkProfile, ...]]


@dataclass(frozen=True)
class ComparedMetric:
    """A metric of both sides, and its difference.

    Args:
        metric: the metric.
        first: its value on the first side.
        second: its value on the second side.
        difference: second less first.
        rows: labelled rows of both sides.
        error_bound: largest error of the difference by binning.
        worse: whether the second side is worse: True or False if the interval of the difference excludes 0, None if it
            does not, or if no value of the metric is better than another one.
    """

    metric: MetricName
    first: Quantity
    second: Quantity
    difference: Quantity
    rows: tuple[int, int]
    error_bound: float
    worse: bool | None


def compare_sides(spec: ModelSpec, first: Side, second: Side) -> tuple[ComparedMetric, ...]:
    """Return the metrics that both sides have.

    Intervals are those of the jackknife over days (``jackknife_interval``), because rows of a day are alike. A day that
    both sides have is left out of both, so that what such days have in common cancels in the difference.

    Args:
        spec: the model.
        first: the side that is compared with.
        second: the other side.
    """
    sides = (first, second)
    whole = [_metrics(spec, side) for side in sides]
    of_sides = [[_metrics(spec, side, without) for without in _parts(side.days)] for side in sides]
    of_both = [[_metrics(spec, side, without) for side in sides] for without in _parts({**first.days, **second.days})]
    compared: list[ComparedMetric] = []
    for metric in (metric for metric in whole[0] if metric in whole[1]):
        one, other = (side[metric] for side in whole)
        difference = _with_interval(
            other.value - one.value, [_value(after, metric) - _value(before, metric) for before, after in of_both]
        )
        values = [
            _within_range(spec, metric, side[metric].value, [_value(without, metric) for without in left_out])
            for side, left_out in zip(whole, of_sides, strict=True)
        ]
        compared.append(
            ComparedMetric(
                metric=metric,
                first=values[0],
                second=values[1],
                difference=difference,
                rows=(one.rows, other.rows),
                error_bound=one.error_bound + other.error_bound,
                worse=_is_worse(better_of(spec.task, metric.name), difference),
            )
        )
    return tuple(compared)


_Metrics = Mapping[MetricName, SummedMetric]


def _metrics(spec: ModelSpec, side: Side, without: Collection[str] = ()) -> _Metrics:
    days = [profiles for key, profiles in side.days.items() if key not in without]
    return {m.metric: m for m in summed_performance(spec, side.bins, days)}


def _value(metrics: _Metrics, metric: MetricName) -> float:
    found = metrics.get(metric)
    return math.nan if found is None else found.value


def _parts(days: Mapping[str, object]) -> list[list[str]]:
    """Return each day, or groups of neighbours if there are more than may be left out, in order."""
    keys = sorted(days)
    size = max(1, math.ceil(len(keys) / MOST_LEFT_OUT))
    return [keys[start : start + size] for start in range(0, len(keys), size)]


def _with_interval(value: float, left_out: Sequence[float]) -> Quantity:
    try:
        return jackknife_interval(value, left_out)
    except UndefinedStatisticError as error:
        return Quantity(value, note=f"no interval: {error}")


def _within_range(spec: ModelSpec, metric: MetricName, value: float, left_out: Sequence[float]) -> Quantity:
    """Return a value with its interval, cut at the values that the metric can have."""
    found = _with_interval(value, left_out)
    return range_of(spec.task, metric.name).checked(found)


def _is_worse(better: Better | None, difference: Quantity) -> bool | None:
    lower, upper = difference.lower, difference.upper
    if better not in {Better.HIGHER, Better.LOWER} or lower is None or upper is None or lower <= 0.0 <= upper:
        return None
    return (upper < 0.0) is (better is Better.HIGHER)
