"""A spec or an alerting.yaml with a typing error is reported, and stops only the runs that need it."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest
import yaml

from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.orchestration.health.recording_request import JOB, SENSOR
from monitoring_pipeline.records.incident import IncidentState
from monitoring_pipeline.spec.parsing.documents import SpecError
from monitoring_pipeline_tests.worlds.living_world import ALERTING, LivingWorld, settle
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, QUIET

FILE = f"{DELIVERIES}.yaml"
BROKEN = "channels: {log: {fiel: alerts.jsonl}}\n"


@dataclass
class Deployment:
    """A world with the pipeline health sensor, which tests tick by hand; each tick loads all files again."""

    world: LivingWorld
    asked: set[str | None] = field(default_factory=set)

    def tick(self, sensing: dg.Definitions | None = None) -> list[bool]:
        """Evaluate the sensor, run the requests with new run keys, and return for each whether it succeeded."""
        definitions = self.definitions()
        with self.world.store() as store:
            resources = {"store": store, "clock": lambda: self.world.clock.now}
            with dg.build_sensor_context(instance=self.world.instance, resources=resources) as context:
                evaluated = (sensing or definitions).resolve_sensor_def(SENSOR).evaluate_tick(context)
        new = [request for request in evaluated.run_requests or [] if request.run_key not in self.asked]
        self.asked |= {request.run_key for request in new}
        job = definitions.resolve_job_def(JOB)
        return [
            job.execute_in_process(
                instance=self.world.instance,
                run_config=dict(request.run_config) | QUIET,
                tags=request.tags,
                raise_on_error=False,
            ).success
            for request in new
        ]

    def definitions(self) -> dg.Definitions:
        return build_definitions(self.world.settings, lambda: self.world.clock.now)

    def incidents(self) -> list[Any]:
        with self.world.store() as store:
            return store.incidents(FILE)


@pytest.fixture
def deployment(untouched_folder, tmp_path) -> Deployment:
    with dg.DagsterInstance.ephemeral() as instance:
        world = settle(untouched_folder, tmp_path / "world", instance)
        world.clock.now = dt.datetime(2024, 4, 6, 12, tzinfo=dt.UTC)
        yield Deployment(world)


def _break(world: LivingWorld, **parts: object) -> None:
    world.change_spec(DELIVERIES, **(parts or {"task": "regresion"}))


def _readable_rules(world: LivingWorld, **parts: Any) -> None:
    (world.folder / "alerting.yaml").write_text(yaml.safe_dump(ALERTING | parts), encoding="utf-8")


@pytest.mark.parametrize("parts", [
    {"task": "regresion"},
    {"performance": {"thresholds": {"auroc": {"lower": 0.6}}}},
    {"business": {"revenue": {"sql": "gone.sql"}}},
])  # fmt: skip
def test_unusable_spec_removes_only_the_jobs_of_its_model(deployment, parts):
    _break(deployment.world, **parts)
    jobs = {job.name for job in deployment.definitions().resolve_all_job_defs()}
    assert f"{LOANS}_nightly" in jobs
    assert f"{DELIVERIES}_nightly" not in jobs


def test_loading_without_any_usable_spec_is_a_spec_error(deployment):
    _break(deployment.world)
    (deployment.world.folder / "specs" / f"{LOANS}.yaml").unlink()
    with pytest.raises(SpecError, match="regresion"):
        deployment.definitions()


def test_unusable_spec_is_one_incident_until_it_is_corrected(deployment):
    world = deployment.world
    assert deployment.tick() == []
    _break(world)
    assert deployment.tick() == [True]
    assert deployment.tick() == []
    (stored,) = deployment.incidents()
    assert (stored.incident.cause.text, stored.incident.severity, stored.owner) == (
        "spec",
        "critical",
        "team:logistics",
    )
    assert "task: Input should be 'binary', 'multiclass' or 'regression'" in stored.incident.findings[0].reason
    assert world.due() == ["spec opened 2024-04-06"]

    _break(world, task="binery")
    assert deployment.tick() == [True]
    (stored,) = deployment.incidents()
    assert "got 'binery'" in stored.incident.findings[0].reason
    assert world.due() == []

    world.change_spec(DELIVERIES)
    assert deployment.tick() == [True]
    assert deployment.tick() == []
    assert world.due() == ["spec resolved 2024-04-06"]
    _break(world)
    deployment.tick()
    assert [stored.incident.state for stored in deployment.incidents()].count(IncidentState.RESOLVED) == 1
    assert world.due() == ["spec opened 2024-04-06"]
    (world.folder / "specs" / FILE).unlink()
    assert deployment.tick() == [True]
    assert world.due() == ["spec resolved 2024-04-06"]


def test_spec_broken_and_corrected_several_times_is_announced_each_time(deployment):
    for _ in range(5):
        _break(deployment.world)
        assert deployment.tick() == [True]
        deployment.world.change_spec(DELIVERIES)
        assert deployment.tick() == [True]
    assert {stored.incident.state for stored in deployment.incidents()} == {IncidentState.RESOLVED}
    assert len(deployment.world.due()) == 2 * 5


def test_overdue_chunks_of_a_broken_spec_are_recorded_after_its_correction(deployment):
    world = deployment.world
    assert world.failures(DELIVERIES, DAYS[0], DAYS[1]) == ()
    loaded_before = deployment.definitions()
    world.clock.now = dt.datetime.fromisoformat(f"{DAYS[3]}T23:00+00:00")
    _break(world)
    assert deployment.tick(loaded_before) == [True]
    assert world.ask("SELECT chunk FROM measurements WHERE name = 'overdue'") == []
    world.change_spec(DELIVERIES)
    assert deployment.tick(loaded_before) == [True, True]
    assert world.ask("SELECT chunk FROM measurements WHERE name = 'overdue'") == [(DAYS[2],)]


def test_alert_about_an_unusable_spec_uses_the_routes_of_its_model(deployment):
    channels = {"log": {"file": "alerts.jsonl"}, "other": {"file": "other.jsonl"}}
    routes = [{"channel": "log", "models": [DELIVERIES]}, {"channel": "other", "models": [LOANS]}]
    _readable_rules(deployment.world, channels=channels, routes=routes)
    _break(deployment.world)
    deployment.tick()
    assert deployment.world.ask("SELECT channel FROM alerts") == [("log",)]


def test_bad_spec_with_unreadable_rules_is_announced_after_their_correction(deployment, monkeypatch):
    monkeypatch.setattr("monitoring_pipeline.orchestration.health.recording_job.RETRIES", dg.RetryPolicy(max_retries=0))
    world = deployment.world
    (world.folder / "alerting.yaml").write_text(BROKEN, encoding="utf-8")
    _break(world)
    assert [deployment.tick() for _ in range(5)] == [[False]] * 3 + [[]] * 2
    assert deployment.incidents() == []
    _readable_rules(world)
    world.clock.now += dt.timedelta(days=1)
    assert deployment.tick() == [True]
    assert world.due() == ["spec opened 2024-04-07"]


def test_night_with_unreadable_rules_is_measured_and_announced_after_correction(deployment):
    world, night = deployment.world, DAYS[0]
    world.on(night, 'UPDATE "Loan Scores" SET "Annual Income" = NULL WHERE')
    (world.folder / "alerting.yaml").write_text(BROKEN, encoding="utf-8")
    lived = world.live(night)
    assert [event.step_key for event in lived.get_step_failure_events()] == [f"{LOANS}__incidents"]
    assert "unknown key; did you mean file?" in str(lived.get_step_failure_events()[0].event_specific_data)
    assert world.ask("SELECT chunk FROM verdicts WHERE model = :model", model=LOANS) == [(night,)]
    assert world.incidents() == []

    _readable_rules(world)
    assert world.live(DAYS[1]).success
    assert f"column:income opened {night}" in world.told[DAYS[1]]
