"""What the breaches of a chunk have in common: the cause that each belongs to, and which causes explain others.

A cause is a word such as ``source``, ``column:temperature``, ``inputs`` or ``performance``. That of a challenger ends
in its version, ``performance@7``, unless it is broken data, which is the same for all versions. The tables below are
read from the top, the first row that fits decides.
"""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from monitoring_pipeline.evaluation.judgement.guards import guarded_names
from monitoring_pipeline.records.measurement import SERVING, Kind, Measurement, Role, Severity
from monitoring_pipeline.spec.model import RESERVED_COLUMNS, ModelSpec

SOURCE = "source"
COLUMN = "column"
INPUTS = "inputs"
OUTPUTS = "outputs"
PERFORMANCE = "performance"
BUSINESS = "business"
OBJECTIVE = "objective"
TABLE = "table"
UNMEASURED = "unmeasured"

_ACCOUNTING_OF_LABELS = (
    "orphan_labels", "duplicate_labels", "labels_without_value", "labels_before_prediction", "labels_",
)  # fmt: skip
_TOLD_BY_LABELS = frozenset({PERFORMANCE, BUSINESS, OBJECTIVE, UNMEASURED, "labels"})
_KINDS_WITHOUT_VERSION = frozenset({Kind.QUALITY, Kind.OPERATIONS})


class Signal(NamedTuple):
    """What one series of measurements is about, whichever version of the model was champion at the time."""

    cause: str
    kind: str
    subject: str
    name: str
    segment: str


@dataclass(frozen=True)
class _CauseRule:
    """Measurements of some kinds (subjects, beginnings of names; empty: all) and the cause that they belong to."""

    kinds: tuple[Kind, ...]
    cause: str
    subjects: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    severity: Severity | None = None


_CAUSE_RULES = (
    _CauseRule((Kind.QUALITY,), SOURCE, ("chunk",), ("readable", "rows")),
    _CauseRule((Kind.QUALITY,), SOURCE, names=("column_to_exist", "column_values_to_be_in_type_list")),
    _CauseRule((Kind.QUALITY,), "volume", ("chunk",), ("volume_ratio", "table_row_count")),
    _CauseRule((Kind.QUALITY,), "freshness", ("chunk",), ("freshness_hours",)),
    _CauseRule((Kind.QUALITY,), "column:row_id", ("chunk",), ("duplicate_predictions", "predictions_without_id")),
    _CauseRule((Kind.QUALITY,), "column:predicted_at", ("chunk",), ("predictions_without_time",)),
    _CauseRule((Kind.QUALITY,), "labels", ("chunk",), _ACCOUNTING_OF_LABELS),
    _CauseRule((Kind.QUALITY, Kind.OPERATIONS), "labels", ("label",)),
    _CauseRule((Kind.QUALITY,), SOURCE, ("chunk", "table"), severity=Severity.CRITICAL),
    _CauseRule((Kind.QUALITY,), TABLE, ("chunk", "table")),
    _CauseRule((Kind.QUALITY,), "column:{subject}"),
    _CauseRule((Kind.DRIFT,), OUTPUTS, ("{outputs}",)),
    _CauseRule((Kind.DRIFT,), INPUTS),
    _CauseRule((Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE), PERFORMANCE),
    _CauseRule((Kind.BUSINESS,), "business:{name}"),
    _CauseRule((Kind.OBJECTIVE,), "objective:{subject}"),
    _CauseRule((Kind.OPERATIONS,), "not_measured", ("chunk",)),
    _CauseRule((Kind.OPERATIONS,), "unmeasured:{subject}", names=("guarded_metrics",)),
    _CauseRule((Kind.OPERATIONS,), "pipeline"),
)


@dataclass(frozen=True)
class _Family:
    """Causes of one kind, in the order in which they explain one another.

    ``at_once``: one breached chunk is an incident. ``proved_by``: kinds of measurement that cannot exist on a chunk
    without the cause being fine, since a cause of this family is measured only where it is breached.
    """

    name: str
    at_once: bool
    proved_by: frozenset[Kind] = frozenset()


