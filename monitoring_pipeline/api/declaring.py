"""The model spec that the arguments of a call stand for, and the frames with the columns that it names."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from monitoring_pipeline.api.frames import ArgumentError
from monitoring_pipeline.api.limits import check_limits
from monitoring_pipeline.api.naive_times import UNDECLARED, notes_on_naive_times
from monitoring_pipeline.api.roles import Roles, positive_of, task_of
from monitoring_pipeline.evaluation.drafting.guesses.timing import guess_timing
from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError
from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import RESERVED_COLUMNS, ModelSpec
from monitoring_pipeline.spec.parsing.documents import SpecError, document_of
from monitoring_pipeline.spec.sources import EARLIEST, LATEST, FeatureKind, ReferenceWindow, Task
from monitoring_pipeline.steps.specs.checks import check_model

ROWS, REFERENCE = "rows", "reference"
PAIR = 2
ALL_ROWS: Mapping[str, Any] = {"start": EARLIEST, "end": LATEST}
NO_TIME = dt.datetime(2000, 1, 1, 12)  # noqa: DTZ001 - read as UTC like all naive times
_ARGUMENTS = Path("arguments")
_NO_COLUMN = "no column"
_AS_A_WARNING = {"severity": "warning"}
"""Whoever looks at frames in a notebook asks about the columns, and not only about their effect on the model."""


class ColumnsOnly(ModelSpec):
    """A spec of columns of which none is the output of a model."""

    @property
    def columns(self) -> dict[str, FeatureKind]:
        """The kind of every column."""
        return self.inputs


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The arguments that do not name columns. ``reference`` is that of the spec."""

    name: str = "model"
    version: str = "1"
    task: str | None = None
    positive: object = None
    decision_threshold: float = 0.5
    timezone: str = "UTC"
    naive_times: str | None = None
    cadence: str = "day"
    label_delay: str = "1d"
    reference: Mapping[str, Any] = field(default_factory=lambda: ALL_ROWS)
    drift: Mapping[str, Any] = field(default_factory=dict[str, Any])
    performance: Mapping[str, Any] = field(default_factory=dict[str, Any])
    quality: Mapping[str, Any] = field(default_factory=dict[str, Any])
    start: dt.date = EARLIEST


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A spec with the frames that it reads, by table.

    Args:
        loaded: the spec.
        tables: the frames.
        notes: what was concluded from the frames.
        column_names: names of columns in the frames, by the name that they have in results, where these differ.
    """

    loaded: LoadedSpec
    tables: Mapping[str, pl.DataFrame]
    notes: tuple[str, ...]
    column_names: Mapping[str, str]

    @property
    def spec(self) -> ModelSpec:
        """The spec."""
        return self.loaded.spec

    @property
    def version(self) -> str:
        """The version of the model that made all rows."""
        return only_version(self.spec)


def declare(
    frames: Mapping[str, pl.DataFrame], roles: Roles, columns: Mapping[str, FeatureKind], choices: Choices
) -> Declared:
    """Return the spec of some frames, and the frames with an id and a time.

    Rows without an id are numbered. Rows without a time have one and the same.

    Args:
        frames: the frames by table: ``rows``, and ``reference`` if it is another one.
        roles: the columns with a role.
        columns: the inputs that are compared, with their kinds.
        choices: the other arguments.

    Raises:
        ArgumentError: if an argument has a value that is not allowed.
    """
    notes: list[str] = []
    names = _distinct_names([name for frame in frames.values() for name in frame.columns])
    id_name, time_name = _unused("row number", names), _unused("time of reading", names)
    outputs: dict[str, Any] = {"prediction": _unused(_NO_COLUMN, names)}
    task = Task.REGRESSION
    if roles.has_outputs:
        task, note = task_of(roles, choices.task, frames[ROWS])
        notes.append(note)
        outputs = {
            "score": roles.score and names[roles.score],
            "scores": {name: names[column] for name, column in roles.scores.items()},
            "prediction": roles.prediction and names[roles.prediction],
            "decision_threshold": choices.decision_threshold,
        }
    positive = _positive(roles, task, frames[ROWS], choices, notes)
    notes.extend(notes_on_naive_times(frames, roles, choices.naive_times))
    features = {_feature_name(name): {"kind": str(kind), "column": names[name]} for name, kind in columns.items()}
    content = {
        "name": choices.name,
        "task": str(task),
        "owner": "team:notebook",
        "timezone": choices.timezone,
        "cadence": choices.cadence,
        "start": choices.start,
        "predictions": {
            "table": ROWS,
            "id": [names[name] for name in roles.ids] or id_name,
            "time": names[roles.time] if roles.time else time_name,
            "time_zone": choices.naive_times or UNDECLARED,
            **outputs,
            **({"positive": positive} if positive is not None and roles.label is None else {}),
        },
        "labels": _labels(roles, names, choices, positive=positive),
        "features": features or {_NO_COLUMN: "numeric"},
        "reference": {choices.version: dict(choices.reference)},
        "drift": _AS_A_WARNING | _drift(choices.drift),
        "performance": dict(choices.performance),
        "quality": dict(choices.quality),
    }
    spec = _spec(content, ModelSpec if roles.has_outputs else ColumnsOnly)
    return Declared(
        loaded=LoadedSpec(spec if features else spec.with_features_in(()), _ARGUMENTS),
        tables={
            table: _with_id_and_time(
                frame.rename(dict(names), strict=False),
                table,
                id_name=None if roles.ids else id_name,
                time_name=names[roles.time] if roles.time else time_name,
            )
            for table, frame in frames.items()
        },
        notes=tuple(notes),
        column_names={_feature_name(name): name for name in columns if _feature_name(name) != name},
    )


def window_of(reference: object) -> dict[str, Any] | None:
    """Return a window in the form of a spec; None if the reference is no pair of days."""
    if not isinstance(reference, tuple | list):
        return None
    if len(reference) != PAIR or not all(isinstance(day, str | dt.date) for day in reference):
        message = 'reference: expected the first day and the day after the last, such as ("2025-01-01", "2025-03-01")'
        raise ArgumentError(message)
    return {"start": reference[0], "end": reference[1]}


def with_reference(loaded: LoadedSpec, times: pl.Series, *, now: dt.datetime) -> tuple[LoadedSpec, tuple[str, ...]]:
    """Return the spec with a reference if the caller gave none, and notes about it and about the cadence."""
    spec, version = loaded.spec, only_version(loaded.spec)
    declared, noun = spec.reference[version], spec.calendar.noun
    notes: list[str] = []
    usual = chunk_keys(spec.calendar, times).drop_nulls().value_counts()["count"].median()
    if isinstance(usual, float) and usual < spec.drift.minimum_rows:
        notes.append(f"a {noun} usually has {usual:.0f} rows; at least {spec.drift.minimum_rows} are needed (cadence)")
    if not declared.is_elsewhere and (declared.start, declared.end) == (EARLIEST, LATEST):
        try:
            timing = guess_timing(_counted(times, version), zone=spec.zone, now=now, cadence=spec.cadence)
        except CannotDraftError as error:
            raise ArgumentError(f"reference: {error}") from None
        start, end = timing.reference[version]
        reference = {version: ReferenceWindow(start=start, end=end)}
        loaded = replace(loaded, spec=spec.model_copy(update={"reference": reference}))
        notes.append(f"the reference is {start} to before {end}; the model must not have been trained on these rows")
    return loaded, tuple(notes)


def _counted(times: pl.Series, version: str) -> pl.DataFrame:
    moments = pl.DataFrame({"moment": times.drop_nulls().dt.cast_time_unit("us").dt.truncate("15m")})
    return moments.group_by("moment").agg(rows=pl.len()).with_columns(model_version=pl.lit(version))


def only_version(spec: ModelSpec) -> str:
    """Return the version of a spec that was made from arguments."""
    return next(iter(spec.reference))


def _positive(
    roles: Roles, task: Task, rows: pl.DataFrame, choices: Choices, notes: list[str]
) -> bool | int | str | None:
    if task is not Task.BINARY or not (roles.label or roles.prediction):
        return None
    argument = "label" if roles.label else "prediction"
    positive, note = positive_of(choices.positive, rows[roles.label or roles.prediction or ""], argument)
    notes.append(note)
    return positive


def _labels(
    roles: Roles, names: Mapping[str, str], choices: Choices, *, positive: bool | int | str | None
) -> dict[str, Any] | None:
    if roles.label is None:
        return None
    return {
        "label": names[roles.label],
        "known_at": roles.known_at and names[roles.known_at],
        "time_zone": choices.naive_times or UNDECLARED,
        "delay": choices.label_delay,
        **({} if positive is None else {"positive": positive}),
    }


def _drift(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Return rules of drift in which columns have the names that they have in the spec."""
    renamed = dict(rules)
    if "ignore" in rules:
        ignored = [rules["ignore"]] if isinstance(rules["ignore"], str) else rules["ignore"]
        renamed["ignore"] = [_feature_name(str(name)) for name in ignored]
    return renamed


