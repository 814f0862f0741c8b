"""The definitions as a part of another Dagster project: all names have the prefix, and everything finds its own."""

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

import monitoring_pipeline
from monitoring_pipeline.alerting.messages.messages import verdict_page
from monitoring_pipeline.dagster_project.project import NoDefinitionsError, settings_of
from monitoring_pipeline.definitions import project_definitions
from monitoring_pipeline.orchestration.health.recording_request import FAILURE_TAG
from monitoring_pipeline.orchestration.runs.names import RESOURCES, BadPrefixError, Names
from monitoring_pipeline.settings import Settings
from monitoring_pipeline_tests.alerting.cases import stored
from monitoring_pipeline_tests.docs.pages import blocks_of
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld
from monitoring_pipeline_tests.worlds.retraining_world import TRAINERS

NIGHT = "2024-04-02"
MONITORED = {"start": "2024-04-01", "reference": {"1": {"start": "2024-03-25", "end": "2024-04-01"}}}
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OneModelWorld:
    world = OneModelWorld(tmp_path, monkeypatch)
    world.rows("2024-03-25", "2024-04-03", "10 minutes")
    world.spec(**MONITORED)
    monkeypatch.delenv("MONITORING_PIPELINE_MODELS")
    return world


def definitions_of(world: OneModelWorld, prefix: str, home: str = "home") -> dg.Definitions:
    return monitoring_pipeline.defs(prefix=prefix, models=world.folder / "models", home=world.folder / home)


def names_in(definitions: dg.Definitions) -> dict[str, set[str]]:
    """Return the names of everything that must be unique in a code location, by kind."""
    repository = definitions.get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    assets = list(definitions.resolve_asset_graph().assets_defs)
    return {
        "assets": {key.to_user_string() for key in repository.asset_graph.get_all_asset_keys()},
        "groups": {asset.group_names_by_key[asset.key] for asset in assets},
        "jobs": {job.name for job in jobs},
        "sensors": {sensor.name for sensor in repository.sensor_defs},
        "schedules": {schedule.name for schedule in repository.schedule_defs},
        "resources": set(definitions.resources or {}),
        "pools": {pool for asset in assets for pool in [asset.op.pool] if pool},
        "ops": {node.name for job in jobs for node in job.all_node_defs},
        "models of runs": {job.tags["model"] for job in jobs if "model" in job.tags},
    }


def test_without_a_prefix_all_names_are_those_of_earlier_versions(world):
    assert names_in(definitions_of(world, "")) == {
        "assets": {
            "m/reference", "m/predictions", "m/profile", "m/drift", "m/estimate", "m/labels", "m/performance",
            "m/windows", "m/attribution", "m/verdict", "m/incidents", "m/report", "reports/overview",
        },
        "groups": {"m", "reports"},
        "jobs": {"m_nightly", "m_late_labels", "record_failures", "deliver_alerts"},
        "sensors": {"outages", "pipeline_health", "alerts", "reports", "late_labels"},
        "schedules": {"m_schedule"},
        "resources": set(RESOURCES),
        "pools": {"m"},
        "ops": {
            "m__reference", "m__predictions", "m__profile", "m__drift", "m__estimate", "m__labels", "m__performance",
            "m__windows", "m__attribution", "m__verdict", "m__incidents", "record", "deliver",
        },
        "models of runs": {"m"},
    }  # fmt: skip


def test_with_a_prefix_every_name_begins_with_it(world):
    plain, prefixed = names_in(definitions_of(world, "")), names_in(definitions_of(world, "ml"))
    asset_ops = {name.replace("m__", "ml__m__") for name in plain["ops"] if "__" in name}
    assert prefixed.pop("assets") == {f"ml/{name}" for name in plain.pop("assets")}
    assert prefixed.pop("ops") == asset_ops | {f"ml_{name}" for name in plain.pop("ops") if "__" not in name}
    assert prefixed == {kind: {f"ml_{name}" for name in names} for kind, names in plain.items()}


def test_every_sensor_job_and_op_of_all_options_has_the_prefix(world, monkeypatch):
    """A model that retrains, with a digest of the week and lineage, so that every job there is exists."""
    home = world.folder / "home"
    home.mkdir()
    (home / "alerting.yaml").write_text(
        "channels: {people: {apprise: people}}\nweekly_digest: {channels: [people]}\n", encoding="utf-8"
    )
    monkeypatch.setenv("MONITORING_PIPELINE_OPENLINEAGE_URL", "http://127.0.0.1:9")
    predictions = {"table": "scores", "id": "id", "time": "ts", "score": "score", "model_version": "c"}
    world.spec(**MONITORED, predictions=predictions, retraining={"trainer": f"{TRAINERS}:boosting"})
    plain, prefixed = names_in(definitions_of(world, "")), names_in(definitions_of(world, "ml"))
    assert {"m_retrain", "m_gate", "m_rollout", "weekly_digest", "send_lineage"} < plain["jobs"]
    for kind in ("jobs", "sensors", "schedules", "resources", "pools", "groups"):
        assert prefixed[kind] == {f"ml_{name}" for name in plain[kind]}, kind
    assert {name for name in prefixed["ops"] if not name.startswith("ml_")} == set()


