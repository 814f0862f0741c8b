"""The ports of a command and of a run."""

from dataclasses import fields

import dagster as dg

from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.definitions import build_resources
from monitoring_pipeline.orchestration.runs.outside import build_outside
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.settings import Settings

PARTS = {field.name for field in fields(Outside)} - {"run_id", "waits"}


def settings_of(tmp_path) -> Settings:
    return Settings(home=tmp_path, id_key="key")


def test_outside_of_a_command_has_the_adapters_of_the_settings_and_the_given_store(tmp_path):
    adapters, store = build_adapters(settings_of(tmp_path)), object()
    outside = adapters.outside(store, run_id="command")
    assert (outside.store, outside.run_id, outside.id_key) == (store, "command", b"key")
    found = {name: getattr(outside, name) for name in PARTS - {"store", "snapshots"}}
    assert found | {"find_spec": adapters.find_spec, "snapshots": outside.snapshots.files} == vars(adapters)


def test_outside_of_a_run_is_made_from_the_resources_of_their_names():
    resources = {name: object() for name in PARTS}
    outside = build_outside()(dg.build_init_resource_context(resources=resources))
    parts = {name: getattr(outside, name) for name in PARTS - {"snapshots"}}
    assert parts | {"snapshots": outside.snapshots.files} == resources


def test_resources_have_a_name_for_every_part_of_outside(tmp_path):
    assert set(build_resources(settings_of(tmp_path))) >= {*PARTS, "outside"}


def test_references_name_the_run_that_built_them(monitored):
    with monitored.store() as store:
        stored = {run_id for (run_id,) in store.query("SELECT run_id FROM model_references", {})[1]}
    assert stored
    assert stored <= {run.run_id for run in monitored.instance.get_runs()}
