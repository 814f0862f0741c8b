"""The cause that each breach belongs to, and the rules of each family of causes.

A challenger's cause contains its version, except for broken data, which is the same for all versions.
The tables are read from the top; the first row that fits decides.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from monitoring_pipeline.evaluation.business.money import SUBJECTS_OF_MONEY
from monitoring_pipeline.evaluation.judgement.guards import guarded_names
from monitoring_pipeline.evaluation.judgement.lost_coverage import DRIFT, VERSIONS
from monitoring_pipeline.evaluation.operations.measuring import OF_PROMETHEUS, SUBJECTS_OF_SERVING
from monitoring_pipeline.evaluation.quality.suite import SUITE
from monitoring_pipeline.evaluation.segments.shares import BROKEN
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.measurement import SERVING, Kind, Measurement, Role, Severity
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import RESERVED_COLUMNS, ModelSpec

_ACCOUNTING_OF_LABELS = (
    "orphan_labels", "duplicate_labels", "labels_without_value", "labels_before_prediction", "labels_",
)  # fmt: skip
_SHOWN_BY_LABELS = frozenset(
    {
        Family.PERFORMANCE,
        Family.SEGMENT,
        Family.FAIRNESS,
        Family.BUSINESS,
        Family.OBJECTIVE,
        Family.UNMEASURED,
        Family.LABELS,
    }
)
_KINDS_WITHOUT_VERSION = frozenset({Kind.QUALITY, Kind.OPERATIONS})


class Signal(NamedTuple):
    """The subject of one series of measurements, independent of which version was champion at the time."""

    cause: Cause
    kind: Kind
    subject: str
    metric: MetricName
    segment: str


About = Callable[[ModelSpec, Measurement], tuple[str, ...]]
"""Returns the names that distinguish the cause of a breach from others of its family."""


def _nothing(_spec: ModelSpec, _measurement: Measurement) -> tuple[str, ...]:
    return ()


def _subject(_spec: ModelSpec, measurement: Measurement) -> tuple[str, ...]:
    return (measurement.subject,)


def _segment(_spec: ModelSpec, measurement: Measurement) -> tuple[str, ...]:
    return (measurement.segment,)


def _metric(_spec: ModelSpec, measurement: Measurement) -> tuple[str, ...]:
    return (measurement.name,)


def _columns(spec: ModelSpec, measurement: Measurement) -> tuple[str, ...]:
    """Return the columns of a subject. The subject of an expectation on several columns joins them with commas."""
    subject = measurement.subject
    return (spec.feature_of(subject),) if subject in spec.columns else tuple(subject.split(","))


def _column(name: str) -> About:
    return lambda _spec, _measurement: (name,)


@dataclass(frozen=True)
class _CauseRule:
    """Measurements of some kinds (subjects, beginnings of names; empty: all) and the cause that they belong to."""

    kinds: tuple[Kind, ...]
    family: Family
    subjects: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    severity: Severity | None = None
    about: About = _nothing


_QUALITY = (Kind.QUALITY,)
_OPERATIONS = (Kind.OPERATIONS,)
_OF_OUTPUTS = ("{outputs}",)
_CAUSE_RULES = (
    _CauseRule(_QUALITY, Family.SOURCE, ("chunk",), ("readable", "rows")),
    _CauseRule(_QUALITY, Family.SOURCE, names=("column_to_exist", "column_values_to_be_in_type_list")),
    _CauseRule(_QUALITY, Family.VOLUME, ("chunk",), ("volume_ratio", "table_row_count")),
    _CauseRule(_QUALITY, Family.FRESHNESS, ("chunk",), ("freshness_hours",)),
    _CauseRule(
        _QUALITY, Family.COLUMN, ("chunk",), ("duplicate_predictions", "predictions_without_id"),
        about=_column("row_id"),
    ),
    _CauseRule(_QUALITY, Family.COLUMN, ("chunk",), ("predictions_without_time",), about=_column("predicted_at")),
    _CauseRule(_QUALITY, Family.LABELS, ("chunk",), _ACCOUNTING_OF_LABELS),
    _CauseRule((Kind.QUALITY, Kind.OPERATIONS), Family.LABELS, ("label",)),
    _CauseRule(_QUALITY, Family.UNMONITORED, ("chunk",), (SUITE,), about=_metric),
    _CauseRule(_QUALITY, Family.SOURCE, ("chunk", "table"), severity=Severity.CRITICAL),
    _CauseRule(_QUALITY, Family.TABLE, ("chunk", "table")),
    _CauseRule(_QUALITY, Family.COLUMN, about=_columns),
    _CauseRule((Kind.DRIFT,), Family.OUTPUTS, _OF_OUTPUTS),
    _CauseRule((Kind.DRIFT,), Family.INPUTS),
    _CauseRule((Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE), Family.PERFORMANCE),
    _CauseRule((Kind.WINDOW,), Family.PERFORMANCE, ("model",)),
    _CauseRule((Kind.WINDOW,), Family.OUTPUTS, _OF_OUTPUTS),
    _CauseRule((Kind.WINDOW,), Family.INPUTS),
    _CauseRule((Kind.SEGMENT,), Family.COLUMN, names=BROKEN, about=_columns),
    _CauseRule((Kind.SEGMENT,), Family.SEGMENT, about=_segment),
    _CauseRule((Kind.FAIRNESS,), Family.FAIRNESS, about=_subject),
    _CauseRule((Kind.BUSINESS,), Family.BUSINESS, SUBJECTS_OF_MONEY, about=_subject),
    _CauseRule((Kind.BUSINESS,), Family.BUSINESS, about=_metric),
    _CauseRule((Kind.OBJECTIVE,), Family.OBJECTIVE, about=_subject),
    _CauseRule(_OPERATIONS, Family.SERVING, (OF_PROMETHEUS,), about=_metric),
    _CauseRule(_OPERATIONS, Family.SERVING, SUBJECTS_OF_SERVING, about=_subject),
    _CauseRule(_OPERATIONS, Family.UNMONITORED, (VERSIONS,), about=_subject),
    _CauseRule(_OPERATIONS, Family.UNMONITORED, (DRIFT,), about=_subject),
    _CauseRule(_OPERATIONS, Family.NOT_MEASURED, ("chunk",)),
    _CauseRule(_OPERATIONS, Family.UNMEASURED, names=("guarded_metrics",), about=_subject),
    _CauseRule(_OPERATIONS, Family.PIPELINE),
)  # fmt: skip


@dataclass(frozen=True)
class _FamilyRule:
    """The rules for causes of one family; the rows stand in the order in which families explain one another.

    ``at_once``: one breached chunk is an incident. ``proved_by``: kinds of measurement whose presence on a chunk shows
    that the cause is fine, because a cause of this family is measured only if it is breached. ``proved_by_rows``: they
    show it only if the rows of the chunk could be used.
    """

    family: Family
    at_once: bool
    proved_by: frozenset[Kind] = frozenset()
    proved_by_rows: bool = False


_OF_ROWS = frozenset({Kind.QUALITY, Kind.DRIFT, Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE})
_OF_SEGMENTS = frozenset({Kind.SEGMENT})
_FAMILIES = (
    _FamilyRule(Family.SOURCE, at_once=True, proved_by=_OF_ROWS),
    _FamilyRule(Family.PIPELINE, at_once=True, proved_by=_OF_ROWS),
    _FamilyRule(Family.VOLUME, at_once=True),
    _FamilyRule(Family.FRESHNESS, at_once=True),
    _FamilyRule(Family.TABLE, at_once=True),
    # A column that is broken in a segment is measured there only while it is.
    _FamilyRule(Family.COLUMN, at_once=True, proved_by=_OF_SEGMENTS),
    _FamilyRule(Family.LABELS, at_once=True),
    _FamilyRule(Family.UNMONITORED, at_once=True, proved_by=_OF_ROWS, proved_by_rows=True),
    _FamilyRule(Family.NOT_MEASURED, at_once=True),
    _FamilyRule(Family.UNMEASURED, at_once=False),
    _FamilyRule(Family.INPUTS, at_once=False),
    _FamilyRule(Family.OUTPUTS, at_once=False),
    _FamilyRule(Family.PERFORMANCE, at_once=False),
    _FamilyRule(Family.SEGMENT, at_once=False),
    # A gap lasts over days already.
    _FamilyRule(Family.FAIRNESS, at_once=True),
    # Every request of the chunk was counted, and one bad hour is to be found.
    _FamilyRule(Family.SERVING, at_once=True),
    _FamilyRule(Family.BUSINESS, at_once=False),
    _FamilyRule(Family.OBJECTIVE, at_once=False),
)
FAMILIES_OF_MEASUREMENTS = tuple(rule.family for rule in _FAMILIES)
"""Every family that a measurement can belong to, in the order in which families explain one another."""
_RANK = {family: rank for rank, family in enumerate(FAMILIES_OF_MEASUREMENTS)}
_RULE = {rule.family: rule for rule in _FAMILIES}


def signal_of(spec: ModelSpec, measurement: Measurement) -> Signal | None:
    """Return the signal of a measurement, with the cause that its breach belongs to.

    Return ``None`` for a version that serves nobody (shadow, retired): it opens no incident.

    Args:
        spec: the model; drift of its outputs has another cause than drift of its inputs.
        measurement: any measurement of a chunk.
    """
    if measurement.role not in SERVING:
        return None
    rule = next(rule for rule in _CAUSE_RULES if _fits(rule, spec, measurement))
    is_of_version = measurement.kind not in _KINDS_WITHOUT_VERSION or rule.family is Family.SERVING
    has_version = measurement.role == Role.CHALLENGER and is_of_version
    version = measurement.model_version if has_version else ""
    cause = Cause(rule.family, rule.about(spec, measurement), version)
    return Signal(cause, measurement.kind, measurement.subject, measurement.metric, measurement.segment)


def is_declared(spec: ModelSpec, signal: Signal) -> bool:
    """Return whether the spec still has the subject of a signal. If not, it is never measured again."""
    holds = _DECLARED.get(signal.cause.family)
    return holds is None or holds(spec, signal)


def _has_column(spec: ModelSpec, signal: Signal) -> bool:
    return signal.subject in {*spec.canonical_columns, *RESERVED_COLUMNS, "features"}


def _has_segment(spec: ModelSpec, signal: Signal) -> bool:
    return signal.segment in spec.segments.by or signal.segment.partition("=")[0] in spec.segments.by


def _has_business_number(spec: ModelSpec, signal: Signal) -> bool:
    if signal.subject in SUBJECTS_OF_MONEY:
        return getattr(spec, signal.subject) is not None
    return signal.metric.name in spec.business or signal.metric.name in spec.measures


_DECLARED: dict[Family, Callable[[ModelSpec, Signal], bool]] = {
    Family.COLUMN: _has_column,
    Family.INPUTS: _has_column,
    Family.SEGMENT: _has_segment,
    Family.FAIRNESS: lambda spec, signal: signal.subject in spec.fairness.by,
    Family.BUSINESS: _has_business_number,
    Family.SERVING: lambda spec, signal: (
        signal.subject != OF_PROMETHEUS or signal.metric.name in spec.operations.numbers_of_prometheus
    ),
    Family.OBJECTIVE: lambda spec, signal: signal.subject in spec.objectives,
    Family.UNMEASURED: lambda spec, signal: bool(guarded_names(spec, signal.subject)),
}


def is_shown_by_labels(cause: Cause) -> bool:
    """Return whether breaches of a cause appear only when labels arrive, later than the night after their chunk."""
    return cause.family in _SHOWN_BY_LABELS


def rank_of(cause: Cause) -> tuple[int, str]:
    """Return the place of a cause in the order in which causes explain one another."""
    return _RANK[cause.family], cause.text


def opens_at_once(cause: Cause) -> bool:
    """Return whether one breached chunk is an incident: for broken data it is, for drift and performance it is not."""
    return _RULE[cause.family].at_once


def is_proved_fine_by(cause: Cause, kinds: AbstractSet[Kind], *, has_rows: bool = True) -> bool:
    """Return whether a chunk shows that a cause is fine.

    Args:
        cause: the cause.
        kinds: the kinds of measurements that the chunk has.
        has_rows: whether it has rows that could be used.
    """
    rule = _RULE[cause.family]
    return not rule.proved_by.isdisjoint(kinds) and (has_rows or not rule.proved_by_rows)


def _fits(rule: _CauseRule, spec: ModelSpec, measurement: Measurement) -> bool:
    subjects = spec.output_columns if rule.subjects == _OF_OUTPUTS else rule.subjects
    return (
        measurement.kind in rule.kinds
        and (not subjects or measurement.subject in subjects)
        and (not rule.names or measurement.name.startswith(rule.names))
        and rule.severity in (None, measurement.severity)
    )
