"""Which causes explain breaches of others, and which incidents are shown beside another at the same time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.incidents.causes import FAMILIES_OF_MEASUREMENTS
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.spec.model import ModelSpec


@dataclass(frozen=True)
class _Explanation:
    """Which breaches a cause of one family explains, and so takes into its own incident."""

    by: Family
    of: frozenset[Family]
    holds: Callable[[ModelSpec, Cause, Measurement], bool] = lambda _spec, _cause, _measurement: True


def _is_fed_by(spec: ModelSpec, cause: Cause, measurement: Measurement) -> bool:
    """Whether a broken column shows in a drift: its own, that of all features together, or the output's."""
    if measurement.subject in cause.columns:
        return True
    together = measurement.subject == "features" or measurement.subject in spec.output_columns
    return together and not spec.columns.keys().isdisjoint(cause.columns)


def _is_missing_performance(_spec: ModelSpec, _cause: Cause, measurement: Measurement) -> bool:
    """Whether it is performance that could not be measured: business metrics fail for reasons of their own."""
    return measurement.subject == Kind.PERFORMANCE


_EVERYTHING_ELSE = frozenset(FAMILIES_OF_MEASUREMENTS) - {Family.SOURCE}
_EXPLANATIONS = (
    _Explanation(Family.SOURCE, _EVERYTHING_ELSE),
    _Explanation(Family.PIPELINE, frozenset({Family.NOT_MEASURED})),
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
    """Return whether an incident is worth a mention beside one of another cause on the same chunk.

    It coincides and comes earlier in the flow of data. Whether it is the reason is for the attribution to say.
    """
    return _may_explain(cause, other) and cause.family in _RELATED.get(other.family, frozenset())


def joined_columns(causes: Sequence[Cause]) -> Cause:
    """Return the one cause of columns that fail together."""
    return Cause(Family.COLUMN, tuple(sorted({column for cause in causes for column in cause.columns})))


def _may_explain(cause: Cause, other: Cause) -> bool:
    """Whether the causes differ, and the first is about all versions or the same one."""
    return cause != other and cause.version in ("", other.version)
