"""What goes wrong around a retraining: versions that do not answer, aliases moved by hand, actions out of turn."""

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


def register_again(own: Outside, **tags: str) -> str:
    """Register version 1 once more, as somebody with a client of MLflow does."""
    with connected(own.registry.tracking_uri) as client:
        first = client.get_model_version(LOANS, "1")
        return str(client.create_model_version(LOANS, first.source, run_id=first.run_id, tags=tags).version)


def delete(own: Outside, version: str) -> None:
    mlflow.MlflowClient(tracking_uri=own.registry.tracking_uri).delete_model_version(LOANS, version)


def decided(own: Outside, topic: str, answer: str, version: str, key: str, **evidence: Any) -> None:
    named = {"topic": Topic(topic), "answer": Answer(answer), "key": DecisionKey(key)}
    grounds = evidence_of_json(evidence_kind(named["topic"], named["answer"]), evidence)
    decision = Decision(model=LOANS, reason="it was so", actor="test", at=BEFORE, model_version=version,
                        evidence=grounds, **named)  # fmt: skip
    assert own.store.decide(decision)


def promoted(own: Outside, version: str, former: str) -> None:
    """Leave what a promotion leaves, but for the reference."""
    decided(own, "promotion", "promoted", version, f"p{version}", former=former)
    for name, role in ((version, Role.CHAMPION), (former, Role.SHADOW)):
        own.store.set_role(LOANS, name, role, BEFORE, window=None, by="test")
    own.registry.set_alias(LOANS, "champion", version)


def in_shadow(own: Outside, version: str, champion: str) -> None:
    """Leave what a shadow leaves, but for the reference."""
    decided(own, "shadow", "started", version, f"s{version}", champion=champion)
    own.store.set_role(LOANS, version, Role.SHADOW, BEFORE, window=None, by="test")
    own.registry.set_alias(LOANS, "challenger", version)


# ------------------------------------------------------------------------------------------------------- the versions


