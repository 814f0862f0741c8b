"""The fields that a proposed spec changes: what cannot be replayed is refused or named."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from monitoring_pipeline.evaluation.drift.statistics_table import deciding_statistics
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements
from monitoring_pipeline.evaluation.windows.performance import without_window
from monitoring_pipeline.records.measurement import Kind, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import Against

RULES: Mapping[str, Collection[str] | None] = {
    "drift": {
        "alpha", "minimum_rows", "numeric", "categorical", "statistics", "floors", "learn_floors",
        "false_alarm_share", "multivariate", "ignore", "severity",
    },
    "performance": {"minimum_rows", "breach_on", "thresholds"},
    "incidents": None,
    "windows": None,
}  # fmt: skip
"""Fields whose changes are replayed, and which of their parts; None for all."""
AS_STORED = frozenset({"quality", "business", "objectives", "performance.minimum_maturity"})
"""Fields whose changes are named, and whose breaches stay as stored."""
WITHOUT_INCIDENTS = frozenset({"description", "owner", "runbook", "schedule", "end", "retraining"})
"""Fields that no incident depends on."""


class NotOnlyRulesError(ValueError):
    """A proposed spec changes what is measured; the message names the fields."""


def check_only_rules(in_use: ModelSpec, proposed: ModelSpec) -> None:
    """Check that a proposed spec has the same inputs as the one in use.

    Raises:
        NotOnlyRulesError: if a field that decides what is measured differs.
    """
    replayed = {f"{name}.{part}" for name, parts in RULES.items() for part in parts or ()}
    fine = replayed | AS_STORED | WITHOUT_INCIDENTS | {name for name, parts in RULES.items() if parts is None}
    if in_use.drift.against is Against.REFERENCE and proposed.drift.against is Against.REFERENCE:
        fine |= {"drift.window_days"}
    if refused := [name for name in changed_fields(in_use, proposed) if name not in fine]:
        message = (
            f"{in_use.name}: the proposed spec changes {', '.join(refused)}, which decides what is measured; "
            "a review replays rules over stored numbers. Use rehearse to measure again"
        )
        raise NotOnlyRulesError(message)


def changed_fields(in_use: ModelSpec, proposed: ModelSpec) -> tuple[str, ...]:
    """Return the names of the fields that differ; a part of drift or performance as ``drift.floors``."""
    before, after = in_use.model_dump(), proposed.model_dump()
    return tuple(_changed(before, after))


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in before:
        if before[name] == after[name]:
            continue
        if RULES.get(name) is None:
            yield name
        else:
            yield from (f"{name}.{part}" for part in before[name] if before[name][part] != after[name][part])


def not_replayed(in_use: ModelSpec, proposed: ModelSpec) -> tuple[str, ...]:
    """Return the changed fields whose breaches stay as they are stored."""
    return tuple(name for name in changed_fields(in_use, proposed) if name in AS_STORED)


def never_measured(in_use: ModelSpec, proposed: ModelSpec, chunks: Sequence[ChunkMeasurements]) -> tuple[str, ...]:
    """Return what the proposed spec judges, the one in use does not, and no chunk has a number of.

    It may be a statistic, a metric or a window.
    """
    known = set(_never_measured(in_use, chunks))
    return tuple(words for words in _never_measured(proposed, chunks) if words not in known)


def _never_measured(spec: ModelSpec, chunks: Sequence[ChunkMeasurements]) -> tuple[str, ...]:
    measured = [m for chunk in chunks for m in chunk.measurements if m.status is not Status.SKIPPED]
    drift = {(m.subject, m.name) for m in measured if m.kind is Kind.DRIFT}
    metrics = {m.metric for m in measured if m.kind is Kind.PERFORMANCE}
    windows = {without_window(m)[1] for m in measured if m.kind is Kind.WINDOW}
    return (
        *_columns_never_measured(spec, drift),
        *(f"{name.value} of all features" for name in spec.drift.multivariate if ("features", name) not in drift),
        *(f"the metric {name}" for name in spec.performance.thresholds if MetricName(*name) not in metrics),
        *(f"windows of {days} days" for days in sorted(set(spec.windows)) if days not in windows),
    )


def _columns_never_measured(spec: ModelSpec, drift: Collection[tuple[str, str]]) -> Iterator[str]:
    missing: dict[str, list[str]] = {}
    for column in spec.columns:
        for name in deciding_statistics(spec, column):
            if (column, name) not in drift:
                missing.setdefault(name, []).append(column)
    yield from (f"{name} of {', '.join(columns)}" for name, columns in missing.items())
