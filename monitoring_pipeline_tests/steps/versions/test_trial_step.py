"""Trials and retrainings that do not end, or whose registry is unreachable, are reported and do not stop the chunk."""

import datetime as dt
from dataclasses import replace

import pytest

from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.versions.daily_difference import difference_definition
from monitoring_pipeline.ports.outside import Scoring
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence_json import evidence_kind, evidence_of_json
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline.steps.inputs import made_from
from monitoring_pipeline.steps.versions.decisions import decide_after_chunk
from monitoring_pipeline.steps.versions.running_trial import running_trial
from monitoring_pipeline.steps.versions.trial import compare_versions, trial_days
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
SHADOW = {"trainer": "own.module:train", "promotion": "shadow"}
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
ASKED = dt.datetime(2024, 3, 24, tzinfo=dt.UTC)


RETRAINING, LATER = DecisionKey("retraining"), DecisionKey("later")


def decided(topic: str, answer: str, evidence: dict[str, object] | None = None, **more: object) -> Decision:
    named = {"topic": Topic(topic), "answer": Answer(answer), "key": DecisionKey(topic)}
    grounds = evidence_of_json(evidence_kind(named["topic"], named["answer"]), evidence or {})
    return Decision(model=LOANS, reason="", actor="test", at=ASKED, evidence=grounds, **named, **more)


@pytest.fixture
def world(lived_in_world):
    lived_in_world.change_spec(LOANS, retraining=SHADOW)
    return lived_in_world


def compared(world, key):
    spec = world.loaded(LOANS).spec
    unreachable = ModelRegistry("sqlite:////dev/null/registry.db", world.folder)
    with world.store() as store:
        files = SnapshotFiles(world.settings.snapshots)
        scoring = Scoring(store=store, snapshots=files, registry=unreachable)
        results = compare_versions(spec, spec.calendar.chunk(key), scoring)
    return results.measurements


def test_chunk_without_a_trial_does_not_need_the_registry(world):
    assert compared(world, DAYS[0]) == ()


def test_trial_with_an_unreachable_registry_is_skipped_with_a_reason(world):
    with world.store() as store:
        store.decide(decided("shadow", "started", model_version="7", evidence={"champion": "2024.1"}))
    (measured,) = compared(world, DAYS[0])
    assert (measured.kind, measured.subject, measured.status) == (Kind.PERFORMANCE, "versions", Status.SKIPPED)
    assert measured.severity is Severity.INFO
    assert measured.reason.startswith("the versions could not be compared: ")


def test_unjudged_retraining_is_a_breach_after_a_day(world):
    with world.store() as store:
        store.decide(decided("retraining", "yes", chunk="2024-03-23"))
    assert compared(world, DAYS[0])[0].name == "retraining"
    (waiting,) = compared(world, DAYS[2])
    assert (waiting.kind, waiting.status, waiting.value) == (Kind.OPERATIONS, Status.BREACHED, 95.0)
    assert waiting.reason.endswith(
        "no gate has judged the retraining that was asked for after 2024-03-23 (see its runs)"
    )
    with world.store() as store:
        for error in ("no such module", "no convergence"):
            store.decide(replace(decided("retraining", "failed"), key=RETRAINING.failure(error), reason=error))
    assert compared(world, DAYS[2])[0].reason.endswith("after 2024-03-23: its run failed: no convergence")


def test_gate_without_a_following_decision_is_a_breach(world):
    with world.store() as store:
        store.decide(decided("retraining", "yes", chunk="2024-03-23"))
        store.decide(replace(decided("gate", "passed"), key=RETRAINING.gate()))
        assert "nothing has followed from the gate of the retraining" in compared(world, DAYS[2])[0].reason
        store.decide(replace(decided("promotion", "waits"), key=RETRAINING.roll_out()))
    assert compared(world, DAYS[2]) == ()


def test_failed_retraining_is_no_breach_after_a_later_one_finished(world):
    with world.store() as store:
        store.decide(decided("retraining", "yes", chunk="2024-03-10"))
        store.decide(replace(decided("retraining", "yes", chunk="2024-03-23"), key=LATER, at=ASKED + HOUR))
        store.decide(replace(decided("promotion", "refused"), key=LATER.roll_out(), at=ASKED + HOUR))
    assert compared(world, DAYS[2]) == ()


def test_trial_leaves_out_days_compared_by_another_loss(world):
    def days(**gate):
        world.change_spec(LOANS, retraining=SHADOW | {"gate": gate})
        spec = world.loaded(LOANS).spec
        with world.store() as store:
            return [day.difference for day in trial_days(spec, running_trial(spec, store), DAYS[-1], store)]

    with world.store() as store:
        store.decide(decided("shadow", "started", model_version="7", evidence={"champion": "2024.1"}))
        spec = world.loaded(LOANS).spec
        for day, loss, value in ((DAYS[0], "log_loss", 0.1), (DAYS[1], "auroc", 0.2)):
            words = difference_definition(loss, spec.task, challenger="7", champion="2024.1")
            measured = Measurement(kind=Kind.PERFORMANCE, subject="versions", name="loss_difference", of="7-2024.1",
                               model_version="7", value=value, rows=200, definition=words)  # fmt: skip
            results = ChunkResults(
                producer=Producer.TRIAL,
                chunk=spec.calendar.chunk(day),
                provenance=made_from(spec, loss),
                measurements=(measured,),
            )
            store.replace(results, run_id="test", measured_at=ASKED)
    assert (days(), days(loss="auroc")) == ([0.1], [0.2])


@pytest.mark.parametrize(("started", "answers"), [(9, ["refuse"]), (8, [])])
def test_shadow_without_labels_is_refused_when_labels_are_overdue(started, answers, world):
    """The shadow takes 7 days at most, and labels take 2 days."""
    world.change_spec(LOANS, retraining=SHADOW | {"shadow": {"minimum_days": 2, "maximum_days": 7}})
    spec = world.loaded(LOANS).spec
    chunk = spec.calendar.chunk(DAYS[-1])
    begun = replace(
        decided("shadow", "started", evidence={"champion": "2024.1"}, model_version="7"), at=chunk.end - started * DAY
    )
    with world.store() as store:
        store.decide(begun)
        decide_after_chunk(spec, chunk, store=store, now=chunk.end + HOUR)
        about_trial = store.decisions(LOANS, topic=Topic.TRIAL)
    assert [decision.answer for decision in about_trial] == answers
    if about_trial:
        assert about_trial[0].reason == "not proven better in 7 days: 0 days with labels, at least 2 needed"
