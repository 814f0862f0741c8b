"""Fairness of a model in real runs of Dagster: a group whose positives are missed, and one that is selected less."""

import pytest

from monitoring_pipeline_tests.worlds.one_model_world import SPEC, OneModelWorld

FIRST, LAST, SINCE = "2024-02-01", "2024-02-06", "2024-02-04"


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    """Six days of two sexes and two ages; from the fourth on the scores of women are lower by two fifths."""
    with pytest.MonkeyPatch.context() as patched:
        world = OneModelWorld(tmp_path_factory.mktemp("groups"), patched)
        world.rows("2024-01-20 05:00", "2024-02-07 05:00", "3 minutes")
        world.execute("ALTER TABLE scores ADD COLUMN sex VARCHAR")
        world.execute("ALTER TABLE scores ADD COLUMN age VARCHAR")
        world.execute(
            "UPDATE scores SET sex = ['f', 'm', 'x']"
            "[CASE WHEN hash(id) % 200 = 0 THEN 3 ELSE 1 + (hash(id) % 2)::INT END], "
            "age = ['old', 'young'][1 + (hash(id, 5) % 2)::INT]"
        )
        world.execute(f"UPDATE scores SET score = score * 0.6 WHERE sex = 'f' AND ts >= '{SINCE} 05:00'")
        world.spec(
            start=FIRST,
            predictions=SPEC["predictions"] | {"group_columns": ["sex", "age"]},
            reference={"1": {"start": "2024-01-20", "end": FIRST}},
            fairness={
                "by": {"sex": "sex", "age": "age", "both": {"cross": ["sex", "age"]}},
                "allowed": {"selection_rate": {"ratio": 0.8}, "equalized_odds": {"difference": 0.2}},
                "days": 2,
            },
        )
        world.run("backfill", "m", "--from", FIRST, "--to", LAST)
        yield world


def _gaps(world, name, by):
    return dict(
        world.ask(
            "SELECT chunk, status FROM measurements WHERE name = ? AND subject = ? ORDER BY chunk",
            f"{name}[2 days]",
            by,
        )
    )


def test_an_unequal_group_is_an_incident_that_names_grouping_and_groups(groups):
    found = dict(groups.ask("SELECT cause, title FROM incidents WHERE cause LIKE 'fairness%'"))
    assert set(found) == {"fairness:sex", "fairness:both"}
    assert found["fairness:sex"].startswith("groups of sex are treated unequally: ")
    assert "lowest where sex=f, highest where sex=m" in found["fairness:sex"]
    ((since,),) = groups.ask("SELECT since FROM incidents WHERE cause = 'fairness:sex'")
    assert since in {SINCE, "2024-02-05"}


@pytest.mark.parametrize("name", ["selection_rate_ratio", "equalized_odds_difference"])
def test_gaps_are_breached_where_a_group_is_treated_worse(groups, name):
    of_sex, of_age = _gaps(groups, name, "sex"), _gaps(groups, name, "age")
    assert {of_sex[day] for day in of_sex if day < SINCE} == {"ok"}
    assert {of_sex[day] for day in of_sex if day > SINCE} == {"breached"}
    assert set(of_age.values()) == {"ok"}
    assert len(of_sex) == len(of_age) == 6


def test_gap_over_two_days_is_that_of_their_rows(groups):
    ((value,),) = groups.ask(
        "SELECT value FROM measurements WHERE name = 'selection_rate_ratio[2 days]' AND subject = 'sex' AND chunk = ?",
        LAST,
    )
    rates = groups.number(
        "SELECT min(rate) / max(rate) FROM (SELECT sex, avg((score >= 0.5)::INT) AS rate FROM scores "
        "WHERE ts >= '2024-02-05 05:00' AND ts < '2024-02-07 05:00' AND sex <> 'x' GROUP BY sex)"
    )
    assert value == pytest.approx(rates, abs=1e-9)


def _current_gaps(world, home):
    return world.ask(
        "SELECT chunk, subject, name, value, status, rows FROM current_measurements WHERE kind = 'fairness' "
        "AND chunk NOT LIKE '%/%' ORDER BY 1, 2, 3",
        home=home,
    )


def test_order_of_the_backfills_does_not_matter(groups, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(groups.folder / "backwards"))
    groups.run("backfill", "m", "--from", "2024-02-05", "--to", LAST)
    groups.run("backfill", "m", "--from", FIRST, "--to", SINCE)
    assert _current_gaps(groups, "backwards") == _current_gaps(groups, "home") != []
    verdicts = "SELECT chunk, status FROM current_verdicts ORDER BY chunk"
    assert groups.ask(verdicts, home="backwards") == groups.ask(verdicts)


def test_a_tiny_group_is_nowhere(groups):
    where = "segment LIKE '%=x%' OR reason LIKE '%=x%'"
    assert groups.ask(f"SELECT count(*) FROM measurements WHERE {where}") == [(0,)]


def test_report_has_a_section_of_fairness(groups):
    page = groups.folder / "m.html"
    groups.run("report", "m", "--output", str(page))
    html = page.read_text(encoding="utf-8")
    assert 'href="#fairness"' in html
    lower, upper = groups.ask(
        "SELECT lower, upper FROM measurements WHERE name = 'selection_rate_ratio[2 days]' AND subject = 'sex' "
        "AND chunk = ?",
        LAST,
    )[0]
    assert f"[{lower:.3f}, {upper:.3f}]" in html
    assert html.index('id="fairness"') < html.index("selection_rate_ratio[2 days]", html.index('id="fairness"'))


def test_missing_group_column_is_a_breach_of_its_own_and_stops_nothing_else(groups, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(groups.folder / "renamed"))
    groups.run("backfill", "m", "--from", FIRST, "--to", FIRST)
    groups.execute("ALTER TABLE scores RENAME sex TO gender")
    try:
        groups.run("backfill", "m", "--from", "2024-02-02", "--to", "2024-02-02")
    finally:
        groups.execute("ALTER TABLE scores RENAME gender TO sex")
    of_day = "FROM current_measurements WHERE chunk = '2024-02-02' AND"
    found = groups.ask(f"SELECT subject, reason {of_day} kind = 'quality' AND severity = 'critical' "
                       "AND status = 'breached'", home="renamed")  # fmt: skip
    assert found == [("sex", "the chunk has no column sex")]
    assert groups.ask(f"SELECT count(*) > 5 {of_day} kind = 'performance' AND status = 'ok'", home="renamed") == [(1,)]
    assert groups.ask(f"SELECT * {of_day} segment = 'age=old'", home="renamed")
    assert not groups.ask(f"SELECT * {of_day} segment LIKE '%=f%'", home="renamed")
