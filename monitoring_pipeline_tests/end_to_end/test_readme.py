"""Every command of the README that is not about the demo, typed as written."""

import re
import shlex
import subprocess
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import yaml

from monitoring_pipeline_tests.end_to_end.readme_commands import (
    COMMANDS,
    README,
    REPOSITORY,
    monitoring_commands,
    type_command,
)

pytestmark = pytest.mark.slow
OWN_MODEL = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0])


def _write_own_warehouse(path: Path) -> None:
    """Ninety-nine days of the tables that the README's own model names."""
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


def test_commands_about_a_model_of_ones_own(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "churn.yaml").write_text(yaml.safe_dump(OWN_MODEL, sort_keys=False))
    _write_own_warehouse(tmp_path / "warehouse.duckdb")
    exported = dict(re.findall(r"export (\w+)=\$PWD/(\S+)", "\n".join(COMMANDS)))
    environment = {name: str(tmp_path / place) for name, place in exported.items()}
    commands = monitoring_commands("spec check") + monitoring_commands("churn")
    printed = {command: type_command(command, tmp_path, **environment) for command in commands}
    assert len(commands) == 3
    assert (tmp_path / "models" / "churn.suite.yaml").exists()
    days = [line for line in printed[commands[-1]].splitlines() if "│ 2025-01-0" in line]
    assert len(days) == 7
    assert all(" 60 " in day and day.rstrip("│ ").endswith("ok") for day in days), printed[commands[-1]]


def test_every_other_command_is_a_target_of_the_makefile():
    others = [c for c in COMMANDS if "monitoring-pipeline" not in c and not c.startswith("export")]
    assert {"make demo", "make dev", "make test"} <= set(others)
    for command in others:
        dry = subprocess.run([*shlex.split(command), "-n"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
        assert command.startswith("make "), command
        assert dry.returncode == 0, dry.stderr
