"""The error of a failed retraining run is recorded in the audit, and the run is still requested again."""

import datetime as dt

import pytest

from monitoring_pipeline.orchestration.jobs.retraining import build_retrain_job
from monitoring_pipeline.orchestration.jobs.retraining_sensor import wanted_runs
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import RetrainingEvidence
from monitoring_pipeline.steps.versions.failures import last_failure
from monitoring_pipeline_tests.worlds.retraining_world import NOW, RETRAINING, TRAINERS, outside, run_job
from monitoring_pipeline_tests.worlds.world import LOANS, World

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
ASKED = DecisionKey.of_retraining("2024-04-04", Answer.YES)


def fails(world: World, trainer: str) -> None:
    world.change_spec(LOANS, retraining={**RETRAINING, "trainer": trainer})
    assert not run_job(world, build_retrain_job(world.loaded(LOANS)), config={"decision_key": ASKED.text}).success


def test_error_of_a_trainer_is_recorded_once_and_the_retraining_stays_wanted(judged: World) -> None:
    missing, raising = "no_such_package.training:train", f"{TRAINERS}:raises"
    with outside(judged) as ports:
        asked = Decision(
            model=LOANS, topic=Topic.RETRAINING, answer=Answer.YES, reason="breached", actor="test", key=ASKED,
            at=NOW - dt.timedelta(days=2), chunk="2024-04-04", evidence=RetrainingEvidence(),
        )  # fmt: skip
        assert ports.store.decide(asked)
    for trainer in (missing, missing, raising):
        fails(judged, trainer)
    spec = judged.loaded(LOANS).spec
    with outside(judged) as ports:
        failed = [decision for decision in ports.store.decisions(LOANS, topic=Topic.RETRAINING) if decision != asked]
        assert [(decision.answer, decision.chunk) for decision in failed] == [("failed", "2024-04-04")] * 2
        assert failed[0].reason == (
            f"trainer {missing}: module no_such_package.training cannot be imported: "
            "ModuleNotFoundError: No module named ..."
        )
        # Values that may come from rows are not recorded.
        assert failed[1].reason == (
            f"trainer {raising} failed on 2400 rows: ArithmeticError: no convergence on [..., ..., ...]"
        )
        assert last_failure(ASKED, failed) == failed[1].reason
        assert [wanted.key for wanted in wanted_runs(spec, ports.store, ports.registry)] == [ASKED.text]
