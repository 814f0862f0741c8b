"""``make demo``: seeds the warehouse and monitors three models over March and April 2013, by real Dagster runs."""

import datetime as dt
import time
from pathlib import Path

from rich.console import Console

from monitoring_pipeline.backfill import dagster_instance, run_range, split_range
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.demo.seeding import seed_warehouse
from monitoring_pipeline.reports.terminal.incidents import incident_table
from monitoring_pipeline.reports.terminal.results import chunk_table, worst_chunks
from monitoring_pipeline.settings import Settings, variable_of
from monitoring_pipeline.spec.loading import load_specs
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.warehouse.engines.address import SCHEME_OF_A_PATH, WarehouseAddress

FIRST, LAST = dt.date(2013, 3, 1), dt.date(2013, 4, 30)
MODELS = ("flight_delay", "arrival_delay", "flight_outcome")
NEXT = """
Where to look next
  make dev                                                  the Dagster UI: lineage, plots over partitions, checks
  monitoring-pipeline query what_is_wrong --set chunk=2013-04-22
  monitoring-pipeline incidents --all                       lasting problems and their causes
  monitoring-pipeline query since_when --set model=flight_delay --set name=auroc
  monitoring-pipeline performance flight_delay --from 2013-03-01 --to 2013-04-30
  monitoring-pipeline performance flight_outcome --from 2013-03-01 --to 2013-04-30    by class
"""


class DemoFailedError(RuntimeError):
    """A run of the demo failed; the message contains its errors."""


def _demo_file(settings: Settings) -> Path:
    address = WarehouseAddress(settings.warehouse, variable_of(""))
    if address.scheme != SCHEME_OF_A_PATH:
        raise DemoFailedError(f"{address.variable}: {address.shown}: the demo writes a DuckDB file; name its path")
    return address.path


def run_demo(settings: Settings, console: Console, messages: Console) -> None:
    """Seed the warehouse, run every fortnight of each model, and print the results; a second time changes nothing.

    Args:
        settings: the settings.
        console: receives the results.
        messages: receives a line after each part of the work.

    Raises:
        DemoFailedError: when a run fails.
    """
    started = time.monotonic()

    def print_progress(line: str) -> None:
        messages.print(f"[dim]{time.monotonic() - started:5.0f} s[/dim]  {line}", highlight=False)

    seed_warehouse(_demo_file(settings), settings.mlflow_tracking_uri, settings.home / "mlflow", print_progress)
    specs = {loaded.spec.name: loaded.spec for loaded in load_specs(settings.models)}
    with dagster_instance(settings.dagster_home) as instance:
        definitions = build_definitions(settings)
        for name in MODELS:
            for first, last in split_range(specs[name].calendar.chunks_of_days(FIRST, LAST), size=14):
                run = run_range(definitions, instance, specs[name], first, last)
                if not run.success:
                    raise DemoFailedError("\n".join(run.failures))
                print_progress(f"{name}: monitored {first.key} to {last.key}")
    with ResultStore.open(settings.store_url) as store:
        for name in MODELS:
            chunks = specs[name].calendar.chunks_of_days(FIRST, LAST)
            console.print(chunk_table(specs[name], store, chunks))
            console.print(worst_chunks(specs[name], store, chunks))
        console.print(incident_table(store.incidents(), "of March and April"))
    console.print(NEXT, highlight=False)