def users_project() -> dg.Definitions:
    """A project that has chosen the same names as this package for things of its own."""

    @dg.asset(key=["m", "predictions"], required_resource_keys={"warehouse", "store"}, group_name="m", pool="m")
    def scores(context: dg.AssetExecutionContext) -> str:
        return f"{context.resources.warehouse} {context.resources.store}"

    @dg.op
    def deliver() -> None: ...

    @dg.job
    def deliver_alerts() -> None:
        deliver()

    @dg.sensor(job=deliver_alerts)
    def alerts() -> None: ...

    names = sorted(RESOURCES)
    return dg.Definitions(
        assets=[scores],
        jobs=[deliver_alerts, dg.define_asset_job("m_nightly", selection=[scores])],
        sensors=[alerts],
        schedules=[dg.ScheduleDefinition("m_schedule", job_name="m_nightly", cron_schedule="0 3 * * *")],
        resources={name: dg.ResourceDefinition.hardcoded_resource(f"the user's {name}") for name in names},
        executor=dg.multiprocess_executor,
    )


def test_a_project_with_the_same_names_is_merged_and_keeps_its_own(world):
    users = users_project()
    merged = dg.Definitions.merge(users, definitions_of(world, "ml"), definitions_of(world, "other", "home2"))
    dg.Definitions.validate_loadable(merged)
    assert merged.executor is dg.multiprocess_executor
    own, both = names_in(users), names_in(merged)
    for prefix in ("ml", "other"):
        theirs = names_in(definitions_of(world, prefix))
        assert all(theirs[kind] <= both[kind] and not theirs[kind] & own[kind] for kind in theirs)
        both = {kind: both[kind] - theirs[kind] for kind in both}
    assert both == own
    with dg.DagsterInstance.ephemeral() as instance:
        result = merged.resolve_job_def("m_nightly").execute_in_process(instance=instance, run_config=QUIET)
        assert result.output_for_node("m__predictions") == "the user's warehouse the user's store"


def test_without_a_prefix_such_a_project_cannot_be_merged(world):
    with pytest.raises(dg.DagsterInvariantViolationError, match="same key"):
        dg.Definitions.merge(users_project(), definitions_of(world, ""))


class Office:
    """A merged project at a time of its own."""

    def __init__(self, world: OneModelWorld, instance: dg.DagsterInstance, now: str) -> None:
        (world.folder / "home").mkdir(exist_ok=True)
        (world.folder / "home" / "alerting.yaml").write_text(
            "channels: {people: {file: sent.jsonl}}\nroutes: [{channel: people}]\n", encoding="utf-8"
        )
        self.instance, self.now = instance, dt.datetime.fromisoformat(now)
        given = {"prefix": "ml", "models": world.folder / "models"}
        monitoring = project_definitions(settings_of(given), clock=lambda: self.now)
        self.project = dg.Definitions.merge(users_project(), monitoring)

    def asked(self, sensor: str) -> list[dg.RunRequest]:
        """Return what a sensor requests, with the resources of the project."""
        repository = self.project.get_repository_def()
        definition = repository.get_sensor_def(sensor)
        given = self.project.resources or {}
        resources = {key: given[key] for key in definition.required_resource_keys}
        with dg.build_sensor_context(instance=self.instance, repository_def=repository, resources=resources) as context:
            return list(definition.evaluate_tick(context).run_requests or [])

    def runs(self, job: str, request: dg.RunRequest) -> bool:
        """Run what was requested; return whether it succeeded."""
        return self.project.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
            run_config={**(request.run_config or {}), **QUIET},
            tags=dict(request.tags),
            raise_on_error=False,
        ).success  # fmt: skip


@pytest.fixture
def office(world: OneModelWorld) -> Iterator[Office]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Office(world, instance, "2024-04-03T08:00:00+00:00")


def test_a_night_its_labels_and_its_alerts_run_within_a_project_of_the_same_names(world, office):
    night = dg.RunRequest(partition_key=NIGHT)
    assert office.runs("ml_m_nightly", night)
    assert list(world.verdicts()) == [NIGHT]
    world.execute("UPDATE outcomes SET label = 1 - label, known_at = known_at + INTERVAL 1 SECOND")
    (late,) = office.asked("ml_late_labels")
    assert (late.job_name, late.partition_key) == ("ml_m_late_labels", NIGHT)
    assert office.runs("ml_m_late_labels", late)
    assert office.asked("ml_late_labels") == []
    (due,) = office.asked("ml_alerts")
    assert office.runs("ml_deliver_alerts", due)
    assert (world.folder / "home" / "sent.jsonl").read_text(encoding="utf-8")
    assert office.asked("ml_alerts") == []


