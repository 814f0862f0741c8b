"""What predictions are worth, in real runs of Dagster: checked by hand in SQL, in the incident and on its report."""

import json

import pytest

from monitoring_pipeline.evaluation.business.money import amount
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

FIRST, LAST, SINCE, UNLABELLED = "2024-02-01", "2024-02-08", "2024-02-03", "2024-02-07"
OUTCOMES = {"positive": {"positive": 40, "negative": -15}, "negative": {"positive": -60, "negative": 0}}


@pytest.fixture(scope="module")
def valued(tmp_path_factory):
    """Eight days; from the third on labels say the opposite, and on the last two they are not known yet."""
    with pytest.MonkeyPatch.context() as patched:
        world = OneModelWorld(tmp_path_factory.mktemp("valued"), patched)
        world.rows("2024-01-12 05:00", "2024-02-09 05:00", "5 minutes")
        world.execute(
            "UPDATE outcomes SET label = 1 - label WHERE known_at >= "
            f"TIMESTAMP '{SINCE} 05:30' AND known_at < TIMESTAMP '{UNLABELLED} 05:30'"
        )
        world.execute(f"DELETE FROM outcomes WHERE known_at >= TIMESTAMP '{UNLABELLED} 05:30'")
        world.spec(
            start=FIRST,
            reference={"1": {"start": "2024-01-12", "end": FIRST}},
            segments={"by": {"c": "c"}},
            value={"currency": "EUR", "outcomes": OUTCOMES, "threshold": {"worse_than_reference": 5}},
            objectives={"worth": {"metric": "value_per_prediction", "kind": "business", "lower": 0, "days": 4}},
        )
        world.run("backfill", "m", "--from", FIRST, "--to", LAST)
        yield world


def _by_hand(where):
    positive, negative = "CASE label WHEN 1 THEN 40 ELSE -15 END", "CASE label WHEN 1 THEN -60 ELSE 0 END"
    worth = f"CASE WHEN score >= 0.5 THEN {positive} ELSE {negative} END"
    return f"SELECT sum({worth}) FROM scores JOIN outcomes USING (id) WHERE {where}"


def _values(world, name, segment=""):
    query = "SELECT chunk, value FROM current_measurements WHERE name = ? AND segment = ? AND chunk NOT LIKE '%/%'"
    return dict(world.ask(query, name, segment))


def test_money_of_each_day_is_that_of_sql(valued):
    days = _values(valued, "value")
    assert len(days) == 8
    for day in ("2024-02-01", "2024-02-04", "2024-02-06"):
        ((start, end),) = [(f"{day} 05:00", f"{day[:-1]}{int(day[-1]) + 1} 05:00")]
        window = f"ts >= TIMESTAMP '{start}' AND ts < TIMESTAMP '{end}'"
        assert days[day] == valued.number(_by_hand(window))
        assert _values(valued, "value", "c=A")[day] == valued.number(_by_hand(f"{window} AND c = 'A'"))


def test_money_without_labels_is_estimated(valued):
    assert _values(valued, "value")[LAST] is None
    assert _values(valued, "estimated_value_per_prediction")[LAST] is not None
    ((reason,),) = valued.ask(
        "SELECT reason FROM current_measurements WHERE name = 'value_against_reference' AND chunk = ? AND segment = ''",
        LAST,
    )
    assert reason == "estimated without labels"


def test_loss_is_an_incident_that_names_its_sum(valued):
    found = dict(valued.ask("SELECT cause, title FROM incidents"))
    for cause in ("business:value", "performance"):
        assert "EUR less than usual so far" in found[cause], found
    differences = _values(valued, "value_against_reference")
    ((last,),) = valued.ask("SELECT last_breached FROM incidents WHERE cause = 'business:value'")
    total = sum(value for day, value in differences.items() if SINCE <= day <= last)
    assert f"about {amount(-total)} EUR less" in found["business:value"]


def test_objective_counts_the_value_per_prediction(valued):
    found = valued.ask("SELECT value FROM current_measurements WHERE name = 'attainment' AND chunk = '2024-02-04'")
    per = _values(valued, "value_per_prediction")
    assert found == [(sum(per[day] >= 0 for day in ("2024-02-01", "2024-02-02", "2024-02-03", "2024-02-04")) / 4,)]


def test_report_has_the_money(valued):
    page = valued.folder / "m.html"
    valued.run("report", "m", "--output", str(page))
    html = page.read_text(encoding="utf-8")
    assert 'href="#business"' in html
    assert "What the predictions are worth" in html
    assert "EUR less than usual so far" in html


def test_show_has_the_money(valued):
    days = _values(valued, "value")
    listed = json.loads(valued.run("show", "m", "--from", FIRST, "--to", LAST, "--json"))
    assert {record["chunk"]: record["realized_value"] for record in listed} == days
    ((difference, lower, upper),) = valued.ask(
        "SELECT value, lower, upper FROM current_measurements WHERE name = 'value_against_reference' AND chunk = ? "
        "AND segment = ''",
        LAST,
    )
    last = listed[-1]
    assert [last[f"value_against_reference{end}"] for end in ("", "_lower", "_upper")] == [difference, lower, upper]
    assert (last["value_currency"], last["cost"], last["cost_currency"]) == ("EUR", None, None)
    printed = valued.run("show", "m", "--from", FIRST, "--to", LAST).splitlines()
    (header,) = [line for line in printed if "value, EUR" in line]
    assert "cost" not in header
    (realized,) = [line for line in printed if line.startswith(SINCE)]
    assert f" {amount(days[SINCE])}, " in realized
    (late,) = [line for line in printed if line.startswith(LAST)]
    assert "per prediction, estimated" in late
    assert f"[{amount(lower)} to {amount(upper)}] against usual, estimated" in late
