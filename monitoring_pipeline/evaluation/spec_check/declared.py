"""Judgements of a spec alone: its dates, its durations and its suite."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from monitoring_pipeline.evaluation.drift.floors import LEAST_DAYS
from monitoring_pipeline.evaluation.spec_check.findings import Observation
from monitoring_pipeline.records.web_address import web_address
from monitoring_pipeline.spec.column_names import suggestion
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import ReferenceWindow, Task

NAMES_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A spec with the files beside it, on a day.

    Args:
        spec: the model.
        today: the day in the model's time zone.
        warehouses: the names of the warehouses in the settings; ``None`` if they do not matter.
        suite_columns: the columns that the suite file names, each with its place there.
        suite_problems: why the suite file cannot be used, one sentence for each problem.
    """

    spec: ModelSpec
    today: dt.date
    suite_columns: tuple[tuple[str, str], ...] = ()
    suite_problems: tuple[str, ...] = ()
    warehouses: frozenset[str] | None = None


def unknown_warehouse(declared: Declared) -> Iterator[Observation]:
    """Yield the warehouse of the spec if the settings have none of that name."""
    name, known = declared.spec.warehouse, declared.warehouses
    if name is not None and known is not None and name not in known:
        yield Observation(
            "warehouse",
            f"no warehouse {name!r} in the settings; {suggestion(name, known, 'warehouses')}",
            f"set MONITORING_PIPELINE_WAREHOUSES__{name.upper()}, or leave the field out for the default warehouse",
        )


def runbook_without_link(declared: Declared) -> Iterator[Observation]:
    """Yield a runbook that messages and pages do not link to, because it is no address of the web."""
    runbook = declared.spec.runbook
    if runbook and web_address(runbook) is None:
        yield Observation(
            "runbook",
            f"{runbook[:80]!r} is no address of the web: messages and pages do not link to it",
            "write an address that begins with https:// or http://",
        )


def start_inside_reference(declared: Declared) -> Iterator[Observation]:
    """Yield a start that lies before the end of a reference, so that its rows would be compared with themselves."""
    spec = declared.spec
    windows = _windows_of_predictions(spec)
    first_end = min((window.end for window in windows.values()), default=spec.start)
    if spec.start < first_end:
        yield Observation(
            "start",
            f"{spec.start} is before {first_end}, the end of the earliest reference: its {_chunks(spec)} would be "
            "compared with themselves",
            f"write start: {first_end}, or end the reference earlier",
        )
        return
    for version, window in _windows_of_predictions(spec).items():
        if window.start <= spec.start < window.end:
            yield Observation(
                "start",
                f"{spec.start} lies inside reference.{version} ({_words(window)}): its {_chunks(spec)} would be "
                "compared with themselves",
                f"write start: {window.end}, or end the reference earlier",
            )


def _windows_of_predictions(spec: ModelSpec) -> dict[str, ReferenceWindow]:
    """Return the reference windows in the table of predictions; rows of another source may have any days."""
    return {version: window for version, window in spec.reference.items() if not window.is_elsewhere}


def unfinished_reference(declared: Declared) -> Iterator[Observation]:
    """Yield the references that are not over yet."""
    spec, today = declared.spec, declared.today
    for version, window in _windows_of_predictions(spec).items():
        if window.end > today:
            yield Observation(
                f"reference.{version}.end",
                f"{window.end} is after today, {today}: later rows would be missing from the reference for ever",
                f"write a day up to {today}",
            )


def incomplete_labels(declared: Declared) -> Iterator[Observation]:
    """Yield the references that are over, and whose labels do not count as complete yet."""
    spec, today = declared.spec, declared.today
    for version, window in spec.reference.items():
        if spec.labels and window.end <= today < window.end + spec.label_delay:
            yield Observation(
                f"reference.{version}.end",
                f"labels count as complete {_duration(spec.label_delay)} after {window.end} (labels.delay), "
                f"which is later than today, {today}",
                "end the reference earlier, or build it again (rebuild) when the labels are complete",
            )


