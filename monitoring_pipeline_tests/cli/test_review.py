"""The command review in a monitored home: what it prints, its exit code, and that nothing is stored."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from monitoring_pipeline.cli import main
from monitoring_pipeline_tests.worlds.world import LOANS, LOANS_SPEC, World

Command = Callable[..., Result]
DRIFT_THAT_NOTHING_REACHES = {
    "severity": "warning", "multivariate": [],
    "floors": {"jensen_shannon": 1.0, "wasserstein": 1e6, "spread_increase": 1e6, "cohens_h": 10.0},
}  # fmt: skip


@pytest.fixture
def command(lived_in_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A function that runs ``monitoring-pipeline`` in a copy of the monitored home."""
    settings = lived_in_world.settings
    for name, value in (("HOME", settings.home), ("MODELS", settings.models), ("STORE_URL", settings.store_url)):
        monkeypatch.setenv(f"MONITORING_PIPELINE_{name}", str(value))
    monkeypatch.setenv("COLUMNS", "200")
    # A review reads no row, so a warehouse that does not exist does not matter.
    monkeypatch.setenv("MONITORING_PIPELINE_WAREHOUSE", str(tmp_path / "no_warehouse.duckdb"))
    return lambda *words: CliRunner().invoke(main, words)


def _proposed(folder: Path, **parts: Any) -> str:
    path = folder / "proposed.yaml"
    path.write_text(yaml.safe_dump(LOANS_SPEC | parts, sort_keys=False), encoding="utf-8")
    return str(path)


def _records(result: Result) -> list[dict[str, Any]]:
    found = json.loads(result.stdout)
    return found["review"] if isinstance(found, dict) else found


def test_the_spec_in_use_changes_nothing(command: Command, tmp_path: Path) -> None:
    same = command("review", LOANS, "--spec", _proposed(tmp_path), "--json")
    assert same.exit_code == 0, same.output
    records = _records(same)
    assert {record["change"] for record in records} == {"kept"}
    assert {record["incident"] for record in records} == {
        record["incident"] for record in json.loads(command("incidents", "--model", LOANS, "--all", "--json").stdout)
    }
    for before in ("opened", "severity", "chunks", "pages"):
        assert [record[f"{before}_before"] for record in records] == [record[f"{before}_after"] for record in records]
    assert "as many incidents, as many pages" in same.stderr


def test_a_real_incident_that_is_lost_fails_the_command(
    command: Command, tmp_path: Path, lived_in_world: World
) -> None:
    proposed = _proposed(tmp_path, drift=DRIFT_THAT_NOTHING_REACHES)
    before = command("review", LOANS, "--spec", proposed, "--json")
    assert before.exit_code == 0, before.output
    lost = [record for record in _records(before) if record["change"] == "lost"]
    assert {record["cause"] for record in lost} == {"inputs"}
    assert command("incidents", "outcome", lost[0]["incident"], "real", "--by", "ann").exit_code == 0
    stored = lived_in_world.tables(LOANS)
    found = command("review", LOANS, "--spec", proposed, "--markdown")
    assert found.exit_code == 1, found.output
    assert f"1 real incident lost: {lost[0]['incident']}" in found.stdout
    assert f"| - | lost | {lost[0]['incident']} | real | inputs |" in found.stdout
    assert lived_in_world.tables(LOANS) == stored


def test_a_stricter_threshold_gains_an_incident_that_the_home_never_had(command: Command, tmp_path: Path) -> None:
    stricter = {"thresholds": {"auroc": {"lower": 0.999}}}
    found = command("review", LOANS, "--spec", _proposed(tmp_path, performance=stricter), "--json")
    (gained,) = [record for record in _records(found) if record["change"] == "gained"]
    assert (gained["cause"], gained["severity_after"], gained["incident"]) == ("performance", "critical", None)


def test_other_features_are_refused_and_unknown_statistics_named(command: Command, tmp_path: Path) -> None:
    other = command("review", LOANS, "--spec", _proposed(tmp_path, features={"age": "numeric"}))
    assert (other.exit_code, other.stdout) == (1, "")
    assert "the proposed spec changes features. That changes what is measured" in other.stderr
    unknown = command("review", LOANS, "--spec", _proposed(tmp_path, drift={"numeric": "wassersten"}))
    assert "did you mean wasserstein?" in unknown.stderr
    assert "proposed.yaml" in unknown.stderr


def test_a_range_without_judged_chunks_is_an_error_and_markdown_is_a_form(command: Command, tmp_path: Path) -> None:
    proposed = _proposed(tmp_path)
    none = command("review", LOANS, "--spec", proposed, "--from", "2023-01-01", "--to", "2023-01-02")
    assert none.exit_code == 1
    assert "Traceback" not in none.output
    assert command("review", LOANS, "--spec", proposed, "--markdown", "--csv").exit_code == 2


def test_floors_are_suggested_as_lines_of_a_spec(command: Command, tmp_path: Path) -> None:
    sensitive = {"severity": "warning", "learn_floors": False, "floors": {"jensen_shannon": 0.0001}, "alpha": 0.9}
    found = command("review", LOANS, "--spec", _proposed(tmp_path, drift=sensitive), "--suggest")
    lines = found.stdout.split("suggested, under drift.floors:\n")[1]
    floors = yaml.safe_load(lines)
    again = sensitive | {"floors": floors}
    quiet = command("review", LOANS, "--spec", _proposed(tmp_path, drift=again), "--suggest")
    assert "suggested: nothing, the columns meet the share" in quiet.stdout
