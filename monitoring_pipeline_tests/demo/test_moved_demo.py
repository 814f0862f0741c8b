"""The demo with a last day: real runs on a slice of the flights, in a home that keeps the time that it has."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from rich.console import Console

from monitoring_pipeline.cli.execution.opening import read_settings
from monitoring_pipeline.demo import running, seeding
from monitoring_pipeline.demo.running import Advance, run_demo
from monitoring_pipeline.demo.training import DEMO_MODELS
from monitoring_pipeline.settings import EnvironmentSettings
from monitoring_pipeline.spec.loading import load_specs
from monitoring_pipeline.store.results import ResultStore

# MLflow 3.17 warns about its type hints, and about features that pandas 4 and the next SQLAlchemy will drop.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:::mlflow")]
MODEL, DAYS = DEMO_MODELS[0].name, ["2026-11-16", "2026-11-17", "2026-11-18"]


@contextmanager
def no_progress(_: str, __: int) -> Iterator[Advance]:
    """Show nothing."""
    yield lambda _: None


def printed(last_day: dt.date) -> str:
    """Run the demo in the home of the environment, and return what it prints."""
    text = StringIO()
    console = Console(file=text, width=200)
    run_demo(EnvironmentSettings(), console, console, no_progress, last_day=last_day)
    return text.getvalue()


def test_moved_demo_is_monitored_in_its_new_time_and_stays_there(
    flights: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeding, "read_flights", lambda: flights.gather_every(20))
    monkeypatch.setattr(seeding, "DEMO_MODELS", DEMO_MODELS[:1])
    monkeypatch.setattr(running, "MODELS", (MODEL,))
    monkeypatch.setattr(running, "MOST_PROCESSES", 1)
    monkeypatch.setattr(running, "FIRST", dt.date(2013, 4, 29))
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path))
    for name in ("MONITORING_PIPELINE_MODELS", "DAGSTER_HOME", "DAGSTER_POSTGRES_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    shown = printed(dt.date(2026, 11, 18))
    assert "monitored 2026-11-16 to 2026-11-18, which were 2013-04-29 to 2013-05-01" in shown
    assert "what_is_wrong --set chunk=2026-11-09" in shown
    assert "2013-04-22" not in shown

    settings = read_settings()
    assert settings.models == tmp_path / "models"
    assert {loaded.spec.start for loaded in load_specs(settings.models)} == {dt.date(2026, 9, 18)}
    with ResultStore.open_to_read(settings.store_url) as store:
        verdicts = store.verdicts(MODEL)
        assert list(verdicts) == DAYS
        rows = {day: store.measurements(MODEL, day, "predictions") for day in DAYS}
    counted = {day: next(m.value for m in of_day if str(m.metric) == "rows") for day, of_day in rows.items()}
    assert counted == {
        day: flights.gather_every(20).filter(pl.col("flight_id").str.starts_with(original)).height
        for day, original in zip(DAYS, ("2013-04-29", "2013-04-30", "2013-05-01"), strict=True)
    }

    again = printed(dt.date(2026, 12, 20))
    assert "April ends on 2026-11-17 in this home and stays there" in again
    assert "warehouse.duckdb: complete, left as it is" in again
    with ResultStore.open_to_read(settings.store_url) as store:
        of_later_days = store.verdicts(MODEL)
    assert list(of_later_days) == [*DAYS, "2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23"]
    assert {day: of_later_days[day] for day in DAYS} == verdicts
