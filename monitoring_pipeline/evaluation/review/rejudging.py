"""Judges stored numbers by the rules of another spec, with the functions of the night.

A number whose rule is the same in both specs keeps its stored status.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitoring_pipeline.evaluation.drift.all_features import MULTIVARIATE_STATISTICS, is_beyond, multivariate_floor
from monitoring_pipeline.evaluation.drift.columns import ColumnRule, Learned, judge_column, rule_of_column
from monitoring_pipeline.evaluation.drift.drifted import ALL_FEATURES
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS, deciding_statistics
from monitoring_pipeline.evaluation.estimation.estimation import judge_estimate
from monitoring_pipeline.evaluation.performance.metrics_table import better_of
from monitoring_pipeline.evaluation.performance.thresholds import judge_by_threshold
from monitoring_pipeline.evaluation.windows.performance import judge_window, while_it_lasts, without_window
from monitoring_pipeline.records.measurement import SERVING, Kind, Measurement, Severity, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import MultivariateStatistic
from monitoring_pipeline.spec.rules.threshold import Threshold
from monitoring_pipeline.statistics.results import Quantity


def nothing_learned(_column: str, _statistic: str, _rows: int) -> None:
    """Return no floor, as of a version without a reference."""


@dataclass(frozen=True)
class OfVersion:
    """What the reference of a version gives to its rules.

    Args:
        learned: the floors of columns that the spec in use learned.
        learned_anew: those that the proposed spec learns.
        multivariate_floors: the learned floors of all features together.
        estimates: the metrics on the reference, with intervals.
    """

    learned: Learned = nothing_learned
    learned_anew: Learned = nothing_learned
    multivariate_floors: Mapping[str, float] = field(default_factory=dict[str, float])
    estimates: Mapping[MetricName, Quantity] = field(default_factory=dict[MetricName, Quantity])


@dataclass(frozen=True)
class Proposal:
    """A proposed spec beside the one in use, and what the references of the model's versions give to their rules."""

    in_use: ModelSpec
    proposed: ModelSpec
    versions: Mapping[str, OfVersion] = field(default_factory=dict[str, OfVersion])

    def of(self, measurement: Measurement) -> OfVersion:
        """Return what rules need from the reference of the measurement's version; nothing if it has no reference."""
        return self.versions.get(measurement.model_version, OfVersion())


@dataclass(frozen=True)
class _MetricRule:
    """What decides about a metric; without any threshold in the spec, the main one has a default."""

    threshold: Threshold | None
    has_thresholds: bool
    breach_on: str
    minimum_rows: int
    windows: tuple[int, ...] = ()


@dataclass(frozen=True)
class _TogetherRule:
    floor: float
    alpha: float
    severity: Severity
    minimum_rows: int


