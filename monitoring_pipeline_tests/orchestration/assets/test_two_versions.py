"""Two serving versions and a shadow: each is monitored separately, and the champion as if it were alone.

The champion serves nine of ten applications, a challenger the others, and a shadow also scores all of them.
Challenger and shadow invert their scores from the first monitored day on. The challenger's reference is in the spec,
the shadow's is in the store.
"""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from monitoring_pipeline.records.cause import Family
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import ShadowEvidence
from monitoring_pipeline.records.incident import StoredIncident
from monitoring_pipeline.records.measurement import Kind, Measurement, Role, Severity, Status, Verdict, VerdictStatus
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline_tests.worlds.living_world import (
    PROMPTLY,
    TRAINER,
    TWO_NIGHTS,
    LivingWorld,
    night_of,
    settle,
)
from monitoring_pipeline_tests.worlds.world import DAYS, FIRST, FIRST_ROW, LOANS, ROWS_A_DAY

CHAMPION, CHALLENGER, SHADOW = "2024.1", "2024.2", "2024.3"
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
WATCHED = DAYS[:3]
BEFORE = dt.datetime(2024, 3, 20, tzinfo=dt.UTC)
WINDOW = {"start": FIRST_ROW, "end": FIRST}
SPLIT = (
    f"""UPDATE "Loan Scores" SET "VERSION" = '{CHALLENGER}' WHERE hash("Application ID") % 10 = 0""",
    f"""INSERT INTO "Loan Scores" SELECT * REPLACE ('{SHADOW}' AS "VERSION", sqrt("Default Probability") AS
        "Default Probability", "Scored At" + INTERVAL 1 MICROSECOND AS "Scored At") FROM "Loan Scores" """,
    f"""UPDATE "Loan Scores" SET "Default Probability" = 1 - "Default Probability"
        WHERE "VERSION" <> '{CHAMPION}' AND "Scored At" >= TIMESTAMP '2024-03-24 23:00:00'""",
)
NAME = f"loss_difference[{SHADOW}-{CHAMPION}]"


@dataclass(frozen=True)
class Outcome:
    """The results of monitoring a world."""

    measured: dict[tuple[str, ...], Measurement]
    verdicts: dict[str, Verdict]
    incidents: list[StoredIncident]
    told: list[str]
    snapshots: dict[str, pl.DataFrame]

    def of(self, version: str, kind: Kind, name: str) -> list[Measurement]:
        return [m for m in self.measured.values() if (m.model_version, m.kind, str(m.metric)) == (version, kind, name)]


def _monitored(source: Path, folder: Path, *, alone: bool) -> Outcome:
    with dg.DagsterInstance.ephemeral() as instance:
        parts: dict[str, Any] = {
            "incidents": TWO_NIGHTS,
            "retraining": {"trainer": TRAINER},
            "performance": {"thresholds": {"auroc": {"lower": 0.6}}, "minimum_rows": 10},
            "drift": {"minimum_rows": 10},
            "reference": dict.fromkeys((CHAMPION,) if alone else (CHAMPION, CHALLENGER), WINDOW),
        }
        world = settle(source, folder, instance, **parts)
        world.execute(PROMPTLY, *SPLIT)
        if alone:
            world.execute(f"""DELETE FROM "Loan Scores" WHERE "VERSION" <> '{CHAMPION}'""")
        else:
            _give_roles(world)
        world.clock.now = night_of(world, WATCHED[-1])
        assert world.failures(LOANS, WATCHED[0], WATCHED[-1]) == ()
        return _outcome(world)


def _give_roles(world: LivingWorld) -> None:
    started = Decision(
        model=LOANS, topic=Topic.SHADOW, answer=Answer.STARTED, reason="the gate passed it", actor="test", at=BEFORE,
        key=DecisionKey("s"), model_version=SHADOW, evidence=ShadowEvidence(incumbent=CHAMPION),
    )  # fmt: skip
    with world.store() as store:
        store.set_role(LOANS, CHALLENGER, Role.CHALLENGER, BEFORE, window=None, by="test")
        store.set_role(LOANS, SHADOW, Role.SHADOW, BEFORE, window=ReferenceWindow(**WINDOW), by="test")
        assert store.decide(started)


def _outcome(world: LivingWorld) -> Outcome:
    told = world.due()
    with world.store() as store:
        measured = {
            (day, m.model_version, m.kind, m.subject, str(m.metric), m.segment): m
            for day in WATCHED
            for m in store.measurements(LOANS, day)
        }
        labels = {
            day: pl.read_parquet(Path(world.settings.snapshots) / snapshot.uri)
            for day, snapshot in store.snapshots(LOANS, "labels").items()
        }
        verdicts = store.verdicts(LOANS)
    return Outcome(measured, {day: verdicts[day] for day in WATCHED}, world.incidents(), told, labels)


