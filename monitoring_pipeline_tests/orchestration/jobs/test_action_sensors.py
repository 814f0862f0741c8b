"""The sensors of alerts and retraining as state machines: from stored decisions and earlier runs to run requests."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.dagster_run import DagsterRunStatus

from monitoring_pipeline.orchestration.jobs.alert_delivery import JOB, LEASE, build_alerts_sensor, build_delivery_job
from monitoring_pipeline.orchestration.jobs.retraining_sensor import (
    MOST_TRIES,
    build_external_job_sensors,
    build_retraining_sensor,
)
from monitoring_pipeline.ports.registry import CHALLENGER, DECISION_TAG
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence_json import evidence_kind, evidence_of_json
from monitoring_pipeline.registry.connection import connected
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline.spec.alerting import AlertingRules, load_alerting_rules
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.documents import SpecError
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.alerting.cases import HOUR, MINUTE, NOW
from monitoring_pipeline_tests.alerting.outbox_contract import Desk
from monitoring_pipeline_tests.alerting.test_stored_outbox import desk_of
from monitoring_pipeline_tests.spec.cases import binary_spec
from monitoring_pipeline_tests.worlds.world import QUIET

ASKED = DecisionKey.of_retraining("2024-03-10", Answer.YES)
BEGUN = DecisionKey("k")
TRAIN, GATE, ROLL_OUT = "churn_retrain", "churn_gate", "churn_rollout"


def _spec(**retraining: object) -> ModelSpec:
    rules = retraining or {"trainer": "package.module:train"}
    return binary_spec(retraining=rules, predictions__model_version="version")


@dataclass
class Office:
    """A store, a registry and an instance, with fake jobs under the names of the real ones, which fail on request."""

    store: ResultStore
    instance: dg.DagsterInstance
    registry: ModelRegistry
    spec: ModelSpec = field(default_factory=_spec)

    def decide(
        self,
        topic: str = "retraining",
        answer: str = "yes",
        key: DecisionKey = ASKED,
        evidence: dict[str, object] | None = None,
        **parts: object,
    ) -> None:
        defaults = {"reason": "it was so", "actor": "monitoring-pipeline", "at": NOW, "chunk": "2024-03-10"}
        named = {"topic": Topic(topic), "answer": Answer(answer), "key": key}
        grounds = evidence_of_json(evidence_kind(named["topic"], named["answer"]), evidence or {})
        assert self.store.decide(Decision(model="churn", evidence=grounds, **(defaults | named | parts)))

    def tick(self, sensor: dg.SensorDefinition | None = None) -> list[dg.RunRequest]:
        evaluated = sensor or build_retraining_sensor([self.spec], [_job(n) for n in (TRAIN, GATE, ROLL_OUT)],
                                                interval_seconds=30)  # fmt: skip
        resources = {"store": self.store, "registry": self.registry}
        needed = {name: resources[name] for name in evaluated.required_resource_keys}
        with dg.build_sensor_context(instance=self.instance, resources=needed) as context:
            return list(evaluated.evaluate_tick(context).run_requests or [])

    def run(self, request: dg.RunRequest, *, fails: bool = False) -> None:
        """Run the requested job."""
        _job(str(request.job_name), fails=fails).execute_in_process(
            instance=self.instance, tags=request.tags, raise_on_error=False, run_config=QUIET
        )

    def start(self, request: dg.RunRequest, status: DagsterRunStatus) -> str:
        """Create a run of the requested job in a given state; return its ID."""
        job = _job(str(request.job_name))
        return self.instance.create_run_for_job(job, tags=dict(request.tags), status=status).run_id


def _job(name: str, *, fails: bool = False) -> dg.JobDefinition:
    @dg.op(name="step")
    def step() -> None:
        if fails:
            raise ArithmeticError

    @dg.job(name=name)
    def job() -> None:
        step()

    return job


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with ResultStore.open(f"sqlite:///{tmp_path / 'results.db'}") as store, dg.DagsterInstance.ephemeral() as instance:
        # The registry connects when it is first used.
        yield Office(store, instance, ModelRegistry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts"))


# -------------------------------------------------------------------------------------------------------- retraining


def test_no_run_is_requested_without_a_decision_to_retrain(office):
    assert office.tick() == []
    office.decide(answer="no", key=DecisionKey("retraining:2024-03-09:no"))
    assert office.tick() == []
    assert not (office.registry.artifact_root.parent / "mlflow.db").exists()


def test_decided_retraining_is_requested_with_one_run_key(office):
    office.decide()
    first, second = office.tick(), office.tick()
    assert [(r.job_name, r.run_config["ops"]) for r in first] == [
        (TRAIN, {"churn_train": {"config": {"decision_key": ASKED.text}}})
    ]
    assert [r.run_key for r in first] == [r.run_key for r in second]


@pytest.mark.parametrize(
    "status", [DagsterRunStatus.NOT_STARTED, DagsterRunStatus.STARTING,
               DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING],
)  # fmt: skip
def test_unfinished_run_of_a_retraining_is_not_requested_again(office, status):
    office.decide()
    (request,) = office.tick()
    office.start(request, status)
    assert office.tick() == []


def test_failed_run_is_requested_again_with_another_key_up_to_the_limit(office):
    office.decide()
    keys = []
    for _ in range(MOST_TRIES):
        (request,) = office.tick()
        keys.append(request.run_key)
        office.run(request, fails=True)
    assert len(set(keys)) == MOST_TRIES
    assert office.tick() == []


def test_canceled_run_is_requested_again(office):
    office.decide()
    (request,) = office.tick()
    office.start(request, DagsterRunStatus.CANCELED)
    assert [r.run_key != request.run_key for r in office.tick()] == [True]


def test_retraining_is_requested_until_its_promotion_is_decided(office):
    """A run that was killed between the gate and the promotion is repeated."""
    office.decide()
    office.decide("gate", "passed", ASKED.gate(), model_version="2")
    (request,) = office.tick()
    assert request.job_name == TRAIN
    office.decide("promotion", "promoted", ASKED.roll_out(), model_version="2")
    assert office.tick() == []


def test_later_retraining_is_requested_after_an_earlier_one_finished(office):
    other = DecisionKey.of_retraining("2024-05-10", Answer.YES)
    office.decide()
    office.decide("promotion", "refused", ASKED.roll_out())
    office.decide(key=other, at=NOW + dt.timedelta(days=60))
    assert [r.run_config["ops"]["churn_train"]["config"]["decision_key"] for r in office.tick()] == [other.text]


def test_last_of_two_open_retrainings_is_requested(office):
    """A failed retraining is not requested again after a later one, even if its runs were deleted."""
    office.decide()
    later = DecisionKey.of_retraining("2024-03-18", Answer.YES)
    office.decide(key=later, at=NOW + dt.timedelta(days=8))
    assert [r.run_config["ops"]["churn_train"]["config"]["decision_key"] for r in office.tick()] == [later.text]


def test_model_without_retraining_does_not_stop_requests_for_another(office):
    office.decide()
    spec = binary_spec(name="upsell")
    sensor = build_retraining_sensor([spec, office.spec], [_job(TRAIN)], interval_seconds=30)
    assert [r.job_name for r in office.tick(sensor)] == [TRAIN]


# ------------------------------------------------------------------------------------------------------------ trials


@pytest.mark.parametrize(
    ("answer", "action"), [("promote", "promote"), ("refuse", "refuse"), ("passed", "end_probation")]
)
def test_end_of_a_trial_requests_its_action_once(office, answer, action):
    office.decide("shadow", "started", BEGUN, model_version="7", evidence={"champion": "1"})
    office.decide("trial", answer, BEGUN.trial_answer("shadow", answer), model_version="7", reason="proven")
    (request,) = office.tick()
    assert (request.job_name, request.run_config["ops"]["churn_change_version"]["config"]) == (
        ROLL_OUT,
        {"decision_key": f"k:shadow:{answer}:done", "action": action, "version": "7", "reason": "proven"},
    )
    assert [r.run_key for r in office.tick()] == [request.run_key]
    office.run(request)
    office.decide("promotion", "promoted", DecisionKey(f"k:shadow:{answer}:done"), model_version="7")
    assert office.tick() == []


def test_rollback_of_a_worse_champion_is_requested_only_if_the_policy_is_automatic(office):
    office.decide("promotion", "promoted", BEGUN, model_version="7", evidence={"former": "1"})
    office.decide("trial", "roll_back", DecisionKey("k:probation:roll_back"), model_version="1")
    assert office.spec.retraining.probation.rollback == "manual"
    assert office.tick() == []
    office.spec = _spec(trainer="package.module:train", probation={"rollback": "automatic"})
    (request,) = office.tick()
    config = request.run_config["ops"]["churn_change_version"]["config"]
    assert (config["action"], config["version"]) == ("roll_back", "1")


# ----------------------------------------------------------------------------------------------------- other trainers


def test_external_job_is_requested_with_the_decision_key_until_it_is_finished(office):
    office.spec = _spec(job="train_everything")
    (sensor,) = build_external_job_sensors([office.spec, binary_spec(name="upsell")], interval_seconds=30)
    assert sensor.job_name == "train_everything"
    assert office.tick(sensor) == []
    office.decide()
    (request,) = office.tick(sensor)
    assert (request.tags["model"], request.tags[DECISION_TAG]) == ("churn", ASKED.text)
    assert [r.run_key for r in office.tick(sensor)] == [request.run_key]
    office.decide("promotion", "waits", ASKED.roll_out())
    assert office.tick(sensor) == []


@pytest.mark.filterwarnings("ignore:::mlflow")
def test_external_challenger_is_judged_once_for_the_decision_in_its_tag(office):
    office.spec = _spec(webhook="trainer")
    with connected(office.registry.tracking_uri) as client:
        client.create_registered_model("churn")
        for tags in ({}, {DECISION_TAG: ASKED.text}):
            client.create_model_version("churn", source="file:///somewhere", tags=tags)
    assert office.tick() == []
    office.registry.set_alias("churn", CHALLENGER, "1")
    (request,) = office.tick()
    assert (request.job_name, request.run_config["ops"]["churn_outside_challenger"]["config"]) == (
        GATE,
        {"decision_key": "outside:1", "version": "1"},
    )
    office.decide("gate", "refused", DecisionKey("outside:1:gate"), model_version="1")
    office.decide("promotion", "refused", DecisionKey("outside:1:roll_out"), model_version="1")
    assert office.tick() == []
    # A training that was requested at the address is not requested again, and its challenger is judged.
    office.decide()
    (request,) = office.tick()
    assert request.job_name == TRAIN
    office.decide(answer="asked", key=ASKED.asked())
    office.registry.set_alias("churn", CHALLENGER, "2")
    (request,) = office.tick()
    assert request.run_config["ops"]["churn_outside_challenger"]["config"] == {
        "decision_key": ASKED.text,
        "version": "2",
    }
    office.run(request, fails=True)
    assert [r.run_key != request.run_key for r in office.tick()] == [True]


# ------------------------------------------------------------------------------------------------------------ alerts


@dataclass
class PostRoom:
    """An outbox with its sensor, a clock, and fake deliveries, which fail on request."""

    desk: Desk
    store: ResultStore
    instance: dg.DagsterInstance
    now: dt.datetime = NOW
    rules: Callable[[], AlertingRules] = AlertingRules

    def tick(self) -> dg.RunRequest | None:
        sensor = build_alerts_sensor(build_delivery_job(), interval_seconds=30)
        resources = {"store": self.store, "clock": lambda: self.now, "alerting": self.rules}
        with dg.build_sensor_context(instance=self.instance, resources=resources) as context:
            requests = sensor.evaluate_tick(context).run_requests or []
        return requests[0] if requests else None

    def deliver(self, *, error: str = "") -> None:
        claimed = self.store.claim(self.now, lease=LEASE)
        ids = [alert.alert_id for alert in claimed]
        if error:
            self.store.mark_failed(ids, error, self.now + MINUTE)
        else:
            self.store.mark_sent(ids, self.now, None)
        _job(JOB).execute_in_process(instance=self.instance, run_config=QUIET)


@pytest.fixture
def post_room(office: Office) -> PostRoom:
    return PostRoom(desk_of(office.store), office.store, office.instance)


def test_delivery_is_requested_once_while_alerts_are_due(post_room):
    assert post_room.tick() is None
    post_room.desk.write("churn", due_at=NOW + HOUR)
    assert post_room.tick() is None
    post_room.now += HOUR
    first, second = post_room.tick(), post_room.tick()
    assert first.run_key == second.run_key
    post_room.deliver()
    assert post_room.tick() is None


def test_tick_with_due_alerts_and_unreadable_rules_fails(post_room, tmp_path):
    post_room.rules = lambda: load_alerting_rules(tmp_path / "alerting.yaml")
    assert post_room.tick() is None
    post_room.desk.write("churn")
    with pytest.raises(SpecError, match=r"alerting\.yaml: cannot be read"):
        post_room.tick()


def test_alert_due_again_is_requested_with_another_run_key(post_room):
    post_room.desk.write("churn")
    keys = [post_room.tick().run_key]
    post_room.deliver(error="down")
    assert post_room.tick() is None
    post_room.now += MINUTE
    keys.append(post_room.tick().run_key)
    post_room.deliver(error="down")
    post_room.now += MINUTE
    keys.append(post_room.tick().run_key)
    assert len(set(keys)) == len(keys)


def test_delivery_is_requested_again_after_a_dead_one_and_its_lease(post_room):
    post_room.desk.write("churn")
    before = post_room.tick().run_key
    run = post_room.instance.create_run_for_job(_job(JOB), status=DagsterRunStatus.STARTED)
    post_room.store.claim(post_room.now, lease=LEASE)
    assert post_room.tick() is None
    post_room.now += LEASE
    assert post_room.tick() is None, "it may still be at work"
    post_room.instance.report_run_canceled(run)
    assert post_room.tick().run_key != before


def test_alert_due_of_another_model_is_requested_with_another_run_key(post_room):
    post_room.desk.write("churn")
    before = post_room.tick().run_key
    post_room.desk.write("upsell")
    assert post_room.tick().run_key != before
