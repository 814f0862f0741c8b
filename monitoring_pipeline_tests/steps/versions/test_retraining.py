"""Retraining in the small world with a real trainer, MLflow and store; also killed at every effect and repeated."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import mlflow
import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.orchestration.jobs.retraining import (
    build_gate_job,
    build_retrain_job,
    build_rollout_job,
)
from monitoring_pipeline.orchestration.jobs.retraining_sensor import wanted_runs
from monitoring_pipeline.ports.registry import DECISION_TAG
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import GateEvidence, PromotionEvidence, RollbackEvidence
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.registry.trainers import run_trainer
from monitoring_pipeline.steps.roles import effective_spec
from monitoring_pipeline.steps.versions.gate import evaluate_version, run_gate
from monitoring_pipeline.steps.versions.roll_out import (
    RollOutError,
    end_probation,
    promote,
    refuse,
    roll_back,
    roll_out,
    start_shadow,
)
from monitoring_pipeline.steps.versions.running_trial import running_trial
from monitoring_pipeline.steps.versions.training import (
    NoRetrainingError,
    take_training_rows,
    train_challenger,
)
from monitoring_pipeline_tests.worlds.retraining_world import (
    AGE_DECIDES,
    KEY,
    NOW,
    RETRAINING,
    TRAINERS,
    action,
    aliases,
    outside,
    roles,
    run_job,
)
from monitoring_pipeline_tests.worlds.world import LOANS, World, copy_world

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


class KilledError(BaseException):
    """Stands for the end of the process, so no code may catch it."""


class Dying:
    """A store or registry whose process is killed at the first effect at which it was not killed before."""

    EFFECTS = frozenset(
        {"register", "set_alias", "delete_alias", "log_gate", "decide", "set_role", "replace", "save_reference"}
    )

    def __init__(self, inner: Any, died_at: set[str]) -> None:
        self._inner, self._died_at = inner, died_at

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._inner, name)
        if name not in self.EFFECTS:
            return attribute

        def effect(*args: Any, **values: Any) -> Any:
            # One point is enough for all results of a reference.
            which = {"decide": lambda: args[0].key, "replace": str, "register": str}.get(name, lambda: str(args[:3]))()
            self._survive(f"before {name} {which}")
            done = attribute(*args, **values)
            self._survive(f"after {name} {which}")
            return done

        return effect

    def _survive(self, point: str) -> None:
        if point not in self._died_at:
            self._died_at.add(point)
            raise KilledError


# ---------------------------------------------------------------------------------------------------- training


def test_training_rows_end_where_the_held_out_rows_begin(judged: World) -> None:
    with outside(judged) as ports:
        request = take_training_rows(judged.loaded(LOANS).spec, now=NOW, outside=ports)
    assert (request.window.start, request.window.end) == (dt.date(2024, 3, 15), dt.date(2024, 3, 27))
    zone = judged.loaded(LOANS).spec.zone
    days = {moment.astimezone(zone).date() for moment in request.rows["predicted_at"]}
    assert days == {dt.date(2024, 3, 15) + dt.timedelta(days=n) for n in range(12)}
    assert request.rows.columns == ["predicted_at", "income", "employment", "age", "label"]
    assert request.rows.height == 12 * 200


def test_training_rows_leave_out_labels_known_later(judged: World) -> None:
    judged.execute('UPDATE "Outcomes" SET "Reported At" = TIMESTAMP \'2024-05-01\' WHERE hash("Ref") % 4 = 0')
    late = judged.execute(
        'SELECT count(*) FROM "Outcomes" JOIN "Loan Scores" ON "Ref" = "Application ID" '
        'WHERE hash("Ref") % 4 = 0 AND "Scored At" < TIMESTAMP \'2024-03-26 23:00:00\''
    )[0][0]
    with outside(judged) as ports:
        request = take_training_rows(judged.loaded(LOANS).spec, now=NOW, outside=ports)
    assert request.rows.height == 12 * 200 - late


def test_prediction_scored_by_two_versions_is_one_training_row(judged: World) -> None:
    with outside(judged) as ports:
        before = take_training_rows(judged.loaded(LOANS).spec, now=NOW, outside=ports)
        judged.execute(
            'INSERT INTO "Loan Scores" SELECT * REPLACE (\'1\' AS "VERSION", 0.5 AS "Default Probability") '
            'FROM "Loan Scores"'
        )
        after = take_training_rows(judged.loaded(LOANS).spec, now=NOW, outside=ports)
    assert before.data_fingerprint == after.data_fingerprint


def test_challenger_has_tags_of_its_decision_data_and_gate(judged: World) -> None:
    with outside(judged) as ports:
        tags = ports.registry.version_tags(LOANS, "1")
    assert tags[DECISION_TAG] == KEY.text
    assert tags["monitoring.trained_until"] == "2024-03-27"
    assert tags["monitoring.spec_hash"] == judged.loaded(LOANS).spec.spec_hash
    assert tags["monitoring.gate"] == "passed"


def test_retraining_without_a_version_column_is_an_error(judged: World) -> None:
    spec = judged.loaded(LOANS).spec
    source = spec.predictions.model_copy(update={"model_version": None})
    with outside(judged) as ports, pytest.raises(NoRetrainingError, match=r"predictions\.model_version"):
        train_challenger(
            spec.model_copy(update={"predictions": source}), decision_key=DecisionKey("x"), now=NOW, outside=ports
        )


# ---------------------------------------------------------------------------------------------------- the gate


def test_gate_records_a_decision_with_evidence(judged: World) -> None:
    with outside(judged) as ports:
        gate = ports.store.decision(LOANS, KEY.gate())
    assert gate is not None
    evidence = gate.grounds(GateEvidence)
    assert (gate.topic, gate.model_version, evidence.champion) == ("gate", "1", "2024.1")
    assert (evidence.held_out_start, evidence.held_out_end) == (dt.date(2024, 3, 27), dt.date(2024, 4, 4))
    assert evidence.rows == 8 * 200
    assert "log_loss: proven better" in gate.reason


def test_challenger_that_is_no_better_is_refused_and_loses_its_alias(world: World) -> None:
    world.change_spec(LOANS, retraining=RETRAINING)
    loaded = world.loaded(LOANS)
    with outside(world) as ports:
        version = train_challenger(loaded.spec, decision_key=KEY, now=NOW, outside=ports)
        assert ports.registry.version_with_alias(LOANS, "challenger") == version == "1"
        gate = run_gate(loaded.spec, version, decision_key=KEY, now=NOW, outside=ports)
        decided = roll_out(loaded, gate, decision_key=KEY, now=NOW, outside=ports)
        assert (gate.answer, decided.answer) == ("refused", "refused")
        assert set(aliases(ports).values()) == {None}
        assert roles(ports) == {}
        # A repeated run does not give it the alias again.
        assert train_challenger(loaded.spec, decision_key=KEY, now=NOW, outside=ports) == version
        assert ports.registry.version_with_alias(LOANS, "challenger") is None


def test_evaluation_of_a_version_writes_nothing(judged: World) -> None:
    spec = judged.loaded(LOANS).spec
    with outside(judged) as ports:
        before = ports.store.decisions(LOANS)
        assert evaluate_version(spec, "1", now=NOW, outside=ports).passed is True
        gate = spec.retraining.gate.model_copy(update={"minimum_rows": 5_000})
        strict = spec.model_copy(update={"retraining": spec.retraining.model_copy(update={"gate": gate})})
        unmeasured = evaluate_version(strict, "1", now=NOW, outside=ports)
        assert unmeasured.passed is None
        assert "1600 labelled rows" in unmeasured.reasons[0]
        assert ports.store.decisions(LOANS) == before


def test_evaluation_leaves_out_days_on_which_the_version_was_trained(judged: World) -> None:
    spec = judged.loaded(LOANS).spec
    rules = spec.retraining.model_copy(update={"holdout_days": 12})
    with outside(judged) as ports:
        result = evaluate_version(spec.model_copy(update={"retraining": rules}), "1", now=NOW, outside=ports)
    assert (result.rows, result.days) == (8 * 200, 8)


def test_gate_of_a_version_trained_until_today_is_unmeasured(judged: World) -> None:
    spec = judged.loaded(LOANS).spec
    with outside(judged) as ports:
        request = take_training_rows(spec, now=NOW, outside=ports)
        trained = run_trainer(f"{TRAINERS}:boosting", request, ports.registry.tracking_uri)
        tags = {"monitoring.trained_until": "2024-04-06"}
        version = ports.registry.register(request, trained, tags=tags, params={})
        gate = run_gate(spec, version, decision_key=DecisionKey("fresh"), now=NOW, outside=ports)
        assert (gate.answer, gate.grounds(GateEvidence).rows) == ("unmeasured", 0)
        assert "were trained until 2024-04-06; no later day before 2024-04-04 has final labels" in gate.reason
        with pytest.raises(RollOutError, match=f"no gate has judged version {version}"):
            promote(judged.loaded(LOANS), action("p", version), outside=ports)


def test_evaluation_without_rows_of_the_champion_is_unmeasured(judged: World) -> None:
    judged.execute('UPDATE "Loan Scores" SET "VERSION" = \'forgotten\'')
    with outside(judged) as ports:
        result = evaluate_version(judged.loaded(LOANS).spec, "1", now=NOW, outside=ports)
    assert (result.passed, result.rows) == (None, 0)
    assert "0 labelled rows of both versions" in result.reasons[0]


def test_registered_champion_scores_the_rows_that_it_did_not_serve(judged: World) -> None:
    spec = judged.loaded(LOANS).spec
    with outside(judged) as ports:
        ports.registry.set_alias(LOANS, "champion", "1")
        # The challenger is a copy of the champion, so there is no difference on rows that neither served.
        twin = train_challenger(spec, decision_key=DecisionKey("twin"), now=NOW, outside=ports)
        result = evaluate_version(spec, twin, now=NOW, outside=ports)
        assert (result.passed, result.rows, result.checks[0].difference) == (False, 8 * 200, 0.0)
        # The scores that the champion served are used for the rows that it served.
        judged.execute('UPDATE "Loan Scores" SET "VERSION" = 1, "Default Probability" = 0.5 WHERE age > 50')
        served = evaluate_version(spec, twin, now=NOW, outside=ports)
    assert served.checks[0].challenger == pytest.approx(result.checks[0].challenger, rel=1e-12)
    assert served.checks[0].champion > result.checks[0].champion + 0.05


# ---------------------------------------------------------------------------------------------------- roll-out


def test_promotion_moves_the_alias_adds_a_reference_and_starts_a_probation(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        decided = promote(loaded, action("p"), outside=ports)
        assert (decided.answer, decided.model_version, decided.grounds(PromotionEvidence).incumbent) == (
            "promoted",
            "1",
            "2024.1",
        )
        assert aliases(ports) == {"champion": "1", "challenger": None, "former_champion": None}
        assert roles(ports) == {"1": Role.CHAMPION, "2024.1": Role.SHADOW}
        window = effective_spec(loaded.spec, ports.store).reference["1"]
        assert (window.start, window.end) == (dt.date(2024, 3, 27), dt.date(2024, 4, 4))
        trial = running_trial(loaded.spec, ports.store)
        assert (trial.stage, trial.newcomer, trial.incumbent) == ("probation", "1", "2024.1")
        end_probation(loaded, action("e", now=NOW + dt.timedelta(days=28)), outside=ports)
        assert roles(ports)["2024.1"] is Role.RETIRED
        assert running_trial(loaded.spec, ports.store) is None


def test_reference_of_a_promoted_version_contains_its_scores_of_the_held_out_rows(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        promote(loaded, action("p"), outside=ports)
        rows = ports.snapshots.read(ports.store.snapshot(LOANS, "2024-03-27/2024-04-04", "reference:1").uri)
        gate = ports.store.decision(LOANS, KEY.gate())
    assert rows.height == 8 * 200
    assert rows["model_version"].unique().to_list() == ["1"]
    old = rows.filter(rows["age"] > 50)["score"].mean()
    young = rows.filter(rows["age"] <= 50)["score"].mean()
    assert old > 0.7
    assert young < 0.3
    assert ((rows["score"] >= 0.4).cast(int).cast(str) == rows["prediction"]).all()
    losses = rows.select(
        (rows["label"] * -rows["score"].log() - (1 - rows["label"]) * (1 - rows["score"]).log()).mean()
    )
    assert losses.item() == pytest.approx(gate.grounds(GateEvidence).checks[0].challenger, rel=1e-9)


def test_promoted_version_is_monitored_as_champion_the_next_night(judged: World) -> None:
    with outside(judged) as ports:
        promote(judged.loaded(LOANS), action("p", now=NOW - dt.timedelta(days=3)), outside=ports)
    judged.execute('UPDATE "Loan Scores" SET "VERSION" = \'1\' WHERE "Scored At" > TIMESTAMP \'2024-04-04\'')
    assert judged.run(LOANS, "2024-04-05", NOW).success
    with judged.store() as store:
        own_of_day = [m for m in store.measurements(LOANS, "2024-04-05") if m.model_version == "1"]
    assert {m.role for m in own_of_day} == {"champion"}
    assert {m.kind.value for m in own_of_day} >= {"drift", "performance"}


def test_rollback_restores_the_former_champion_once(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        with pytest.raises(RollOutError, match="no promotion in force"):
            roll_back(loaded, action("too early"), outside=ports)
        promote(loaded, action("p"), outside=ports)
        back = action("r", now=NOW + dt.timedelta(days=9), actor="ana", reason="worse at weekends")
        decided = roll_back(loaded, back, outside=ports)
        assert (decided.answer, decided.model_version, decided.actor) == ("rolled_back", "2024.1", "ana")
        assert decided.grounds(RollbackEvidence).newcomer == "1"
        assert roles(ports) == {"1": Role.RETIRED, "2024.1": Role.CHAMPION}
        # Version 2024.1 was never registered.
        assert set(aliases(ports).values()) == {None}
        assert roll_back(loaded, back, outside=ports) == decided
        with pytest.raises(RollOutError, match="no promotion in force"):
            roll_back(loaded, action("again"), outside=ports)
        assert running_trial(loaded.spec, ports.store) is None


def test_rollback_to_a_registered_version_restores_its_alias(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    later = NOW + dt.timedelta(hours=3)
    with outside(judged) as ports:
        promote(loaded, action("p"), outside=ports)
        second = train_challenger(loaded.spec, decision_key=DecisionKey("second"), now=later, outside=ports)
        gate = run_gate(loaded.spec, second, decision_key=DecisionKey("second"), now=later, outside=ports)
        assert gate.grounds(GateEvidence).champion == "1"
        assert gate.answer == "refused"
        assert gate.grounds(GateEvidence).checks[0].difference == pytest.approx(0, abs=1e-12)
        promote(loaded, action("p2", second, now=later), outside=ports)
        assert aliases(ports) == {"champion": "2", "challenger": None, "former_champion": "1"}
        roll_back(loaded, action("r2", now=later + dt.timedelta(days=1)), outside=ports)
        assert aliases(ports) == {"champion": "1", "challenger": None, "former_champion": None}


def test_shadow_is_on_trial_until_it_is_refused(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        start_shadow(loaded, action("s"), outside=ports)
        assert roles(ports) == {"1": Role.SHADOW}
        trial = running_trial(loaded.spec, ports.store)
        assert (trial.stage, trial.newcomer, trial.incumbent, trial.since) == ("shadow", "1", "2024.1", NOW)
        assert ports.registry.version_with_alias(LOANS, "challenger") == "1"
        refuse(loaded, action("f", now=NOW + dt.timedelta(days=60), reason="not proven"), outside=ports)
        assert roles(ports) == {"1": Role.RETIRED}
        assert ports.registry.version_with_alias(LOANS, "challenger") is None
        assert running_trial(loaded.spec, ports.store) is None


@pytest.mark.parametrize(
    ("policy", "answer", "challenger"),
    [("manual", "waits", "1"), ("shadow", "started", "1"), ("automatic", "promoted", None)],
)
def test_passed_challenger_is_handled_as_the_policy_says(
    policy: str, answer: str, challenger: str | None, judged: World
) -> None:
    judged.change_spec(LOANS, retraining=RETRAINING | {"promotion": policy})
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        gate = ports.store.decision(LOANS, KEY.gate())
        assert roll_out(loaded, gate, decision_key=KEY, now=NOW, outside=ports).answer == answer
        assert ports.registry.version_with_alias(LOANS, "challenger") == challenger


def test_challenger_with_an_unmeasured_gate_waits_for_a_person(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        gate = replace(ports.store.decision(LOANS, KEY.gate()), answer=Answer.UNMEASURED, reason="3 rows")
        decided = roll_out(loaded, gate, decision_key=KEY, now=NOW, outside=ports)
        assert (decided.answer, decided.reason) == ("waits", "the gate could not measure: 3 rows")


@pytest.mark.parametrize(
    ("version", "message"), [("9", "the registry has no version '9'"), ("2", "no gate has judged version 2")]
)
def test_promotion_of_an_unknown_or_unjudged_version_is_an_error(version: str, message: str, judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        if version == "2":
            train_challenger(loaded.spec, decision_key=DecisionKey("other"), now=NOW, outside=ports)
        with pytest.raises(RollOutError, match=message):
            promote(loaded, action("p", version), outside=ports)


def test_promotion_of_the_champion_is_an_error(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        promote(loaded, action("p"), outside=ports)
        with pytest.raises(RollOutError, match="version 1 is the champion already"):
            promote(loaded, action("q", "1"), outside=ports)


def test_retraining_killed_at_every_effect_happens_once(untouched_folder: Path, tmp_path: Path) -> None:
    """The whole job is repeated after each kill, each time a minute later; it ends like one undisturbed run."""
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(copy_world(untouched_folder, tmp_path / "world"), instance)
        world.change_spec(LOANS, retraining=RETRAINING | {"gate": {"minimum_rows": 100}})
        world.execute('DELETE FROM "Loan Scores" WHERE hash("Application ID") % 4 > 0', AGE_DECIDES)
        loaded = world.loaded(LOANS)
        died_at: set[str] = set()
        with outside(world) as real:
            ports = replace(real, store=Dying(real.store, died_at), registry=Dying(real.registry, died_at))
            while True:
                now = NOW + dt.timedelta(minutes=len(died_at))
                try:
                    version = train_challenger(loaded.spec, decision_key=KEY, now=now, outside=ports)
                    gate = run_gate(loaded.spec, version, decision_key=KEY, now=now, outside=ports)
                    roll_out(loaded, gate, decision_key=KEY, now=now, outside=ports)
                    break
                except KilledError:
                    continue
            assert len(died_at) >= 20
            versions = mlflow.MlflowClient(tracking_uri=world.settings.mlflow_tracking_uri).search_model_versions(
                f"name = '{LOANS}'"
            )
            # A version that was registered before a kill is found again by the repeated run.
            assert [entry.version for entry in versions] == [1]
            assert [(d.topic, d.answer) for d in real.store.decisions(LOANS)] == [
                ("gate", "passed"),
                ("promotion", "promoted"),
            ]
            assert len(real.store.role_history(LOANS)) == 2
            assert aliases(real) == {"champion": "1", "challenger": None, "former_champion": None}
            assert real.store.decisions(LOANS)[1].grounds(PromotionEvidence).incumbent == "2024.1"


# ---------------------------------------------------------------------------------------------------- the jobs


def test_retraining_job_promotes_once_even_if_it_is_repeated(untouched_folder: Path, tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(copy_world(untouched_folder, tmp_path / "world"), instance)
        world.change_spec(LOANS, retraining=RETRAINING)
        world.execute(AGE_DECIDES)
        asked = Decision(
            model=LOANS, topic=Topic.RETRAINING, answer=Answer.YES, reason="worse", actor="night", at=NOW, key=KEY,
            chunk="2024-04-05", incident_id="INC-1",
        )  # fmt: skip
        with world.store() as store:
            store.decide(asked)
        for _ in range(2):
            assert run_job(world, build_retrain_job(world.loaded(LOANS)), config={"decision_key": KEY.text}).success
            with outside(world) as ports:
                decisions = ports.store.decisions(LOANS)
                assert [(d.topic, d.answer) for d in decisions] == [
                    ("retraining", "yes"),
                    ("gate", "passed"),
                    ("promotion", "promoted"),
                ]
                assert (decisions[1].incident_id, decisions[1].chunk) == ("INC-1", "2024-04-05")
                assert ports.registry.version_tags(LOANS, "1")["monitoring.incident"] == "INC-1"
                assert not ports.registry.has_version(LOANS, "2")


def test_trainer_that_raises_fails_the_run_with_its_message(world: World) -> None:
    world.change_spec(LOANS, retraining=RETRAINING | {"trainer": f"{TRAINERS}:raises"})
    result = run_job(world, build_retrain_job(world.loaded(LOANS)), config={"decision_key": KEY.text})
    assert not result.success
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert "no convergence on ['age', 'employment', 'income']" in str(failure.event_specific_data.error)


def test_external_challenger_is_requested_once_and_judged_after_its_registration(judged: World) -> None:
    judged.change_spec(
        LOANS, retraining={key: RETRAINING[key] for key in ("holdout_days", "gate")} | {"webhook": "trainer"}
    )
    loaded = judged.loaded(LOANS)
    asked: list[tuple[str, Any]] = []
    with outside(judged) as real:
        ports = replace(real, ask_trainer=lambda secret, request: asked.append((secret, request)))
        for _ in range(2):
            assert train_challenger(loaded.spec, decision_key=DecisionKey("outside"), now=NOW, outside=ports) is None
        ((secret, request),) = asked
        assert secret == "trainer"
        assert (request["model"], request["training_start"], request["training_end"]) == (
            LOANS,
            "2024-03-15",
            "2024-03-27",
        )
        # The part of the external trainer, which may use any client of MLflow.
        rows = take_training_rows(loaded.spec, now=NOW, outside=ports)
        trained = run_trainer(f"{TRAINERS}:boosting", rows, ports.registry.tracking_uri)
        version = ports.registry.register(rows, trained, tags=request["tags"], params={})
        ports.registry.set_alias(LOANS, request["alias"], version)
        (wanted,) = wanted_runs(loaded.spec, ports.store, ports.registry)
    config = {"decision_key": "outside", "version": "2"}
    assert (wanted.job, wanted.config) == (f"{LOANS}_gate", config)
    assert run_job(judged, build_gate_job(loaded), config=config).success
    with outside(judged) as ports:
        assert ports.store.decision(LOANS, DecisionKey("outside").gate()).answer == "passed"
        assert ports.store.decisions(LOANS, topic=Topic.PROMOTION)[-1].answer == "waits"
        assert list(wanted_runs(loaded.spec, ports.store, ports.registry)) == []


def test_rollout_job_performs_known_actions_and_fails_on_unknown_ones(judged: World) -> None:
    job = build_rollout_job(judged.loaded(LOANS))
    wanted = {"action": "promote", "actor": "ana@example.com", "reason": "looks right", "decision_key": "promote:1"}
    for _ in range(2):
        assert run_job(judged, job, config=wanted).success
    with outside(judged) as ports:
        (decision,) = ports.store.decisions(LOANS, topic=Topic.PROMOTION)
        assert (decision.answer, decision.actor, decision.reason) == ("promoted", "ana@example.com", "looks right")
    unknown = run_job(judged, job, config={"action": "delete", "decision_key": "d"})
    assert not unknown.success
    failure = next(event for event in unknown.all_events if event.is_step_failure)
    assert "known: promote, roll_back" in failure.event_specific_data.user_failure_data.description


@pytest.mark.parametrize(
    ("gate", "exit_code", "words"),
    [
        ({}, 0, "version 1: passed"),
        ({"minimum_improvement": 5.0}, 1, "version 1: refused"),
        ({"minimum_rows": 100_000}, 2, "at least 100000 needed (held out: 2024-03-29 to 2024-04-05)"),
    ],
)
def test_exit_code_of_the_evaluate_command_is_the_answer(
    judged: World, monkeypatch: pytest.MonkeyPatch, gate: dict[str, Any], exit_code: int, words: str
) -> None:
    judged.change_spec(LOANS, retraining=RETRAINING | {"gate": gate})
    settings = judged.settings
    places = {
        "HOME": settings.home, "MODELS": settings.models, "WAREHOUSE": settings.warehouse,
        "STORE_URL": settings.store_url, "ID_KEY": "world",
    }  # fmt: skip
    for name, value in places.items():
        monkeypatch.setenv(f"MONITORING_PIPELINE_{name}", str(value))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.mlflow_tracking_uri)
    monkeypatch.setenv("COLUMNS", "200")
    evaluated = CliRunner().invoke(main, ["evaluate", LOANS, "--version", "1"])
    assert evaluated.exit_code == exit_code, evaluated.output
    assert words in evaluated.output
    assert ("difference [interval]" in evaluated.output) is (exit_code != 2), "nothing was compared"
    with outside(judged) as ports:
        assert len(ports.store.decisions(LOANS, topic=Topic.GATE)) == 1, "nothing is written"
