"""A shell completes commands, models, versions, incidents, channels and queries, without heavy imports."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from monitoring_pipeline.cli import main
from monitoring_pipeline.cli.options.completion import SETTINGS_FILE, folder_of_models
from monitoring_pipeline.settings import SETTINGS_FILE as FILE_OF_SETTINGS
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.store.results import ResultStore

HEAVY = ("pydantic", "polars", "numpy", "dagster", "rich", "sqlalchemy", "duckdb", "mlflow")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path))
    monkeypatch.delenv("MONITORING_PIPELINE_MODELS", raising=False)
    return tmp_path


def _completed(*words: str) -> list[str]:
    *before, incomplete = words
    shell = ShellComplete(main, {}, "monitoring-pipeline", "_MONITORING_PIPELINE_COMPLETE")
    return [item.value for item in shell.get_completions(list(before), incomplete)]


def test_commands_and_their_options_complete(home):
    assert _completed("per") == ["performance"]
    assert "--json" in _completed("show", "flight_delay", "--")
    assert _completed("spec", "sch") == ["schema"]


@pytest.mark.parametrize("words", [("show",), ("backfill",), ("incidents", "--model"), ("suite", "draft"), ("replay",)])
def test_models_complete(home, words):
    assert _completed(*words, "flight_") == ["flight_delay", "flight_outcome"]


def test_queries_complete(home):
    assert _completed("query", "what_") == ["what_is_wrong", "what_it_took", "what_we_knew"]


def test_versions_of_the_model_complete(home):
    folder = home / "models"
    folder.mkdir()
    (folder / "churn.yaml").write_text('name: churn\nreference:\n  "3": {}\n  "4": {}\n')
    (folder / "broken.yaml").write_text("name: broken\nreference: [")
    (home / SETTINGS_FILE).write_text(f"MONITORING_PIPELINE_MODELS='{folder}'\n")
    assert _completed("show", "") == ["broken", "churn"]
    assert _completed("evaluate", "churn", "--version", "") == ["3", "4"]
    assert _completed("promote", "churn", "--version", "4") == ["4"]


def test_channels_complete(home):
    (home / "alerting.yaml").write_text("channels:\n  log: {kind: file}\n  team: {kind: slack}\n")
    assert _completed("alerts", "test", "") == ["log", "team"]


def test_incidents_of_a_home_without_a_store_are_none(home):
    assert _completed("incidents", "show", "") == []
    with ResultStore.open(Settings().store_url):
        pass
    assert _completed("incidents", "show", "") == []


def test_folder_of_models_is_that_of_the_settings(home, monkeypatch):
    assert SETTINGS_FILE == FILE_OF_SETTINGS
    assert folder_of_models().resolve() == Settings().models.resolve()
    (home / SETTINGS_FILE).write_text("MONITORING_PIPELINE_MODELS='remembered'\n")
    assert folder_of_models() == Settings().models == Path("remembered")
    monkeypatch.setenv("MONITORING_PIPELINE_MODELS", "given")
    assert folder_of_models() == Settings().models == Path("given")


@pytest.mark.parametrize("words", ["show ", "query ", "incidents show ", ""])
def test_completion_imports_nothing_heavy(tmp_path, words):
    program = (
        "import sys, atexit\n"
        f"atexit.register(lambda: print('imported:', [name for name in {HEAVY} if name in sys.modules]))\n"
        "from monitoring_pipeline.cli import main\n"
        "main(prog_name='monitoring-pipeline')\n"
    )
    environment = {
        **os.environ,
        "MONITORING_PIPELINE_HOME": str(tmp_path),
        "_MONITORING_PIPELINE_COMPLETE": "bash_complete",
        "COMP_WORDS": f"monitoring-pipeline {words}",
        "COMP_CWORD": str(len(words.split()) + 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "imported: []", done.stdout + done.stderr
    assert done.returncode == 0