@pytest.fixture(scope="module")
def together(untouched_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return _monitored(untouched_folder, tmp_path_factory.mktemp("together") / "world", alone=False)


@pytest.fixture(scope="module")
def alone(untouched_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return _monitored(untouched_folder, tmp_path_factory.mktemp("alone") / "world", alone=True)


def test_champion_has_the_same_numbers_with_and_without_other_versions(together, alone):
    champion = {key: m for key, m in alone.measured.items() if m.model_version == CHAMPION}
    assert {key: m for key, m in together.measured.items() if m.model_version == CHAMPION} == champion
    assert {m.kind for m in champion.values()} >= {
        Kind.DRIFT,
        Kind.PERFORMANCE,
        Kind.ESTIMATED_PERFORMANCE,
        Kind.QUALITY,
    }
    assert {m.role for m in champion.values()} == {Role.CHAMPION}


def test_each_version_is_measured_against_its_reference_with_its_role(together):
    for version, role in ((CHALLENGER, Role.CHALLENGER), (SHADOW, Role.SHADOW)):
        for kind in (Kind.DRIFT, Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE):
            of_kind = [m for m in together.measured.values() if (m.model_version, m.kind) == (version, kind)]
            assert any(m.status is not Status.SKIPPED for m in of_kind), (version, kind)
            assert {m.role for m in of_kind} == {role}
        values = [m.value for m in together.of(version, Kind.PERFORMANCE, "auroc") if m.subject == "model"]
        assert len(values) == len(WATCHED)
        assert max(values) < 0.3
    assert min(m.value for m in together.of(CHAMPION, Kind.PERFORMANCE, "auroc")) > 0.7
    # Shadow and champion score the same rows differently, so their reference values must differ.
    reference = {
        version: {m.reference_value for m in together.of(version, Kind.PERFORMANCE, "brier_score")}
        for version in (CHAMPION, SHADOW)
    }
    assert reference[CHAMPION] != reference[SHADOW]


def test_prediction_scored_by_several_versions_counts_once(together):
    for ratio in together.of("", Kind.QUALITY, "volume_ratio"):
        assert ratio.rows == ROWS_A_DAY
        assert ratio.status is Status.OK
    assert all(m.value == 0 for m in together.of("", Kind.QUALITY, "duplicate_predictions"))
    assert all(m.status is Status.OK for m in together.measured.values() if m.subject == "row_id")


def test_labels_are_joined_to_rows_of_every_version(together):
    rows = {
        version: [m.rows for m in together.of(version, Kind.PERFORMANCE, "auroc") if m.subject == "model"]
        for version in (CHAMPION, CHALLENGER, SHADOW)
    }
    assert rows[SHADOW] == [ROWS_A_DAY] * len(WATCHED)
    assert [one + other for one, other in zip(rows[CHAMPION], rows[CHALLENGER], strict=True)] == rows[SHADOW]
    for frame in together.snapshots.values():
        assert frame.height == frame["row_id"].n_unique() == ROWS_A_DAY


def test_shadow_breaches_are_info_and_open_no_incident(together):
    of_shadow = [m for m in together.measured.values() if m.model_version == SHADOW]
    assert {m.severity for m in of_shadow if m.status is Status.BREACHED} == {Severity.INFO}
    found = [entry.incident.cause.text for entry in together.incidents]
    assert found == [f"outputs@{CHALLENGER}", f"performance@{CHALLENGER}"]
    for verdict in together.verdicts.values():
        weighs = [reason for reason in verdict.reasons if reason.startswith(("critical: ", "warning: "))]
        assert weighs
        assert all(f": challenger {CHALLENGER}: " in reason for reason in weighs)
        assert any(reason.startswith(f"info: shadow {SHADOW}: ") for reason in verdict.reasons)


def test_incident_of_a_challenger_names_its_version_and_is_announced(together, alone):
    _outputs, entry = together.incidents
    assert entry.incident.title.startswith(f"challenger {CHALLENGER}: auroc is ")
    assert {finding.model_version for finding in entry.incident.findings} == {CHALLENGER}
    assert together.told == [f"{cause}@{CHALLENGER} opened {WATCHED[1]}" for cause in ("outputs", "performance")]
    assert {verdict.status for verdict in together.verdicts.values()} == {VerdictStatus.CRITICAL}
    assert not any(cause.family is Family.PERFORMANCE for cause in (e.incident.cause for e in alone.incidents))


def test_shadow_and_champion_are_compared_on_shared_rows(together):
    served = [m.rows for m in together.of(CHAMPION, Kind.PERFORMANCE, "auroc") if m.subject == "model"]
    by_day = together.of(SHADOW, Kind.PERFORMANCE, NAME)
    assert [m.rows for m in by_day] == served
    assert all(m.lower > 0 for m in by_day), "the shadow is worse, on the same rows"
    assert {(m.role, m.status, m.severity) for m in by_day} == {(Role.SHADOW, Status.OK, Severity.INFO)}
    so_far = together.of(SHADOW, Kind.PERFORMANCE, f"mean_{NAME}")
    assert [m.rows for m in so_far] == [sum(served[: n + 1]) for n in range(1, len(WATCHED))]
    values = [m.value for m in by_day]
    assert [m.value for m in so_far] == pytest.approx([sum(values[: n + 1]) / (n + 1) for n in range(1, len(WATCHED))])
