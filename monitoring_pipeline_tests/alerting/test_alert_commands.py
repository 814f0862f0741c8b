"""The commands that check the delivery of alerts before any incident exists."""

import json

import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline_tests.slack_server import SlackServer

RULES = """
channels:
  ml-oncall: {slack: "#ml-oncall"}
  log: {file: alerts.jsonl}
  unused: {file: unused.jsonl}
routes:
  - {channel: ml-oncall, severity: critical}
  - {channel: log, digest: "08:00"}
escalation: {channel: log, after: 4h}
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a command in a home folder with an alerting.yaml."""
    (tmp_path / "alerting.yaml").write_text(RULES)
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path))

    def run(*words, **environment):
        names = {"SECRETS__SLACK": "xoxb-for-tests"} | environment
        for name, value in names.items():
            monkeypatch.setenv(f"MONITORING_PIPELINE_{name}", value)
        return CliRunner().invoke(main, ["alerts", *words])

    return run


def test_check_lists_the_alerts_of_each_channel(run):
    assert run("check").output.splitlines() == [
        "ml-oncall (slack): critical and above",
        "log (file): info and above as a digest at 08:00; escalations",
        "unused (file): no route names this channel",
    ]


def test_check_lists_the_weekly_digest(run, tmp_path):
    (tmp_path / "alerting.yaml").write_text(
        "channels: {boss: {slack: '#boss'}}\nweekly_digest: {channels: [boss], day: friday, at: '16:30'}"
    )
    assert run("check").output == "boss (slack): the weekly digest on Friday at 16:30\n"


def test_check_lists_models_and_owners_of_routes_and_warns_of_unknown_ones(run, tmp_path):
    (tmp_path / "alerting.yaml").write_text("""
channels: {log: {file: alerts.jsonl}}
routes:
  - {channel: log, severity: warning, models: ["Flight_Delay", "flight_*"], owners: ["team:*", "*"]}
  - {channel: log, owners: [nobody]}
""")
    result = run("check")
    assert result.stdout.splitlines() == [
        "log (file): warning and above of models Flight_Delay, flight_*, info and above of owners nobody"
    ]
    model, owner = result.stderr.splitlines()
    assert "routes.0.models: 'Flight_Delay' matches none; known: arrival_delay, flight_delay, flight_outcome" in model
    assert "routes.1.owners: 'nobody' matches none; known: " in owner


def test_check_with_a_missing_secret_fails_and_names_it(run, tmp_path):
    result = run("check", SECRETS__SLACK="")
    assert result.exit_code == 1
    assert f"{tmp_path}/alerting.yaml: channel ml-oncall (slack): no secret 'slack'" in result.output
    assert "MONITORING_PIPELINE_SECRETS__SLACK" in result.output


def test_check_without_rules_reports_that_no_alerts_are_sent(run, tmp_path):
    (tmp_path / "alerting.yaml").unlink()
    assert "no channels, so no alerts are sent" in run("check").output


def test_message_of_the_test_command_reaches_slack(run):
    with SlackServer() as slack:
        result = run("test", "ml-oncall", SLACK_API=slack.url)
        assert result.exit_code == 0, result.output
        assert result.output.startswith("ml-oncall: accepted as C0000ONCALL/")
        (root,) = slack.roots()
    shown = json.dumps(root["blocks"])
    assert "This is a test: nothing has happened" in shown
    assert not [word for word in ("Opened", "Severity", "Incident", "Since") if word in shown]


def test_test_command_with_a_wrong_token_fails_without_showing_it(run):
    with SlackServer() as slack:
        result = run("test", "ml-oncall", SLACK_API=slack.url, SECRETS__SLACK="xoxb-of-others")
        assert slack.roots() == []
    assert result.exit_code == 1
    assert "invalid_auth" in result.output
    assert "xoxb-of-others" not in result.output


def test_message_of_the_test_command_reaches_a_file(run, tmp_path):
    assert run("test", "log").exit_code == 0
    (line,) = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert json.loads(line)["alerts"][0]["event"]["summary"] == "This is a test: nothing has happened"


def test_test_command_with_an_unknown_channel_fails_with_the_known_ones(run):
    result = run("test", "ml-onkall")
    assert result.exit_code == 1
    assert "no channel 'ml-onkall'" in result.output
    assert "known: ml-oncall, log, unused" in result.output
