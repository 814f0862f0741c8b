"""The page of all commands agrees with click, and the exit codes with the commands."""

import click
import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main, results
from monitoring_pipeline.cli.commands_page import all_commands, commands_page
from monitoring_pipeline.cli.execution.exit_codes import OF_COMMANDS, ExitCode
from monitoring_pipeline.reports.fields import BOUNDS, FIELDS, MEANINGS, all_fields, meaning_of
from monitoring_pipeline_tests.docs.pages import read_page

DAYS = ("--from", "2013-04-01", "--to", "2013-04-02")
FIELDS_OF_THEIR_OWN = {"query", "spec reference"}


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path))
    return lambda *words: CliRunner().invoke(main, words)


def test_page_is_the_output_of_the_module():
    assert commands_page() == read_page("docs/commands.md")


def test_every_command_that_prints_data_has_its_fields_on_the_page():
    printing = {path for path, command, _ in all_commands() if any(p.name == "as_json" for p in command.params)}
    assert printing == set(FIELDS) | FIELDS_OF_THEIR_OWN


def test_every_field_has_a_meaning_and_every_meaning_a_field():
    fields = all_fields()
    assert all(meaning_of(field) for field in fields)
    values = {field.removesuffix(bound) for field in fields for bound in ("", *BOUNDS)}
    assert set(MEANINGS) <= values


def test_every_option_has_a_help_text():
    for path, command, _ in all_commands():
        without = [p.name for p in command.params if isinstance(p, click.Option) and not p.help and p.name != "by"]
        assert without == [], path


def test_commands_with_exit_codes_of_their_own_exist():
    assert set(OF_COMMANDS) <= {path for path, *_ in all_commands()}


@pytest.mark.parametrize(("words", "code"), [
    (("show", "flight_delay", *DAYS), ExitCode.DONE),
    (("spec", "check", "--offline"), ExitCode.DONE),
    (("show", "no_such_model", *DAYS), ExitCode.NO),
    (("incidents", "show", "abc"), ExitCode.NO),
    (("show", "flight_delay", "--from", "2013-04-02", "--to", "2013-04-01"), ExitCode.NO_ANSWER),
    (("show", "flight_delay", *DAYS, "--no-such-option"), ExitCode.NO_ANSWER),
    (("query", "no_such_query"), ExitCode.NO_ANSWER),
    (("no_such_command",), ExitCode.NO_ANSWER),
    (("evaluate", "no_such_model", "--version", "1"), ExitCode.NO_ANSWER),
])  # fmt: skip
def test_exit_code_is_that_of_the_scheme(run, words, code):
    result = run(*words)
    assert result.exit_code == code
    assert code is ExitCode.DONE or result.stdout == ""


def test_spec_with_an_error_is_an_answer_of_no(run, tmp_path):
    (tmp_path / "bad.yaml").write_text("name: bad")
    assert run("spec", "check", "--offline", str(tmp_path / "bad.yaml")).exit_code == ExitCode.NO


def test_interrupt_has_an_exit_code_of_its_own(run, monkeypatch):
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(results, "read_settings", interrupted)
    assert run("show", "flight_delay", *DAYS).exit_code == ExitCode.INTERRUPTED
