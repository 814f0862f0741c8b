"""A trial whose registry cannot be asked is not compared, and keeps no chunk from being judged."""

import datetime as dt

import pytest

from monitoring_pipeline.orchestration.trial_step import compare_versions
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline.spec.chunk import chunk_of_key
from monitoring_pipeline.spec.incident import Decision
from monitoring_pipeline.spec.measurement import Kind, Severity, Status
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline_tests.world import DAYS, LOANS

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
ASKED = dt.datetime(2024, 3, 24, tzinfo=dt.UTC)


def decided(topic: str, answer: str, **more: object) -> Decision:
    return Decision(model=LOANS, topic=topic, answer=answer, reason="", actor="test", at=ASKED, key=topic, **more)


@pytest.fixture
def world(lived_in_world):
    lived_in_world.change_spec(LOANS, retraining={"trainer": "own.module:train", "promotion": "shadow"})
    return lived_in_world


def compared(world, key):
    spec = world.loaded(LOANS).spec
    unreachable = ModelRegistry("sqlite:////dev/null/registry.db", world.folder)
    with world.store() as store:
        files = SnapshotFiles(world.settings.snapshots)
        results = compare_versions(spec, chunk_of_key(spec, key), store=store, snapshots=files, registry=unreachable)
    return results.measurements


def test_without_a_trial_the_registry_is_not_asked(world):
    assert compared(world, DAYS[0]) == ()


def test_a_registry_that_cannot_be_asked_is_a_reason_and_no_failure(world):
    with world.store() as store:
        store.decide(decided("shadow", "started", model_version="7", evidence={"champion": "2024.1"}))
    (measured,) = compared(world, DAYS[0])
    assert (measured.kind, measured.subject, measured.status) == (Kind.PERFORMANCE, "versions", Status.SKIPPED)
    assert measured.severity is Severity.INFO
    assert measured.reason.startswith("the versions could not be compared: ")


def test_a_retraining_that_nobody_judges_becomes_a_breach_after_a_day(world):
    with world.store() as store:
        store.decide(decided("retraining", "yes", chunk="2024-03-23"))
    assert compared(world, DAYS[0])[0].name == "retraining"
    (waiting,) = compared(world, DAYS[2])
    assert (waiting.kind, waiting.status, waiting.value) == (Kind.OPERATIONS, Status.BREACHED, 95.0)
    assert "2024-03-23" in waiting.reason
