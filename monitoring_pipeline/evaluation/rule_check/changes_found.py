"""The share of healthy days on which drift detects changes of known size that are injected into their columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import narwhals as nw
import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.drift.columns import measure_drift
from monitoring_pipeline.evaluation.drift.comparison import standard_deviation
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile, profile_column
from monitoring_pipeline.evaluation.quality.columns import ColumnFacts, measure_columns
from monitoring_pipeline.evaluation.rule_check.held_out_days import (
    DAYS_CHANGED,
    FOUND,
    LEAST_DAYS,
    HeldOutDay,
    ReferenceDays,
    evenly_spread,
    share_of_days,
)
from monitoring_pipeline.evaluation.rule_check.injected_changes import COLUMN_CHANGES, ColumnChange
from monitoring_pipeline.records.measurement import Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.samples.multiple_testing import benjamini_hochberg

CHANGES_JUDGED = 3_000
"""Wide models are judged on fewer changed days, at least LEAST_DAYS."""


@dataclass(frozen=True)
class HealthyDay:
    """A held-out day and the measurements of its watched columns."""

    held: HeldOutDay
    measured: Sequence[Measurement]


def measure_power(days: ReferenceDays, healthy: Sequence[HealthyDay]) -> Iterator[Measurement]:
    """Yield, for each watched column and change, the share of days on which drift detects the change.

    Args:
        days: the reference's days with their kept rows, which are changed.
        healthy: the days as they are.
    """
    minimum = days.spec.drift.minimum_rows
    keys = [day.held.key for day in healthy]
    with_rows = [key for key in keys if key in days.rows_of and days.rows_of[key].height >= minimum]
    chosen = set(evenly_spread(with_rows, _wanted(days.spec)))
    changed = [day for day in healthy if day.held.key in chosen]
    for column, kind in days.spec.columns.items():
        if days.spec.is_ignored(column):
            continue
        deviation = _deviation(days.reference.profile[column])
        for change in COLUMN_CHANGES:
            if kind in change.kinds:
                yield _column_changed(days, changed, column, change, deviation)


def _column_changed(
    days: ReferenceDays,
    healthy: Sequence[HealthyDay],
    column: str,
    change: ColumnChange,
    deviation: float | None,
) -> Measurement:
    blank = replace(
        days.blank,
        subject=column,
        name=FOUND,
        of=change.name,
        definition=(f"share of the reference's {days.noun}s on which the column is flagged after: {change.definition}"),
    )
    if change.in_deviations and deviation is None:
        reason = f"{column} is constant in the reference: there is no standard deviation to shift by"
        return blank.skipped(reason)
    flags: dict[str, bool] = {}
    for day in healthy:
        generator = days.generator(column, change.name, day.held.key)
        values = change.apply(days.rows_of[day.held.key][column], deviation, generator).alias(column)
        flags[day.held.key] = _is_found(days, day, values)
    return share_of_days(blank, flags)


def _is_found(days: ReferenceDays, day: HealthyDay, values: pl.Series) -> bool:
    """Return whether drift or quality flags a column if it has these values on a healthy day.

    Only this column is compared again; the others keep their p-values.
    """
    column, held, spec = values.name, day.held, days.spec
    bins = held.against.bins[column]
    changed = profile_column(nw.from_native(values.to_frame().lazy()), column, bins)
    columns = tuple(changed if other.column == column else other for other in held.profile.columns)
    rows = days.rows_of[held.key].with_columns(values)
    against = replace(held.against, observed_sample=rows) if held.against.observed_sample is not None else held.against
    alone = spec.model_copy(
        update={"features": {k: v for k, v in spec.features.items() if k == spec.feature_of(column)}}
    )
    measured = measure_drift(alone, against, replace(held.profile, columns=columns))
    drift = [m for m in measured if m.subject == column and m.p_value is not None]
    others = [m.p_value for m in day.measured if m.subject != column and m.p_value is not None]
    p_values = np.asarray([*others, *(m.p_value for m in drift)])
    facts = ColumnFacts(held.against.bins, held.against.profile, (), held.against.learned, days.reference.columns.parts)
    quality = measure_columns(facts, replace(held.profile, columns=(changed,)))
    return any(m.status is Status.BREACHED and m.severity is not Severity.INFO for m in quality) or any(
        m.value is not None and m.threshold_upper is not None and m.value >= m.threshold_upper and q < spec.drift.alpha
        for m, q in zip(drift, benjamini_hochberg(p_values)[len(others) :], strict=True)
    )


def _deviation(profile: ColumnProfile) -> float | None:
    try:
        return standard_deviation(profile) or None
    except UndefinedStatisticError:
        return None


def _wanted(spec: ModelSpec) -> int:
    changes = sum(kind in change.kinds for kind in spec.columns.values() for change in COLUMN_CHANGES)
    return min(DAYS_CHANGED, max(LEAST_DAYS, CHANGES_JUDGED // changes))
