"""The command that looks for weak segments, in a small world whose relation is flipped in a part of one region."""

import json

import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline_tests.worlds.one_model_world import SPEC, OneModelWorld

HEALTHY, FLIPPED, LAST = "2024-01-06", "2024-01-08", "2024-01-10"
FIELDS = {
    "start": HEALTHY,
    "predictions": SPEC["predictions"] | {"group_columns": ["region"]},
    "reference": {"1": {"start": "2024-01-01", "end": HEALTHY}},
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Five days of reference, two healthy ones, and three with flipped labels where a is large in the south."""
    with pytest.MonkeyPatch.context() as patched:
        made = OneModelWorld(tmp_path_factory.mktemp("weak"), patched)
        made.rows("2024-01-01 05:00", "2024-01-12 05:00", "4 minutes")
        made.execute("ALTER TABLE scores ADD COLUMN region VARCHAR")
        made.execute(
            "UPDATE scores SET region = (['north', 'south', 'west'])[1 + (hash(id) % 3)::INT], c = chr(65 + "
            "(hash(id, 1) % 4)::INT)"
        )
        made.execute(
            "UPDATE outcomes SET label = 1 - label WHERE id IN (SELECT id FROM scores WHERE region = 'south' "
            f"AND a > 0.6 AND ts >= '{FLIPPED} 05:00')"
        )
        made.spec(**FIELDS)
        made.run("backfill", "m", "--from", HEALTHY, "--to", LAST)
        yield made


def _weak(first, last):
    words = ["segments", "m", "--weak", "--from", first, "--to", last, "--json"]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_flipped_relation_is_found_where_it_is(world):
    found = _weak(FLIPPED, LAST)
    # A fifth of the values of a, or two of them, in the south; and nothing elsewhere.
    assert {one["segment"].split(" and ")[0].split(" ")[0] for one in found} == {"a"}
    assert all(one["segment"].endswith(" and region=south") for one in found)
    assert all(one["p_value"] < 0.01 and one["lower"] > 0.0 and one["rows"] >= 20 for one in found)
    assert found[0]["value"] > 1.5 * found[0]["elsewhere"]
    assert found[0]["labelled_rows"] == 3 * 360


def test_a_person_reads_a_sentence(world):
    printed = world.run("segments", "m", "--weak", "--from", FLIPPED, "--to", LAST)
    assert " and region=south: Brier score 0." in printed
    assert "chosen on one half of 1,080 labelled rows" in printed


def test_days_without_a_fault_have_none(world):
    (nothing,) = _weak(HEALTHY, "2024-01-07")
    assert nothing["reason"] == "none in 720 labelled rows"
    assert nothing["segment"] is None


def test_breached_ones_are_declared_ones(world):
    result = CliRunner().invoke(main, ["segments", "m", "--weak", "--breached", "--from", FLIPPED, "--to", LAST])
    assert result.exit_code == 2
    assert "--breached is for declared ones" in result.output


def test_two_runs_print_the_same(world):
    assert _weak(FLIPPED, LAST) == _weak(FLIPPED, LAST)


def test_nothing_is_stored(world):
    before = (world.folder / "home" / "results.db").read_bytes()
    _weak(FLIPPED, LAST)
    assert (world.folder / "home" / "results.db").read_bytes() == before


def test_too_few_rows_and_days_that_were_not_monitored_are_reasons(world):
    (nothing,) = _weak("2024-01-02", "2024-01-03")
    assert nothing["reason"] == "no monitored day with labels"
    world.execute("DELETE FROM scores WHERE ts >= '2024-01-11 05:00' AND hash(id) % 3 > 0")
    world.run("backfill", "m", "--from", "2024-01-11", "--to", "2024-01-11")
    (few,) = _weak("2024-01-11", "2024-01-11")
    assert few["reason"] == f"{few['labelled_rows']} labelled rows, at least 200 needed"


def test_a_model_without_labels_has_a_reason(world):
    labels = SPEC.pop("labels")
    try:
        world.spec(**FIELDS)
        (nothing,) = _weak(FLIPPED, LAST)
    finally:
        SPEC["labels"] = labels
        world.spec(**FIELDS)
    assert nothing["reason"] == "the spec has no labels"
