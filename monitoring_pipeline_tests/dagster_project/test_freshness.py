"""Freshness policies, and attributes of assets that people change with Dagster's own functions."""

import datetime as dt
import warnings

import dagster as dg
import pytest
from dagster._core.definitions.freshness import CronFreshnessPolicy, TimeWindowFreshnessPolicy

import monitoring_pipeline
from monitoring_pipeline.orchestration.assets.freshness import freshness_of
from monitoring_pipeline_tests.dagster_project.test_project import MONITORED
from monitoring_pipeline_tests.docs.pages import blocks_of
from monitoring_pipeline_tests.spec.cases import binary_spec
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    OneModelWorld(tmp_path, monkeypatch).spec(**MONITORED)
    monkeypatch.delenv("MONITORING_PIPELINE_MODELS")
    return tmp_path


def specs_of(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.path[-1]: spec for spec in definitions.resolve_all_asset_specs()}


@pytest.mark.parametrize(("fields", "cron", "hours"), [
    ({"schedule": "04:30"}, "30 7 * * *", 7.5),
    ({"schedule": "06:00", "cadence": "week"}, "0 9 * * 1", 9),
    ({"schedule": "00:00", "cadence": "month"}, "0 3 1 * *", 3),
    ({"schedule": "22:15"}, "59 23 * * *", 24 - 1 / 60),
])  # fmt: skip
def test_verdict_is_expected_between_the_end_of_a_chunk_and_the_time_at_which_it_is_overdue(fields, cron, hours):
    policy = freshness_of(binary_spec(timezone="Europe/Berlin", **fields))
    assert isinstance(policy, CronFreshnessPolicy)
    assert (policy.deadline_cron, policy.timezone) == (cron, "Europe/Berlin")
    assert policy.lower_bound_delta == dt.timedelta(minutes=round(60 * hours))


def test_verdict_of_an_hour_is_expected_within_its_length_its_delay_and_the_grace_period():
    policy = freshness_of(binary_spec(cadence="hour"))
    assert isinstance(policy, TimeWindowFreshnessPolicy)
    assert 4 * HOUR <= policy.fail_window.to_timedelta() <= 6 * HOUR


def test_only_verdicts_have_a_policy_and_only_if_it_is_asked_for(folder):
    given = {"prefix": "ml", "models": folder / "models", "home": folder / "home"}
    without, with_it = (specs_of(monitoring_pipeline.defs(**given, freshness=asked)) for asked in (False, True))
    assert [name for name, spec in without.items() if spec.freshness_policy] == []
    assert [name for name, spec in with_it.items() if spec.freshness_policy] == ["verdict"]


def test_every_asset_of_a_model_has_an_owner_kinds_or_checks_tags_a_group_and_links(folder):
    specs = specs_of(monitoring_pipeline.defs(models=folder / "models", home=folder / "home"))
    del specs["overview"]
    for name, spec in specs.items():
        assert (spec.owners, spec.group_name) == (["team:x"], "m"), name
        assert {"model": "m", "task": "binary"}.items() <= spec.tags.items(), name
        assert spec.description, name
    assert [name for name, spec in specs.items() if "dagster/code_references" not in spec.metadata] == ["report"]


def test_documented_condition_is_added_to_the_reports(folder, monkeypatch):
    monkeypatch.chdir(folder)
    _, example = [block.text for block in blocks_of("python") if block.page == "docs/dagster_project.md"]
    found = {"monitoring_pipeline": monitoring_pipeline, "dg": dg}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        exec(example, found)
    dg.Definitions.validate_loadable(found["monitoring"])
    specs = specs_of(found["monitoring"])
    assert specs["report"].automation_condition == dg.AutomationCondition.on_cron("0 8 * * *")
    assert specs["verdict"].automation_condition is None
