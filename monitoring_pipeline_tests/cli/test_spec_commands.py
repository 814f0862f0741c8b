"""Problems that ``spec check`` reports, and commands about a good model beside a bad file."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from monitoring_pipeline.cli import main
from monitoring_pipeline_tests.spec.cases import BINARY, REGRESSION, changed

Command = Callable[..., Result]
RETRAINS = {"predictions.model_version": "version"}


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A directory with one good spec."""
    folder = tmp_path / "specs"
    folder.mkdir()
    _write(folder, REGRESSION)
    return folder


@pytest.fixture
def command(specs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A function that runs ``monitoring-pipeline`` with that directory."""
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path))
    monkeypatch.setenv("MONITORING_PIPELINE_MODELS", str(specs))
    return lambda *words: CliRunner().invoke(main, words, catch_exceptions=False)


def _write(folder: Path, document: dict) -> Path:
    path = folder / f"{document['name']}.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return path


@pytest.mark.parametrize(("parts", "message"), [
    ({"task": "binery"}, "task: Input should be"),
    ({"objectives": {"o": {"metric": "aurocc", "lower": 0.5}}}, "objectives.o.metric: unknown 'aurocc'"),
    ({"performance": {"thresholds": {"mae": {"upper": 1}}}}, "performance.thresholds: unknown 'mae'"),
    ({"business": {"revenue": {"sql": "revenue.sql"}}}, "business.revenue.sql: revenue.sql: unknown parameter"),
    ({"business": {"revenue": {"sql": "none.sql"}}}, "business.revenue.sql: none.sql: no such file"),
])  # fmt: skip
def test_check_reports_every_bad_spec_by_its_file_and_fails(command, specs, parts, message):
    (specs / "revenue.sql").write_text("SELECT :chunk_strat")
    path = _write(specs, changed(BINARY, parts))
    for result in (command("spec", "check", "--offline"), command("spec", "check", "--offline", str(path))):
        assert result.exit_code == 1
        assert f"{path}: {message}" in result.stderr
        assert "churn is fine" not in result.stdout
    assert "spend is fine" in command("spec", "check", "--offline").stdout


@pytest.mark.parametrize(("rules", "message"), [
    ({"trainer": "nowhere.at_all:train"}, "ModuleNotFoundError: No module named 'nowhere' (the machine of the runs"),
    ({"trainer": "monitoring_pipeline.demo.retraining:no_such_function"}, "no_such_function"),
    ({"webhook": "trainer"}, "retraining.webhook: no secret 'trainer'; set MONITORING_PIPELINE_SECRETS__TRAINER"),
    ({"trainer": "monitoring_pipeline.demo.retraining:train"}, ""),
    ({"trainer": "os:system"}, "own, or allow this one by MONITORING_PIPELINE_FUNCTION_MODULES"),
])  # fmt: skip
def test_check_warns_of_a_missing_trainer_or_secret_and_succeeds(command, specs, rules, message):
    path = _write(specs, changed(BINARY, RETRAINS | {"retraining": rules}))
    result = command("spec", "check", "--offline", str(path))
    assert result.exit_code == 0
    assert "churn is fine" in result.stdout
    assert message in result.stderr
    assert bool(message) == bool(result.stderr)


def test_check_warns_of_a_measure_whose_function_cannot_be_loaded_and_succeeds(command, specs):
    own = "monitoring_pipeline_tests.steps.own_measures"
    measures = {"fine": {"function": f"{own}:mean_score"}, "gone": {"function": f"{own}:no_such_function"}}
    result = command("spec", "check", "--offline", str(_write(specs, changed(BINARY, {"measures": measures}))))
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert f"measures.gone.function: module {own} has no function no_such_function" in line


def test_command_about_a_good_model_warns_of_a_bad_file_in_one_line(command, specs):
    path = _write(specs, changed(BINARY, {"task": "binery"}) | {"typo": 1})
    result = command("decisions", "spend")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"Warning: this spec is not used: {path}: task: ")
    assert line.endswith("(and 1 more: monitoring-pipeline spec check)")


def test_command_about_a_bad_model_reports_its_problems(command, specs):
    path = _write(specs, changed(BINARY, {"task": "binery"}))
    result = command("decisions", "churn")
    assert result.exit_code == 1
    assert f"Error: {path}: task: " in result.stderr
