"""A retraining whose run fails says why in the audit, and is tried again all the same."""

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


def test_what_a_trainer_said_is_a_decision_once_and_keeps_nobody_from_trying_again(judged: World) -> None:
    missing, raising = "no_such_package.training:train", f"{TRAINERS}:raises"
    with outside(judged) as own:
        asked = Decision(
            model=LOANS, topic=Topic.RETRAINING, answer=Answer.YES, reason="breached", actor="test", key=ASKED,
            at=NOW - dt.timedelta(days=2), chunk="2024-04-04", evidence=RetrainingEvidence(),
        )  # fmt: skip
        assert own.store.decide(asked)
    for trainer in (missing, missing, raising):
        fails(judged, trainer)
    spec = judged.loaded(LOANS).spec
    with outside(judged) as own:
        failed = [decision for decision in own.store.decisions(LOANS, topic=Topic.RETRAINING) if decision != asked]
        assert [(decision.answer, decision.chunk) for decision in failed] == [("failed", "2024-04-04")] * 2
        assert failed[0].reason == (
            f"trainer {missing}: module no_such_package.training cannot be imported: "
            "ModuleNotFoundError: No module named ..."
        )
        # What may be a value of a row stays with the run.
        assert failed[1].reason == (
            f"trainer {raising} failed on 2400 rows: ArithmeticError: no convergence on [..., ..., ...]"
        )
        assert last_failure(ASKED, failed) == failed[1].reason
        assert [wanted.key for wanted in wanted_runs(spec, own.store, own.registry)] == [ASKED.text]