def test_a_version_that_does_not_answer_is_refused(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as own:
        request = take_training_rows(loaded.spec, now=NOW, adapters=own)
        for mood, told in MOODS.items():
            trained = Moody(mood).fit(request.inputs(), request.labels())
            version = own.registry.register(request, trained, tags={}, params={})
            result = evaluate_version(loaded.spec, version, now=NOW, adapters=own)
            assert result.passed is False, mood
            assert f"version {version} does not score the held-out rows: " in result.reasons[0]
            assert told in result.reasons[0]
        own.registry.set_alias(LOANS, "challenger", version)
        gate = run_gate(loaded.spec, version, decision_key=DecisionKey("moody"), now=NOW, adapters=own)
        assert (gate.answer, gate.reason) == ("refused", result.reasons[0])
        assert roll_out(loaded, gate, decision_key=DecisionKey("moody"), now=NOW, adapters=own).answer == "refused"
        assert own.registry.version_with_alias(LOANS, "challenger") is None


def test_a_champion_that_does_not_answer_leaves_the_gate_unmeasured(judged: World) -> None:
    spec = judged.loaded(LOANS).spec
    with outside(judged) as own:
        request = take_training_rows(spec, now=NOW, adapters=own)
        trained = Moody("raises").fit(request.inputs(), request.labels())
        champion = own.registry.register(request, trained, tags={}, params={})
        own.registry.set_alias(LOANS, "champion", champion)
        result = evaluate_version(spec, "1", now=NOW, adapters=own)
    assert result.passed is None
    assert f"the champion {champion} does not score the held-out rows: " in result.reasons[0]


def test_a_version_that_was_deleted_after_its_gate_is_not_trained_again(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as own:
        delete(own, "1")
        assert train_challenger(loaded.spec, decision_key=KEY, now=NOW, adapters=own) == "1"
        assert not own.registry.has_version(LOANS, "2")
        gate = own.store.decision(LOANS, KEY.gate())
        with pytest.raises(RollOutError, match="the registry has no version '1'"):
            roll_out(loaded, gate, decision_key=KEY, now=NOW, adapters=own)
        # A person, or the end of its trial, can still take it out of the line.
        assert refuse(loaded, action("f", "1"), adapters=own).answer == "refused"


def test_an_answer_that_cannot_be_had_is_no_refusal(judged: World, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_a_version_that_the_registry_does_not_know_is_no_matter_of_rows(judged: World) -> None:
    with outside(judged) as own:
        result = evaluate_version(judged.loaded(LOANS).spec, "99", now=NOW, adapters=own)
    assert (result.passed, result.reasons) == (None, ("the registry does not know version 99",))


def test_a_challenger_gets_no_number_that_anything_knows(judged: World, tmp_path: Path) -> None:
    """The registry is new: 1 stands in the decisions, 2 has served since yesterday."""
    judged.execute('UPDATE "Loan Scores" SET "VERSION" = 2 WHERE "Scored At" > TIMESTAMP \'2024-04-05\'')
    with outside(judged) as known:
        own = replace(known, registry=ModelRegistry(f"sqlite:///{tmp_path / 'new.db'}", tmp_path / "new"))
        assert (
            train_challenger(judged.loaded(LOANS).spec, decision_key=DecisionKey("new"), now=NOW, adapters=own) == "3"
        )
        assert own.registry.version_of_decision(LOANS, "new") == "3"
        assert [own.registry.has_version(LOANS, version) for version in "12"] == [False, False]


# ---------------------------------------------------------------------------------------------------- out of turn


def test_a_version_is_not_held_against_itself_and_does_not_replace_itself(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as own:
        serving = register_again(own)
        own.registry.set_alias(LOANS, "champion", serving)
        gate = run_gate(loaded.spec, serving, decision_key=DecisionKey("itself"), now=NOW, adapters=own)
        assert gate.answer == "unmeasured"
        assert gate.reason == f"version {serving} is the champion: there is nothing to hold it against"
        with pytest.raises(RollOutError, match=f"version {serving} is the champion already"):
            promote(loaded, action("p", serving), adapters=own)
        assert roles(own) == {}


def test_a_gate_against_another_champion_promotes_nobody_by_itself(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as own:
        other = register_again(own)
        own.registry.set_alias(LOANS, "champion", other)
        gate = own.store.decision(LOANS, KEY.gate())
        decision = roll_out(loaded, gate, decision_key=KEY, now=NOW, adapters=own)
        assert decision.answer == "waits"
        assert decision.reason == f"the gate held it against version 2024.1, but version {other} serves now"
        assert own.registry.version_with_alias(LOANS, "champion") == other


def test_a_promotion_leaves_one_champion_and_one_trial(judged: World) -> None:
    """Somebody has moved the alias by hand, and another challenger is in the shadow."""
    loaded = judged.loaded(LOANS)
    with outside(judged) as own:
        own.store.set_role(LOANS, "2", Role.CHAMPION, BEFORE, window=None, by="test")
        by_hand, shadow = register_again(own), register_again(own)
        in_shadow(own, shadow, "2")
        own.registry.set_alias(LOANS, "champion", by_hand)
        own.registry.set_alias(LOANS, "champion", register_again(own))
        by_hand = own.registry.version_with_alias(LOANS, "champion")
        promote(loaded, action("p", "1"), adapters=own)
        assert aliases(own) == {"champion": "1", "challenger": None, "former_champion": by_hand}
        assert roles(own) == {"1": Role.CHAMPION, by_hand: Role.SHADOW, "2": Role.RETIRED, shadow: Role.RETIRED}
        refused = own.store.decisions(LOANS, topic=Topic.PROMOTION)[0]
        assert (refused.answer, refused.model_version) == ("refused", shadow)
        assert refused.reason == "its trial ended undecided: version 1 was promoted"
        trial = running_trial(loaded.spec, own.store)
        assert (trial.stage, trial.newcomer, trial.incumbent) == ("probation", "1", by_hand)


def test_one_promotion_after_the_other_is_rolled_back(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as own:
        second, shadow = register_again(own), register_again(own)
        promoted(own, "1", "2024.1")
        promoted(own, second, "1")
        in_shadow(own, shadow, second)
        with pytest.raises(RollOutError, match="neither the registry nor the spec has a version '99'"):
            roll_back(loaded, action("r0", "99"), adapters=own)
        assert roll_back(loaded, action("r1"), adapters=own).model_version == "1"
        assert roles(own) == {"1": Role.CHAMPION, second: Role.RETIRED, shadow: Role.RETIRED, "2024.1": Role.RETIRED}
        assert aliases(own) == {"champion": "1", "challenger": None, "former_champion": None}
        assert running_trial(loaded.spec, own.store) is None
        assert roll_back(loaded, action("r2", now=NOW + dt.timedelta(hours=1)), adapters=own).model_version == "2024.1"
        assert roles(own)["2024.1"] is Role.CHAMPION
        with pytest.raises(RollOutError, match="no promotion in force"):
            roll_back(loaded, action("r3"), adapters=own)


def test_a_rollback_works_without_the_registrys_model(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as own:
        promoted(own, "1", "2024.1")
        mlflow.MlflowClient(tracking_uri=own.registry.tracking_uri).delete_registered_model(LOANS)
        assert roll_back(loaded, action("r"), adapters=own).answer == "rolled_back"
        assert roles(own) == {"1": Role.RETIRED, "2024.1": Role.CHAMPION}


def test_the_champion_is_neither_refused_nor_its_own_shadow(judged: World) -> None:
    judged.change_spec(LOANS, retraining={**RETRAINING, "trainer": None, "webhook": "trainer"})
    loaded = judged.loaded(LOANS)
    with outside(judged) as own:
        promoted(own, "1", "2024.1")
        own.registry.set_alias(LOANS, "challenger", "1")
        for effect in (refuse, start_shadow):
            with pytest.raises(RollOutError, match="version 1 is the champion; roll back instead"):
                effect(loaded, action("x"), adapters=own)
        assert roles(own) == {"1": Role.CHAMPION, "2024.1": Role.SHADOW}
        assert list(wanted_runs(loaded.spec, own.store, own.registry)) == []


def test_challengers_from_outside_are_judged_one_by_one_and_to_their_end(judged: World) -> None:
    judged.change_spec(LOANS, retraining={**RETRAINING, "trainer": None, "webhook": "trainer"})
    loaded = judged.loaded(LOANS)
    with outside(judged) as own:
        gate = own.store.decision(LOANS, KEY.gate())

        def wanted() -> list[dict[str, str]]:
            return [entry.config for entry in wanted_runs(loaded.spec, own.store, own.registry)]

        # A run that was killed after the gate is repeated.
        assert wanted() == [{"decision_key": KEY.text, "version": "1"}]
        roll_out(loaded, replace(gate, answer=Answer.REFUSED), decision_key=KEY, now=NOW, adapters=own)
        assert wanted() == []
        # Another one that was trained for the same decision has a gate of its own.
        again = register_again(own, **{"monitoring.decision_key": KEY.text})
        own.registry.set_alias(LOANS, "challenger", again)
        assert wanted() == [{"decision_key": f"outside:{again}", "version": again}]


def test_an_answer_about_a_trial_that_a_person_has_ended_asks_for_nothing(judged: World) -> None:
    loaded = judged.loaded(LOANS)
    with outside(judged) as own:
        in_shadow(own, "1", "2024.1")
        decided(own, "trial", "promote", "1", "s1:shadow:promote")
        (wanted,) = wanted_runs(loaded.spec, own.store, own.registry)
        assert (wanted.config["action"], wanted.config["version"]) == ("promote", "1")
        refuse(loaded, action("f", "1"), adapters=own)
        assert list(wanted_runs(loaded.spec, own.store, own.registry)) == []
