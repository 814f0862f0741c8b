"""Versions in a real MLflow on SQLite: registering, finding, predicting, aliases, and records of gates."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.versions.gate import GateResult
from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest
from monitoring_pipeline.records.evidence import GateCheck
from monitoring_pipeline.registry.connection import connected
from monitoring_pipeline.registry.mlflow_registry import DECISION_TAG, ModelRegistry, RegistryError
from monitoring_pipeline.registry.trainers import run_trainer
from monitoring_pipeline.registry.version_numbers import skip_taken_numbers
from monitoring_pipeline.spec.sources import FeatureKind, ReferenceWindow, Task

TRAINERS = "monitoring_pipeline_tests.registry.trainers_for_tests"
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


def _request(task: Task = Task.BINARY, name: str = "loans") -> TrainingRequest:
    random = np.random.default_rng(5)
    age = random.uniform(18, 80, 400)
    labels = {
        Task.BINARY: (random.random(400) < age / 100).astype(int),
        Task.MULTICLASS: random.choice(["late", "cancelled", "on_time"], 400),
        Task.REGRESSION: age + random.normal(size=400),
    }
    rows = pl.DataFrame(
        {
            "predicted_at": [dt.datetime(2024, 3, 15, tzinfo=dt.UTC)] * 400,
            "age": age,
            "employment": random.choice(["none", "employed"], 400),
            "label": labels[task],
        }
    ).with_columns(employment=pl.when(pl.col("age") > 30).then("employment"))
    return TrainingRequest(
        model=name,
        task=task,
        rows=rows,
        features={"age": FeatureKind.NUMERIC, "employment": FeatureKind.CATEGORICAL},
        classes=("on_time", "late", "cancelled") if task is Task.MULTICLASS else (),
        window=ReferenceWindow(start=dt.date(2024, 3, 15), end=dt.date(2024, 3, 16)),
        seed=1,
    )


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> ModelRegistry:
    folder = tmp_path_factory.mktemp("mlflow")
    return ModelRegistry(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")


@pytest.fixture(scope="module")
def version(registry: ModelRegistry) -> str:
    request = _request()
    trained = run_trainer(f"{TRAINERS}:boosting", request, registry.tracking_uri)
    return registry.register(request, trained, tags={DECISION_TAG: "retraining:1"}, params={"seed": "1"})


@pytest.mark.parametrize("task", [Task.MULTICLASS, Task.REGRESSION])
def test_loaded_version_predicts_as_the_estimator_did(task: Task, registry: ModelRegistry) -> None:
    request = _request(task, f"of_{task}")
    trained = run_trainer(f"{TRAINERS}:boosting", request, registry.tracking_uri)
    version = registry.register(request, trained, tags={}, params={})
    expected = trained.predict(request.inputs()) if task is Task.REGRESSION else trained.predict_proba(request.inputs())
    np.testing.assert_array_equal(registry.predictor(request.model, version)(request.inputs()), expected)


def test_version_is_found_by_its_decision_and_by_its_number(registry: ModelRegistry, version: str) -> None:
    assert version == "1"
    assert registry.version_of_decision("loans", "retraining:1") == version
    assert registry.version_of_decision("loans", "retraining:2") is None
    assert registry.version_tags("loans", version)[DECISION_TAG] == "retraining:1"
    assert registry.has_version("loans", version)
    assert not registry.has_version("loans", "7")
    assert not registry.has_version("unknown", "1")


def test_new_version_skips_taken_numbers_and_ignores_names(registry: ModelRegistry) -> None:
    with connected(registry.tracking_uri) as client:
        client.create_registered_model("counted")

        def following(*taken: str) -> int:
            skip_taken_numbers(client, "counted", taken)
            return int(client.create_model_version("counted", "anywhere").version)

        assert following("2024.1", "20240115", "v7") == 1
        assert following("1", "3") == 4
        assert following("3", "4") == 5


def test_rows_without_any_feature_value_are_scored(registry: ModelRegistry, version: str) -> None:
    inputs = _request().rows.head(3).with_columns(age=pl.lit(None, pl.Float64), employment=pl.lit(None, pl.String))
    without_values = replace(_request(), rows=inputs).inputs()
    assert np.isfinite(registry.predictor("loans", version)(without_values)).all()


def test_alias_is_set_and_removed(registry: ModelRegistry, version: str) -> None:
    assert registry.champion("loans") is None
    registry.set_alias("loans", "champion", version)
    assert registry.champion("loans") == version
    registry.delete_alias("loans", "champion")
    registry.delete_alias("loans", "champion")
    assert registry.version_with_alias("loans", "champion") is None
    assert registry.champion("unknown") is None


def test_model_that_the_trainer_logged_is_registered_unchanged(registry: ModelRegistry) -> None:
    request = replace(_request(), model="constant")
    uri = run_trainer(f"{TRAINERS}:logs_its_own", request, registry.tracking_uri)
    version = registry.register(request, uri, tags={}, params={})
    returned = registry.predictor("constant", version)(request.inputs())
    assert list(returned.columns) == ["probability", "prediction"]
    assert returned["probability"].unique() == pytest.approx([request.labels().mean()])


def test_error_about_an_unknown_version_names_it(registry: ModelRegistry, version: str) -> None:
    with pytest.raises(RegistryError, match=r"loans has no version '9'"):
        registry.predictor("loans", "9")


@pytest.mark.parametrize(
    ("trainer", "message"),
    [
        ("regresses_classes", "LinearRegression has no predict_proba"),
        ("has_no_classes", "Moody has no classes_; is it fitted?"),
        ("fails_on_its_own_rows", "LogisticRegression fails on the rows that it was trained on: ValueError"),
    ],
)
def test_classifier_without_usable_probabilities_is_refused(
    trainer: str, message: str, registry: ModelRegistry
) -> None:
    trained = run_trainer(f"{TRAINERS}:{trainer}", _request(), registry.tracking_uri)
    with pytest.raises(RegistryError, match=message):
        registry.register(_request(), trained, tags={}, params={})


def test_removing_an_alias_of_an_unknown_model_does_nothing(registry: ModelRegistry) -> None:
    registry.delete_alias("unknown", "champion")
    assert registry.version_with_alias("unknown", "champion") is None


def test_error_about_a_class_missing_in_training_lists_the_classes(registry: ModelRegistry) -> None:
    request = _request(Task.MULTICLASS, "one_class_short")
    short = replace(request, rows=request.rows.filter(pl.col("label") != "cancelled"))
    with pytest.raises(RegistryError, match=r"\['late', 'on_time'\], the spec has \['cancelled', 'late', 'on_time'\]"):
        registry.register(short, run_trainer(f"{TRAINERS}:boosting", short, registry.tracking_uri), tags={}, params={})


def _check(name: str, *, passed: bool, difference: float, upper: float, allowed: float) -> GateCheck:
    return GateCheck(
        name=name, passed=passed, champion=0.6, challenger=0.6 + difference, difference=difference,
        lower=difference - 0.01, upper=upper, allowed=allowed, reason=f"{name}: why",
    )  # fmt: skip


def _result(*checks: GateCheck, passed: bool | None) -> GateResult:
    return GateResult(passed=passed, reasons=("why",), rows=400, days=9, checks=checks)


@pytest.mark.parametrize(
    ("result", "validation"),
    [
        (
            _result(
                _check("log_loss", passed=True, difference=-0.05, upper=-0.01, allowed=0.0),
                _check("auroc", passed=True, difference=0.001, upper=0.1, allowed=0.01),
                _check("log_loss[employment=none]", passed=True, difference=0.03, upper=0.1, allowed=0.02),
                passed=True,
            ),
            "passed",
        ),
        (
            _result(_check("log_loss", passed=False, difference=-0.05, upper=0.02, allowed=0.0), passed=False),
            "worsening_upper_log_loss",
        ),
        (_result(passed=None), "nothing was measured"),
    ],
)
def test_gate_is_recorded_with_the_run_and_validated_by_mlflow(
    result: GateResult, validation: str, registry: ModelRegistry, version: str
) -> None:
    labels = _request().labels().astype(float)
    registry.log_gate("loans", version, result, task=Task.BINARY, labels=labels, decided=np.zeros_like(labels))
    answer = {True: "passed", False: "refused", None: "unmeasured"}[result.passed]
    assert registry.version_tags("loans", version)["monitoring.gate"] == answer
    client = mlflow.MlflowClient(tracking_uri=registry.tracking_uri)
    run = client.get_run(client.get_model_version("loans", version).run_id)
    assert validation in run.data.tags["monitoring.validation"]
    written = client.download_artifacts(run.info.run_id, "gate.json")
    checks = json.loads(Path(written).read_text(encoding="utf-8"))["checks"]
    assert [check["name"] for check in checks] == [check.name for check in result.checks]
    if result.checks:
        assert run.data.metrics["worsening_upper_log_loss"] == result.checks[0].upper
        assert run.data.metrics["accuracy_score"] == pytest.approx(1 - labels.mean())


def test_tracking_address_of_the_caller_is_restored(registry: ModelRegistry, tmp_path) -> None:
    other = f"sqlite:///{tmp_path / 'other.db'}"
    mlflow.set_tracking_uri(other)
    try:
        registry.has_version("loans", "1")
        assert mlflow.get_tracking_uri() == other
    finally:
        mlflow.set_tracking_uri(None)