def short_reference(declared: Declared) -> Iterator[Observation]:
    """Yield the references that have too few chunks to learn thresholds of drift from."""
    spec = declared.spec
    if not spec.drift.learn_floors:
        return
    for version, window in _windows_of_predictions(spec).items():
        chunks = spec.calendar.chunks_of(window)
        if len(chunks) < LEAST_DAYS:
            yield Observation(
                f"reference.{version}",
                f"{_words(window)} has {len(chunks)} {_chunks(spec)}; thresholds of drift are learned from "
                f"{LEAST_DAYS} or more, so fixed ones are used",
                "choose a longer reference or a shorter cadence, or set drift.learn_floors: false",
            )


def forgotten_labels(declared: Declared) -> Iterator[Observation]:
    """Yield a lookback after which labels may still arrive that nobody looks for."""
    labels = declared.spec.labels
    if labels and labels.lookback < labels.delay:
        yield Observation(
            "labels.lookback",
            f"{_duration(labels.lookback)} is shorter than labels.delay ({_duration(labels.delay)}): labels that "
            "arrive in between are never read",
            f"write lookback: {_duration(labels.delay * 2)}, or shorten labels.delay",
        )


def silent_schedule(declared: Declared) -> Iterator[Observation]:
    """Yield a horizon that is over before a chunk is measured, so that no chunk alerts anybody."""
    spec = declared.spec
    chunk = spec.calendar.first
    wait = spec.calendar.due_at(chunk) - chunk.end
    if wait > spec.incidents.horizon:
        yield Observation(
            "incidents.horizon",
            f"{_duration(spec.incidents.horizon)} is over when the run starts, {_duration(wait)} after the end of a "
            f"{spec.calendar.noun} (schedule: {spec.schedule}): nobody would be alerted about inputs",
            "lengthen incidents.horizon, or choose an earlier schedule",
        )


def holdout_without_chunks(declared: Declared) -> Iterator[Observation]:
    """Yield a number of held-out days that holds no or only one chunk."""
    spec = declared.spec
    if spec.retraining is None:
        return
    days = spec.retraining.holdout_days
    longest = max(1, -(-spec.calendar.length // dt.timedelta(days=1)))
    if days < 2 * longest:
        yield Observation(
            "retraining.holdout_days",
            f"{days} days hold fewer than two {_chunks(spec)}; the gate's interval needs several",
            f"write holdout_days: {3 * longest} or more",
        )


def retraining_without_reason(declared: Declared) -> Iterator[Observation]:
    """Yield rules about retraining that nothing can trigger."""
    spec = declared.spec
    judged = [threshold for threshold in spec.performance.thresholds.values() if threshold.severity != "info"]
    if spec.retraining is not None and not judged:
        yield Observation(
            "retraining",
            "no threshold of performance is of severity warning or critical, so no retraining is ever requested",
            "add performance.thresholds",
        )


def decided_by_nobody(declared: Declared) -> Iterator[Observation]:
    """Yield a decision threshold at which every prediction is positive."""
    source = declared.spec.predictions
    if declared.spec.task is Task.BINARY and source.prediction is None and source.decision_threshold <= 0:
        yield Observation(
            "predictions.decision_threshold",
            f"{source.decision_threshold:g}: every score decides for the positive class",
            "write the lowest score at which the positive class is decided, such as 0.5",
        )


def unusable_suite(declared: Declared) -> Iterator[Observation]:
    """Yield the problems for which no expectation of the suite would be checked."""
    for problem in declared.suite_problems:
        remedy = "until the file is corrected, none of its expectations is checked"
        yield Observation("quality.suite", problem, remedy)


def unknown_suite_columns(declared: Declared) -> Iterator[Observation]:
    """Yield the expectations about columns that the rows do not have."""
    known = declared.spec.canonical_columns
    for place, column in declared.suite_columns:
        if column not in known:
            close = get_close_matches(column, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {_listed(known)}"
            yield Observation(
                "quality.suite", f"{place}: no column {column!r} (columns have the names of the spec)", hint
            )


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    return f"{', '.join(names[:NAMES_SHOWN])}{more}"


def _words(window: ReferenceWindow) -> str:
    return f"{window.start} to before {window.end}"


def _chunks(spec: ModelSpec) -> str:
    return f"{spec.calendar.noun}s"


def _duration(duration: dt.timedelta) -> str:
    """Return a duration as a person writes it in a spec."""
    minutes = int(duration.total_seconds() // 60)
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes and minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"