def test_a_failed_night_is_recorded_until_it_succeeds_and_an_overdue_one_under_the_prefix(world, office):
    failures = "SELECT count(*) FROM current_measurements WHERE kind = 'operations' AND status = 'breached'"
    world.execute("ALTER TABLE scores RENAME TO away")
    night = dg.RunRequest(partition_key=NIGHT)
    assert not office.runs("ml_m_nightly", night)
    (request,) = [r for r in office.asked("ml_pipeline_health") if NIGHT in str(r.run_config)]
    assert (list(request.run_config["ops"]), request.tags["model"]) == (["ml_record"], "ml_m")
    assert office.runs("ml_record_failures", request)
    assert world.ask(failures) == [(1,)]
    world.execute("ALTER TABLE away RENAME TO scores")
    assert office.runs("ml_m_nightly", night)
    assert world.ask(failures) == [(0,)]
    # Tags are looked for in the whole instance: without the prefix, two deployments would count each other's tries.
    office.now += dt.timedelta(days=1, hours=12)
    (overdue,) = office.asked("ml_pipeline_health")
    assert overdue.tags[FAILURE_TAG] == overdue.run_key == "ml/overdue:m:2024-04-03"


def test_backfill_of_the_command_line_has_the_names_of_the_project(world, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_MODELS", str(world.folder / "models"))
    monkeypatch.setenv("MONITORING_PIPELINE_PREFIX", "ml")
    world.run("backfill", "m", "--from", NIGHT, "--to", NIGHT)
    with dg.DagsterInstance.from_config(str(world.folder / "home" / "dagster")) as instance:
        (run,) = instance.get_runs()
        assert run.job_name == "ml_m_nightly"
        assert instance.get_materialized_partitions(dg.AssetKey(["ml", "m", "verdict"])) == {NIGHT}


def test_links_to_dagster_lead_to_the_asset_of_the_project(tmp_path):
    (tmp_path / "alerting.yaml").write_text("link: https://dagster.example.com\n", encoding="utf-8")
    incident = stored()
    links = {prefix: Settings(home=tmp_path, prefix=prefix).alerting_rules().links for prefix in ("", "ml")}
    key = f"{incident.incident.model}/verdict?view=partitions&partition={incident.incident.last_breached}"
    assert verdict_page(incident, links[""]) == f"https://dagster.example.com/assets/{key}"
    assert verdict_page(incident, links["ml"]) == f"https://dagster.example.com/assets/ml/{key}"


def test_shipped_models_are_not_part_of_a_project_unless_asked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("MONITORING_PIPELINE_MODELS", raising=False)
    with pytest.raises(NoDefinitionsError, match=r"pass models=\.\.\., or set MONITORING_PIPELINE_MODELS"):
        monitoring_pipeline.defs(prefix="ml", home=tmp_path)


def test_an_address_may_be_a_variable_of_the_environment(world, monkeypatch):
    monkeypatch.setenv("SCORES_DB", str(world.folder / "scores.duckdb"))
    given = {"models": world.folder / "models", "warehouse": dg.EnvVar("SCORES_DB")}
    assert settings_of(given).warehouse == str(world.folder / "scores.duckdb")
    with pytest.raises(NoDefinitionsError, match="store_url: the environment variable NOWHERE is not set"):
        settings_of({**given, "store_url": dg.EnvVar("NOWHERE")})


@pytest.mark.parametrize("prefix", ["ml-monitoring", "1ml", "ml/a", "ml a", "_ml", "é"])
def test_a_prefix_of_which_dagster_makes_no_names_is_refused(prefix, world):
    with pytest.raises(BadPrefixError, match="letters, digits and underscores"):
        Names(prefix)
    with pytest.raises(BadPrefixError, match="letters, digits and underscores"):
        definitions_of(world, prefix)


def test_import_of_the_package_imports_neither_dagster_nor_polars():
    code = "import sys, monitoring_pipeline; print(*({'dagster', 'polars', 'pydantic'} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == ""


def test_documented_project_loads(world, monkeypatch):
    example, _ = [block.text for block in blocks_of("python") if block.page == "docs/dagster_project.md"]
    monkeypatch.setenv("SCORES_DB", str(world.warehouse))
    monkeypatch.chdir(world.folder)
    found = {"my_project": users_project()}
    exec(example, found)
    dg.Definitions.validate_loadable(found["defs"])
    assert "ml_monitoring/m/verdict" in names_in(found["defs"])["assets"]
