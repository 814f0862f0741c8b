"""The columns of a chunk: what moved how far, the distribution of those that matter, and the cells that changed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.explanation.importance import stored_importance
from monitoring_pipeline.evaluation.profiles.bins import Bins, NumericBins
from monitoring_pipeline.evaluation.profiles.changed_values import new_values
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile
from monitoring_pipeline.evaluation.profiles.quantiles import quantiles_of
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.records.measurement import Measurement, Status
from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.distribution import distribution_chart, special_cells
from monitoring_pipeline.web_pages.charts.quantiles import quantiles_chart
from monitoring_pipeline.web_pages.column_order import drift_in_order
from monitoring_pipeline.web_pages.numbers import number, percent
from monitoring_pipeline.web_pages.reading import ModelRecords

CHARTS_SHOWN = 24
"""Columns that are drawn; all others stand in the table alone."""
LEAST_SHIFT = 0.001


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the chunk beside its reference.

    Args:
        name: its name.
        statistic: name of the statistic that judges its drift.
        effect: that statistic; None if it was not measured.
        floor: the effect from which on it counts as drift.
        status: of its drift: ok, info, warning, critical, or unknown if it was not measured.
        reason: why it is breached or was not measured.
        shifts: changes of the share of null, NaN, infinities, unseen values and values out of range, in words.
        chart: its distribution.
        over_time: its quantiles over the chunks; only of outputs and of the first numeric columns.
        importance: its share in the importance of all features to the model; None if it was not measured.
    """

    name: str
    statistic: str
    effect: float | None
    floor: float | None
    status: str
    reason: str
    shifts: tuple[str, ...]
    chart: Chart | None = None
    over_time: Chart | None = None
    importance: float | None = None

    @property
    def importance_text(self) -> str:
        """The share as percent; nothing if it was not measured."""
        return "" if self.importance is None else percent(self.importance)

    @property
    def effect_text(self) -> str:
        """The effect beside its floor."""
        return number(self.effect) + ("" if self.floor is None else f" of {number(self.floor)}")


def status_of(measurement: Measurement) -> str:
    """Return ok, unknown if it was not measured, or the severity of a breach."""
    if measurement.status is Status.SKIPPED:
        return "unknown"
    return str(measurement.severity) if measurement.status is Status.BREACHED else "ok"


def columns_of(records: ModelRecords, version: str, *, charts: int = CHARTS_SHOWN) -> tuple[Column, ...]:
    """Return the columns of a version's rows: drifted ones first, then by effect in terms of their floors.

    If the importance of the features to the model was measured, the effect counts by it.
    """
    importance = stored_importance(records.measurements, version)
    ordered = drift_in_order(records.spec, records.measurements, version)
    shares = importance.shares
    return tuple(
        replace(_column(records, m, draws=place < charts), importance=shares.get(m.subject))
        for place, m in enumerate(ordered)
    )


def column_named(records: ModelRecords, version: str, name: str) -> Column | None:
    """Return one column with its distribution; None if its drift was not measured."""
    return next((column for column in columns_of(records, version, charts=10**6) if column.name == name), None)


def _column(records: ModelRecords, m: Measurement, *, draws: bool) -> Column:
    profile, reference = records.profiles.get(m.model_version), records.references.get(m.model_version)
    sides = None
    if profile is not None and reference is not None and m.subject in reference.bins:
        sides = _sides(reference.bins[m.subject], reference.profile.columns, profile.columns, m.subject)
    return Column(
        name=m.subject,
        statistic=str(m.metric),
        effect=m.value,
        floor=m.threshold_upper,
        status=status_of(m),
        reason=m.reason or "",
        shifts=() if sides is None else tuple(shifts(*sides)),
        chart=distribution_chart(m.subject, *sides) if draws and sides is not None else None,
        over_time=_over_time(records, reference, m.subject) if draws else None,
    )


def _over_time(records: ModelRecords, reference: Reference | None, name: str) -> Chart | None:
    if name not in records.quantiles:
        return None
    calendar, zone = records.spec.calendar, records.spec.zone
    bins = None if reference is None else reference.bins.get(name)
    usual = None
    if reference is not None and isinstance(bins, NumericBins) and name in reference.profile:
        usual = quantiles_of(bins, reference.profile[name])
    return quantiles_chart(
        name, records.quantiles[name], usual, time_of=lambda key: calendar.chunk(key).start.astimezone(zone)
    )


def _sides(
    bins: Bins, reference: Sequence[ColumnProfile], current: Sequence[ColumnProfile], name: str
) -> tuple[Bins, ColumnProfile, ColumnProfile] | None:
    before = next((profile for profile in reference if profile.column == name), None)
    after = next((profile for profile in current if profile.column == name), None)
    if before is None or after is None or len(before.counts) != len(after.counts):
        return None
    return bins, before, after


def shifts(bins: Bins, reference: ColumnProfile, current: ColumnProfile) -> Iterable[str]:
    """Yield the changed shares of null, NaN, infinities, unseen values and values out of range, before and after."""
    for cell, before, after in special_cells(bins, reference, current):
        if abs(after - before) >= LEAST_SHIFT:
            yield f"{cell}: {percent(before)} → {percent(after)}"
    if current.unseen:
        yield f"new values: {new_values(current.unseen, current.counts[-1])}"
