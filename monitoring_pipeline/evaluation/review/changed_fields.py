"""The fields that a proposed spec changes: what cannot be replayed is refused or named."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from monitoring_pipeline.evaluation.drift.drifted import ALL_FEATURES
from monitoring_pipeline.evaluation.drift.statistics_table import deciding_statistics
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements
from monitoring_pipeline.evaluation.windows.performance import without_window
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
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
    "budget": None,
}  # fmt: skip
"""Fields whose changes are replayed, and which of their parts; None for all."""
AS_STORED = frozenset({"quality", "business", "measures", "objectives", "performance.minimum_maturity"})
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
            f"{in_use.name}: the proposed spec changes {', '.join(refused)}. That changes what is measured, "
            "and a review replays rules over stored numbers only; rehearse measures again"
        )
        raise NotOnlyRulesError(message)


def changed_fields(in_use: ModelSpec, proposed: ModelSpec) -> tuple[str, ...]:
    """Return the names of the fields that differ; a part of drift or performance as ``drift.floors``."""
    before, after = in_use.model_dump(), proposed.model_dump()
    return tuple(_changed(before, after))


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in _names(before, after):
        if before.get(name) == after.get(name):
            continue
        if RULES.get(name) is None:
            yield name
        else:
            old, new = before[name], after[name]
            yield from (f"{name}.{part}" for part in _names(old, new) if old.get(part) != new.get(part))


def _names(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of both dumps, which leave out younger fields that have their default."""
    return tuple(dict.fromkeys([*before, *after]))


def not_replayed(in_use: ModelSpec, proposed: ModelSpec) -> tuple[str, ...]:
    """Return the changed fields whose breaches stay as they are stored."""
    return tuple(name for name in changed_fields(in_use, proposed) if name in AS_STORED)


def never_measured(in_use: ModelSpec, proposed: ModelSpec, chunks: Sequence[ChunkMeasurements]) -> tuple[str, ...]:
    """Return the numbers that only the proposed spec judges, and that no chunk has.

    It may be a statistic, a metric or a window.
    """
    judged_before = set(_judged_numbers(in_use))
    measured = {m for chunk in chunks for m in map(_number, chunk.measurements) if m is not None}
    of_name: dict[str, list[str]] = {}
    for number in _judged_numbers(proposed):
        if number not in judged_before | measured:
            of_name.setdefault(number.words, []).append(number.subject)
    return tuple(f"{words} {', '.join(subjects)}" for words, subjects in of_name.items())


class _Number(NamedTuple):
    """Something that a spec judges: the words before its subject, and the subject."""

    words: str
    subject: str


def _judged_numbers(spec: ModelSpec) -> Iterator[_Number]:
    for column in spec.columns:
        yield from (_Number(f"{name} of", column) for name in deciding_statistics(spec, column))
    yield from (_Number(f"{name.value} of", ALL_FEATURES) for name in spec.drift.multivariate)
    yield from (_Number("the metric", str(metric)) for metric in spec.performance.thresholds)
    yield from (_Number("windows of", f"{days} days") for days in sorted(set(spec.windows)))


def _number(measurement: Measurement) -> _Number | None:
    """Return the judged number that a measurement is a value of; None if it was skipped, or nothing judges its kind."""
    if measurement.status is Status.SKIPPED:
        return None
    match measurement.kind:
        case Kind.DRIFT:
            return _Number(f"{measurement.name} of", measurement.subject)
        case Kind.PERFORMANCE:
            return _Number("the metric", str(measurement.metric))
        case Kind.WINDOW:
            return _Number("windows of", f"{without_window(measurement)[1]} days")
        case _:
            return None
