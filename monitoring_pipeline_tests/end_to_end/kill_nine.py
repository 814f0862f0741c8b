"""Kills a night at random moments, runs it to its end, and compares it with an undisturbed one.

``python -m monitoring_pipeline_tests.end_to_end.kill_nine --points 24 --seed 1`` prints a table of the points. With
``--postgresql`` store and Dagster's storage are databases of a PostgreSQL server.
"""

import argparse
import datetime as dt
import json
import os
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg

from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline_tests.deployment.databases import execute
from monitoring_pipeline_tests.end_to_end.mortal_night import MORNING, NOW, make_evening
from monitoring_pipeline_tests.postgresql_server import running_postgresql
from monitoring_pipeline_tests.worlds.world import DAGSTER_URL_FILE, LOANS, STORE_URL_FILE, World

JOBS = ("loan_default_nightly", "loan_default_retrain", "deliver_alerts")
REPOSITORY = Path(__file__).parents[2]
PATIENCE_SECONDS = 300
NOT_KILLED, TRIES = "not killed", 3
PAUSE = dt.timedelta(minutes=2)
"""Time between a kill and the next start. Run monitoring and the lease of a killed process take that long."""
ASKED = {
    "incidents": "SELECT incident_id, cause, state, severity, opened, resolved, breached_chunks FROM incidents",
    "events": "SELECT incident_id, kind, chunk, severity, summary, told FROM incident_events",
    "alerts": "SELECT incident_id, channel, mode, state, error FROM alerts",
    "decisions": "SELECT key, topic, answer, model_version, chunk, incident_id FROM decisions",
    "versions": "SELECT model_version, role, window_start, window_end FROM model_versions",
}


@dataclass(frozen=True)
class Kill:
    """One kill, at a share of the undisturbed duration of a job."""

    job: str
    share: float


@dataclass
class Point:
    """One night with its kills, and the differences that were found after it."""

    kills: tuple[Kill, ...]
    died_after: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def died_in(self, job: str) -> bool:
        """Return whether the first kill ended this job."""
        return self.died_after[0].startswith(f"{job} ")


class Nights:
    """A process that forks nights."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "monitoring_pipeline_tests.end_to_end.mortal_night"],
            cwd=REPOSITORY,
            env=os.environ | {"OMP_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def _line(self) -> str:
        assert self._server.stdout is not None
        return self._server.stdout.readline().strip()

    def begin(self, folder: Path, slack: str, now: dt.datetime) -> int:
        """Start a night, and return its process."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps({"folder": str(folder), "slack": slack, "now": now.isoformat()}) + "\n")
        self._server.stdin.flush()
        return int(self._line())

    def has_ended(self, seconds: float) -> bool:
        """Return whether the night ends within some seconds."""
        return bool(select.select([self._server.stdout], [], [], max(seconds, 0))[0])

    def exit_code(self) -> int:
        """Return the exit code of the night when it has ended."""
        return int(self._line())

    def close(self) -> None:
        """End the process."""
        self._server.kill()
        self._server.communicate()


@contextmanager
def slack_process(folder: Path, *, latency: float) -> Iterator[str]:
    """Run the Slack server as a separate process, and yield its address."""
    port_file = folder / "slack.port"
    command = [sys.executable, "-m", "monitoring_pipeline_tests.slack_server", "--latency", str(latency)]
    process = subprocess.Popen(
        [*command, "--port-file", str(port_file), "--log", str(folder / "slack.log")], cwd=REPOSITORY
    )
    try:
        for _ in range(int(PATIENCE_SECONDS / 0.02)):
            if port_file.exists():
                break
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port_file.read_text()}/api/"
    finally:
        process.kill()
        process.wait()


def begun(folder: Path) -> list[tuple[float, str]]:
    """Return the jobs that have begun, with their times."""
    progress = folder / "progress"
    lines = progress.read_text(encoding="utf-8").splitlines() if progress.exists() else []
    return [(float(at), job) for at, _, job in (line.partition(" ") for line in lines)]


def kill_in(nights: Nights, folder: Path, process: int, kill: Kill, durations: dict[str, float]) -> str | None:
    """Kill a night within a job and return the job with the time, or ``None`` if the night had ended."""
    already, deadline = len(begun(folder)), time.monotonic() + PATIENCE_SECONDS
    while not any(job == kill.job for _, job in begun(folder)[already:]):
        assert time.monotonic() < deadline, f"{kill.job} never began"
        if nights.has_ended(0.002):
            return None
    if nights.has_ended(kill.share * durations[kill.job]):
        return None
    died_in, began_at = begun(folder)[-1][1], begun(folder)[-1][0]
    os.killpg(process, signal.SIGKILL)
    return f"{died_in} +{time.time() - began_at:.2f}s"


def live(nights: Nights, folder: Path, kills: tuple[Kill, ...], durations: dict[str, float]) -> Point:
    """Run a night with its kills to its end."""
    point, now = Point(kills), NOW
    with slack_process(folder, latency=0.05) as slack:
        for kill in kills:
            process = nights.begin(folder, slack, now)
            died = kill_in(nights, folder, process, kill, durations)
            code = nights.exit_code()
            if died is None:
                point.died_after.append(NOT_KILLED)
                point.found += [] if code == 0 else [f"exit code {code}"]
            else:
                point.died_after.append(died)
            now += PAUSE
        nights.begin(folder, slack, now)
        if code := nights.exit_code():
            said = (folder / "night.log").read_text(encoding="utf-8")[-1500:]
            point.found.append(f"the night after ended with {code}: {said}")
    return point


