"""The small world with a worthless model, and rules by which it is replaced within days."""

import datetime as dt
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from monitoring_pipeline_tests.worlds.world import LOANS, World, make_world

TRAINER = "monitoring_pipeline_tests.registry.trainers_for_tests:boosting"
FIRST, LAST = dt.date(2024, 3, 25), dt.date(2024, 3, 30)
RETRAINING: dict[str, Any] = {
    "trainer": TRAINER,
    "breached": {"chunks": 2, "of": 3},
    "cool_down": "1d",
    "holdout_days": 4,
    "promotion": "automatic",
    "probation": {"days": 3, "minimum_days": 2},
}
ALERTING: dict[str, Any] = {
    "channels": {"team": {"slack": "#risk"}, "boss": {"apprise": "mail"}, "machine": {"webhook": "hook"}},
    "routes": [
        {"channel": "team", "severity": "info", "digest": "09:00"},
        {"channel": "boss", "severity": "warning"},
        {"channel": "machine", "severity": "warning"},
    ],
    "quiet_hours": {"start": "22:00", "end": "07:30", "timezone": "Europe/Berlin", "except": None},
}
"""Rules with channels whose secrets are missing, so that opening one of them would fail."""
AGE_DECIDES = """
    CREATE OR REPLACE TABLE "Outcomes" AS
    SELECT "Ref", "Reported At", CASE WHEN hash("Ref") % 1000 < CASE WHEN age > 50 THEN 800 ELSE 200 END
                                      THEN 'default' ELSE 'repaid' END AS "Outcome"
    FROM "Outcomes" JOIN "Loan Scores" ON "Ref" = "Application ID"
"""
TABLES = (
    "chunk_revisions", "measurements", "profiles", "verdicts", "snapshots", "model_references", "incidents",
    "incident_events", "alerts", "alert_threads", "decisions", "model_versions",
)  # fmt: skip
OF_A_RUN = {"run_id"}
OF_A_DELIVERY = {"claimed_at", "uncertain"}
"""Columns that differ after a delivery was killed between claiming and marking."""


def make_rehearsable(folder: Path) -> None:
    """Make the world in a folder, and change it so that the rules request a retraining."""
    make_world(folder)
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(folder, instance)
        world.change_spec(LOANS, retraining=RETRAINING)
        world.execute(AGE_DECIDES)
    (folder / "alerting.yaml").write_text(yaml.safe_dump(ALERTING), encoding="utf-8")


def settings_of(folder: Path) -> Any:
    """Return the world's settings, with its alerting rules."""
    with dg.DagsterInstance.ephemeral() as instance:
        return World(folder, instance).settings


def chunks_of(loaded: Any, first: dt.date, last: dt.date) -> tuple[Any, Any]:
    """Return the chunks of a model on two days."""
    calendar = loaded.spec.calendar
    return calendar.chunk(first.isoformat()), calendar.chunk(last.isoformat())


def rehearse_world(folder: Path, home: Path, last: dt.date = LAST, **options: Any) -> list[Any]:
    """Rehearse it, and return the report of each night."""
    from monitoring_pipeline.rehearsal.nights import rehearse
    from monitoring_pipeline.spec.loading import load_specs

    settings = settings_of(folder)
    loaded = next(entry for entry in load_specs(settings.models) if entry.spec.name == LOANS)
    reports: list[Any] = []
    rehearse(settings, loaded, *chunks_of(loaded, FIRST, last), folder=home, report=reports.append, **options)
    return reports
