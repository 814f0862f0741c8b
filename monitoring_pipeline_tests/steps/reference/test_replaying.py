"""The rule check of a model on its stored reference, and the command that prints it."""

import datetime as dt

import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.evaluation.rule_check import changes_found as replayed_changes
from monitoring_pipeline.evaluation.rule_check import thresholds_breached as replayed_performance
from monitoring_pipeline.evaluation.rule_check.injected_changes import shift_of
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.records.names import name_and_of
from monitoring_pipeline.records.producer import replay_producer
from monitoring_pipeline.reports.terminal.rule_check import false_alarm_lines, power_lines
from monitoring_pipeline.steps.reference.rule_check import replay_reference
from monitoring_pipeline_tests.worlds.retraining_world import outside_of
from monitoring_pipeline_tests.worlds.world import DELIVERIES, FIRST_ROW, LOANS, World

VERSION = "2024.1"
WINDOW = {"start": FIRST_ROW, "end": FIRST_ROW + dt.timedelta(days=15)}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(replayed_changes, "COLUMN_CHANGES", (shift_of(1.0),))
    monkeypatch.setattr(replayed_performance, "DAYS_CHANGED", 3)
    monkeypatch.setattr(replayed_performance, "DAYS_JUDGED", 3)


@pytest.fixture
def environment(world, monkeypatch) -> World:
    for name, value in {
        "MONITORING_PIPELINE_HOME": world.folder,
        "MONITORING_PIPELINE_MODELS": world.settings.models,
        "MONITORING_PIPELINE_ID_KEY": "world",
    }.items():
        monkeypatch.setenv(name, str(value))
    return world


def _replay(world: World) -> tuple[Measurement, ...]:
    with world.store() as store:
        return replay_reference(world.loaded(LOANS), VERSION, outside_of(world, store))


def _stored(world: World) -> list[Measurement]:
    spec = world.loaded(LOANS).spec
    window = spec.calendar.window(spec.reference[VERSION])
    with world.store() as store:
        return store.measurements(LOANS, window.key, replay_producer(VERSION))


@pytest.mark.usefixtures("quick")
def test_rule_check_builds_the_reference_and_stores_its_results_once(world):
    world.change_spec(LOANS, reference={VERSION: WINDOW})
    measured = _replay(world)
    assert sorted(_stored(world), key=repr) == sorted(measured, key=repr)
    by_name = {(m.subject, str(m.metric)): m for m in measured}
    assert by_name["chunk", "false_alarm_rate"].rows == 15
    assert by_name["age", "found[shift=1sd]"].value >= 0.9
    assert by_name["model", "false_alarm_rate[auroc]"].value == 0.0

    before = world.tables(LOANS)
    assert _replay(world) == measured
    assert world.tables(LOANS)["model_references"] == before["model_references"]
    assert world.tables(LOANS)["measurements"] == before["measurements"]


@pytest.mark.usefixtures("quick")
def test_replay_command_prints_false_alarms_and_found_changes(environment):
    environment.change_spec(LOANS, reference={VERSION: WINDOW})
    printed = CliRunner().invoke(main, ["replay", LOANS])
    assert printed.exit_code == 0, printed.output
    for words in ("drift, any column, if days differed by chance alone", "auroc", "shift=1sd", "labels_flipped=30%"):
        assert words in printed.output
    assert len(_stored(environment)) > 10


def test_replay_command_names_missing_days_and_known_versions(environment):
    printed = CliRunner().invoke(main, ["replay", DELIVERIES])
    assert printed.exit_code == 0, printed.output
    assert "10 days of the reference with at least 50 rows" in printed.output
    assert "at least 13 needed" in printed.output
    refused = CliRunner().invoke(main, ["replay", LOANS, "--version", "7"])
    assert refused.exit_code == 1
    assert f"no version '7' of {LOANS}; with a reference: {VERSION}" in refused.output


def test_lines_show_rates_above_zero_and_changes_in_order():
    def measured(subject: str, name: str, value: float) -> Measurement:
        return Measurement(
            kind="operations",
            subject=subject,
            model_version="1",
            value=value,
            lower=0.0,
            upper=0.5,
            rows=9,
            **name_and_of(name)._asdict(),
        )

    rates = [
        measured("chunk", "false_alarm_rate", 0.0),
        measured("age", "false_alarm_rate", 0.0),
        measured("plan", "false_alarm_rate", 0.125),
        measured("chunk", "false_alarm_rate[in_order]", 0.25),
    ]
    assert [line[:3] for line in false_alarm_lines(rates)] == [
        ("drift, any column", "0.0%", "0.0% to 50.0%"),
        ("plan", "12.5%", "0.0% to 50.0%"),
        ("drift, any column, last third by the days before", "25.0%", "0.0% to 50.0%"),
    ]
    changes = [
        measured("plan", "found[nulls=5%]", 0.5),
        measured("age", "found[shift=1sd]", 1.0),
        measured("age", "found[shift=0.1sd]", 0.0),
    ]
    assert power_lines([*rates, *changes]) == (
        ("changed", "shift=0.1sd", "shift=1sd", "nulls=5%"),
        [("plan", "", "", "50%"), ("age", "0%", "100%", "")],
    )
