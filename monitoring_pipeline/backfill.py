"""Runs of the nightly job from the command line, each for a range of chunks."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from monitoring_pipeline.dagster_launcher import PROCESS_TAG, this_process
from monitoring_pipeline.orchestration.assets.table import ASSETS
from monitoring_pipeline.orchestration.runs.dagster_private import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
)
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.orchestration.runs.partitions import check_range
from monitoring_pipeline.orchestration.runs.processes import Processes, measured_by
from monitoring_pipeline.orchestration.runs.progress import ReportMeasured, measured_chunks_reported
from monitoring_pipeline.settings import make_private_folder
from monitoring_pipeline.shipped_files import dagster_yaml
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

LONGEST_OPENING_SECONDS = 120
# RangeRun contains the failures. Dagster would log each three times, with a stack trace of its internals.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class RangeRun:
    """One finished run over the chunks from ``first`` to ``last``, both included."""

    run_id: str
    first: str
    last: str
    success: bool
    failures: tuple[str, ...]


def run_range(
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    spec: ModelSpec,
    first: Chunk,
    last: Chunk,
    *,
    report: ReportMeasured | None = None,
    processes: Processes | None = None,
    names: Names = PLAIN,
) -> RangeRun:
    """Run the nightly job once over all chunks of a range, in this process, recorded in ``instance``.

    Args:
        definitions: the definitions of Dagster.
        instance: the instance of Dagster.
        spec: the model.
        first: the first chunk.
        last: the last chunk, included.
        report: receives each asset with each chunk that it has measured.
        processes: measure the chunks side by side; by default this process measures them one after the other.
        names: the names of definitions.

    Raises:
        OutsidePartitionsError: when the model is not monitored in all those chunks.
    """
    check_range(spec, first, last)
    with measured_chunks_reported(report), measured_by(processes):
        result = definitions.resolve_job_def(names.nightly_job(spec)).execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config=QUIET,
            tags={
                ASSET_PARTITION_RANGE_START_TAG: first.key,
                ASSET_PARTITION_RANGE_END_TAG: last.key,
                PROCESS_TAG: this_process(),
            },
        )
    failures = tuple(failure_messages(result))
    return RangeRun(result.run_id, first.key, last.key, result.success, failures)


def assets_measured(spec: ModelSpec) -> int:
    """Return the number of assets that a run measures for each chunk of a model."""
    return sum(asset.is_partitioned and asset.is_wanted(spec) for asset in ASSETS)


def failure_messages(result: dg.ExecuteInProcessResult) -> Iterator[str]:
    """Yield one message for each failed step of a run."""
    for event in result.filter_events(lambda e: e.is_step_failure):
        failure = event.step_failure_data
        described = failure.user_failure_data
        if described and described.description:
            yield described.description
        elif failure.error:
            cause = failure.error.cause or failure.error
            yield cause.message.strip()


@contextmanager
def dagster_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """Open the Dagster instance in ``home``; copy the project's dagster.yaml there if the folder has none."""
    make_private_folder(home)
    if not (home / "dagster.yaml").exists():
        (home / "dagster.yaml").write_text(dagster_yaml().read_text(encoding="utf-8"), encoding="utf-8")
    with _alone(home):
        instance = dg.DagsterInstance.from_config(str(home))
    with instance:
        yield instance


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Keep other commands from opening the same instance, because two that create its SQLite tables at once fail."""
    with closing(sqlite3.connect(home / "opening.lock.db", timeout=LONGEST_OPENING_SECONDS)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield
