"""Models that score by the hour, the week or the month, and one that scores on weekdays only, on real DuckDB files.

Each goes through backfill, a scheduled run, incidents and the tables of the command line.
"""

import datetime as dt
from pathlib import Path

import pytest

from monitoring_pipeline.orchestration.health.overdue_chunks import overdue_requests
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import load_specs
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.worlds.one_model_world import NAME, OneModelWorld

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OneModelWorld:
    """An empty world."""
    return OneModelWorld(tmp_path, monkeypatch)


def test_hourly_model_is_monitored_over_the_night_of_a_clock_change(world):
    # New York skips the hour from 02:00 to 03:00 on 9 March 2025.
    world.rows("2025-02-20", "2025-03-10", "20 seconds", drifted_from="2025-03-09 05:00")
    world.spec(
        cadence="hour", start="2025-03-07", reference={"1": {"start": "2025-02-21", "end": "2025-03-06"}},
        objectives={"rows_are_there": {"metric": "volume_ratio", "kind": "quality", "lower": 0.9, "days": 2,
                                       "counts": "predictions"}},
    )  # fmt: skip
    keys = [f"2025-03-08T{hour}:00" for hour in (22, 23)] + [f"2025-03-09T{hour}:00" for hour in ("00", "01")]
    table = world.run("backfill", NAME, "--from", keys[0], "--to", keys[-1])
    assert all(key in table for key in keys)
    assert "hours of America/New_York" in table
    with world.night("2025-03-09T04:15", "America/New_York") as asked:
        assert asked == ["2025-03-09T03:00"]
    assert list(world.verdicts()) == [*keys, "2025-03-09T03:00"]
    assert {rows for (rows,) in world.ask("SELECT value FROM current_measurements WHERE name = 'rows'")} == {180.0}
    # Midnight in New York is 05:00 UTC, so that the drift begins with the third hour.
    ((title, since),) = world.ask("SELECT title, since FROM incidents WHERE cause LIKE '%input%'")
    assert "on 3 of 3 hours" in title
    assert since == "2025-03-09T00:00"
    budget = world.ask("SELECT DISTINCT status, reason FROM current_measurements WHERE name = 'error_budget_left'")
    assert budget == [("skipped", "5 of 48 hours have a value, 12 are needed")] or len(budget) > 1
    shown = world.run("show", NAME, "--from", "2025-03-08", "--to", "2025-03-09", "--by", "day")
    assert "2025-03-08" in shown
    assert "verdicts (hours)" in shown
    assert "T03:00" in world.run("show", NAME, "--from", "2025-03-09", "--to", "2025-03-09")
    rehearsed = world.run("rehearse", NAME, "--from", keys[2], "--to", "2025-03-09T03:00")
    assert "rehearsal of 2025-03-09T00:00 to 2025-03-09T03:00, 3 hours" in rehearsed
    assert world.ask("SELECT count(*) FROM current_verdicts", home=f"home/rehearsals/{NAME}") == [(3,)]
    world.run("replay", NAME)
    assert _corrected(world, "2025-03-09T06:00") == ["2025-03-09T01:00"]


