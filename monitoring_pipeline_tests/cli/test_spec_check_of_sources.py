"""``spec check`` with a real warehouse: every finding, in one process."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitoring_pipeline.cli import main
from monitoring_pipeline.evaluation.spec_check.checks_table import SOURCE_CHECKS, SPEC_CHECKS
from monitoring_pipeline_tests.cli.checked_sources import SPECS, write_specs, write_warehouse

LINE = re.compile(r"(\S+/(\w+)\.yaml): (error|warning): ([\w.\[\]]+): (.+) \[(\w+)\]")
LEVELS = {check.name: str(check.level) for check in (*SPEC_CHECKS, *SOURCE_CHECKS)}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a warehouse, and a folder ``models``."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "models").mkdir()
    write_warehouse(folder / "warehouse.duckdb")
    write_specs(folder / "models")
    return folder


def _run(home: Path, *words: str, warehouse: str = "warehouse.duckdb") -> Result:
    environment = {
        "MONITORING_PIPELINE_HOME": str(home),
        "MONITORING_PIPELINE_MODELS": str(home / "models"),
        "MONITORING_PIPELINE_WAREHOUSE": str(home / warehouse),
    }
    return CliRunner().invoke(main, words, env=environment, catch_exceptions=False)


def _checks(output: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {name: set() for name in SPECS}
    for match in filter(None, map(LINE.fullmatch, output.splitlines())):
        found[match[2]].add(match[6])
        assert match[3] == LEVELS[match[6]]
    return found


def test_check_finds_every_fault_of_specs_and_sources_and_fails(home):
    result = _run(home, "spec", "check")
    found = _checks(result.stdout)
    assert result.exit_code == 1
    for name, (_, expected) in SPECS.items():
        assert expected <= found[name], (name, expected - found[name], result.stdout)
    assert found["sound"] == set(), result.stdout
    assert f"{home}/models/sound.yaml: sound is fine" in result.stdout.splitlines()
    assert set(LEVELS) == set().union(*found.values())
    assert "readable" not in set().union(*(checks for name, checks in found.items() if name != "absent"))
    assert not (home / "results.db").exists()


def test_check_of_a_spec_with_warnings_only_succeeds(home):
    result = _run(home, "spec", "check", str(home / "models" / "random.yaml"))
    assert result.exit_code == 0
    assert "random is fine, with 2 warnings" in result.stdout


def test_check_without_the_source_finds_the_faults_of_the_spec(home):
    result = _run(home, "spec", "check", "--offline", warehouse="nowhere.duckdb")
    found = _checks(result.stdout)
    assert set().union(*found.values()) == {check.name for check in SPEC_CHECKS}
    assert {name for name, checks in found.items() if checks} == {"declared", "elsewhere"}


def test_check_with_a_warehouse_that_is_away_reports_each_source_and_the_faults_of_the_specs(home):
    result = _run(home, "spec", "check", warehouse="nowhere.duckdb")
    found = _checks(result.stdout)
    assert result.exit_code == 1
    sound = ("spec", "check", str(home / "models" / "sound.yaml"))
    assert _run(home, *sound, warehouse="nowhere.duckdb").exit_code == 0
    assert _run(home, *sound, "--strict", warehouse="nowhere.duckdb").exit_code == 1
    assert _run(home, *sound, "--strict").exit_code == 0
    assert all("readable" in checks for name, checks in found.items() if name != "elsewhere")
    assert {check.name for check in SPEC_CHECKS} - {"warehouse_configured"} <= found["declared"]
    assert "no such DuckDB file" in result.stdout
    assert "use --offline" in result.stdout


def test_unknown_warehouse_is_an_error_with_the_names_that_exist(home, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_WAREHOUSES__LAKES", "duckdb:///nowhere.duckdb")
    result = _run(home, "spec", "check", "--offline", str(home / "models" / "elsewhere.yaml"))
    assert result.exit_code == 1
    expected = "warehouse: no warehouse 'lake' in the settings; did you mean lakes? warehouses: lakes."
    assert f"elsewhere.yaml: error: {expected}" in result.stdout


def test_warehouse_of_a_name_is_read_by_the_specs_that_name_it(home, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_WAREHOUSES__LAKE", f"duckdb://{home}/warehouse.duckdb")
    elsewhere = ("spec", "check", "--strict", str(home / "models" / "elsewhere.yaml"))
    assert "elsewhere is fine" in _run(home, *elsewhere, warehouse="nowhere.duckdb").stdout
