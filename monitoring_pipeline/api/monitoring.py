"""Monitoring over the days of one frame: the steps of the pipeline on a home that is deleted at the end."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from monitoring_pipeline.api.columns import choose_columns
from monitoring_pipeline.api.declaring import (
    ALL_ROWS,
    REFERENCE,
    ROWS,
    Choices,
    Declared,
    declare,
    only_version,
    window_of,
    with_reference,
)
from monitoring_pipeline.api.frames import ArgumentError, polars_frame
from monitoring_pipeline.api.reading import FILE, clear_errors, read_times, temporary_folder, warehouse_in
from monitoring_pipeline.api.results.pictures import histories
from monitoring_pipeline.api.results.result import MeasuredChunk, Result, measured_chunk
from monitoring_pipeline.api.results.shown import table_of_chunks
from monitoring_pipeline.api.roles import Roles, class_columns, names_of, require_outputs
from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.periods import HEADLINE_METRIC
from monitoring_pipeline.evaluation.quality.conditions import AllRows
from monitoring_pipeline.evaluation.quality.suite import SuiteResult
from monitoring_pipeline.evaluation.reference.reference import EmptyReferenceError
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.records.measurement import Verdict, VerdictStatus
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec

if TYPE_CHECKING:
    from monitoring_pipeline.ports.outside import Outside

Day = str | dt.date
Window = tuple[Day, Day]
NOT_JUDGED = Verdict(status=VerdictStatus.UNKNOWN, reasons=("not judged",), measured=0, breaches=0, skipped=0)
RUN = "notebook"


def monitor(
    rows: object,
    *,
    time: str,
    reference: object = None,
    columns: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
    ids: str | Sequence[str] | None = None,
    label: str | None = None,
    known_at: str | None = None,
    label_delay: str = "1d",
    score: str | None = None,
    scores: Mapping[Any, str] | None = None,
    prediction: str | None = None,
    task: str | None = None,
    positive: bool | int | str | None = None,
    decision_threshold: float = 0.5,
    cadence: str = "day",
    timezone: str = "UTC",
    naive_times: str | None = None,
    thresholds: Mapping[str, Mapping[str, Any]] | None = None,
    drift: Mapping[str, Any] | None = None,
    quality: Mapping[str, Any] | None = None,
    suite: str | PathLike[str] | None = None,
    as_of: dt.datetime | None = None,
    name: str = "model",
    version: str = "1",
) -> Result:
    """Monitor a model over the days of one frame, as the pipeline does every night.

    Args:
        rows: predictions with their inputs: pandas, Polars, PyArrow, or a DuckDB relation.
        time: column with the time of each prediction.
        reference: first day and the day after the last, such as ``("2025-01-01", "2025-03-01")``, of rows that the
            model was not trained on; or a frame with such rows. Chunks after the window are monitored. By default it
            is the first third of the chunks, at most eight weeks of days; a note of the result names it.
        columns: the inputs; default all columns that have no other role, except identifiers and times.
        kinds: ``numeric``, ``categorical``, ``text`` or ``embedding`` by column, where its values do not show it.
        ids: column, or columns together, that identify a prediction.
        label: column with the observed class or value; null if it is not known yet.
        known_at: column with the time at which the label became known.
        label_delay: the time after the end of a chunk until its labels count as complete, such as ``30d``.
        score: column with the probability of the positive class (binary).
        scores: columns with the probability of each class (multiclass).
        prediction: column with the predicted class or value; classifiers may omit it.
        task: ``binary``, ``multiclass`` or ``regression``; it follows from the outputs, and the result names it.
        positive: the value of ``label`` that means the positive class; not needed for 0 and 1, or true and false.
        decision_threshold: the lowest score at which the positive class is predicted, without ``prediction``.
        cadence: the length of a chunk: ``hour``, ``day``, ``week``, ``month``, or several hours.
        timezone: the time zone of the chunks.
        naive_times: the time zone of times without one; by default they are UTC, and a note of the result names them.
        thresholds: allowed ranges of metrics, such as ``{"auroc": {"lower": 0.7}}``.
        drift: rules of drift, as the part ``drift`` of a model spec.
        quality: rules of quality, as the part ``quality`` of a model spec.
        suite: a suite file of Great Expectations, for the rows of each chunk.
        as_of: the time at which labels are read; default now.
        name: name of the model; with ``version`` it seeds samples and resampling.
        version: the version of the model that made the predictions.

    Returns:
        The measurements and the verdict of each chunk.

    Raises:
        ArgumentError: if an argument cannot be used; the message names argument and column.
    """
    window = window_of(reference)
    frames = {ROWS: polars_frame(rows, "rows")}
    if window is None and reference is not None:
        frames[REFERENCE] = polars_frame(reference, "reference")
    roles = Roles(
        ids=names_of(ids),
        time=time,
        label=label,
        known_at=known_at,
        score=score,
        scores=class_columns(scores),
        prediction=prediction,
    )
    require_outputs(roles)
    for table, frame in frames.items():
        roles.check(frame, table)
    chosen = choose_columns(frames, columns=columns, kinds=kinds, roles=roles.columns)
    choices = Choices(
        name=name,
        version=version,
        task=task,
        positive=positive,
        decision_threshold=decision_threshold,
        cadence=cadence,
        timezone=timezone,
        naive_times=naive_times,
        label_delay=label_delay,
        reference=window or ({"table": REFERENCE} if REFERENCE in frames else ALL_ROWS),
        drift=drift or {},
        performance={"thresholds": dict(thresholds or {})},
        quality=quality or {},
    )
    declared = declare(frames, roles, chosen.kinds, choices)
    with _home(declared, suite, as_of) as home, one_thread():
        chunks = tuple(_measured_chunks(home, declared.column_names))
    return Result(
        title=f"monitor: {len(chunks)} {declared.spec.calendar.noun}s of {frames[ROWS].height:,} rows",
        chunks=chunks,
        notes=(*declared.notes, *chosen.notes, *home.notes),
        table=table_of_chunks(declared.spec.calendar.noun, HEADLINE_METRIC[declared.spec.task] if label else ""),
        draw=partial(histories, declared.spec, chunks),
    )


@dataclass(frozen=True)
class _Home:
    """A spec, the chunks that are monitored, and everything that the steps read and write."""

    loaded: LoadedSpec
    chunks: tuple[Chunk, ...]
    outside: "Outside"
    notes: tuple[str, ...]

    @property
    def spec(self) -> ModelSpec:
        return self.loaded.spec

    def write(self, results: ChunkResults) -> None:
        self.outside.store.replace(results, run_id=RUN, measured_at=self.outside.clock())


@dataclass(frozen=True)
class _Step:
    """The work of an asset on a chunk; chunks of which one of ``needs`` was refused are left out."""

    producer: Producer
    run: Callable[[Chunk], ChunkResults]
    needs: tuple[Producer, ...] = (Producer.PREDICTIONS,)


@contextmanager
def _home(declared: Declared, suite: str | PathLike[str] | None, as_of: dt.datetime | None) -> Iterator[_Home]:
    from monitoring_pipeline.composition import build_adapters
    from monitoring_pipeline.settings import Settings
    from monitoring_pipeline.store.results import ResultStore
    from monitoring_pipeline.system_clock import system_clock

    moment = as_of or system_clock()
    if moment.tzinfo is None:
        raise ArgumentError(f"as_of: {moment} has no time zone")
    with temporary_folder(declared.tables) as folder:
        times = read_times(declared.spec, warehouse_in(folder))
        loaded, notes = with_reference(declared.loaded, times, now=moment)
        loaded, chunks = _monitored(loaded, times)
        settings = Settings(
            home=folder,
            warehouse=str(folder / FILE),
            store_url=f"sqlite:///{folder / 'results.db'}",
            snapshots=str(folder / "snapshots"),
        )
        adapters = replace(build_adapters(settings, lambda: moment), suites=partial(_run_suite, suite))
        with ResultStore.open(settings.store_url) as store:
            yield _Home(loaded, chunks, adapters.outside(store, run_id=RUN), notes)


def _run_suite(
    suite: str | PathLike[str] | None,
    spec: ModelSpec,
    _: Path,
    frame: pl.DataFrame,
    every: AllRows | None = None,
) -> SuiteResult:
    """Return the result of the suite; nothing is checked without one, because the columns of a frame have one type."""
    if suite is None:
        return SuiteResult((), ())
    from monitoring_pipeline.quality.runner import run_suite

    return run_suite(spec, Path(suite), frame, every)


def _monitored(loaded: LoadedSpec, times: pl.Series) -> tuple[LoadedSpec, tuple[Chunk, ...]]:
    """Return the spec with its first day, and its chunks up to the newest row."""
    earliest, latest = times.min(), times.max()
    if not isinstance(earliest, dt.datetime) or not isinstance(latest, dt.datetime):
        raise ArgumentError("time: no row has a time")
    spec, declared = loaded.spec, loaded.spec.reference[only_version(loaded.spec)]
    start = spec.calendar.day_at(earliest) if declared.is_elsewhere else declared.end
    started = replace(loaded, spec=spec.model_copy(update={"start": start}))
    calendar = started.spec.calendar
    # Weeks and months may begin after the first day.
    first = calendar.chunk_at(earliest) if declared.is_elsewhere else calendar.first
    chunks = calendar.range(first, calendar.chunk_at(latest))
    if not chunks:
        raise ArgumentError(f"reference: no rows are left to monitor; the newest is of {latest:%Y-%m-%d}")
    return started, chunks


def _measured_chunks(home: _Home, column_names: Mapping[str, str]) -> Iterator[MeasuredChunk]:
    from monitoring_pipeline.steps.reference.building import take_reference

    spec, store = home.spec, home.outside.store
    try:
        with clear_errors(spec, "reference"):
            take_reference(home.loaded, only_version(spec), home.outside, now=home.outside.clock())
    except EmptyReferenceError:
        raise ArgumentError("reference: no rows are in the window") from None
    _read_predictions(home)
    for step in _steps(home):
        for chunk in home.chunks:
            if not _is_refused(home, chunk, step.needs):
                home.write(step.run(chunk))
    for chunk in home.chunks:
        verdict = store.verdict(spec.name, chunk.key) or NOT_JUDGED
        yield measured_chunk(chunk.key, store.measurements(spec.name, chunk.key), verdict, column_names)


def _read_predictions(home: _Home) -> None:
    from monitoring_pipeline.steps.chunk.predictions import predictions_or_refusal
    from monitoring_pipeline.steps.chunk.verdict import verdict_of_refusal

    for chunk in home.chunks:
        outcome = predictions_or_refusal(home.loaded, chunk, home.outside)
        home.write(outcome.results)
        if outcome.refusal:
            home.write(verdict_of_refusal(outcome.results))


def _steps(home: _Home) -> tuple[_Step, ...]:
    """Return the steps after the predictions, in the order in which data flow."""
    from monitoring_pipeline.steps.chunk.attribution import attribute_chunk
    from monitoring_pipeline.steps.chunk.drift import compare_chunk
    from monitoring_pipeline.steps.chunk.estimate import estimate_chunks
    from monitoring_pipeline.steps.chunk.labels import labels_or_refusal
    from monitoring_pipeline.steps.chunk.performance import score_chunk
    from monitoring_pipeline.steps.chunk.profile import profile_predictions
    from monitoring_pipeline.steps.chunk.verdict import judge_chunk

    spec, outside, as_of = home.spec, home.outside, home.outside.clock()
    both = (Producer.PREDICTIONS, Producer.LABELS)
    with_labels = (
        _Step(Producer.LABELS, partial(labels_or_refusal, spec, as_of=as_of, reading=outside)),
        _Step(Producer.PERFORMANCE, partial(score_chunk, spec, as_of=as_of, kept=outside), both),
        _Step(Producer.ATTRIBUTION, partial(attribute_chunk, spec, kept=outside), both),
    )
    measuring = (
        _Step(Producer.PROFILE, partial(profile_predictions, spec, kept=outside)),
        _Step(Producer.DRIFT, partial(compare_chunk, spec, kept=outside)),
        _Step(Producer.ESTIMATE, estimate_chunks(spec, outside)),
        *(with_labels if spec.labels else ()),
    )
    producers = (Producer.PREDICTIONS, *(step.producer for step in measuring))
    return (*measuring, _Step(Producer.VERDICT, partial(judge_chunk, spec, producers=producers, store=outside.store)))


def _is_refused(home: _Home, chunk: Chunk, needs: Sequence[Producer]) -> bool:
    from monitoring_pipeline.steps.refusals import refusal

    return any(refusal(home.spec, chunk, name, store=home.outside.store) is not None for name in needs)
