"""The services of the Compose file as processes without rights, on a real PostgreSQL, until a night is judged."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring_pipeline.shipped_files import sql_directory
from monitoring_pipeline_tests.deployment.compose import (
    DEPLOY,
    REPOSITORY,
    VOLUMES,
    Machine,
    compose_file,
    example_variables,
    in_container,
)
from monitoring_pipeline_tests.deployment.databases import as_role, copy_tables, execute, run_psql
from monitoring_pipeline_tests.end_to_end.dagster_dev import Server
from monitoring_pipeline_tests.postgresql_server import psql_program, running_postgresql, why_no_server
from monitoring_pipeline_tests.worlds.libraries import library_variables
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS

pytestmark = pytest.mark.slow
SECONDS = 400
BINARIES = Path(sys.executable).parent
PORTS = (("mlflow", "5000"), ("code", "4000"), ("webserver", "3000"), ("site", "3001"))


@dataclass
class Deployment:
    """All services on one machine."""

    machine: Machine
    services: dict[str, Any]
    database: str
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def run(self, name: str, command: list[str], log: Any = subprocess.PIPE) -> subprocess.Popen[bytes]:
        """Start a command in the container of a service: without rights, in a folder that cannot be written."""
        words = self.machine.command(name, command)
        environment = self.machine.environment(name, self.services[name]) | {
            **library_variables(),
            "PATH": f"{BINARIES}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(REPOSITORY),
            "HOME": "/data",
            "TMPDIR": str(self.machine.folder / "tmp"),
        }
        return subprocess.Popen(
            in_container(self.machine.folder, words),
            cwd="/",
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def finished(self, name: str, command: list[str]) -> tuple[int, str]:
        """Run a command to its end, and return its exit code and output."""
        process = self.run(name, command)
        output, _ = process.communicate(timeout=SECONDS)
        return process.returncode, output.decode()

    def start(self, name: str) -> None:
        """Start a service."""
        with self.log(name).open("wb") as log:
            self.running[name] = self.run(name, self.services[name]["command"], log)

    def log(self, name: str) -> Path:
        """Return the file of what a service writes."""
        return self.machine.folder / f"{name}.log"

    def is_healthy(self, name: str) -> bool:
        """Run the health check of a service."""
        kind, *command = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        return self.finished(name, command)[0] == 0

    def wait(self, name: str) -> None:
        """Wait until a service is healthy.

        Raises:
            AssertionError: when it ends, or is not healthy in time; with its log.
        """
        deadline = time.monotonic() + SECONDS
        while not self.is_healthy(name):
            text = self.log(name).read_text(encoding="utf-8")[-3000:]
            assert self.running[name].poll() is None, f"{name} ended: {text}"
            assert time.monotonic() < deadline, f"{name} is not healthy: {text}"
            time.sleep(1)

    def end(self) -> None:
        """End all services, the last first."""
        for process in reversed(self.running.values()):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def _root() -> Iterator[Path]:
    """Yield a folder that everybody may read, with the folders of the image; only its volumes may be written."""
    root = Path(tempfile.mkdtemp(prefix="containers-"))
    for name in ("specs", *VOLUMES):
        (root / name).mkdir(parents=True)
    shutil.copy(REPOSITORY / "dagster.yaml", root / "opt" / "dagster")
    try:
        yield root
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _why_no_container(root: Path) -> str | None:
    """Return the reason why this machine has no namespaces; None if a command can write to volumes, and only there."""
    probe = f"touch {root}/data/probe && rm {root}/data/probe && ! touch {root}/probe && ! touch /probe && id -u"
    done = subprocess.run(in_container(root, ["sh", "-c", probe]), capture_output=True, text=True, check=False)
    return None if done.stdout.strip() == "10001" else f"no namespaces for a read-only file system: {done.stderr}"


def _free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _make_databases(url: str, folder: Path) -> None:
    """Run the script that PostgreSQL's image runs at its first start."""
    host, port = url.rpartition("@")[2].split(":")
    bin_folder = psql_program().parent
    environment = {
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "PGHOST": host, "PGPORT": port,
        "ROLES": str(sql_directory() / "roles"),
        **{name: f"it's {name}" for name in example_variables() if name.endswith("_PASSWORD")},
    }  # fmt: skip
    script = DEPLOY / "postgres" / "databases.sh"
    made = subprocess.run(["sh", str(script)], env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr


@pytest.fixture(scope="module")
def deployment(untouched_folder: Path) -> Iterator[Deployment]:
    if reason := why_no_server():
        pytest.skip(reason)
    with _root() as root, running_postgresql() as url:
        if problem := _why_no_container(root):
            pytest.skip(problem)
        _make_databases(url, root)
        execute(f"{url}/postgres", "CREATE DATABASE warehouse")
        copy_tables(untouched_folder / "warehouse.duckdb", f"{url}/warehouse", "Loan Scores", "Outcomes")
        run_psql(f"{url}/warehouse", sql_directory() / "roles" / "sources.sql", schema="public")
        for suffix in (".yaml", ".suite.yaml"):
            shutil.copy(untouched_folder / "specs" / f"{LOANS}{suffix}", root / "specs")
        ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        postgres = int(url.rpartition(":")[2])
        machine = Machine(root, {**ports, ("postgres", "5432"): postgres})
        workspace = yaml.safe_load((DEPLOY / "workspace.yaml").read_text(encoding="utf-8"))
        place = workspace["load_from"][0]["grpc_server"]
        assert (place["host"], str(place["port"])) in ports
        place |= {"host": "127.0.0.1", "port": ports["code", "4000"]}
        (root / "opt" / "dagster" / "workspace.yaml").write_text(yaml.safe_dump(workspace), encoding="utf-8")
        variables = dict.fromkeys(example_variables(), "password") | {
            "WAREHOUSE": as_role(f"{url}/warehouse", "monitoring_sources"),
            "ID_KEY": "a long random text",
        }
        made = Deployment(machine, compose_file(variables)["services"], url)
        try:
            yield made
        finally:
            made.end()


def test_services_judge_a_night_without_rights_and_on_one_postgresql(deployment: Deployment) -> None:
    code, output = deployment.finished("migrate", deployment.services["migrate"]["command"])
    assert code == 0, output
    assert "***" in output
    assert not deployment.is_healthy("code")
    for name in ("mlflow", "code"):
        deployment.start(name)
    for name in ("mlflow", "code"):
        deployment.wait(name)
    assert not deployment.is_healthy("daemon")
    for name in ("webserver", "daemon", "site"):
        deployment.start(name)
    for name in ("webserver", "site", "daemon"):
        deployment.wait(name)
    ports = deployment.machine.ports
    server = Server(f"http://127.0.0.1:{ports['webserver', '3000']}", deployment.log("daemon"))
    server.launch(f"{LOANS}_nightly", **{"dagster/partition": DAYS[0]})
    server.wait("the night ends", SECONDS, lambda: _ended(server))
    assert [run["status"] for run in server.runs(f"{LOANS}_nightly")] == ["SUCCESS"]
    store = as_role(f"{deployment.database}/monitoring", "monitoring_reader")
    assert execute(store, "SELECT model, chunk FROM monitoring.verdicts") == [(LOANS, DAYS[0])]
    with urllib.request.urlopen(f"http://127.0.0.1:{ports['site', '3001']}/metrics", timeout=30) as answer:
        assert LOANS in answer.read().decode()
    for name in deployment.running:
        said = deployment.log(name).read_text(encoding="utf-8")
        assert "Permission denied" not in said, f"{name}: {said[-2000:]}"
        assert "Read-only file system" not in said, f"{name}: {said[-2000:]}"
        assert "password@" not in said
    roles = execute(f"{deployment.database}/postgres", "SELECT rolname FROM pg_authid WHERE rolpassword IS NULL")
    assert {name for (name,) in roles if not name.startswith("pg_")} == {"monitoring_sources", "postgres"}
    folders = {path.name for path in deployment.machine.folder.iterdir() if path.is_dir()}
    assert folders == {"data", "opt", "specs", "artifacts", "tmp"}


def _ended(server: Server) -> bool:
    return all(run["status"] in {"SUCCESS", "FAILURE"} for run in server.runs(f"{LOANS}_nightly"))
