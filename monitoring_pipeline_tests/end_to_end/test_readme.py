"""Every command of the README, typed as written; what it shows of the demo is what the demo prints."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
import yaml

from monitoring_pipeline.store.results import ResultStore

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text()
COMMANDS = [line for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
OWN_MODEL = yaml.safe_load(re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0])


def _type(command: str, folder: Path, **environment: str) -> str:
    """Run a command of the README as a user would, and return what it prints."""
    typed = command.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SSL_CERT_FILE") if name in os.environ}
    result = subprocess.run(
        shlex.split(typed),
        env={**kept, "HOME": str(folder), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def _monitoring_commands(about: str) -> list[str]:
    return [c for c in COMMANDS if "monitoring-pipeline" in c and about in c]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, _type(".venv/bin/monitoring-pipeline demo", folder)


def _results(folder: Path) -> dict[str, list[tuple]]:
    names = ("measurements", "profiles", "verdicts", "snapshots", "chunk_revisions", "model_references")
    with ResultStore.open(f"sqlite:///{folder / '.monitoring_pipeline' / 'results.db'}") as store:
        tables = {name: store.query(f"SELECT * FROM {name}", {}) for name in names}
    return {
        name: sorted(
            str([value for column, value in zip(columns, row, strict=True) if column not in _OF_A_RUN]) for row in rows
        )
        for name, (columns, rows) in tables.items()
    }


_OF_A_RUN = {"run_id", "measured_at", "created_at"}


def test_the_demo_prints_what_the_readme_shows(demo):
    _, printed = demo
    (block,) = re.findall(r"```text\n(│.*?)```", README, re.DOTALL)
    shown = [re.sub(r"\s+", " ", line) for line in block.splitlines() if re.match(r"│ \d", line)]
    found = {re.sub(r"\s+", " ", line) for line in printed.splitlines()}
    assert len(shown) > 1
    assert set(shown) <= found


def test_days_of_the_demo_monitored_again_change_nothing(demo):
    folder, _ = demo
    before = _results(folder)
    assert len(before["verdicts"]) == 3 * 61
    for model in ("flight_delay", "arrival_delay", "flight_outcome"):
        _type(f".venv/bin/monitoring-pipeline backfill {model} --from 2013-04-19 --to 2013-04-24", folder)
    assert _results(folder) == before


def test_commands_about_the_demo(demo):
    folder, _ = demo
    commands = _monitoring_commands("flight_") + _monitoring_commands("what_is_wrong")
    assert len(commands) >= 5
    printed = {command: _type(command, folder) for command in commands}
    assert "2013-04" in printed[next(c for c in commands if "--by month" in c)]
    for name in ("what_is_wrong", "what_we_knew", "estimate_quality"):
        assert "auroc" in printed[next(c for c in commands if name in c)]


def test_commands_about_incidents(demo):
    folder, printed = demo
    commands = _monitoring_commands("incidents ") + _monitoring_commands("alerts ") + _monitoring_commands("alert_")
    commands = [command for command in commands if "flight_" not in command or "alert_" in command]
    assert len(commands) >= 6
    named = {word for command in commands for word in command.split() if re.fullmatch(r"[0-9a-f]{8}", word)}
    assert len(named) == 1
    assert named <= set(re.findall(r"[0-9a-f]{8}", printed))
    shown = {command: _type(command, folder) for command in commands}
    assert "acknowledged by" in shown[next(c for c in commands if "mute" in c)]
    assert "outcome: real" in shown[next(c for c in commands if "outcome" in c)]


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
    commands = _monitoring_commands("spec check") + _monitoring_commands("churn")
    printed = {command: _type(command, tmp_path, **environment) for command in commands}
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
