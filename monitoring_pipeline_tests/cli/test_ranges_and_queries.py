"""Commands that take a range of days or run a documented query refuse input without an answer."""

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.cli import main
from monitoring_pipeline.cli.documented_queries import documented_query, query_names

Command = Callable[..., Result]
OPTIONAL_IN_SQL = re.compile(r"CAST\(:(\w+) AS TEXT\) IS NULL")
DAYS = st.dates(min_value=dt.date(1990, 1, 1), max_value=dt.date(2090, 1, 1))
REQUIRED = [
    (name, parameter.name)
    for name in query_names()
    for parameter in documented_query(name).parameters
    if parameter.required
]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A function that runs ``monitoring-pipeline`` in an empty home with the shipped specs."""
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(main, words, catch_exceptions=False)


@pytest.mark.parametrize(("words", "message"), [
    ((), "name one of --versions, --segments and --periods"),
    (("--versions", "1", "2", "--segments", "a", "b"), "name one of --versions, --segments and --periods"),
    (("--versions", "1", "2"), "--versions and --segments need --from and --to"),
    (("--periods", "2013-03-01..2013-03-02", "2013-04"), "'2013-04' is not a period such as 2013-03-01..2013-03-31"),
    (("--periods", "..2013-03-02", "2013-03-01..2013-03-02"), "'..2013-03-02' is not a period"),
    (("--periods", "a..b", "c..d", "--from", "2013-03-01", "--to", "2013-03-02"), "--periods has its own days"),
])  # fmt: skip
def test_comparison_without_two_sides_is_a_usage_error(command, words, message):
    result = command("compare", "flight_delay", *words)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize("words", [
    ("backfill", "flight_delay"),
    ("show", "flight_delay"),
    ("show", "flight_delay", "--by", "month"),
    ("performance", "flight_delay"),
    ("performance", "flight_delay", "--sums"),
    ("rehearse", "flight_delay"),
    ("rehearse", "flight_delay", "--summary"),
])  # fmt: skip
def test_range_with_reversed_days_is_a_usage_error(command, words):
    result = command(*words, "--from", "2013-04-30", "--to", "2013-04-01")
    assert result.exit_code == 2
    assert "--from 2013-04-30 is after --to 2013-04-01" in result.stderr
    assert result.stdout == ""


def test_range_of_one_day_is_shown(command):
    result = command("show", "flight_delay", "--from", "2013-04-01", "--to", "2013-04-01")
    assert result.exit_code == 0
    assert "2013-04-01" in result.stdout


@given(first=DAYS, last=DAYS, order=st.booleans())
def test_range_in_any_order_of_options_is_refused_exactly_if_the_first_day_is_later(first, last, order):
    options = [("--from", str(first)), ("--to", str(last))]
    words = [word for option in (options if order else reversed(options)) for word in option]
    result = CliRunner().invoke(main, ["show", "no_such_model", *words], catch_exceptions=False)
    assert ("is after" in result.stderr) == (first > last)
    assert result.exit_code == (2 if first > last else 1)


@pytest.mark.parametrize(("name", "parameter"), REQUIRED)
def test_query_without_a_required_parameter_is_a_usage_error_that_names_it(command, name, parameter):
    others = [p.name for p in documented_query(name).parameters if p.name != parameter]
    for words in ((), ("--set", f"{parameter}=")):
        result = command("query", name, *words, *(word for other in others for word in ("--set", f"{other}=x")))
        assert result.exit_code == 2
        assert f"{name} needs --set {parameter}=... (" in result.stderr
        assert result.stdout == ""


def test_query_with_its_required_parameters_prints_a_table(command):
    result = command("query", "since_when", "--set", "model=flight_delay")
    assert result.exit_code == 0
    assert "since_when" in result.stdout


@pytest.mark.parametrize("pair", ["modle=flight_delay", "model"])
def test_query_with_an_unknown_parameter_is_a_usage_error(command, pair):
    result = command("query", "since_when", "--set", pair)
    assert result.exit_code == 2
    assert f"--set {pair}: expected NAME=VALUE with NAME one of model, name" in result.stderr


def test_query_of_an_unknown_name_is_a_usage_error_that_lists_the_known_ones(command):
    result = command("query", "what_is_worng")
    assert result.exit_code == 2
    assert "no query 'what_is_worng'; known: alert_precision, " in result.stderr


def test_help_of_query_lists_every_query(command):
    words = set(re.findall(r"\w+", command("query", "--help").stdout))
    assert set(query_names()) <= words


@pytest.mark.parametrize("name", query_names())
def test_head_of_a_query_describes_the_parameters_that_its_sql_binds(name):
    query = documented_query(name)
    assert {p.name for p in query.parameters} == set(sa.text(query.sql).compile().params)
    assert {p.name for p in query.parameters if not p.required} == set(OPTIONAL_IN_SQL.findall(query.sql))
