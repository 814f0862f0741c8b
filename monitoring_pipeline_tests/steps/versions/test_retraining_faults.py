"""Faults around a retraining: versions with unusable outputs, aliases moved by hand, actions out of order."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import mlflow
import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.orchestration.jobs.retraining_sensor import wanted_runs
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence_json import evidence_kind, evidence_of_json
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.registry.connection import connected
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline.steps.versions.gate import evaluate_version, run_gate
from monitoring_pipeline.steps.versions.roll_out import RollOutError, promote, refuse, roll_back, roll_out, start_shadow
from monitoring_pipeline.steps.versions.running_trial import running_trial
from monitoring_pipeline.steps.versions.training import (
    take_training_rows,
    train_challenger,
)
from monitoring_pipeline_tests.registry.trainers_for_tests import Moody
from monitoring_pipeline_tests.worlds.retraining_world import (
    KEY,
    NOW,
    RETRAINING,
    action,
    aliases,
    outside,
    roles,
)
from monitoring_pipeline_tests.worlds.world import LOANS, World

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
BEFORE = NOW - dt.timedelta(days=1)
MOODS = {
    "gives NaN": "1600 of the model's outputs are not finite numbers",
    "gives what is no probability": "the model returned 1.5 to 1.5, probabilities are needed",
    "gives too few": r"numbers of shape (1599, 2), binary needs (1600,) or (1600, 2)",
    "gives words": "the model returned what are no numbers",
    "raises": "failed on 1600 rows: ArithmeticError: no answer for 1600 rows",
}


def register_again(ports: Outside, **tags: str) -> str:
    """Register version 1 once more, as an external trainer with a client of MLflow does."""
    with connected(ports.registry.tracking_uri) as client:
        first = client.get_model_version(LOANS, "1")
        return str(client.create_model_version(LOANS, first.source, run_id=first.run_id, tags=tags).version)


def delete(ports: Outside, version: str) -> None:
    mlflow.MlflowClient(tracking_uri=ports.registry.tracking_uri).delete_model_version(LOANS, version)


def decided(ports: Outside, topic: str, answer: str, version: str, key: str, **evidence: Any) -> None:
    named = {"topic": Topic(topic), "answer": Answer(answer), "key": DecisionKey(key)}
    grounds = evidence_of_json(evidence_kind(named["topic"], named["answer"]), evidence)
    decision = Decision(model=LOANS, reason="it was so", actor="test", at=BEFORE, model_version=version,
                        evidence=grounds, **named)  # fmt: skip
    assert ports.store.decide(decision)


def promoted(ports: Outside, version: str, former: str) -> None:
    """Leave the decision, roles and alias of a promotion, without its reference."""
    decided(ports, "promotion", "promoted", version, f"p{version}", former=former)
    for name, role in ((version, Role.CHAMPION), (former, Role.SHADOW)):
        ports.store.set_role(LOANS, name, role, BEFORE, window=None, by="test")
    ports.registry.set_alias(LOANS, "champion", version)


def in_shadow(ports: Outside, version: str, champion: str) -> None:
    """Leave the decision, role and alias of a shadow, without its reference."""
    decided(ports, "shadow", "started", version, f"s{version}", champion=champion)
    ports.store.set_role(LOANS, version, Role.SHADOW, BEFORE, window=None, by="test")
    ports.registry.set_alias(LOANS, "challenger", version)


# ------------------------------------------------------------------------------------------------------- the versions


def test_challenger_with_unusable_outputs_is_refused(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        request = take_training_rows(loaded.spec, now=NOW, outside=ports)
        for mood, message in MOODS.items():
            trained = Moody(mood).fit(request.inputs(), request.labels())
            version = ports.registry.register(request, trained, tags={}, params={})
            result = evaluate_version(loaded.spec, version, now=NOW, outside=ports)
            assert result.passed is False, mood
            assert f"version {version} does not score the held-out rows: " in result.reasons[0]
            assert message in result.reasons[0]
        ports.registry.set_alias(LOANS, "challenger", version)
        gate = run_gate(loaded.spec, version, decision_key=DecisionKey("moody"), now=NOW, outside=ports)
        assert (gate.answer, gate.reason) == ("refused", result.reasons[0])
        assert roll_out(loaded, gate, decision_key=DecisionKey("moody"), now=NOW, outside=ports).answer == "refused"
        assert ports.registry.version_with_alias(LOANS, "challenger") is None


def test_gate_with_a_champion_that_raises_is_unmeasured(judged: World) -> None:
    spec = judged.loaded(LOANS).spec
    with outside(judged) as ports:
        request = take_training_rows(spec, now=NOW, outside=ports)
        trained = Moody("raises").fit(request.inputs(), request.labels())
        champion = ports.registry.register(request, trained, tags={}, params={})
        ports.registry.set_alias(LOANS, "champion", champion)
        result = evaluate_version(spec, "1", now=NOW, outside=ports)
    assert result.passed is None
    assert f"the champion {champion} does not score the held-out rows: " in result.reasons[0]


def test_version_deleted_after_its_gate_is_not_trained_again(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        delete(ports, "1")
        assert train_challenger(loaded.spec, decision_key=KEY, now=NOW, outside=ports) == "1"
        assert not ports.registry.has_version(LOANS, "2")
        gate = ports.store.decision(LOANS, KEY.gate())
        with pytest.raises(RollOutError, match="the registry has no version '1'"):
            roll_out(loaded, gate, decision_key=KEY, now=NOW, outside=ports)
        # A person, or the end of its trial, can still refuse it.
        assert refuse(loaded, action("f", "1"), outside=ports).answer == "refused"


def test_evaluate_command_with_an_unusable_registry_has_exit_code_two(
    judged: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = judged.settings
    places = {"HOME": settings.home, "MODELS": settings.models, "WAREHOUSE": settings.warehouse,
              "STORE_URL": settings.store_url, "ID_KEY": "world"}  # fmt: skip
    for name, value in places.items():
        monkeypatch.setenv(f"MONITORING_PIPELINE_{name}", str(value))
    broken = judged.folder / "broken.db"
    broken.write_text("no database " * 1_000, encoding="utf-8")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{broken}")
    evaluated = CliRunner().invoke(main, ["evaluate", LOANS, "--version", "1"])
    assert evaluated.exit_code == 2, evaluated.output
    assert "file is not a database" in evaluated.output


def test_evaluation_of_an_unregistered_version_is_unmeasured(judged: World) -> None:
    with outside(judged) as ports:
        result = evaluate_version(judged.loaded(LOANS).spec, "99", now=NOW, outside=ports)
    assert (result.passed, result.reasons) == (None, ("the registry does not know version 99",))


def test_new_challenger_gets_an_unused_version_number(judged: World, tmp_path: Path) -> None:
    """The registry is new; the decisions contain version 1, and version 2 has served since yesterday."""
    judged.execute('UPDATE "Loan Scores" SET "VERSION" = 2 WHERE "Scored At" > TIMESTAMP \'2024-04-05\'')
    with outside(judged) as given:
        ports = replace(given, registry=ModelRegistry(f"sqlite:///{tmp_path / 'new.db'}", tmp_path / "new"))
        assert (
            train_challenger(judged.loaded(LOANS).spec, decision_key=DecisionKey("new"), now=NOW, outside=ports) == "3"
        )
        assert ports.registry.version_of_decision(LOANS, "new") == "3"
        assert [ports.registry.has_version(LOANS, version) for version in "12"] == [False, False]


# ---------------------------------------------------------------------------------------------------- out of turn


def test_gate_and_promotion_of_the_champion_against_itself_are_refused(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        serving = register_again(ports)
        ports.registry.set_alias(LOANS, "champion", serving)
        gate = run_gate(loaded.spec, serving, decision_key=DecisionKey("itself"), now=NOW, outside=ports)
        assert gate.answer == "unmeasured"
        assert gate.reason == f"version {serving} is the champion: there is nothing to hold it against"
        with pytest.raises(RollOutError, match=f"version {serving} is the champion already"):
            promote(loaded, action("p", serving), outside=ports)
        assert roles(ports) == {}


def test_gate_against_another_champion_lets_the_challenger_wait(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        other = register_again(ports)
        ports.registry.set_alias(LOANS, "champion", other)
        gate = ports.store.decision(LOANS, KEY.gate())
        decision = roll_out(loaded, gate, decision_key=KEY, now=NOW, outside=ports)
        assert decision.answer == "waits"
        assert decision.reason == f"the gate held it against version 2024.1, but version {other} serves now"
        assert ports.registry.version_with_alias(LOANS, "champion") == other


def test_promotion_leaves_one_champion_and_one_trial(judged: World) -> None:
    """The alias was moved by hand, and another challenger runs as a shadow."""
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        ports.store.set_role(LOANS, "2", Role.CHAMPION, BEFORE, window=None, by="test")
        by_hand, shadow = register_again(ports), register_again(ports)
        in_shadow(ports, shadow, "2")
        ports.registry.set_alias(LOANS, "champion", by_hand)
        ports.registry.set_alias(LOANS, "champion", register_again(ports))
        by_hand = ports.registry.version_with_alias(LOANS, "champion")
        promote(loaded, action("p", "1"), outside=ports)
        assert aliases(ports) == {"champion": "1", "challenger": None, "former_champion": by_hand}
        assert roles(ports) == {"1": Role.CHAMPION, by_hand: Role.SHADOW, "2": Role.RETIRED, shadow: Role.RETIRED}
        refused = ports.store.decisions(LOANS, topic=Topic.PROMOTION)[0]
        assert (refused.answer, refused.model_version) == ("refused", shadow)
        assert refused.reason == "its trial ended undecided: version 1 was promoted"
        trial = running_trial(loaded.spec, ports.store)
        assert (trial.stage, trial.newcomer, trial.incumbent) == ("probation", "1", by_hand)


def test_rollbacks_undo_one_promotion_after_the_other(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        second, shadow = register_again(ports), register_again(ports)
        promoted(ports, "1", "2024.1")
        promoted(ports, second, "1")
        in_shadow(ports, shadow, second)
        with pytest.raises(RollOutError, match="neither the registry nor the spec has a version '99'"):
            roll_back(loaded, action("r0", "99"), outside=ports)
        assert roll_back(loaded, action("r1"), outside=ports).model_version == "1"
        assert roles(ports) == {"1": Role.CHAMPION, second: Role.RETIRED, shadow: Role.RETIRED, "2024.1": Role.RETIRED}
        assert aliases(ports) == {"champion": "1", "challenger": None, "former_champion": None}
        assert running_trial(loaded.spec, ports.store) is None
        assert roll_back(loaded, action("r2", now=NOW + dt.timedelta(hours=1)), outside=ports).model_version == "2024.1"
        assert roles(ports)["2024.1"] is Role.CHAMPION
        with pytest.raises(RollOutError, match="no promotion in force"):
            roll_back(loaded, action("r3"), outside=ports)


def test_rollback_works_without_the_registered_model(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        promoted(ports, "1", "2024.1")
        mlflow.MlflowClient(tracking_uri=ports.registry.tracking_uri).delete_registered_model(LOANS)
        assert roll_back(loaded, action("r"), outside=ports).answer == "rolled_back"
        assert roles(ports) == {"1": Role.RETIRED, "2024.1": Role.CHAMPION}


def test_refusal_and_shadow_of_the_champion_are_errors(judged: World) -> None:
    judged.change_spec(LOANS, retraining={**RETRAINING, "trainer": None, "webhook": "trainer"})
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        promoted(ports, "1", "2024.1")
        ports.registry.set_alias(LOANS, "challenger", "1")
        for effect in (refuse, start_shadow):
            with pytest.raises(RollOutError, match="version 1 is the champion; roll back instead"):
                effect(loaded, action("x"), outside=ports)
        assert roles(ports) == {"1": Role.CHAMPION, "2024.1": Role.SHADOW}
        assert list(wanted_runs(loaded.spec, ports.store, ports.registry)) == []


def test_external_challengers_are_judged_one_by_one_until_finished(judged: World) -> None:
    judged.change_spec(LOANS, retraining={**RETRAINING, "trainer": None, "webhook": "trainer"})
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        gate = ports.store.decision(LOANS, KEY.gate())

        def wanted() -> list[dict[str, str]]:
            return [entry.config for entry in wanted_runs(loaded.spec, ports.store, ports.registry)]

        # A run that was killed after the gate is repeated.
        assert wanted() == [{"decision_key": KEY.text, "version": "1"}]
        roll_out(loaded, replace(gate, answer=Answer.REFUSED), decision_key=KEY, now=NOW, outside=ports)
        assert wanted() == []
        # Another challenger that was trained for the same decision has a separate gate.
        again = register_again(ports, **{"monitoring.decision_key": KEY.text})
        ports.registry.set_alias(LOANS, "challenger", again)
        assert wanted() == [{"decision_key": f"outside:{again}", "version": again}]


def test_answer_about_a_trial_ended_by_a_person_requests_no_run(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as ports:
        in_shadow(ports, "1", "2024.1")
        decided(ports, "trial", "promote", "1", "s1:shadow:promote")
        (wanted,) = wanted_runs(loaded.spec, ports.store, ports.registry)
        assert (wanted.config["action"], wanted.config["version"]) == ("promote", "1")
        refuse(loaded, action("f", "1"), outside=ports)
        assert list(wanted_runs(loaded.spec, ports.store, ports.registry)) == []
