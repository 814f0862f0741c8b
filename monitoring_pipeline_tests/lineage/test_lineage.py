"""Lineage of the monitored world: what the endpoint receives, and that an endpoint that is away delays only lineage."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pytest
from pydantic import SecretStr

from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.lineage.events import Place, events_of
from monitoring_pipeline.lineage.sending import LineageError, send_events
from monitoring_pipeline.orchestration.jobs.lineage import AFTER, JOB, SENSOR, SETTLED, UNTIL
from monitoring_pipeline.ports.lineage import Lineage
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.steps.lineage import read_lineage
from monitoring_pipeline_tests.alerting.receivers import serving
from monitoring_pipeline_tests.lineage.endpoint import Endpoint, check_event
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, QUIET, World

EVER = (dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC))
PLACE = Place(namespace="ml", source="postgresql://ann:s3cr3tpassword@db.example.com:5432/scores")


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving(Endpoint()) as server:
        yield server


def lineage_of(world: World) -> list[Lineage]:
    specs = [world.loaded(model).spec for model in (LOANS, DELIVERIES)]
    with world.store() as store:
        return list(read_lineage(specs, store, *EVER))


def test_every_judged_chunk_is_a_run_that_starts_and_completes(endpoint: Endpoint, monitored: World) -> None:
    events = [event for found in lineage_of(monitored) for event in events_of(found, PLACE)]
    assert send_events(events, url=endpoint.url, api_key="") == len(events) == 2 * 2 * len(DAYS)
    for event in endpoint.events:
        check_event(event)
    runs: dict[str, list[str]] = {}
    for event in endpoint.events:
        runs.setdefault(event["run"]["runId"], []).append(event["eventType"])
    assert set(map(tuple, runs.values())) == {("START", "COMPLETE")}
    assert len(runs) == 2 * len(DAYS)
    assert {path for path, _, _ in endpoint.received} == {"/api/v1/lineage"}


def test_run_of_a_chunk_names_its_tables_checks_verdict_and_hashes(endpoint: Endpoint, monitored: World) -> None:
    found = next(f for f in lineage_of(monitored) if (f.spec.name, f.chunk.key) == (LOANS, DAYS[-1]))
    send_events(events_of(found, PLACE), url=endpoint.url, api_key="")
    event = endpoint.events[-1]
    assert "s3cr3tpassword" not in str(endpoint.events)
    assert [(i["namespace"], i["name"]) for i in event["inputs"]] == [
        ("postgres://db.example.com:5432", "scores.Loan Scores"), ("postgres://db.example.com:5432", "scores.Outcomes"),
    ]  # fmt: skip
    facets = event["inputs"][0]["inputFacets"]
    checks = facets["dataQualityAssertions"]["assertions"]
    stored = monitored.ask(
        "SELECT status, COUNT(*) FROM current_measurements WHERE model = :m AND chunk = :c AND kind = 'quality' "
        "AND status <> 'skipped' GROUP BY 1", m=LOANS, c=DAYS[-1],
    )  # fmt: skip
    assert sum(count for _, count in stored) == len(checks)
    assert sum(not check["success"] for check in checks) == dict(stored).get("breached", 0)
    assert facets["inputStatistics"]["rowCount"] == 200
    tags = {tag["key"]: tag["value"] for tag in event["run"]["facets"]["tags"]["tags"]}
    ((spec, reference, rows),) = monitored.ask(
        "SELECT spec_hash, reference_hash, input_fingerprint FROM chunk_revisions WHERE model = :m AND chunk = :c "
        "AND producer = 'profile'", m=LOANS, c=DAYS[-1],
    )  # fmt: skip
    assert (tags["verdict"], tags["spec"], tags["reference"]) == ("warning", spec, reference)
    assert event["inputs"][0]["facets"]["version"]["datasetVersion"] == rows
    assert event["outputs"][0]["name"] == f"{LOANS}.results"
    start = event["run"]["facets"]["nominalTime"]["nominalStartTime"]
    assert dt.datetime.fromisoformat(start) == found.chunk.start


def test_new_role_of_a_version_is_a_run_with_that_version_as_output(endpoint: Endpoint, lived_in_world: World) -> None:
    since = dt.datetime(2024, 4, 6, tzinfo=dt.UTC)
    with lived_in_world.store() as store:
        store.set_role(LOANS, "7", Role.CHAMPION, since, window=None, by="ada")
        (found,) = read_lineage([lived_in_world.loaded(LOANS).spec], store, since - SETTLED, since)
    send_events(events_of(found, PLACE), url=endpoint.url, api_key="")
    check_event(endpoint.events[-1])
    (output,) = endpoint.events[-1]["outputs"]
    assert (output["name"], output["facets"]["version"]["datasetVersion"]) == (f"models:/{LOANS}", "7")


def test_refusal_is_a_sentence_without_the_key(endpoint: Endpoint, monitored: World) -> None:
    endpoint.answers = [201, 403]
    events = events_of(lineage_of(monitored)[0], PLACE)
    with pytest.raises(LineageError, match="OpenLineage: event 2 was not accepted: HTTPError: 403") as refused:
        send_events(events, url=endpoint.url, api_key="k3y-of-the-endpoint")
    assert "k3y" not in str(refused.value)
    assert endpoint.received[0][1] == "Bearer k3y-of-the-endpoint"


@dataclass
class Nights:
    """A world with an endpoint, whose clock a test turns."""

    world: World
    settings: Settings
    now: dt.datetime
    cursor: str | None = None

    def tick(self) -> dg.SensorResult | dg.RunRequest | dg.SkipReason:
        """Evaluate the sensor as Dagster does, and keep its cursor."""
        definitions = build_definitions(self.settings, lambda: self.now)
        sensor = next(found for found in definitions.sensors or () if found.name == SENSOR)
        with (
            self.world.store() as store,
            dg.build_sensor_context(
                instance=self.world.instance, cursor=self.cursor, resources={"store": store, "clock": lambda: self.now}
            ) as context,
        ):
            data = sensor.evaluate_tick(context)
        self.cursor = data.cursor
        return data

    def run(self, request: dg.RunRequest) -> bool:
        """Run the job as requested; return whether it succeeded."""
        job = build_definitions(self.settings, lambda: self.now).resolve_job_def(JOB)
        return job.execute_in_process(
            instance=self.world.instance, tags=request.tags, run_config=QUIET, raise_on_error=False
        ).success


def test_lineage_waits_for_an_endpoint_that_is_away_and_is_sent_once(endpoint: Endpoint, lived_in_world: World) -> None:
    world = lived_in_world
    settings = world.settings.model_copy(
        update={"openlineage_url": endpoint.url, "openlineage_api_key": SecretStr("k3y-of-the-endpoint")}
    )
    ((judged,),) = world.ask("SELECT MAX(measured_at) FROM chunk_revisions")
    real = dt.datetime.fromisoformat(str(judged)).replace(tzinfo=dt.UTC)
    nights = Nights(world, settings, now=real - dt.timedelta(days=1))
    assert nights.tick().skip_message == "nothing has been judged since"
    nights.now = real + dt.timedelta(hours=1)
    (request,) = nights.tick().run_requests
    endpoint.answers = [503] * 4
    assert not nights.run(request)
    nights.now = dt.datetime.now(dt.UTC)
    assert "did not accept lineage; it is sent again at" in nights.tick().skip_message
    nights.now += dt.timedelta(minutes=3)
    (again,) = nights.tick().run_requests
    assert again.run_key != request.run_key
    assert (again.tags[AFTER], again.tags[UNTIL]) == (request.tags[AFTER], request.tags[UNTIL])
    endpoint.answers = []
    assert nights.run(again)
    assert len({event["run"]["runId"] for event in endpoint.events}) == 2 * len(DAYS)
    assert nights.tick().skip_message == "nothing has been judged since"


def test_night_succeeds_while_the_endpoint_is_away(world: World) -> None:
    away = world.settings.model_copy(update={"openlineage_url": "http://127.0.0.1:9"})
    job = build_definitions(away).resolve_job_def(f"{LOANS}_nightly")
    assert job.execute_in_process(instance=world.instance, partition_key=DAYS[0], run_config=QUIET).success


def test_without_an_address_there_is_neither_job_nor_sensor(world: World) -> None:
    definitions = build_definitions(world.settings)
    assert SENSOR not in {sensor.name for sensor in definitions.sensors or ()}
    assert JOB not in {job.name for job in definitions.jobs or ()}