_OF_ROWS = frozenset({Kind.QUALITY, Kind.DRIFT, Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE})
_FAMILIES = (
    _Family(SOURCE, at_once=True, proved_by=_OF_ROWS),
    _Family("pipeline", at_once=True, proved_by=_OF_ROWS),
    _Family("volume", at_once=True),
    _Family("freshness", at_once=True),
    _Family(TABLE, at_once=True),
    _Family(COLUMN, at_once=True),
    _Family("labels", at_once=True),
    _Family("not_measured", at_once=True),
    _Family(UNMEASURED, at_once=False),
    _Family(INPUTS, at_once=False),
    _Family(OUTPUTS, at_once=False),
    _Family(PERFORMANCE, at_once=False),
    _Family(BUSINESS, at_once=False),
    _Family(OBJECTIVE, at_once=False),
)
_RANK = {family.name: rank for rank, family in enumerate(_FAMILIES)}


@dataclass(frozen=True)
class _Explanation:
    """Which breaches a cause of one family explains, and so takes into its own incident."""

    by: str
    of: frozenset[str]
    holds: Callable[[ModelSpec, str, Measurement], bool] = lambda _spec, _cause, _measurement: True


def _is_fed_by(spec: ModelSpec, cause: str, measurement: Measurement) -> bool:
    """Whether a broken column shows in a drift: its own, that of all features together, or the output's."""
    broken = set(columns_of(cause))
    if measurement.subject in broken:
        return True
    together = measurement.subject == "features" or measurement.subject in spec.output_columns
    return together and not broken.isdisjoint(spec.columns)


def _is_missing_performance(_spec: ModelSpec, _cause: str, measurement: Measurement) -> bool:
    """Whether it is performance that could not be measured: business metrics fail for reasons of their own."""
    return measurement.subject == Kind.PERFORMANCE


_EVERYTHING_ELSE = frozenset(family.name for family in _FAMILIES) - {SOURCE}
_EXPLANATIONS = (
    _Explanation(SOURCE, _EVERYTHING_ELSE),
    _Explanation("pipeline", frozenset({"not_measured"})),
    _Explanation("labels", frozenset({UNMEASURED}), _is_missing_performance),
    _Explanation("not_measured", frozenset({UNMEASURED}), _is_missing_performance),
    _Explanation(COLUMN, frozenset({INPUTS, OUTPUTS}), _is_fed_by),
    _Explanation(INPUTS, frozenset({INPUTS, OUTPUTS})),
)

_RELATED = {
    COLUMN: frozenset({TABLE}),
    "volume": frozenset({"freshness"}),
    "not_measured": frozenset({"volume", "freshness", "labels"}),
    UNMEASURED: frozenset({COLUMN, "volume", "freshness", "labels"}),
    INPUTS: frozenset({COLUMN, "volume"}),
    OUTPUTS: frozenset({COLUMN, INPUTS, "volume"}),
    PERFORMANCE: frozenset({COLUMN, "labels", "volume", INPUTS, OUTPUTS}),
    BUSINESS: frozenset({COLUMN, "volume", INPUTS, OUTPUTS, PERFORMANCE}),
    OBJECTIVE: frozenset({COLUMN, "labels", "volume", INPUTS, OUTPUTS, PERFORMANCE, BUSINESS}),
}


def signal_of(spec: ModelSpec, measurement: Measurement) -> Signal | None:
    """Return what a measurement is about, with the cause that its breach belongs to.

    ``None`` for versions that serve nobody (shadow, retired): they make no incident.

    Args:
        spec: the model; its outputs tell drift of the output from drift of the inputs.
        measurement: any measurement of a chunk.
    """
    if measurement.role not in SERVING:
        return None
    rule = next(rule for rule in _CAUSE_RULES if _fits(rule, spec, measurement))
    cause = rule.cause.format(subject=measurement.subject, name=measurement.name)
    if measurement.role == Role.CHALLENGER and measurement.kind not in _KINDS_WITHOUT_VERSION:
        cause = f"{cause}@{measurement.model_version}"
    return Signal(cause, measurement.kind, measurement.subject, measurement.name, measurement.segment)