@pytest.mark.parametrize(("cadence", "first", "drifted_from", "keys", "night", "unit"), [
    ("week", "2024-10-07", "2024-11-04 05:00", ["2024-10-21", "2024-10-28", "2024-11-04", "2024-11-11", "2024-11-18"],
     "2024-11-25T06:00", "weeks"),
    ("month", "2024-10-01", "2024-12-01 05:00", ["2024-10", "2024-11", "2024-12", "2025-01", "2025-02"],
     "2025-03-01T06:00", "months"),
])  # fmt: skip
def test_weekly_and_monthly_models_are_monitored(world, cadence, first, drifted_from, keys, night, unit):
    world.rows("2023-06-01", "2025-03-10", "1 hours", drifted_from=drifted_from)
    reference = {"1": {"start": "2023-06-14", "end": "2024-10-01"}}
    world.spec(cadence=cadence, start=first, reference=reference, incidents={"horizon": "90d"})
    table = world.run("backfill", NAME, "--from", keys[0], "--to", keys[-2])
    assert f"{unit} of America/New_York" in table
    with world.night(night, "America/New_York") as asked:
        assert asked == [keys[-1]]
    assert list(world.verdicts()) == keys
    assert not world.ask("SELECT * FROM current_measurements WHERE name = 'volume_ratio' AND status = 'breached'")
    ((title, since),) = world.ask("SELECT title, since FROM incidents WHERE cause LIKE '%input%'")
    assert f"on 3 of 3 {unit}" in title
    assert since == keys[2]
    assert f"verdicts ({unit})" in world.run("show", NAME, "--from", keys[0], "--to", keys[-1], "--by", "year")
    rehearsed = world.run("rehearse", NAME, "--from", keys[2], "--to", keys[3])
    assert f"2 {unit}" in rehearsed
    assert _corrected(world, drifted_from) == [keys[2]]


def test_weekday_model_with_an_outage_on_a_wednesday_has_one_incident_and_none_at_the_weekend(world):
    on_weekdays = (
        "dayofweek(ts - INTERVAL 5 HOUR) BETWEEN 1 AND 5 AND CAST(ts - INTERVAL 5 HOUR AS DATE) != '2025-02-12'"
    )
    world.rows("2025-01-06 05:00", "2025-02-22 05:00", "5 minutes", where=on_weekdays)
    world.spec(start="2025-02-03", reference={"1": {"start": "2025-01-06", "end": "2025-02-01"}})
    world.run("backfill", NAME, "--from", "2025-02-03", "--to", "2025-02-18")
    incidents = world.ask("SELECT cause, severity, opened, resolved FROM incidents")
    assert [incident[:3] for incident in incidents] == [("source", "critical", "2025-02-12")]
    rows = dict(world.ask("SELECT chunk, status FROM current_measurements WHERE name = 'rows'"))
    assert {key for key, status in rows.items() if status == "breached"} == {"2025-02-12"}
    weekend = {"2025-02-08", "2025-02-09", "2025-02-15", "2025-02-16"}
    assert {key for key, status in rows.items() if status == "skipped"} == weekend
    reasons = world.ask("SELECT DISTINCT reason FROM current_measurements WHERE name = 'rows' AND chunk = '2025-02-15'")
    assert reasons == [("no predictions are expected: the reference has none on Saturdays",)]
    # The weekend is neither fine nor breached: of the days after the outage, only those with predictions count.
    verdicts = world.verdicts()
    assert {verdicts[key] for key in weekend} == {"unknown"}
    (loaded,) = load_specs(Settings().models)
    with ResultStore.open(Settings().store_url) as store:
        monday = dt.datetime(2025, 2, 24, 18, tzinfo=dt.UTC)
        missed = [request.run_key for request in overdue_requests([loaded.spec], store=store, now=monday)]
    assert missed == ["overdue:m:2025-02-21"]


def _corrected(world: OneModelWorld, moment: str) -> list[str | None]:
    """Correct the labels of the hour from a moment in place, and return the chunks that the sensor measures again.

    The labels of one chunk change, so one chunk is measured again, and none when the sensor looks once more.
    """
    before = dict(world.ask("SELECT chunk, value FROM current_measurements WHERE name = 'auroc' AND segment = ''"))
    labels = f"ts >= TIMESTAMP '{moment}' AND ts < TIMESTAMP '{moment}' + INTERVAL 1 HOUR"
    assert world.late_labels() == []
    world.execute(f"UPDATE outcomes SET label = 1 - label WHERE id IN (SELECT id FROM scores WHERE {labels})")
    found = world.late_labels()
    after = dict(world.ask("SELECT chunk, value FROM current_measurements WHERE name = 'auroc' AND segment = ''"))
    assert {key for key in after if after[key] != before[key]} == set(found)
    assert world.late_labels() == []
    return found
