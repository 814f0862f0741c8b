"""The telemetry of a chunk's rows: latencies, and the rows that failed, timed out or were slow, by hour."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import ERRORS, LATENCY, MILLISECONDS, SLOW, STATUS, TIMEOUTS
from monitoring_pipeline.statistics.inputs import Vector

_CLASS_OF_CODES = re.compile("[1-5]xx")


@dataclass(frozen=True)
class EventCounts:
    """The number of rows with an event, and of those of which it is known."""

    events: int
    rows: int

    @property
    def rate(self) -> float:
        """The share of rows with the event; there must be rows."""
        return self.events / self.rows


@dataclass(frozen=True)
class HourCounts:
    """The counts of one hour.

    Args:
        hour: when it begins, such as ``2024-03-10 14:00``.
        slot: the hour of the day, such as ``14``.
        counts: rows with an event.
        latency: the 95th percentile of the latency in milliseconds; None without one.
    """

    hour: str
    slot: str
    counts: EventCounts
    latency: float | None = None


@dataclass(frozen=True, eq=False)
class Telemetry:
    """The rows of one version, with the canonical columns of telemetry that were read."""

    spec: ModelSpec
    rows: pl.DataFrame

    @property
    def has_latency(self) -> bool:
        """Whether latencies are declared and were read."""
        return self._has(LATENCY)

    @property
    def has_status(self) -> bool:
        """Whether outcomes are declared and were read."""
        return self._has(STATUS)

    def _has(self, column: str) -> bool:
        return column in self.spec.operations.columns and column in self.rows.columns

    @cached_property
    def latencies(self) -> Vector:
        """Known latencies in milliseconds, ascending."""
        return np.sort(self._latency.drop_nulls().to_numpy())

    @cached_property
    def _latency(self) -> pl.Series:
        column = self.rows[LATENCY].cast(pl.Float64)
        known = column.is_finite() & (column >= 0)
        in_ms = (column * MILLISECONDS[self.spec.operations.latency_unit]).alias("latency")
        return pl.select(pl.when(known).then(in_ms).alias("latency")).to_series()

    def events(self, name: str, slow_above: float | None = None) -> pl.Series | None:
        """Return whether each row has an event, null where that is not known; None if it is not measured.

        Args:
            name: error_rate, timeout_rate or slow_rate.
            slow_above: the latency in milliseconds above which a row is slow.
        """
        if name == SLOW:
            return self._latency > slow_above if self.has_latency and slow_above is not None else None
        if name == ERRORS:
            return self._is_among((*self._rules.errors, *self._rules.timeouts)) if self.has_status else None
        after = self._rules.timeout_after
        late = None
        if after is not None and self.has_latency:
            late = self._latency >= after * MILLISECONDS[self._rules.latency_unit]
        said = self._is_among(self._rules.timeouts) if self.has_status else None
        if late is None or said is None:
            return said if late is None else late
        return said.fill_null(late) | late.fill_null(said)

    @property
    def _rules(self):  # noqa: ANN202 - the rules about operations
        return self.spec.operations

    def _is_among(self, values: Iterable[str]) -> pl.Series:
        words = {value.strip().lower() for value in values}
        classes = tuple(word[0] for word in words if _CLASS_OF_CODES.fullmatch(word))
        text = self.rows[STATUS].cast(pl.String).str.strip_chars().str.to_lowercase().str.replace(r"\.0+$", "")
        codes = text.str.contains("^[1-5][0-9][0-9]$") & text.str.slice(0, 1).is_in(classes)
        return codes | text.is_in(sorted(words))

    def counted(self, name: str, slow_above: float | None = None) -> EventCounts | None:
        """Return the rows with an event; None if it is not measured."""
        flags = self.events(name, slow_above)
        return None if flags is None else EventCounts(int(flags.sum()), flags.len() - flags.null_count())

    @cached_property
    def has_hours(self) -> bool:
        """Whether times have hours; in a column of dates all rows of a day have the same time."""
        local = self.rows["predicted_at"].dt.convert_time_zone(self.spec.timezone)
        times = local.n_unique()
        return times == local.len() or times > local.dt.date().n_unique()

    def hours(self, name: str, slow_above: float | None = None) -> Iterator[HourCounts]:
        """Yield the counts of each hour of the model's time zone that has rows, in order."""
        flags = self.events(name, slow_above)
        if flags is None or not self.has_hours:
            return
        local = self.rows["predicted_at"].dt.convert_time_zone(self.spec.timezone)
        latency = self._latency if self.has_latency else pl.Series("latency", [None] * flags.len(), dtype=pl.Float64)
        known = pl.DataFrame([local.dt.truncate("1h").alias("hour"), flags.alias("event"), latency.alias("latency")])
        by_hour = (
            known.filter(pl.col("event").is_not_null())
            .group_by("hour")
            .agg(
                pl.col("event").sum().alias("events"),
                pl.len().alias("rows"),
                pl.col("latency").quantile(0.95, interpolation="higher").alias("latency"),
            )
        )
        for row in by_hour.drop_nulls("hour").sort("hour").iter_rows(named=True):
            yield HourCounts(
                f"{row['hour']:%Y-%m-%d %H:%M}",
                f"{row['hour']:%H}",
                EventCounts(int(row["events"]), int(row["rows"])),
                row["latency"],
            )


def measured_rates(spec: ModelSpec) -> tuple[str, ...]:
    """Return the names of the rates that a spec measures on a chunk."""
    rules = spec.operations
    errors = (ERRORS,) if rules.status else ()
    return (*errors, TIMEOUTS) if rules.status or rules.timeout_after is not None else errors