def state_of(folder: Path) -> dict[str, Any]:
    """Return all stored results of a night, without run ids, times and places."""
    with dg.DagsterInstance.ephemeral() as unused:
        world = World(folder, unused)
        state: dict[str, Any] = {
            table: [repr(row).replace(str(folder), "") for row in rows] for table, rows in world.tables(LOANS).items()
        }
        state |= {name: sorted(world.ask(sql), key=repr) for name, sql in ASKED.items()}
        registry = ModelRegistry(world.settings.mlflow_tracking_uri, world.folder / "mlflow")
        aliases = ("champion", "challenger", "former_champion")
        state["aliases"] = {alias: registry.version_with_alias(LOANS, alias) for alias in aliases}
        state["registered"] = [number for number in "123456" if registry.has_version(LOANS, number)]
    posted = [json.loads(line) for line in (folder / "slack.log").read_text(encoding="utf-8").splitlines()]
    messages = [entry["message"] for entry in posted if entry["method"] == "chat.postMessage"]
    keys = Counter(key for message in messages for key in message["metadata"]["event_payload"]["keys"])
    state["slack"] = sorted((message["channel"], message["text"]) for message in messages)
    # Keys are left out because they depend on the time of their event.
    state["times that an alert was posted"] = sorted(keys.values())
    return state


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Return a sentence for each difference."""
    told: list[str] = []
    for part, wanted in expected.items():
        is_, ought = (Counter(map(repr, rows if isinstance(rows, list) else [rows])) for rows in (found[part], wanted))
        if is_ != ought:
            told.append(f"{part}: missing {[*(ought - is_)]!r:.500}, too many {[*(is_ - ought)]!r:.500}")
    return told


@dataclass
class Harness:
    """An evening, the process that forks nights, and the results of an undisturbed night."""

    folder: Path
    nights: Nights
    server: str | None = None
    durations: dict[str, float] = field(default_factory=dict)
    expected: dict[str, Any] = field(default_factory=dict)
    counter: int = 0

    def prepare(self) -> None:
        """Make the evening, and run its night undisturbed."""
        make_evening(self.folder / "evening", self._database(self.evening) if self.server else None)
        quiet = self._copy()
        point = live(self.nights, quiet, (), {})
        assert point.found == [], point.found
        marks = begun(quiet)
        assert [job for _, job in marks] == [*JOBS, MORNING], marks
        self.durations = {job: after - at for (at, job), (after, _) in pairwise(marks)}
        self.expected = state_of(quiet)

    def try_point(self, kills: tuple[Kill, ...]) -> Point:
        """Run one night with kills, and compare it. Kill earlier in the next try if the job ended before the kill."""
        for left in reversed(range(TRIES)):
            folder = self._copy()
            point = live(self.nights, folder, kills, self.durations)
            if point.died_in(kills[0].job):
                break
            # Durations were measured on a quiet machine, so the last try on a busy one kills at the start of the job.
            kills = tuple(replace(kill, share=kill.share / 2 if left > 1 else 0.0) for kill in kills)
        point.found += differences(state_of(folder), self.expected)
        if not point.found:
            shutil.rmtree(folder)
        return point

    def _copy(self) -> Path:
        self.counter += 1
        night = Path(shutil.copytree(self.folder / "evening", self.folder / f"night_{self.counter}"))
        if self.server:
            store = self._database(f"{self.evening}_{self.counter}", self.evening)
            (night / STORE_URL_FILE).write_text(store, encoding="utf-8")
            dagster = self._database(f"{self.evening}_{self.counter}_dagster")
            (night / DAGSTER_URL_FILE).write_text(dagster, encoding="utf-8")
        return night

    @property
    def evening(self) -> str:
        """The name of the database of the evening."""
        return f"evening_{os.getpid()}"

    def _database(self, name: str, template: str = "template0") -> str:
        execute(f"{self.server}/postgres", f"CREATE DATABASE {name} TEMPLATE {template}")
        return f"{self.server}/{name}"


def random_kills(chance: random.Random, number: int) -> tuple[Kill, ...]:
    """Return the kills of a point: each job in turn, and at times a second kill after the next start."""
    first = Kill(JOBS[number % len(JOBS)], chance.random())
    return (first, Kill(chance.choice(JOBS), chance.random())) if chance.random() < 0.25 else (first,)


@contextmanager
def harness(folder: Path, server: str | None = None) -> Iterator[Harness]:
    """Prepare everything in a folder."""
    nights = Nights()
    try:
        ready = Harness(folder, nights, server)
        ready.prepare()
        yield ready
    finally:
        nights.close()


def main() -> None:
    """Print a table of points."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true")
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    folder = Path(tempfile.mkdtemp(prefix="kill-nine-"))
    with running_postgresql() if asked.postgresql else nullcontext() as server, harness(folder, server) as ready:
        print(folder, {job: round(seconds, 2) for job, seconds in ready.durations.items()}, flush=True)
        for number in range(asked.points):
            point = ready.try_point(random_kills(chance, number))
            print(f"{number + 1:3} | {'; '.join(point.died_after):60} | {'; '.join(point.found) or 'same'}", flush=True)


if __name__ == "__main__":
    main()
