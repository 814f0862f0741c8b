"""Cost of predictions in real runs of Dagster: a budget that will be exceeded is an incident, in any order of runs."""

import json

import pytest

from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

FIRST, LAST = "2024-06-01", "2024-06-16"


@pytest.fixture(scope="module")
def costly(tmp_path_factory):
    """Half a month of a prediction every five minutes, of which the budget lasts until the 24th."""
    with pytest.MonkeyPatch.context() as patched:
        world = OneModelWorld(tmp_path_factory.mktemp("costly"), patched)
        world.rows("2024-05-20 04:00", "2024-06-17 04:00", "15 minutes")
        world.spec(
            start=FIRST,
            windows=[],
            reference={"1": {"start": "2024-05-20", "end": FIRST}},
            cost={"currency": "EUR", "per_thousand": 1000, "monthly_budget": 96 * 23.5},
        )
        world.run("backfill", "m", "--from", FIRST, "--to", LAST)
        yield world


def _costs(world, home="home"):
    return world.ask(
        "SELECT chunk, name, value, lower, status FROM current_measurements WHERE subject = 'cost' "
        "AND chunk NOT LIKE '%/%' ORDER BY 1, 2",
        home=home,
    )


def test_exceeded_budget_is_told_by_the_15th(costly):
    ((opened, title),) = costly.ask("SELECT opened, title FROM incidents WHERE cause = 'business:cost'")
    assert opened <= "2024-06-15"
    assert title.startswith("the month will cost about 2,880 EUR (2,880 to 2,880), its budget is 2,260")
    assert "it is spent on about 2024-06-24" in title


def test_order_of_the_backfills_does_not_matter(costly, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(costly.folder / "backwards"))
    costly.run("backfill", "m", "--from", "2024-06-09", "--to", LAST)
    costly.run("backfill", "m", "--from", FIRST, "--to", "2024-06-08")
    assert _costs(costly, "backwards") == _costs(costly) != []


def test_report_has_the_cost(costly):
    page = costly.folder / "m.html"
    costly.run("report", "m", "--output", str(page))
    html = page.read_text(encoding="utf-8")
    assert "What the predictions cost" in html
    assert "it is spent on about 2024-06-24" in html


def test_show_has_the_cost(costly):
    (listed,) = json.loads(costly.run("show", "m", "--from", LAST, "--to", LAST, "--json"))
    of_day = {name: value for chunk, name, value, *_ in _costs(costly) if chunk == LAST}
    assert {name: listed[name] for name in of_day} == of_day
    assert "96, month 1,540, forecast 2,880" in costly.run("show", "m", "--from", LAST, "--to", LAST)


def test_expected_days_without_predictions_cost_nothing(tmp_path, monkeypatch):
    world = OneModelWorld(tmp_path, monkeypatch)
    world.rows("2024-05-05 04:00", "2024-06-17 04:00", "30 minutes", where="dayofweek(ts - INTERVAL 4 HOUR) != 0")
    world.spec(
        start=FIRST,
        windows=[],
        reference={"1": {"start": "2024-05-05", "end": FIRST}},
        cost={"currency": "EUR", "per_thousand": 1000, "monthly_budget": 48 * 20},
    )
    world.run("backfill", "m", "--from", FIRST, "--to", LAST)
    of_day = {(chunk, name): (value, status) for chunk, name, value, _, status in _costs(world)}
    for sunday in ("2024-06-02", "2024-06-09", "2024-06-16"):
        assert of_day[sunday, "cost"] == (0.0, "ok")
    assert of_day[LAST, "cost_forecast"] == (48.0 * 25, "breached")
    ((opened,),) = world.ask("SELECT opened FROM incidents WHERE cause = 'business:cost'")
    assert opened < LAST
