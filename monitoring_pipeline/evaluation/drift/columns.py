"""Drift of single columns: the comparison with the reference or with earlier days, and the rule that decides."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.drift.comparison import Comparison, Values
from monitoring_pipeline.evaluation.drift.drifted import drifted_of
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS, deciding_statistics
from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.changed_values import changed_values
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile
from monitoring_pipeline.evaluation.profiles.scale import scale_in_words
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import MultivariateStatistic
from monitoring_pipeline.spec.sources import MEASURED_KINDS
from monitoring_pipeline.statistics.results import Significance, UndefinedStatisticError
from monitoring_pipeline.statistics.samples.homogeneity_tests import MINIMUM_EXPECTED
from monitoring_pipeline.statistics.samples.multiple_testing import benjamini_hochberg

Learned = Callable[[str, str, int], float | None]
"""Gives the floor learned from the reference's days by column, statistic and rows of the chunk; None if there is none.
"""
SMALLEST_SHOWN = 1e-12
SAMPLE_ROWS = 2_000
"""Rows of each side for statistics that need rows: the first by the hash of their IDs."""


class UnknownDriftStatisticError(ValueError):
    """A spec names a statistic that does not exist or does not fit the column; the message lists the valid ones."""


def check_drift_rules(spec: ModelSpec) -> None:
    """Check that the statistics and columns that the drift rules of a spec name exist.

    Raises:
        UnknownDriftStatisticError: if one does not; the message contains the field, the value and the valid names.
    """
    for kind in MEASURED_KINDS:
        chosen = getattr(spec.drift, kind.value)
        if chosen is not None:
            _check_name(
                spec, f"drift.{kind.value}", chosen, {n for n, s in DRIFT_STATISTICS.items() if kind in s.kinds}
            )
    for position, name in enumerate(spec.drift.statistics):
        _check_name(spec, f"drift.statistics[{position}]", name, set(DRIFT_STATISTICS))
    for column in spec.drift.ignore:
        _check_name(spec, "drift.ignore", column, set(spec.columns))
    for key in spec.drift.floors:
        column, _, name = key.rpartition(".")
        _check_name(spec, f"drift.floors.{key}", name, {*DRIFT_STATISTICS, *([] if column else MultivariateStatistic)})
        if column:
            _check_name(spec, f"drift.floors.{key}", column, set(spec.columns))


@dataclass(frozen=True)
class Counterpart:
    """The side that the columns of a chunk are compared with, with the floors learned from its healthy days.

    Args:
        bins: bins of the columns.
        profile: counts of the reference, or the sum of earlier days.
        words: its name for messages.
        learned: the floor learned from the reference's days by column, statistic and rows of the chunk, if any.
        expected_sample: rows of the reference, where a statistic needs rows.
        observed_sample: rows of the chunk, likewise.
    """

    bins: Mapping[str, Bins]
    profile: ChunkProfile
    words: str = "the reference"
    learned: Learned = lambda _column, _statistic, _rows: None
    expected_sample: pl.DataFrame | None = None
    observed_sample: pl.DataFrame | None = None

    def comparison(self, observed: ColumnProfile) -> Comparison:
        """Return a column of the chunk beside its counterpart."""
        column = observed.column
        samples = (_sampled(self.expected_sample, column), _sampled(self.observed_sample, column))
        return Comparison(self.bins[column], self.profile[column], observed, *samples)


def measure_drift(spec: ModelSpec, against: Counterpart, profile: ChunkProfile) -> tuple[Measurement, ...]:
    """Compare every column of a chunk with its counterpart, and decide which columns have drifted.

    A column is breached if the effect of one of its deciding statistics is at least the floor *and* the q-value, over
    all columns of the chunk (Benjamini & Hochberg 1995), is below alpha. The floor is the spec's number for the
    column, or else the larger of the statistic's and the learned one. Of several deciding statistics, those that are
    undefined for a column do not decide. Ignored columns are judged among themselves, with severity info. Further
    statistics of the spec are measured and do not decide.
    """
    compared = {column: _Compared(spec, against, profile[column], profile) for column in spec.columns}
    # In a common family, an ignored column that always drifts would lower the q-values of the others.
    watched, ignored = (
        [
            judge_drift(spec, against, m, profile)
            for m in with_q_values(
                [
                    m
                    for column, of_column in compared.items()
                    if spec.is_ignored(column) is apart
                    for m in of_column.deciding()
                ]
            )
        ]
        for apart in (False, True)
    )
    further = [
        measurement
        for name in dict.fromkeys(spec.drift.statistics)
        for measurement in with_q_values(
            [
                compared[column].by(name)
                for column, kind in spec.columns.items()
                if kind in DRIFT_STATISTICS[name].kinds and name not in deciding_statistics(spec, column)
            ]
        )
    ]
    return (*watched, *ignored, *further, _drifted_columns(watched, profile))


@dataclass(frozen=True)
class ColumnRule:
    """What decides whether a deciding statistic of one column is drift.

    Args:
        floor: the smallest effect that is.
        origin: words for where the floor is from; empty unless it was learned.
        alpha: the q-value has to be below it.
        severity: severity of the drift.
    """

    floor: float
    origin: str
    alpha: float
    severity: Severity


def rule_of_column(spec: ModelSpec, learned: Learned, measurement: Measurement) -> ColumnRule:
    """Return the rule for a measured column.

    Args:
        spec: the model.
        learned: the floor learned from the reference's days by column, statistic and rows of the chunk, if any.
        measurement: a deciding statistic of the column.
    """
    column = measurement.subject
    floor, origin = _floor(spec, learned, measurement)
    severity = Severity.INFO if spec.is_ignored(column) else Severity(spec.drift.severity or Severity.WARNING)
    return ColumnRule(floor, origin, spec.drift.alpha, severity)


def judge_column(rule: ColumnRule, measurement: Measurement) -> Measurement:
    """Return a deciding statistic of a column as judged by a rule, from its effect and its q-value."""
    judged = replace(measurement, threshold_upper=rule.floor, severity=rule.severity)
    if measurement.value is None or measurement.q_value is None:
        return judged
    if measurement.value < rule.floor or measurement.q_value >= rule.alpha:
        return judged
    q_value = f"q = {measurement.q_value:.2g}" if measurement.q_value > SMALLEST_SHOWN else f"q < {SMALLEST_SHOWN:g}"
    effect = f"{measurement.value:.3f} is at least {rule.floor:.3g}{rule.origin}"
    return judged.breached(f"{effect}, and {q_value} is below {rule.alpha:g}")


def _floor(spec: ModelSpec, of_reference: Learned, measurement: Measurement) -> tuple[float, str]:
    """Return the floor of a column, and a note on its origin if it was learned."""
    column, statistic = measurement.subject, measurement.name
    floors = spec.drift.floors
    if (floor_of_column := floors.get(f"{column}.{statistic}")) is not None:
        return floor_of_column, ""
    number = floors.get(statistic, DRIFT_STATISTICS[statistic].floor)
    learned = of_reference(column, statistic, measurement.rows)
    if learned is None or learned <= number:
        return number, ""
    return learned, f" (learned from the reference's own {spec.calendar.noun}s)"


def needs_rows(spec: ModelSpec) -> bool:
    """Return whether a statistic that the spec names takes single rows."""
    deciding = (name for column in spec.columns for name in deciding_statistics(spec, column))
    statistics = {*spec.drift.statistics, *deciding}
    return any(DRIFT_STATISTICS[name].needs_rows for name in statistics)


def _check_name(spec: ModelSpec, field: str, value: str, valid: set[str]) -> None:
    if value not in valid:
        close = get_close_matches(value, valid, n=1)
        hint = f"; did you mean {close[0]}?" if close else ";"
        message = f"{spec.name}: {field}: unknown {value!r}{hint} known: {', '.join(sorted(valid))}"
        raise UnknownDriftStatisticError(message)


@dataclass(frozen=True)
class _Compared:
    """One column of a chunk beside its counterpart."""

    spec: ModelSpec
    against: Counterpart
    column: ColumnProfile
    profile: ChunkProfile

    @cached_property
    def comparison(self) -> Comparison:
        return self.against.comparison(self.column)

    def deciding(self) -> list[Measurement]:
        """Return one measurement by each deciding statistic; a further one is left out where it is undefined."""
        first, *others = (self.by(name) for name in deciding_statistics(self.spec, self.column.column))
        return [first, *(other for other in others if other.status is not Status.SKIPPED)]

    def beyond_floors(self) -> Iterator[Measurement]:
        for name in deciding_statistics(self.spec, self.column.column):
            statistic = DRIFT_STATISTICS[name]
            blank = self._blank(name)
            if blank.status is Status.SKIPPED or statistic.needs_rows:
                continue
            try:
                effect = statistic.effect(self.comparison)
                is_beyond = effect >= _floor(self.spec, self.against.learned, blank)[0]
                p_value = statistic.test(self.comparison).p_value if is_beyond else 1.0
            except UndefinedStatisticError:
                continue
            yield replace(blank, value=effect, p_value=p_value)

    def by(self, name: str) -> Measurement:
        statistic = DRIFT_STATISTICS[name]
        blank = self._blank(name)
        if blank.status is Status.SKIPPED:
            return blank
        try:
            effect = statistic.effect(self.comparison)
            test = statistic.test(self.comparison)
        except UndefinedStatisticError as undefined:
            return blank.skipped(str(undefined))
        if self._is_too_small_for(test):
            least = f"{MINIMUM_EXPECTED:.0f} rows in each of two cells"
            return blank.skipped(f"{self.column.rows} rows, its test needs at least {least}")
        return replace(blank, value=effect, p_value=test.p_value)

    def _blank(self, name: str) -> Measurement:
        statistic, column = DRIFT_STATISTICS[name], self.column
        measurement = Measurement(
            kind=Kind.DRIFT,
            subject=column.column,
            name=name,
            model_version=self.profile.model_version,
            value=0.0,
            definition=f"{statistic.definition}; against {self.against.words}",
            rows=column.rows,
        )
        if column.rows < self.spec.drift.minimum_rows:
            return measurement.skipped(f"{column.rows} rows, at least {self.spec.drift.minimum_rows} needed")
        if column.column not in self.against.profile:
            return measurement.skipped(f"the column was left out of {self.against.words}")
        return measurement

    def _is_too_small_for(self, test: Significance) -> bool:
        """Return whether a test had to pool all rows in one cell, although they lie in several."""
        if test.degrees_of_freedom != 0 or test.p_value < 1.0 or self.column.rows >= 2 * MINIMUM_EXPECTED:
            return False
        expected, observed = self.comparison.coarse
        return int(np.count_nonzero(expected + observed)) > 1


def _sampled(rows: pl.DataFrame | None, column: str) -> Values | None:
    if rows is None or not rows[column].dtype.is_numeric():
        return None
    values = rows[column].head(SAMPLE_ROWS).to_numpy()
    return values[np.isfinite(values)]


def beyond_floors(spec: ModelSpec, against: Counterpart, profile: ChunkProfile) -> Iterator[Measurement]:
    """Yield the deciding statistics of every watched column that both sides have, not yet judged.

    Only effects of at least their floor are tested, because others cannot be drift; their p-value is 1. As members of
    a family they make q-values larger, never smaller. Statistics that need rows are left out.
    """
    for column in spec.columns:
        if column in profile and column in against.profile and not spec.is_ignored(column):
            yield from _Compared(spec, against, profile[column], profile).beyond_floors()


def with_q_values(measurements: list[Measurement]) -> list[Measurement]:
    """Return measurements with the q-values of their p-values, as one family."""
    p_values = [m.p_value for m in measurements if m.p_value is not None]
    q_values = iter(benjamini_hochberg(np.asarray(p_values)))
    return [m if m.p_value is None else replace(m, q_value=float(next(q_values))) for m in measurements]


def judge_drift(spec: ModelSpec, against: Counterpart, measurement: Measurement, profile: ChunkProfile) -> Measurement:
    """Return a deciding statistic of a column as judged by its rule, a breach with the words for a change of scale."""
    column = measurement.subject
    judged = judge_column(rule_of_column(spec, against.learned, measurement), measurement)
    if judged.status is not Status.BREACHED:
        return judged
    sides = against.bins[column], against.profile[column], profile[column]
    return judged.noted(changed_values(*sides)).noted(scale_in_words(*sides, against.words))


def _drifted_columns(watched: list[Measurement], profile: ChunkProfile) -> Measurement:
    summary = Measurement(
        kind=Kind.DRIFT,
        subject="chunk",
        name="drifted_columns",
        model_version=profile.model_version,
        value=float(len(drifted_of(watched).columns)),
        severity=Severity.INFO,
        definition="columns, model output included and ignored ones not, that have drifted",
        rows=profile.rows,
    )
    if all(m.status is Status.SKIPPED for m in watched):
        return summary.skipped("no column could be measured")
    return summary