def is_declared(spec: ModelSpec, signal: Signal) -> bool:
    """Return whether the spec still has what a signal is about; what it has no more is never measured again."""
    holds = _DECLARED.get(family_of(signal.cause))
    return holds is None or holds(spec, signal)


def _has_column(spec: ModelSpec, signal: Signal) -> bool:
    return signal.subject in spec.columns or signal.subject in RESERVED_COLUMNS or signal.subject == "features"


_DECLARED: dict[str, Callable[[ModelSpec, Signal], bool]] = {
    COLUMN: _has_column,
    INPUTS: _has_column,
    BUSINESS: lambda spec, signal: signal.name in spec.business,
    OBJECTIVE: lambda spec, signal: signal.subject in spec.objectives,
    UNMEASURED: lambda spec, signal: bool(guarded_names(spec, signal.subject)),
}


def family_of(cause: str) -> str:
    """Return the kind of a cause: ``column`` of ``column:temperature@7``."""
    return cause.partition("@")[0].partition(":")[0]


def is_told_by_labels(cause: str) -> bool:
    """Return whether a cause shows when labels come, and not already in the night after its chunk."""
    return family_of(cause) in _TOLD_BY_LABELS


def version_of(cause: str) -> str:
    """Return the challenger's version of a cause, empty for the champion's."""
    return cause.partition("@")[2]


def columns_of(cause: str) -> tuple[str, ...]:
    """Return the columns that a cause of the family ``column`` is about."""
    family, _, columns = cause.partition("@")[0].partition(":")
    return tuple(columns.split(",")) if family == COLUMN else ()


def joined_columns(causes: Sequence[str]) -> str:
    """Return the one cause of columns that fail together."""
    return f"{COLUMN}:{','.join(sorted({column for cause in causes for column in columns_of(cause)}))}"


def rank_of(cause: str) -> tuple[int, str]:
    """Return the place of a cause in the order in which causes explain one another."""
    return _RANK[family_of(cause)], cause


def opens_at_once(cause: str) -> bool:
    """Return whether one breached chunk is an incident: so it is with broken data, not with drift or performance."""
    return _FAMILIES[_RANK[family_of(cause)]].at_once


def is_proved_fine_by(cause: str, kinds: AbstractSet[Kind]) -> bool:
    """Return whether kinds of measurement that a chunk has show a cause to be fine: what was measured could be read."""
    return not _FAMILIES[_RANK[family_of(cause)]].proved_by.isdisjoint(kinds)


def explains(spec: ModelSpec, cause: str, other: str, measurement: Measurement) -> bool:
    """Return whether a breach of one cause explains a breach of another on the same chunk.

    Args:
        spec: the model.
        cause: the cause that may explain.
        other: the cause that the breached measurement belongs to.
        measurement: the breached measurement.
    """
    family, family_of_other = family_of(cause), family_of(other)
    return (
        cause != other
        and version_of(cause) in ("", version_of(other))
        and any(
            row.by == family and family_of_other in row.of and row.holds(spec, cause, measurement)
            for row in _EXPLANATIONS
        )
    )


def is_related(cause: str, other: str) -> bool:
    """Return whether a cause is probably behind another one that has an incident of its own."""
    return (
        cause != other
        and version_of(cause) in ("", version_of(other))
        and family_of(cause) in _RELATED.get(family_of(other), frozenset())
    )


def _fits(rule: _CauseRule, spec: ModelSpec, measurement: Measurement) -> bool:
    subjects = spec.output_columns if rule.subjects == ("{outputs}",) else rule.subjects
    return (
        measurement.kind in rule.kinds
        and (not subjects or measurement.subject in subjects)
        and (not rule.names or measurement.name.startswith(rule.names))
        and rule.severity in (None, measurement.severity)
    )
