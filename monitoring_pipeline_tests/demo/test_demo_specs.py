"""The shipped specs fit the demo's tables and models."""

from pathlib import Path

import duckdb
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import deserialize_value, serialize_value

import monitoring_pipeline
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.demo.running import MODELS
from monitoring_pipeline.demo.training import DEMO_MODELS, REFERENCE_END, REFERENCE_START, DemoModel
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.spec.loading import load_specs
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task


@pytest.fixture(scope="module")
def shipped() -> dict[str, ModelSpec]:
    """The specs in the package, by name."""
    directory = Path(monitoring_pipeline.__file__).parent / "models"
    return {loaded.spec.name: loaded.spec for loaded in load_specs(directory)}


@pytest.mark.parametrize("model", DEMO_MODELS, ids=lambda model: model.name)
def test_spec_declares_task_features_and_reference_of_the_model(
    model: DemoModel, shipped: dict[str, ModelSpec]
) -> None:
    spec = shipped[model.name]
    assert spec.task is model.task
    assert {name: feature.kind for name, feature in spec.features.items()} == model.features
    assert (spec.reference["1"].start, spec.reference["1"].end) == (REFERENCE_START, REFERENCE_END)


@pytest.mark.parametrize("model", DEMO_MODELS, ids=lambda model: model.name)
def test_spec_names_columns_that_the_tables_have(model: DemoModel, shipped: dict[str, ModelSpec]) -> None:
    spec = shipped[model.name]
    source, labels = spec.predictions, spec.labels
    outputs = [name for name in (source.score, *source.scores.values(), source.prediction) if name]
    with duckdb.connect() as warehouse:
        warehouse.execute(read_sql("demo/warehouse.sql"))
        predicted = warehouse.table(source.table).columns
        labelled = warehouse.table(labels.table).columns
    assert predicted == [source.id, source.time, source.model_version, *spec.features, *outputs]
    assert {labels.id, labels.label, labels.known_at} <= set(labelled)


def test_spec_declares_one_score_per_class_of_the_model(shipped: dict[str, ModelSpec]) -> None:
    (model,) = [model for model in DEMO_MODELS if model.task is Task.MULTICLASS]
    assert shipped[model.name].predictions.scores == {name: f"probability_{name}" for name in model.classes}


def test_shipped_specs_are_the_models_that_the_demo_runs(shipped: dict[str, ModelSpec]) -> None:
    assert set(shipped) == {model.name for model in DEMO_MODELS} == set(MODELS)


@pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars`:DeprecationWarning")
def test_definitions_of_the_demo_are_serializable_for_the_web_server(tmp_path):
    settings = Settings.model_validate({"home": tmp_path})
    repository = build_definitions(settings).get_repository_def()
    repository.load_all_definitions()
    snapshot = RepositorySnap.from_def(repository)
    assert deserialize_value(serialize_value(snapshot), RepositorySnap) == snapshot
    names = {job.name for job in repository.get_all_jobs()}
    assert {"flight_delay_retrain", "flight_delay_gate", "flight_delay_rollout"} <= names
    assert {sensor.name for sensor in repository.sensor_defs} == {
        "alerts", "late_labels", "outages", "pipeline_health", "reports", "retraining",
    }  # fmt: skip