def _spec(content: Mapping[str, Any], kind: type[ModelSpec]) -> ModelSpec:
    try:
        spec = document_of(content, _ARGUMENTS, kind)
        check_model(LoadedSpec(spec, _ARGUMENTS))
    except SpecError as error:
        lines = [line.removeprefix(f"{_ARGUMENTS}: ") for line in str(error).splitlines()]
        raise ArgumentError("\n".join(lines)) from None
    check_limits(spec)
    return spec


def _distinct_names(names: list[str]) -> dict[str, str]:
    """Return a name for each column that differs from all others even without case, because SQL ignores it."""
    distinct: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        # Arrow has no names with a null character.
        plain = name.replace("\0", " ") or "column"
        candidate, number = plain, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{plain} {number}"
        taken.add(candidate.casefold())
        distinct[name] = candidate
    return distinct


def _unused(name: str, names: Mapping[str, str]) -> str:
    taken = {other.casefold() for other in names.values()}
    while name.casefold() in taken:
        name += "_"
    return name


def _feature_name(name: str) -> str:
    return f"{name} (column)" if name in RESERVED_COLUMNS or not name else name


def _with_id_and_time(frame: pl.DataFrame, table: str, *, id_name: str | None, time_name: str) -> pl.DataFrame:
    """Return a frame with numbers of rows as ids, if they get a name, and one time for all rows, if it has none."""
    if id_name is not None:
        # Numbers alone would be the same in two tables, and samples are drawn by the hash of the id.
        numbers = pl.concat_str(pl.lit(f"{table} "), pl.int_range(pl.len()).cast(pl.String))
        frame = frame.with_columns(numbers.alias(id_name))
    return frame if time_name in frame.columns else frame.with_columns(pl.lit(NO_TIME).alias(time_name))
