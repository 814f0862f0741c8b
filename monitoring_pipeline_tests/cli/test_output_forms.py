"""Commands print tables, JSON or CSV, and standard output has only the data."""

import csv
import io
import json

import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.reports.terminal.results import CHUNK_FIELDS, PERIOD_FIELDS

DAYS = ("--from", "2013-04-01", "--to", "2013-04-02")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path))

    def _run(*words: str, exit_code: int = 0):
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        return result

    return _run


def test_chunks_that_were_not_measured_are_null_with_a_reason(run):
    records = json.loads(run("show", "flight_delay", *DAYS, "--json").stdout)
    assert [record["chunk"] for record in records] == ["2013-04-01", "2013-04-02"]
    assert list(records[0]) == list(CHUNK_FIELDS)
    assert (records[0]["value"], records[0]["drifted_columns"], records[0]["verdict"]) == (None, None, None)
    assert records[0]["reason"] == "not judged"


@pytest.mark.parametrize("words", [
    ("show", "flight_delay", *DAYS),
    ("incidents",),
    ("decisions", "flight_delay"),
    ("query", "since_when", "--set", "model=flight_delay"),
    ("performance", "flight_delay", *DAYS),
    ("alerts", "check"),
    ("spec", "check", "--offline"),
])  # fmt: skip
def test_every_command_about_data_prints_json_and_csv(run, words):
    records = json.loads(run(*words, "--json").stdout)
    header, *lines = csv.reader(io.StringIO(run(*words, "--csv").stdout))
    assert len(lines) == len(records)
    assert all(list(record) == header for record in records)


def test_json_and_csv_together_are_a_usage_error(run):
    assert "not both" in run("incidents", "--json", "--csv", exit_code=2).stderr


def test_fields_of_periods_are_distinct():
    assert len(set(PERIOD_FIELDS)) == len(PERIOD_FIELDS)


def test_findings_of_a_bad_file_are_records_and_the_command_fails(run, tmp_path):
    (tmp_path / "bad.yaml").write_text("name: bad\ntask: binary\n")
    result = run("spec", "check", "--offline", str(tmp_path / "bad.yaml"), "--json", exit_code=1)
    records = json.loads(result.stdout)
    assert {record["check"] for record in records} == {"file_usable"}
    assert all(record["level"] == "error" and record["model"] == "bad" for record in records)
    assert "owner" in result.stderr
