"""Drift of a chunk against its reference: a table of statistics, and the rule that decides."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.profile import Bins, ChunkProfile, ColumnProfile, NumericBins
from monitoring_pipeline.evaluation.reference import Reference
from monitoring_pipeline.spec.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import FeatureKind, ModelSpec
from monitoring_pipeline.statistics import distances, evidence
from monitoring_pipeline.statistics.estimate import Evidence, UndefinedStatisticError
from monitoring_pipeline.statistics.multiple_testing import benjamini_hochberg

Counts = NDArray[np.float64]
SPECIAL_CELLS_BEFORE, SPECIAL_CELLS_AFTER = 3, 1
ALL_NULL_BY_CHANCE = 0.01
SMALLEST_SHOWN = 1e-12


@dataclass(frozen=True)
class DriftStatistic:
    """One way to compare two profiles of a column.

    ``resolution`` says which bins of a numeric column it takes; ``floor`` is the smallest effect that matters
    unless the spec says otherwise.
    """

    name: str
    kinds: frozenset[FeatureKind]
    resolution: Literal["coarse", "fine"]
    effect: Callable[[Counts, Counts], float]
    test: Callable[[Counts, Counts], Evidence]
    floor: float
    definition: str


BOTH = frozenset(FeatureKind)
DRIFT_STATISTICS = {
    statistic.name: statistic
    for statistic in (
        DriftStatistic(
            "jensen_shannon", BOTH, "coarse", distances.jensen_shannon_distance, evidence.g_test, 0.1,
            "Jensen-Shannon distance, base 2, 10 reference bins; p: G-test of homogeneity, sparse cells pooled",
        ),
        DriftStatistic(
            "psi", BOTH, "coarse", distances.population_stability_index, evidence.population_stability_index_test, 0.1,
            "population stability index, natural log, 10 reference bins, half a row added per cell if one is empty; "
            "p: PSI/(1/n+1/m) as chi-squared",
        ),
        DriftStatistic(
            "chi_squared", BOTH, "coarse", distances.total_variation_distance, evidence.chi_squared_homogeneity, 0.1,
            "total variation distance, 10 reference bins; p: chi-squared test of homogeneity, sparse cells pooled",
        ),
        DriftStatistic(
            "kolmogorov_smirnov", frozenset({FeatureKind.NUMERIC}), "fine",
            distances.kolmogorov_smirnov_distance, evidence.kolmogorov_smirnov_test, 0.1,
            "largest difference of the distribution functions at 60 reference quantiles, null below every number; "
            "p: two-sample Kolmogorov-Smirnov, conservative for bins",
        ),
    )
}  # fmt: skip
DEFAULT_STATISTIC = {FeatureKind.NUMERIC: "jensen_shannon", FeatureKind.CATEGORICAL: "jensen_shannon"}


class UnknownDriftStatisticError(ValueError):
    """A spec asks for a statistic that does not exist or does not fit the column; the message lists what does."""


def check_drift_rules(spec: ModelSpec) -> None:
    """Refuse a spec whose drift rules name statistics or columns that do not exist.

    Raises:
        UnknownDriftStatisticError: naming field, value and what is known.
    """
    for kind in FeatureKind:
        chosen = getattr(spec.drift, kind.value)
        if chosen is not None:
            _known(spec, f"drift.{kind.value}", chosen, {n for n, s in DRIFT_STATISTICS.items() if kind in s.kinds})
    for position, name in enumerate(spec.drift.statistics):
        _known(spec, f"drift.statistics[{position}]", name, set(DRIFT_STATISTICS))
    for column in spec.drift.ignore:
        _known(spec, "drift.ignore", column, set(spec.columns))
    for key in spec.drift.floors:
        column, _, name = key.rpartition(".")
        _known(spec, f"drift.floors.{key}", name, set(DRIFT_STATISTICS))
        if column:
            _known(spec, f"drift.floors.{key}", column, set(spec.columns))


def measure_drift(spec: ModelSpec, reference: Reference, profile: ChunkProfile) -> tuple[Measurement, ...]:
    """Compare every column of a chunk with the reference and decide which have drifted.

    A column is breached when the effect of its deciding statistic is at least the floor *and* its q-value,
    over all columns of the chunk (Benjamini & Hochberg 1995), is below alpha. Ignored columns are judged among
    themselves, with severity info. Statistics asked for on top are measured and do not decide.
    """
    deciding = [
        _compare(spec, reference, profile[column], DRIFT_STATISTICS[_deciding_statistic(spec, kind)])
        for column, kind in spec.columns.items()
    ]
    # An ignored column that always drifts would, in one family, let others pass too easily.
    watched, ignored = (
        [_judge(spec, m) for m in _with_q_values([m for m in deciding if (m.subject in spec.drift.ignore) is apart])]
        for apart in (False, True)
    )
    further = [
        measurement
        for name in dict.fromkeys(spec.drift.statistics)
        for measurement in _with_q_values(
            [
                _compare(spec, reference, profile[column], DRIFT_STATISTICS[name])
                for column, kind in spec.columns.items()
                if kind in DRIFT_STATISTICS[name].kinds and name != _deciding_statistic(spec, kind)
            ]
        )
    ]
    return (*watched, *ignored, *further, _drifted_columns(watched, profile))


def measure_columns(reference: Reference, profile: ChunkProfile) -> tuple[Measurement, ...]:
    """Measure the share of nulls of every column, and of values that the reference has never seen."""
    return tuple(
        measurement
        for column in profile.columns
        for measurement in (
            _null_share(reference, profile, column),
            *_unseen_share(reference, profile, column),
        )
    )


def _deciding_statistic(spec: ModelSpec, kind: FeatureKind) -> str:
    return getattr(spec.drift, kind.value) or DEFAULT_STATISTIC[kind]


def _known(spec: ModelSpec, field: str, value: str, known: set[str]) -> None:
    if value not in known:
        close = get_close_matches(value, known, n=1)
        hint = f"; did you mean {close[0]}?" if close else ";"
        message = f"{spec.name}: {field}: unknown {value!r}{hint} known: {', '.join(sorted(known))}"
        raise UnknownDriftStatisticError(message)


def _compare(spec: ModelSpec, reference: Reference, column: ColumnProfile, statistic: DriftStatistic) -> Measurement:
    measurement = Measurement(
        kind=Kind.DRIFT,
        subject=column.column,
        name=statistic.name,
        model_version=reference.model_version,
        value=0.0,
        definition=statistic.definition,
        rows=column.rows,
    )
    if column.rows < spec.drift.minimum_rows:
        return _skip(measurement, f"{column.rows} rows, at least {spec.drift.minimum_rows} needed")
    bins = reference.bins[column.column]
    expected = _cells(bins, reference.profile[column.column].counts, statistic.resolution)
    observed = _cells(bins, column.counts, statistic.resolution)
    try:
        effect = statistic.effect(expected, observed)
        p_value = statistic.test(expected, observed).p_value
    except UndefinedStatisticError as undefined:
        return _skip(measurement, str(undefined))
    return replace(measurement, value=effect, p_value=p_value)


def _skip(measurement: Measurement, reason: str) -> Measurement:
    return replace(measurement, value=None, status=Status.SKIPPED, reason=reason)


def _cells(bins: Bins, counts: tuple[int, ...], resolution: Literal["coarse", "fine"]) -> Counts:
    """Return the counts of the cells, those of numeric bins merged into the coarser ones if asked for."""
    fine = np.asarray(counts, dtype=np.float64)
    if not isinstance(bins, NumericBins) or resolution == "fine":
        return fine
    before, after = fine[:SPECIAL_CELLS_BEFORE], fine[-SPECIAL_CELLS_AFTER:]
    middle = fine[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER]
    merged: Counts = np.bincount(bins.groups, weights=middle).astype(np.float64)
    return np.concatenate([before, merged, after])


def _with_q_values(measurements: list[Measurement]) -> list[Measurement]:
    p_values = [m.p_value for m in measurements if m.p_value is not None]
    q_values = iter(benjamini_hochberg(np.asarray(p_values)))
    return [m if m.p_value is None else replace(m, q_value=float(next(q_values))) for m in measurements]


def _judge(spec: ModelSpec, measurement: Measurement) -> Measurement:
    column = measurement.subject
    ignored = column in spec.drift.ignore
    floors = spec.drift.floors
    floor = floors.get(
        f"{column}.{measurement.name}", floors.get(measurement.name, DRIFT_STATISTICS[measurement.name].floor)
    )
    judged = replace(measurement, threshold_upper=floor, severity=Severity.INFO if ignored else Severity.WARNING)
    if measurement.value is None or measurement.q_value is None:
        return judged
    if measurement.value < floor or measurement.q_value >= spec.drift.alpha:
        return judged
    q_value = f"q = {measurement.q_value:.2g}" if measurement.q_value > SMALLEST_SHOWN else f"q < {SMALLEST_SHOWN:g}"
    reason = f"{measurement.value:.3f} is at least {floor:g}, and {q_value} is below {spec.drift.alpha:g}"
    return replace(judged, status=Status.BREACHED, reason=reason)


def _drifted_columns(watched: list[Measurement], profile: ChunkProfile) -> Measurement:
    summary = Measurement(
        kind=Kind.DRIFT,
        subject="chunk",
        name="drifted_columns",
        model_version=profile.model_version,
        value=float(sum(m.status is Status.BREACHED for m in watched)),
        severity=Severity.INFO,
        definition="columns, model output included and ignored ones not, that have drifted",
        rows=profile.rows,
    )
    if all(m.status is Status.SKIPPED for m in watched):
        return _skip(summary, "no column could be measured")
    return summary


def _null_share(reference: Reference, profile: ChunkProfile, column: ColumnProfile) -> Measurement:
    reference_share = reference.profile[column.column].null_share
    measurement = Measurement(
        kind=Kind.QUALITY,
        subject=column.column,
        name="null_share",
        model_version=profile.model_version,
        value=column.null_share,
        reference_value=reference_share,
        definition="share of rows that are null",
        rows=column.rows,
    )
    if not column.rows:
        return _skip(measurement, "no rows")
    # A few rows of a column that is often null may all be null by chance.
    if column.null_share == 1.0 and reference_share**column.rows < ALL_NULL_BY_CHANCE:
        reason = f"every value of {column.column} is null; in the reference {reference_share:.1%} are"
        return replace(measurement, status=Status.BREACHED, reason=reason)
    return measurement


def _unseen_share(reference: Reference, profile: ChunkProfile, column: ColumnProfile) -> tuple[Measurement, ...]:
    if isinstance(reference.bins[column.column], NumericBins):
        return ()
    rows, reference_rows = column.counts[-1], reference.profile[column.column].counts[-1]
    measurement = Measurement(
        kind=Kind.QUALITY,
        subject=column.column,
        name="unseen_share",
        model_version=profile.model_version,
        value=rows / column.rows if column.rows else 0.0,
        reference_value=reference_rows / max(reference.profile.rows, 1),
        threshold_upper=None if reference_rows else 0.0,
        severity=Severity.INFO,
        definition="share of rows whose category is not among the reference's most frequent",
        rows=column.rows,
    )
    if not column.rows:
        return (_skip(measurement, "no rows"),)
    # Where the reference has more categories than are kept, a new one cannot be told from a rare one.
    if rows and not reference_rows:
        names = ", ".join(f"{entry.value!r} ({entry.rows})" for entry in column.unseen[:5])
        return (replace(measurement, status=Status.BREACHED, reason=f"{rows} rows of unseen categories: {names}"),)
    return (measurement,)
