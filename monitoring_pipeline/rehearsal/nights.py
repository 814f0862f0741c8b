"""The loop of a rehearsal: each night has its run, runs for late labels, decided runs, and deliveries of alerts."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import RunsFilter

from monitoring_pipeline.backfill import QUIET, failure_messages
from monitoring_pipeline.composition import build_adapters, build_inspection
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.orchestration.health.failed_runs import failed_run_requests
from monitoring_pipeline.orchestration.health.recording_request import JOB as RECORD_FAILURES
from monitoring_pipeline.orchestration.jobs.late_labels import late_label_requests
from monitoring_pipeline.orchestration.jobs.retraining_sensor import MOST_TRIES, wanted_runs
from monitoring_pipeline.orchestration.runs.names import PLAIN
from monitoring_pipeline.orchestration.runs.partitions import check_range
from monitoring_pipeline.rehearsal.happenings import earliest_due, happenings_since
from monitoring_pipeline.rehearsal.home import RehearsalHome, empty, identity_of, open_home
from monitoring_pipeline.rehearsal.progress import (
    Progress,
    RehearsalError,
    Task,
    alone_in,
    read_progress,
    write_progress,
)
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec

BETWEEN_PHASES = dt.timedelta(minutes=5)
"""Time from one phase of a night to the next. All of them fit into the shortest chunk."""


@dataclass(frozen=True, kw_only=True)
class ChunkReport:
    """One finished chunk: the number of chunks left, its seconds, its news, and its failed runs."""

    chunk: Chunk
    left: int
    seconds: float
    happened: tuple[str, ...]
    failures: tuple[str, ...]


ReportChunk = Callable[[ChunkReport], None]


def rehearse(
    settings: Settings,
    loaded: LoadedSpec,
    first: Chunk,
    last: Chunk,
    *,
    folder: Path,
    restart: bool = False,
    report: ReportChunk = lambda _: None,
) -> None:
    """Repeat every night of a range in order, or the nights of it that are left.

    Args:
        settings: settings of the deployment, whose data are only read.
        loaded: the model's spec.
        first: first chunk.
        last: last chunk, included.
        folder: home of the rehearsal.
        restart: whether to delete the content of the folder first.
        report: function that is called after every finished night.

    Raises:
        OutsidePartitionsError: when the model is not monitored in all those chunks.
        RehearsalError: when the folder has another rehearsal or other files, or another process uses it.
    """
    check_range(loaded.spec, first, last)
    _check_source(settings, loaded)
    with alone_in(folder):
        if restart:
            empty(folder)
        progress = _progress(settings, loaded, first, folder=folder)
        with open_home(settings, loaded, folder) as home:
            nights = _Nights(home, progress)
            while nights.progress.chunk <= last.key:
                report(nights.live_through(last))


def _check_source(settings: Settings, loaded: LoadedSpec) -> None:
    try:
        build_inspection(build_adapters(settings)).tables(loaded.spec)
    except SourceError as error:
        raise RehearsalError(f"{error}; so there is nothing to rehearse") from error


def _progress(settings: Settings, loaded: LoadedSpec, first: Chunk, *, folder: Path) -> Progress:
    """Return the progress of the rehearsal in a folder; a new one if there is none.

    Raises:
        RehearsalError: when the folder has another rehearsal.
    """
    new = Progress(model=loaded.spec.name, first=first.key, identity=identity_of(settings, loaded), chunk=first.key)
    stored = read_progress(folder)
    if stored is None:
        write_progress(folder, new)
        return new
    differences = [
        f"{name}: {getattr(stored, name)}, now {getattr(new, name)}"
        for name in ("model", "first")
        if getattr(stored, name) != getattr(new, name)
    ]
    if stored.identity != new.identity and not differences:
        differences = ["spec, suite, alerting rules, warehouse or code have changed since"]
    if differences:
        message = f"{folder}: the folder has another rehearsal ({'; '.join(differences)}); begin anew with --restart"
        raise RehearsalError(message)
    return stored


@dataclass
class _Nights:
    """The remaining nights of one rehearsal; each step is recorded as soon as it is done."""

    home: RehearsalHome
    progress: Progress
    _definitions: dict[tuple[str, ...], dg.Definitions] = field(default_factory=dict)
    _jobs: dict[tuple[str, ...], dg.JobDefinition] = field(default_factory=dict)

    def live_through(self, last: Chunk) -> ChunkReport:
        """Repeat the next night, or the rest of a night that was interrupted."""
        begun, calendar = time.monotonic(), self.home.loaded.spec.calendar
        chunk = calendar.chunk(self.progress.chunk)
        following = calendar.next(chunk)
        loaded = self.home.spec_of(chunk)
        night = calendar.due_at(chunk)
        phases = (self._nightly, self._late_labels, self._decided)
        failures: list[str] = []
        for number, find_tasks in enumerate(phases):
            if number < self.progress.phase:
                continue
            self.home.clock.now = night + number * BETWEEN_PHASES
            if self.progress.tasks is None:
                self._save(tasks=tuple(task for task in find_tasks(loaded.spec) if task.key not in self.progress.asked))
            failures += self._work_off(loaded)
            self._save(phase=number + 1, tasks=None)
        self._deliver(night + len(phases) * BETWEEN_PHASES, calendar.due_at(following))
        happened = tuple(happenings_since(self.home.store, loaded.spec, night))
        seconds = time.monotonic() - begun
        nights, total = self.progress.nights + 1, self.progress.seconds + seconds
        self._save(chunk=following.key, phase=0, nights=nights, seconds=total)
        left = len(calendar.range(following, last))
        return ChunkReport(chunk=chunk, left=left, seconds=seconds, happened=happened, failures=tuple(failures))

    def _save(self, **changes: Any) -> None:
        self.progress = replace(self.progress, **changes)
        write_progress(self.home.folder, self.progress)

    def _nightly(self, spec: ModelSpec) -> Iterator[Task]:
        key = self.progress.chunk
        yield Task(job=PLAIN.nightly_job(spec), key=f"nightly:{key}", partition=key)

    def _late_labels(self, spec: ModelSpec) -> Iterator[Task]:
        """Yield the runs that the sensor of late labels would request."""
        home = self.home
        for request in late_label_requests(spec, home.store, home.warehouse, now=home.clock()):
            yield Task(job=str(request.job_name), key=str(request.run_key), partition=str(request.partition_key))

    def _decided(self, spec: ModelSpec) -> Iterator[Task]:
        """Yield the runs that the sensor of retraining would request."""
        for wanted in wanted_runs(spec, self.home.store, self.home.registry):
            yield Task(job=wanted.job, key=f"decided:{wanted.key}", op=wanted.op, config=wanted.config)

    def _work_off(self, loaded: LoadedSpec) -> list[str]:
        failures: list[str] = []
        while self.progress.tasks:
            task, *rest = self.progress.tasks
            failures += self._run(loaded, task)
            self._save(tasks=tuple(rest), asked=(*self.progress.asked, task.key))
        return failures

    def _run(self, loaded: LoadedSpec, task: Task) -> list[str]:
        """Make a run with as many attempts as the sensor would make; return the failures of the last attempt."""
        config = QUIET | ({"ops": {task.op: {"config": dict(task.config)}}} if task.op else {})
        job, failures = self._job(loaded, task.job), list[str]()
        with dg.DagsterInstance.ephemeral() as instance:
            for attempt in range(1, 1 + (MOST_TRIES if task.op else 1)):
                result = job.execute_in_process(
                    instance=instance, partition_key=task.partition or None, run_config=config, raise_on_error=False
                )
                if result.success:
                    return []
                failures = [f"{task.job} {task.partition}: {message}" for message in failure_messages(result)]
                if attempt == 1:
                    self._record_failure(loaded, instance, result.run_id)
        return failures

    def _record_failure(self, loaded: LoadedSpec, instance: dg.DagsterInstance, run_id: str) -> None:
        """Make the runs that the sensor of the pipeline's health requests after a failed run."""
        records = instance.get_run_records(RunsFilter(run_ids=[run_id]))
        store, now = self.home.store, self.home.clock()
        for request in failed_run_requests([loaded.spec], records, instance=instance, store=store, now=now):
            self._job(loaded, RECORD_FAILURES).execute_in_process(
                instance=instance, run_config=dict(request.run_config) | QUIET, raise_on_error=False
            )

    def _job(self, loaded: LoadedSpec, name: str) -> dg.JobDefinition:
        """Return a job of the model; it is built once for each set of versions with a reference."""
        versions = tuple(loaded.spec.reference)
        if versions not in self._definitions:
            self._definitions[versions] = self.home.definitions(loaded)
        if (name, *versions) not in self._jobs:
            self._jobs[(name, *versions)] = self._definitions[versions].resolve_job_def(name)
        return self._jobs[(name, *versions)]

    def _deliver(self, begin: dt.datetime, end: dt.datetime) -> None:
        """Deliver alerts whenever one is due, from ``begin`` until before ``end``."""
        clock = self.home.clock
        clock.now = begin
        while (due := earliest_due(self.home.store)) is not None and due < end:
            clock.now = max(clock.now, due)
            self.home.deliver()
