"""Tables as other people keep them: each gave a wrong number, a wrong silence or no way in once."""

from pathlib import Path

import pytest

from monitoring_pipeline_tests.worlds.one_model_world import NAME, SPEC, OneModelWorld

pytestmark = pytest.mark.slow
FIRST, LAST = "2025-02-01", "2025-02-05"
REFERENCE = {"1": {"start": "2025-01-05", "end": FIRST}}
OF_A_DAY = 288


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OneModelWorld:
    """A prediction in each five minutes, with labels."""
    world = OneModelWorld(tmp_path, monkeypatch)
    world.rows("2025-01-05", "2025-02-06", "5 minutes")
    return world


def _spec(world: OneModelWorld, **parts: dict[str, object]) -> None:
    """Write the spec with some fields of its parts replaced."""
    replaced = {part: SPEC[part] | fields for part, fields in parts.items() if part in SPEC}
    world.spec(**({"timezone": "UTC", "start": FIRST, "reference": REFERENCE} | parts | replaced))


def _one(world: OneModelWorld, name: str, day: str) -> tuple[float, str]:
    query = (
        "SELECT value, status FROM current_measurements WHERE name = ? AND chunk = ? AND segment = '' "
        "AND kind != 'estimated_performance'"
    )
    ((value, status),) = world.ask(query, name, day)
    return value, status


def test_rows_of_a_date_belong_to_that_day_in_a_zone_west_of_utc(world):
    world.execute(
        "CREATE TABLE dated AS SELECT * REPLACE (CAST(ts AS DATE) AS ts, "
        "a + CASE WHEN CAST(ts AS DATE) = DATE '2025-02-03' THEN 5 ELSE 0 END AS a) FROM scores"
    )
    world.spec(start=FIRST, reference=REFERENCE, predictions=SPEC["predictions"] | {"table": "dated"})
    world.run("backfill", NAME, "--from", FIRST, "--to", "2025-02-04")
    drifted = world.ask(
        "SELECT DISTINCT chunk FROM current_measurements WHERE kind = 'drift' AND subject = 'a' AND status = 'breached'"
    )
    assert drifted == [("2025-02-03",)]
    assert {_one(world, "rows", f"2025-02-0{day}")[0] for day in range(1, 5)} == {OF_A_DAY}


def test_labels_join_predictions_whose_integral_ids_have_another_type(world):
    world.execute("CREATE TABLE numbered AS SELECT * REPLACE (CAST(substr(id, 2) AS BIGINT) AS id) FROM scores")
    world.execute(
        "CREATE TABLE loaded AS SELECT * REPLACE (CAST(substr(id, 2) AS DOUBLE) AS id) FROM outcomes "
        "UNION ALL SELECT NULL, TIMESTAMP '2025-01-20', 1"
    )
    _spec(world, predictions={"table": "numbered"}, labels={"table": "loaded"})
    world.run("backfill", NAME, "--from", FIRST, "--to", FIRST)
    assert _one(world, "labels_present", FIRST) == (OF_A_DAY, "ok")
    assert _one(world, "orphan_labels", FIRST) == (0, "ok")


def test_words_that_yaml_reads_as_booleans_and_numbers_are_classes(world):
    world.execute(
        "CREATE TABLE spoken AS SELECT * REPLACE (CASE WHEN label = 1 THEN 'yes' ELSE 'no' END AS label) FROM outcomes"
    )
    _spec(world, labels={"table": "spoken", "positive": "XX"})
    path = world.folder / "models" / "m.yaml"
    path.write_text(path.read_text().replace("positive: XX", "positive: yes"))
    world.run("backfill", NAME, "--from", FIRST, "--to", FIRST)
    assert _one(world, "auroc", FIRST)[1] == "ok"

    world.execute("CREATE TABLE classes AS SELECT *, score / 2 AS p_0, score / 2 AS p_1, 1 - score AS p_2 FROM scores")
    world.execute("CREATE TABLE counted AS SELECT * REPLACE (label + 1 AS label) FROM outcomes")
    multiclass = {"predictions": {"table": "classes", "id": "id", "time": "ts", "scores": "XX"}, "task": "multiclass"}
    labels = {key: value for key, value in SPEC["labels"].items() if key != "positive"} | {"table": "counted"}
    world.spec(timezone="UTC", start=FIRST, reference=REFERENCE, **multiclass, labels=labels)
    path.write_text(path.read_text().replace("scores: XX", "scores: {0: p_0, 1: p_1, 2: p_2}"))
    world.run("backfill", NAME, "--from", FIRST, "--to", FIRST)
    measured = world.ask("SELECT name FROM current_measurements WHERE name LIKE 'recall%' AND status = 'ok'")
    assert {name for (name,) in measured} >= {"recall[1]", "recall[2]"}


@pytest.mark.parametrize("renamed", ["'1.0.0'", "NULL", "'v1 '"])
def test_serving_version_without_a_reference_is_a_warning_and_an_incident(world, renamed):
    world.execute(
        "CREATE TABLE versioned AS SELECT *, "
        f"CASE WHEN ts < TIMESTAMP '2025-02-02' THEN 'v1' ELSE {renamed} END AS ver FROM scores"
    )
    _spec(world, predictions={"table": "versioned", "model_version": "ver"}, reference={"v1": REFERENCE["1"]})
    world.run("backfill", NAME, "--from", FIRST, "--to", LAST)
    verdicts = world.verdicts()
    assert verdicts.pop(FIRST) == "ok"
    assert set(verdicts.values()) == {"warning"}
    ((cause, title),) = world.ask("SELECT cause, title FROM incidents")
    assert cause == "unmonitored:versions"
    assert "has no reference" in title or "no version" in title


def test_day_that_was_loaded_twice_is_a_breach_of_volume(world):
    world.execute(
        "INSERT INTO scores SELECT * REPLACE (id || '-again' AS id) FROM scores "
        "WHERE ts >= TIMESTAMP '2025-02-02' AND ts < TIMESTAMP '2025-02-03'"
    )
    _spec(world)
    world.run("backfill", NAME, "--from", FIRST, "--to", "2025-02-02")
    assert _one(world, "volume_ratio", FIRST) == (1.0, "ok")
    assert _one(world, "volume_ratio", "2025-02-02") == (2.0, "breached")
    assert _one(world, "labels_present", "2025-02-02")[0] == OF_A_DAY
