"""Kills a real ``dagster dev``, or one process of it, in a night, starts it again, and reads the stored results.

``python -m monitoring_pipeline_tests.end_to_end.kill_dagster_dev all daemon --seed 1`` prints a table of the points.
"""

import argparse
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline_tests.end_to_end.dagster_dev import Server, dagster_dev
from monitoring_pipeline_tests.end_to_end.last_night import LastNight, last_night
from monitoring_pipeline_tests.worlds.world import LOANS

NIGHTLY, RETRAIN, DELIVERY = f"{LOANS}_nightly", f"{LOANS}_retrain", "deliver_alerts"
SENSORS = ("alerts", "retraining", "pipeline_health", "late_labels")
RUNNING = ("QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING")
SECONDS, QUIET_SECONDS = 900, 12
NIGHT_SECONDS = 35.0


def descendants(process_id: int) -> dict[int, str]:
    """Return the descendants of a process, with their commands."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    found: dict[int, str] = {}
    for _ in range(8):
        found |= {int(pid): args for pid, parent, args in rows if int(parent) in {process_id, *found}}
    return found


def worker_of(server: Server, job: str) -> int | None:
    """Return the process of the active run of a job."""
    own = [run["id"] for run in server.runs(job) if run["status"] == "STARTED"]
    query = (
        "query ($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events { ... on EngineEvent "
        "{ message } } } } }"
    )
    for run_id in own:
        for event in server.ask(query, id=run_id)["logsForRun"]["events"]:
            if event.get("message", "").startswith("Started process for run (pid: "):
                return int(event["message"].split("pid: ")[1].split(")")[0])
    return None


def kill_all(server: Server, _: random.Random) -> str:
    assert server.process is not None
    everything = [server.process.pid, *descendants(server.process.pid)]
    for process in everything:
        _kill(process)
    server.process.wait()
    return f"all {len(everything)} processes"


def kill_daemon(server: Server, _: random.Random) -> str:
    assert server.process is not None
    (daemon,) = [pid for pid, args in descendants(server.process.pid).items() if "dagster._daemon" in args]
    _kill(daemon)
    return "the daemon"


def kill_code_server(server: Server, _: random.Random) -> str:
    assert server.process is not None
    servers = [
        pid for pid, args in descendants(server.process.pid).items() if " api grpc" in args or "code-server" in args
    ]
    for pid in servers:
        _kill(pid)
    return f"{len(servers)} code servers"


def kill_worker_of(job: str) -> Callable[[Server, random.Random], str]:
    def kill(server: Server, chance: random.Random) -> str:
        worker = server.wait(f"a run of {job}", SECONDS, lambda: worker_of(server, job))
        time.sleep(chance.uniform(0, 4))
        _kill(worker)
        return f"the process of {job}"

    return kill


KINDS: dict[str, tuple[Callable[[Server, random.Random], str], bool]] = {
    "all": (kill_all, True),
    "nightly": (kill_worker_of(NIGHTLY), False),
    "retrain": (kill_worker_of(RETRAIN), False),
    "delivery": (kill_worker_of(DELIVERY), False),
    "daemon": (kill_daemon, True),
    "code_server": (kill_code_server, True),
}
"""Functions that kill, and whether ``dagster dev`` ends and has to be started again."""


def _kill(process_id: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGKILL)


def is_quiet(server: Server, place: LastNight) -> bool:
    """Return whether the night is judged, no run is active, and no alert is due."""
    jobs = (NIGHTLY, RETRAIN, DELIVERY, "record_failures", f"{LOANS}_late_labels")
    runs = {job: server.runs(job) for job in jobs}
    judged = any(run["status"] == "SUCCESS" for run in runs[NIGHTLY])
    busy = any(run["status"] in RUNNING for own in runs.values() for run in own)
    open_alerts = place.world.ask("SELECT count(*) FROM alerts WHERE state IN ('due', 'sending')")[0][0]
    return judged and not busy and open_alerts == 0 and ("promotion", "promoted") in place.decided()


def wait_until_quiet(server: Server, place: LastNight) -> None:
    """Wait until the system stays quiet."""
    quiet_since = time.monotonic()
    deadline = quiet_since + SECONDS
    while time.monotonic() < quiet_since + QUIET_SECONDS:
        if time.monotonic() > deadline:
            raise TimeoutError(f"never quiet: {[(j, server.runs(j)) for j in (NIGHTLY, RETRAIN, DELIVERY)]}")
        if not is_quiet(server, place):
            quiet_since = time.monotonic()
        time.sleep(0.5)


def state_of(place: LastNight) -> dict[str, Any]:
    """Return the stored results of the night."""
    registry = ModelRegistry(place.world.settings.mlflow_tracking_uri, place.world.folder / "mlflow")
    night = {"night": place.night}
    keys = [key for m in place.messages() for key in m["metadata"]["event_payload"]["keys"]]
    return {
        "measured": place.world.ask(
            "SELECT producer, count(*) FROM measurements WHERE chunk = :night AND revision = 1 GROUP BY 1 ORDER BY 1",
            **night,
        ),
        "incidents": place.incidents(),
        "threads": {title: len(replies) for title, replies in place.threads().items()},
        "posted twice": sorted({key for key in keys if keys.count(key) > 1}),
        "decided": place.decided(),
        "registered": [number for number in "1234" if registry.has_version(LOANS, number)],
        "champion": registry.version_with_alias(LOANS, "champion"),
    }


def live(place: LastNight, kind: str, chance: random.Random) -> str:
    """Run a night to its end, with one kill or none."""
    with dagster_dev(place.world, **place.environment) as server:
        for sensor in SENSORS:
            server.start_sensor(sensor)
        server.launch(NIGHTLY, **{"dagster/partition": place.night})
        began_at = time.monotonic()
        if not kind:
            wait_until_quiet(server, place)
            return ""
        kill, ends = KINDS[kind]
        if ends:
            time.sleep(chance.uniform(0, NIGHT_SECONDS))
        died = f"{kill(server, chance)} +{time.monotonic() - began_at:.1f}s"
        if not ends:
            wait_until_quiet(server, place)
            return died
        assert server.process is not None
        with suppress(subprocess.TimeoutExpired):
            server.process.wait(timeout=300)
    with dagster_dev(place.world, **place.environment) as server:
        wait_until_quiet(server, place)
    return died


def main() -> None:
    """Print a table of points, the first of them undisturbed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="*", default=[*KINDS], help=f"of {', '.join(KINDS)}")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    folder = Path(tempfile.mkdtemp(prefix="kill-dagster-dev-"))
    expected: dict[str, Any] = {}
    print(folder, flush=True)
    for number, kind in enumerate(["", *asked.kinds]):
        with last_night(folder / f"night_{number}") as place:
            try:
                died = live(place, kind, chance)
            except (TimeoutError, AssertionError, OSError, pytest.fail.Exception) as error:
                died = f"{error!r:.3000}"
            state = state_of(place)
        expected = expected or state
        found = [f"{part}: {state[part]} instead of {it}" for part, it in expected.items() if state[part] != it]
        print(f"{number:3} | {died:50} | {'; '.join(found) or 'same'}", flush=True)
    print(expected)


if __name__ == "__main__":
    main()
