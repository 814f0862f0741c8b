"""A model that scores every customer every day: an id is customer and day, and one customer has many labels."""

from pathlib import Path

import pytest

from monitoring_pipeline_tests.worlds.one_model_world import NAME, SPEC, OneModelWorld

pytestmark = pytest.mark.slow
DAYS = [f"2025-02-{day:02d}" for day in range(3, 9)]
PREDICTIONS = (
    "CREATE TABLE daily AS SELECT id AS row, 'c' || row_number() OVER (PARTITION BY day ORDER BY ts) AS customer, day, "
    "ts, score, a, c FROM (SELECT *, CAST(ts AS DATE) AS day FROM scores)"
)
LABELS = (
    "CREATE TABLE daily_outcomes AS SELECT customer, day, label, outcomes.known_at "
    "FROM outcomes JOIN daily ON daily.row = outcomes.id"
)
REFERENCE = {"1": {"start": "2025-01-06", "end": "2025-02-01"}}


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OneModelWorld:
    """Rows of which each is known by its own id, by customer and day, and not by the customer alone."""
    world = OneModelWorld(tmp_path, monkeypatch)
    world.rows("2025-01-06", "2025-02-09", "5 minutes", drifted_from="2025-02-05")
    world.execute(PREDICTIONS)
    world.execute(LABELS)
    return world


def _spec(world: OneModelWorld, ids: object, tables: tuple[str, str]) -> None:
    predictions, labels = tables
    world.spec(
        timezone="UTC", start=DAYS[0], reference=REFERENCE,
        predictions=SPEC["predictions"] | {"table": predictions, "id": ids},
        labels=SPEC["labels"] | {"table": labels, "id": ids},
    )  # fmt: skip


def _numbers(world: OneModelWorld) -> dict[tuple[str, ...], float]:
    """Return the values that do not depend on how an id is hashed, as folds and samples do."""
    rows = world.ask(
        "SELECT chunk, kind, subject, name, segment, value FROM current_measurements "
        "WHERE kind IN ('drift', 'quality', 'performance') AND subject != 'relation' AND value IS NOT NULL"
    )
    return {row[:5]: row[5] for row in rows}


def test_rows_of_a_customer_and_a_day_give_the_numbers_of_rows_with_an_id_of_their_own(world):
    _spec(world, "id", ("scores", "outcomes"))
    world.run("backfill", NAME, "--from", DAYS[0], "--to", DAYS[-1])
    simple = _numbers(world)
    causes = world.ask("SELECT cause, opened FROM incidents")
    assert causes
    assert len([key for key in simple if key[3] == "auroc"]) == len(DAYS)

    _spec(world, ["customer", "day"], ("daily", "daily_outcomes"))
    world.run("backfill", NAME, "--from", DAYS[0], "--to", DAYS[-1])
    assert _numbers(world) == pytest.approx(simple, abs=1e-9)
    assert world.ask("SELECT cause, opened FROM incidents") == causes

    world.execute("UPDATE daily_outcomes SET label = 1 - label WHERE customer = 'c7' AND day = DATE '2025-02-04'")
    assert world.late_labels() == ["2025-02-04"]
    assert world.late_labels() == []


def test_customer_alone_is_refused_with_the_columns_to_add(world):
    _spec(world, "customer", ("daily", "daily_outcomes"))
    printed = world.run("backfill", NAME, "--from", DAYS[0], "--to", DAYS[1], exit_code=1)
    assert "id: [customer, day]" in printed
    assert not world.ask("SELECT * FROM current_measurements WHERE name = 'auroc' AND status = 'ok'")
