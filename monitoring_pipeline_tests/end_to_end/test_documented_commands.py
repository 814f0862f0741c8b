"""Run every command of the README and of docs/ that is not about the demo, as written."""

import re
import shlex
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import yaml

from monitoring_pipeline_tests.docs.pages import REPOSITORY, blocks_of
from monitoring_pipeline_tests.end_to_end.documented_commands import (
    COMMANDS,
    Group,
    call_command,
    commands_of,
    group_of,
)

pytestmark = pytest.mark.slow
OWN_MODEL = next(document for block in blocks_of("yaml") if "name" in (document := yaml.safe_load(block.text)))


def _write_own_warehouse(path: Path) -> None:
    """Write 99 days of the tables that the model of the README reads."""
    rng = np.random.default_rng(3)
    rows = 99 * 60
    probability = rng.beta(2, 5, rows)
    scored = np.datetime64("2024-10-01T06:00") + (np.arange(rows) // 60).astype("timedelta64[D]")
    scores = pl.DataFrame(
        {
            "request_id": [f"r{i}" for i in range(rows)],
            "scored_at": scored.astype("datetime64[us]"),
            "version": "3",
            "probability": probability,
            "country": rng.choice(["de", "fr", "pl"], rows),
            "plan": rng.choice(["basic", "plus"], rows),
            "tenure_months": rng.integers(0, 90, rows),
            "Monthly Spend": rng.gamma(3, 20, rows),
        }
    )
    outcomes = pl.DataFrame(
        {
            "request_id": scores["request_id"],
            "outcome": np.where(rng.random(rows) < probability, "churned", "stayed"),
            "observed_at": scores["scored_at"].dt.offset_by("20d"),
        }
    )
    with duckdb.connect(path) as connection:
        connection.execute("CREATE SCHEMA scoring")
        for name, frame in (("churn_scores", scores), ("churn_outcomes", outcomes)):
            connection.register("frame", frame.to_arrow())
            connection.execute(f"CREATE TABLE scoring.{name} AS SELECT * FROM frame")


def test_commands_about_a_users_model_monitor_it(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "churn.yaml").write_text(yaml.safe_dump(OWN_MODEL, sort_keys=False))
    _write_own_warehouse(tmp_path / "warehouse.duckdb")
    exported = dict(re.findall(r"export (\w+)=\$PWD/(\S+)", "\n".join(commands_of(Group.EXPORT))))
    assert len(exported) == len(commands_of(Group.EXPORT))
    environment = {name: str(tmp_path / place) for name, place in exported.items()}
    commands = commands_of(Group.OWN_MODEL)
    printed = {command: call_command(command, tmp_path, **environment) for command in commands}
    assert len(commands) == 5
    assert all("churn is fine" in output for command, output in printed.items() if " spec check" in command)
    assert (tmp_path / "models" / "churn.suite.yaml").exists()
    (backfill,) = [command for command in commands if " backfill " in command]
    days = [line for line in printed[backfill].splitlines() if line.startswith("2025-01-0")]
    assert len(days) == 7
    assert all(" 60 " in day and day.endswith("  ok") for day in days), printed[backfill]


def test_make_commands_are_targets_of_the_makefile():
    commands = commands_of(Group.MAKE)
    assert {"make demo", "make dev", "make test"} <= set(commands)
    for command in commands:
        dry = subprocess.run([*shlex.split(command), "-n"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert dry.returncode == 0, dry.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_command_belongs_to_a_group_that_runs_it(command):
    assert group_of(command) is not None, "write it as `make ...`, `export ...` or `.venv/bin/monitoring-pipeline ...`"


@pytest.mark.parametrize("command", ["pip install x", "monitoring-pipeline show churn", "cd /", ""])
def test_command_that_no_test_runs_has_no_group(command):
    assert group_of(command) is None
