"""A breach and its actions under a real ``dagster dev``: incidents, Slack, acknowledgement, retraining, failures."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline_tests.end_to_end.dagster_dev import Server, dagster_dev, environment
from monitoring_pipeline_tests.end_to_end.last_night import LastNight, last_night
from monitoring_pipeline_tests.worlds.world import LOANS

pytestmark = pytest.mark.slow
SECONDS = 600
NIGHTLY, RETRAIN, RECORD = f"{LOANS}_nightly", f"{LOANS}_retrain", "record_failures"
SENSORS = ("alerts", "retraining", "pipeline_health", "late_labels")
ENDED = ("SUCCESS", "FAILURE", "CANCELED")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[LastNight]:
    with last_night(tmp_path / "world") as made:
        yield made


def run_night(server: Server, place: LastNight) -> str:
    """Run the nightly job, and return its final status."""
    run_id = server.launch(NIGHTLY, **{"dagster/partition": place.night})
    ended = server.wait(
        f"{NIGHTLY} ends",
        SECONDS,
        lambda: [r for r in server.runs(NIGHTLY) if r["id"] == run_id and r["status"] in ENDED],
    )
    return ended[0]["status"]


@contextmanager
def away(path: Path) -> Iterator[None]:
    """Move a file or folder away for a while."""
    aside = path.with_suffix(".away")
    path.rename(aside)
    yield
    aside.rename(path)


def acknowledge(place: LastNight, patch: pytest.MonkeyPatch, cause: str) -> None:
    for name, value in (environment(place.world) | place.environment).items():
        patch.setenv(name, value)
    with place.world.store() as store:
        told = next(entry for entry in store.incidents(LOANS) if entry.incident.cause.text == cause)
    command = ["incidents", "acknowledge", told.incident_id, "--reason", "looking into it", "--by", "ana@example.com"]
    said = CliRunner().invoke(main, command)
    assert said.exit_code == 0, said.output


def test_breach_leads_to_alerts_acknowledgement_and_retraining(
    place: LastNight, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, snapshots = Path(place.world.settings.warehouse), Path(place.world.settings.snapshots)
    with dagster_dev(place.world, **place.environment) as server:
        for sensor in SENSORS:
            server.start_sensor(sensor)
        with away(warehouse):
            assert run_night(server, place) == "FAILURE"
        server.wait("the missing file is told", SECONDS, place.threads)
        assert place.incidents() == {"performance": "ongoing", "source": "open"}

        assert run_night(server, place) == "SUCCESS"
        server.wait("the breach is told", SECONDS, lambda: len(place.threads()) == 2)
        assert place.incidents() == {"performance": "ongoing", "source": "resolved", "inputs": "open"}
        acknowledge(place, monkeypatch, "inputs")
        server.wait(
            "the message says so",
            SECONDS,
            lambda: any("ana@example.com" in json.dumps(m) for m in place.messages("chat.update")),
        )

        server.wait("the retraining ends", SECONDS, lambda: [r for r in server.runs(RETRAIN) if r["status"] in ENDED])
        registry = ModelRegistry(place.world.settings.mlflow_tracking_uri, place.world.folder / "mlflow")
        assert registry.version_with_alias(LOANS, "champion") == "1"

        # No step can record an unforeseen exception, so only Dagster has the failed run.
        with away(snapshots):
            snapshots.touch()
            assert run_night(server, place) == "FAILURE"
            snapshots.unlink()
        server.wait("the failed run is told", SECONDS, lambda: len(place.threads()) == 3)
        assert place.incidents()["pipeline"] == "open"
        assert run_night(server, place) == "SUCCESS"
        server.wait("its end is told", SECONDS, lambda: sum(map(len, place.threads().values())) == 2)
        assert [run["status"] for run in server.runs(RETRAIN)] == ["SUCCESS"]
        assert [run["status"] for run in server.runs(RECORD)] == ["SUCCESS"]
    lasting = {"performance": "ongoing", "inputs": "open"}
    assert place.incidents() == lasting | {"source": "resolved", "pipeline": "resolved"}
    source, breach, failure = place.threads().items()
    assert "no such DuckDB file" in source[0]
    assert "1 input has drifted: income" in breach[0]
    assert "failed in step loan_default__predictions: NotADirectoryError" in failure[0]
    assert [len(replies) for _, replies in (source, breach, failure)] == [1, 0, 1]
    assert place.decided() == [
        ("retraining", "no"), ("retraining", "yes"), ("gate", "passed"), ("promotion", "promoted"),
    ]  # fmt: skip
    assert not registry.has_version(LOANS, "2")
