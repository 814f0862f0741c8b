"""Guarded metrics that cannot be measured: labels that never arrive, labels of one class, SQL that fails."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.records.measurement import VerdictStatus
from monitoring_pipeline_tests.worlds.living_world import PROMPTLY, TWO_NIGHTS, LivingWorld, settle
from monitoring_pipeline_tests.worlds.world import LOANS, LOANS_SPEC

NIGHTS = ("2024-03-25", "2024-03-26")
PROMPT = {"incidents": TWO_NIGHTS, "labels": LOANS_SPEC["labels"] | {"delay": "2h"}}
MARGIN = {"margin": {"sql": "margin.sql", "threshold": {"lower": 0, "severity": "critical"}}}


@pytest.fixture
def quiet(untouched_folder: Path, tmp_path: Path) -> Iterator[LivingWorld]:
    """A world in which all labels of a day are final in the next night."""
    with dg.DagsterInstance.ephemeral() as instance:
        world = settle(untouched_folder, tmp_path / "world", instance, **PROMPT)
        world.execute(PROMPTLY)
        yield world


def _live(world: LivingWorld, day: str) -> tuple[VerdictStatus, tuple[str, ...]]:
    assert world.live(day).success
    with world.store() as store:
        verdict = store.verdict(LOANS, day)
    assert verdict is not None
    return verdict.status, verdict.reasons


def test_missing_labels_are_announced_in_the_first_night(quiet):
    quiet.execute('DELETE FROM "Outcomes"')
    none = "none of 200 predictions has a label, though the label delay has passed"
    for day in NIGHTS:
        status, reasons = _live(quiet, day)
        assert status is VerdictStatus.WARNING
        assert f"warning: quality label labels_arrived_ratio: {none}" in reasons
    assert list(quiet.told.values()) == [[f"labels opened {NIGHTS[0]}"], []]
    (stored,) = quiet.incidents()
    assert stored.incident.title.startswith(none)


def test_unmeasured_guarded_metrics_are_announced_in_the_second_night(quiet):
    quiet.change_spec(LOANS, **PROMPT, business=MARGIN)
    (quiet.folder / "specs" / "margin.sql").write_text('SELECT sum("Margin") FROM "Loan Scores"', encoding="utf-8")
    for day in NIGHTS:
        quiet.on(day, "UPDATE \"Outcomes\" SET \"Outcome\" = 'repaid' FROM \"Loan Scores\" WHERE \"Ref\" = "
                      '"Application ID" AND')  # fmt: skip
        status, reasons = _live(quiet, day)
        assert status is VerdictStatus.WARNING
        assert reasons[0].startswith("warning: operations business guarded_metrics: could not be measured: margin: ")
    first, second = quiet.told.values()
    assert first == []
    assert second == [f"unmeasured:{what} opened {NIGHTS[1]}" for what in ("business", "performance")]
    titles = {stored.incident.cause.text: stored.incident.title for stored in quiet.incidents()}
    assert titles["unmeasured:performance"].startswith("could not be measured: auroc: no positive label among 200 rows")
