"""``make demo``: seeds the warehouse and monitors three models over two months of flights, by real Dagster runs."""

import datetime as dt
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from rich.console import Console

from monitoring_pipeline.backfill import assets_measured, dagster_instance, run_range
from monitoring_pipeline.chunk_processes import chunk_processes
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.demo.moving import (
    LAST_DAY,
    last_monitored_day,
    moved_dates,
    moved_day,
    weeks_until,
    write_moved_specs,
)
from monitoring_pipeline.demo.seeding import seed_warehouse, weeks_in
from monitoring_pipeline.orchestration.runs.names import Names
from monitoring_pipeline.reports.terminal.incidents import incident_table
from monitoring_pipeline.reports.terminal.results import chunk_table, worst_chunks
from monitoring_pipeline.settings import Settings, remember, variable_of, with_own_key
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import load_specs
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.warehouse.engines.address import SCHEME_OF_A_PATH, WarehouseAddress

FIRST = dt.date(2013, 3, 1)
MODELS = ("flight_delay", "arrival_delay", "flight_outcome")
MOST_PROCESSES = 4
NEXT = """
Where to look next
  make dashboard                                            the reports of all models, on http://127.0.0.1:3001
  make dev                                                  the Dagster UI: lineage, plots over partitions, checks
  monitoring-pipeline query what_is_wrong --set chunk=2013-04-22
  monitoring-pipeline incidents --all                       lasting problems and their causes
  monitoring-pipeline query since_when --set model=flight_delay --set name=auroc
  monitoring-pipeline performance flight_delay --from 2013-03-01 --to 2013-04-30
  monitoring-pipeline performance flight_outcome --from 2013-03-01 --to 2013-04-30    by class
"""


Advance = Callable[[str], None]
"""Receives the words about a piece of work that is done."""
Progress = Callable[[str, int], AbstractContextManager[Advance]]
"""Shows the progress of named work in so many pieces."""


class DemoFailedError(RuntimeError):
    """A run of the demo failed; the message contains its errors."""


def _demo_file(settings: Settings) -> Path:
    address = WarehouseAddress(settings.warehouse, variable_of(""))
    if address.scheme != SCHEME_OF_A_PATH:
        raise DemoFailedError(f"{address.variable}: {address.shown}: the demo writes a DuckDB file; name its path")
    return address.path


def run_demo(settings: Settings, console: Console, messages: Console, progress: Progress, *, last_day: dt.date) -> None:
    """Seed the warehouse, monitor the days of each model, and print the results; a second time changes nothing.

    Args:
        settings: the settings.
        console: receives the results.
        messages: receives a line after each part of the work.
        progress: shows how much of the monitoring is done.
        last_day: the last day that is monitored. April 2013 ends on it, or up to six days before it.

    Raises:
        DemoFailedError: when a run fails.
    """
    started = time.monotonic()

    def print_progress(line: str) -> None:
        messages.print(f"[dim]{time.monotonic() - started:5.0f} s[/dim]  {line}", highlight=False)

    file = _demo_file(settings)
    settings = with_own_key(settings)
    weeks = _weeks(file, last_day, print_progress)
    seed_warehouse(file, settings.mlflow_tracking_uri, settings.home / "mlflow", print_progress, weeks=weeks)
    if weeks:
        settings = _with_moved_specs(settings, weeks)
    first, last = moved_day(FIRST, weeks), last_monitored_day(weeks, last_day)
    specs = {loaded.spec.name: loaded.spec for loaded in load_specs(settings.models)}
    chunks = {name: specs[name].calendar.chunks_of_days(first, last) for name in MODELS}
    print_progress(f"monitoring {len(MODELS)} models on {len(chunks[MODELS[0]])} days each, after their references")
    pieces = sum(assets_measured(specs[name]) * len(chunks[name]) for name in MODELS)
    with progress("demo", pieces) as advance:
        _monitor(settings, [specs[name] for name in MODELS], chunks, advance)
    print_progress(f"monitored {first} to {last}{_beside(weeks, last)}")
    with ResultStore.open(settings.store_url) as store:
        for name in MODELS:
            console.print(chunk_table(specs[name], store, chunks[name]))
            console.print(worst_chunks(specs[name], store, chunks[name]))
        console.print(incident_table(store.incidents(), "of March and April"))
    console.print(moved_dates(NEXT, weeks), highlight=False)


def _weeks(file: Path, last_day: dt.date, print_progress: Callable[[str], None]) -> int:
    """Return by how many weeks the flights are moved: as those in the file, if there is one."""
    kept, wanted = weeks_in(file), weeks_until(last_day)
    if kept is None:
        return wanted
    if kept != wanted:
        print_progress(f"April ends on {moved_day(LAST_DAY, kept)} in this home and stays there")
    return kept


def _with_moved_specs(settings: Settings, weeks: int) -> Settings:
    """Write the specs with moved dates into the home, for every command, and return settings with them."""
    folder = settings.home / "models"
    write_moved_specs(settings.models, folder, weeks)
    remember(settings.home, {"MONITORING_PIPELINE_MODELS": str(folder)})
    return settings.model_copy(update={"models": folder})


def _beside(weeks: int, last: dt.date) -> str:
    return f", which were {FIRST} to {moved_day(last, -weeks)}" if weeks else ""


def _monitor(
    settings: Settings, specs: Sequence[ModelSpec], chunks: Mapping[str, Sequence[Chunk]], advance: Advance
) -> None:
    """Monitor the chunks of each model in one run, side by side on the cores of this process.

    Raises:
        DemoFailedError: when a run fails.
    """
    processes_wanted = min(os.cpu_count() or 1, MOST_PROCESSES)
    with (
        dagster_instance(settings.dagster_home) as instance,
        chunk_processes(settings, processes_wanted) as processes,
    ):
        definitions = build_definitions(settings)
        for spec in specs:
            first, last = chunks[spec.name][0], chunks[spec.name][-1]
            report = partial(_report, advance, spec.name)
            run = run_range(
                definitions,
                instance,
                spec,
                first,
                last,
                report=report,
                processes=processes,
                names=Names(settings.prefix),
            )
            if not run.success:
                raise DemoFailedError("\n".join(run.failures))


def _report(advance: Advance, model: str, asset: str, chunk: Chunk) -> None:
    advance(f"{model}: {asset} {chunk.key}")
