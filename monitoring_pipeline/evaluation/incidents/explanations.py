"""Which causes explain breaches of other causes, and which incidents are listed as "at the same time"."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.incidents.causes import FAMILIES_OF_MEASUREMENTS
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.spec.model import ModelSpec


@dataclass(frozen=True)
class _Explanation:
    """The breaches that a cause of one family explains. They become part of its incident."""

    by: Family
    of: frozenset[Family]
    holds: Callable[[ModelSpec, Cause, Measurement], bool] = lambda _spec, _cause, _measurement: True


def _is_fed_by(spec: ModelSpec, cause: Cause, measurement: Measurement) -> bool:
    """Return whether a broken column affects a drift: of the column, of all features together, or of the output."""
    if measurement.subject in cause.columns:
        return True
    together = measurement.subject == "features" or measurement.subject in spec.output_columns
    return together and not spec.columns.keys().isdisjoint(cause.columns)


def _is_missing_performance(_spec: ModelSpec, _cause: Cause, measurement: Measurement) -> bool:
    """Return whether performance could not be measured. Business metrics fail for other reasons and are excluded."""
    return measurement.subject == Kind.PERFORMANCE


_EVERYTHING_ELSE = frozenset(FAMILIES_OF_MEASUREMENTS) - {Family.SOURCE}
_EXPLANATIONS = (
    _Explanation(Family.SOURCE, _EVERYTHING_ELSE),
    _Explanation(Family.PIPELINE, frozenset({Family.NOT_MEASURED})),
    _Explanation(Family.UNMONITORED, frozenset({Family.NOT_MEASURED})),
    _Explanation(Family.LABELS, frozenset({Family.UNMEASURED}), _is_missing_performance),
    _Explanation(Family.NOT_MEASURED, frozenset({Family.UNMEASURED}), _is_missing_performance),
    _Explanation(Family.COLUMN, frozenset({Family.INPUTS, Family.OUTPUTS}), _is_fed_by),
    _Explanation(Family.INPUTS, frozenset({Family.INPUTS, Family.OUTPUTS})),
)

_RELATED = {
    Family.COLUMN: frozenset({Family.TABLE}),
    Family.VOLUME: frozenset({Family.FRESHNESS}),
    Family.NOT_MEASURED: frozenset({Family.VOLUME, Family.FRESHNESS, Family.LABELS}),
    Family.UNMEASURED: frozenset({Family.COLUMN, Family.VOLUME, Family.FRESHNESS, Family.LABELS}),
    Family.INPUTS: frozenset({Family.COLUMN, Family.VOLUME}),
    Family.OUTPUTS: frozenset({Family.COLUMN, Family.INPUTS, Family.VOLUME}),
    Family.PERFORMANCE: frozenset({Family.COLUMN, Family.LABELS, Family.VOLUME, Family.INPUTS, Family.OUTPUTS}),
    Family.SEGMENT: frozenset({Family.COLUMN, Family.LABELS, Family.INPUTS, Family.PERFORMANCE}),
    Family.FAIRNESS: frozenset({Family.COLUMN, Family.LABELS, Family.INPUTS, Family.OUTPUTS, Family.SEGMENT}),
    Family.SERVING: frozenset({Family.COLUMN, Family.VOLUME}),
    Family.BUSINESS: frozenset({Family.COLUMN, Family.VOLUME, Family.INPUTS, Family.OUTPUTS, Family.PERFORMANCE}),
    Family.OBJECTIVE: frozenset({
        Family.COLUMN, Family.LABELS, Family.VOLUME, Family.INPUTS, Family.OUTPUTS, Family.PERFORMANCE,
        Family.BUSINESS,
    }),
}  # fmt: skip


def explains(spec: ModelSpec, cause: Cause, other: Cause, measurement: Measurement) -> bool:
    """Return whether a breach of one cause explains a breach of another on the same chunk.

    Args:
        spec: the model.
        cause: the cause that may explain.
        other: the cause that the breached measurement belongs to.
        measurement: the breached measurement.
    """
    return _may_explain(cause, other) and any(
        row.by is cause.family and other.family in row.of and row.holds(spec, cause, measurement)
        for row in _EXPLANATIONS
    )


def is_related(cause: Cause, other: Cause) -> bool:
    """Return whether an incident is listed beside one of another cause on the same chunk.

    It coincides, and its cause comes earlier in the flow of data. Only the attribution can show that it is the reason.
    """
    return _may_explain(cause, other) and cause.family in _RELATED.get(other.family, frozenset())


def joined_columns(causes: Sequence[Cause]) -> Cause:
    """Return the one cause of columns that fail together."""
    return Cause(Family.COLUMN, tuple(sorted({column for cause in causes for column in cause.columns})))


def _may_explain(cause: Cause, other: Cause) -> bool:
    """Return whether the causes differ, and the first concerns all versions or the same version."""
    return cause != other and cause.version in ("", other.version)