def rejudged(proposal: Proposal, measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """Return the measurements of one chunk as the proposed spec judges them, in no particular order.

    Drift of columns and of all features, performance, windows and estimates of versions that serve are judged again.
    Skipped measurements stay skipped, and q-values stay those of the family in which they were computed.
    """
    judged: list[Measurement] = []
    windows: defaultdict[tuple[str, MetricName], list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        if measurement.kind is Kind.WINDOW:
            windows[measurement.model_version, without_window(measurement)[0].metric].append(measurement)
        else:
            judged.append(_judged(proposal, measurement))
    for of_metric in windows.values():
        judged.extend(_judged_windows(proposal, of_metric))
    return tuple(judged)


def _judged(proposal: Proposal, measurement: Measurement) -> Measurement:
    judge = _JUDGES.get(measurement.kind)
    is_left = measurement.status is Status.SKIPPED or measurement.role not in SERVING or measurement.segment
    return measurement if judge is None or is_left else judge(proposal, measurement)


def _drift(proposal: Proposal, measurement: Measurement) -> Measurement:
    if measurement.subject == ALL_FEATURES:
        return _together(proposal, measurement)
    if measurement.subject not in proposal.proposed.columns or measurement.name not in DRIFT_STATISTICS:
        return measurement
    of = proposal.of(measurement)
    before = _column_rule(proposal.in_use, of.learned, measurement)
    after = _column_rule(proposal.proposed, of.learned_anew, measurement)
    least = proposal.proposed.drift.minimum_rows
    if after is not None and measurement.rows < least:
        return replace(_plain(measurement), severity=after.severity).skipped(_too_few(measurement, least))
    if before == after:
        return measurement
    return _plain(measurement) if after is None else judge_column(after, _plain(measurement))


def _column_rule(spec: ModelSpec, learned: Learned, measurement: Measurement) -> ColumnRule | None:
    """Return the rule for a statistic of a column; None if it does not decide."""
    if measurement.name not in deciding_statistics(spec, measurement.subject):
        return None
    return rule_of_column(spec, learned, measurement)


def _together(proposal: Proposal, measurement: Measurement) -> Measurement:
    if measurement.name not in set(MultivariateStatistic):
        return measurement
    name = MultivariateStatistic(measurement.name)
    learned = proposal.of(measurement).multivariate_floors
    before, after = (_together_rule(spec, name, learned) for spec in (proposal.in_use, proposal.proposed))
    if before == after:
        return measurement
    return _plain(measurement) if after is None else _judge_together(after, name, _plain(measurement))


def _judge_together(rule: _TogetherRule, name: MultivariateStatistic, measurement: Measurement) -> Measurement:
    row = MULTIVARIATE_STATISTICS[name]
    lower = -rule.floor if row.absolute else None
    judged = replace(measurement, severity=rule.severity, threshold_upper=rule.floor, threshold_lower=lower)
    if rule.floor > row.highest_floor:
        return replace(judged, severity=Severity.INFO).skipped(f"nothing is judged by a floor of {rule.floor:g}")
    if judged.rows < rule.minimum_rows:
        return judged.skipped(_too_few(judged, rule.minimum_rows))
    if not is_beyond(judged, rule.floor, rule.alpha):
        return judged
    return judged.breached(f"{judged.value:.3f} is beyond {rule.floor:.3g}, and p is below {rule.alpha:g}")


def _together_rule(spec: ModelSpec, name: MultivariateStatistic, learned: Mapping[str, float]) -> _TogetherRule | None:
    """Return the rule for all features together; None if the spec does not compare them so."""
    rules = spec.drift
    if name not in rules.multivariate:
        return None
    severity = Severity(rules.severity or Severity.WARNING)
    return _TogetherRule(multivariate_floor(spec, name, learned), rules.alpha, severity, rules.minimum_rows)


def _performance(proposal: Proposal, measurement: Measurement) -> Measurement:
    return measurement if measurement.subject != "model" else _by_metric(proposal, measurement, _judge_metric)


def _estimate(proposal: Proposal, measurement: Measurement) -> Measurement:
    return _by_metric(proposal, measurement, judge_estimate)


JudgeMetric = Callable[[ModelSpec, Measurement, Quantity | None], Measurement]


def _judge_metric(spec: ModelSpec, measurement: Measurement, reference: Quantity | None) -> Measurement:
    return judge_by_threshold(spec, measurement, better_of(spec.task, measurement.name), reference)


def _by_metric(proposal: Proposal, measurement: Measurement, judge: JudgeMetric) -> Measurement:
    before, after = (_metric_rule(spec, measurement) for spec in (proposal.in_use, proposal.proposed))
    if before == after:
        return measurement
    if measurement.rows < after.minimum_rows:
        return _plain(measurement).skipped(_too_few(measurement, after.minimum_rows))
    reference = proposal.of(measurement).estimates.get(measurement.metric)
    return judge(proposal.proposed, _plain(measurement), reference)


def _metric_rule(spec: ModelSpec, measurement: Measurement) -> _MetricRule:
    rules = spec.performance
    is_window = measurement.kind is Kind.WINDOW
    return _MetricRule(
        threshold=rules.thresholds.get(measurement.metric),
        has_thresholds=bool(rules.thresholds),
        breach_on="interval" if is_window else rules.breach_on,
        minimum_rows=rules.minimum_rows,
        windows=tuple(sorted(set(spec.windows))) if is_window else (),
    )


def _judged_windows(proposal: Proposal, of_metric: Sequence[Measurement]) -> list[Measurement]:
    """Return the windows of one metric that the proposed spec has, judged; a longer one lasts with the shortest."""
    by_days = sorted(((without_window(m)[1], m) for m in of_metric), key=lambda entry: entry[0])
    kept = [m for days, m in by_days if days in proposal.proposed.windows]
    judged = [_judged(proposal, m) for m in kept]
    return list(while_it_lasts(judged)) if judged != kept else judged


def _window(proposal: Proposal, measurement: Measurement) -> Measurement:
    judged = _by_metric(proposal, without_window(measurement)[0], judge_window)
    return replace(judged, of=measurement.of)


_JUDGES: Mapping[Kind, Callable[[Proposal, Measurement], Measurement]] = {
    Kind.DRIFT: _drift,
    Kind.PERFORMANCE: _performance,
    Kind.WINDOW: _window,
    Kind.ESTIMATED_PERFORMANCE: _estimate,
}


def _plain(measurement: Measurement) -> Measurement:
    """Return a measurement without its judgement; a note on its interval stays."""
    return replace(
        measurement,
        status=Status.OK,
        severity=Severity.WARNING,
        threshold_lower=None,
        threshold_upper=None,
        reason=None if measurement.status is Status.BREACHED else measurement.reason,
    )


def _too_few(measurement: Measurement, least: int) -> str:
    return f"{measurement.rows} rows, at least {least} needed"
