"""The description of a model in a real MLflow on SQLite, and ``init`` with its address."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pandas as pd
import polars as pl
import pytest
from click.testing import CliRunner
from mlflow.models import Model, ModelSignature, infer_signature

from monitoring_pipeline.cli import main
from monitoring_pipeline.registry.connection import connected
from monitoring_pipeline.registry.logged_models import RegistryError, read_logged_model
from monitoring_pipeline.spec.loading import load_spec

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
INPUTS = pd.DataFrame({"tenure": [1.0], "plan": ["a"], "spend": [1.0]})
OUTPUTS = pd.DataFrame({"churn_score": [0.1]})
DAYS, PER_DAY = 20, 110


@dataclass(frozen=True)
class Registered:
    """MLflow's address, a run with the model ``churn``, and the id of the logged model."""

    uri: str
    run: str
    model_id: str


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Registered:
    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with connected(uri) as client:
        experiment = client.create_experiment("churn", artifact_location=(folder / "artifacts").as_uri())
        with mlflow.start_run(experiment_id=experiment) as run:
            # The description alone is written, because a model of any flavour has the same.
            logged = Model.log("churn", _NoModel, signature=infer_signature(INPUTS, OUTPUTS))
            plain = Model.log("plain", _NoModel)
        client.create_registered_model("Churn Model")
        client.create_registered_model("it's plain")
        for _ in range(2):
            client.create_model_version("Churn Model", logged.model_uri, model_id=logged.model_id)
        client.create_model_version("it's plain", plain.model_uri, model_id=plain.model_id)
        client.set_registered_model_alias("Churn Model", "champion", "1")
    return Registered(uri, run.info.run_id, logged.model_id)


class _NoModel:
    """A flavour of MLflow that saves nothing besides the description."""

    @staticmethod
    def save_model(path: str, mlflow_model: Model, signature: ModelSignature | None = None, **_: object) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)
        if signature is not None:
            mlflow_model.signature = signature
        mlflow_model.add_flavor("none")
        mlflow_model.save(f"{path}/MLmodel")


@pytest.mark.parametrize(
    ("address", "version"),
    [
        ("models:/Churn Model/1", "1"),
        ("models:/Churn Model/latest", "2"),
        ("models:/Churn Model@champion", "1"),
        ("models:/{model_id}", None),
        ("runs:/{run}/churn", None),
    ],
)
def test_model_at_an_address_has_its_signature_and_the_version_of_the_registry(registered, address, version):
    found = read_logged_model(registered.uri, address.format(run=registered.run, model_id=registered.model_id))
    assert '"name": "tenure"' in found.text
    assert (found.name, found.version) == ("Churn Model" if version else None, version)


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("models:/Nope/1", "no model 'Nope' is registered; registered: Churn Model, it's plain"),
        ("models:/Churn Model/9", "Churn Model has no version '9'; versions: 1, 2; aliases: champion"),
        ("models:/Churn Model/Production", "Churn Model has no version 'Production'; versions: 1, 2"),
        ("models:/Churn Model@best", "Churn Model has no alias 'best'; versions: 1, 2; aliases: champion"),
        ("models:/Churn Model", "name its version, models:/Churn Model/VERSION; versions: 1, 2; aliases: champion"),
        ("models:/m-00000000000000000000000000000000", "cannot be read: MlflowException: "),
        ("runs:/00000000000000000000000000000000/churn", "cannot be read: MlflowException: "),
        ("runs:/{run}/other", "cannot be read: MlflowException: "),
        ("models:/", "write models:/NAME/VERSION, models:/NAME@ALIAS or runs:/RUN/PATH"),
        ("models:/a/b/c", "write models:/NAME/VERSION, models:/NAME@ALIAS or runs:/RUN/PATH"),
    ],
)
def test_address_without_a_model_is_an_error_with_the_names_that_exist(registered, address, message):
    with pytest.raises(RegistryError) as error:
        read_logged_model(registered.uri, address.format(run=registered.run))
    assert message in str(error.value)


def test_missing_file_of_mlflow_is_an_error_and_no_new_file(tmp_path):
    with pytest.raises(RegistryError, match=r"no MLflow at .*mlflow\.db; MLFLOW_TRACKING_URI is its address"):
        read_logged_model(f"sqlite:///{tmp_path / 'mlflow.db'}", "models:/churn/1")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """A table whose inputs are those of the signature, one more, and one less."""
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "MODELS", "WAREHOUSE"):
        monkeypatch.delenv(f"MONITORING_PIPELINE_{name}", raising=False)
    places = pl.int_range(DAYS * PER_DAY, eager=True)
    start = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
    rows = pl.DataFrame(
        {
            "scored_at": [start + dt.timedelta(days=place / PER_DAY) for place in places],
            "customer": places,
            "churn_score": places * 37 % 1_009 / 1_009,
            "tenure": places * 13 % 97,
            "spend": places * 7 % 89,
            "region": places % 5,
        }
    )
    rows.write_parquet("scores.parquet")
    return rows


def _init(uri: str, address: str, *words: str):
    environment = {"COLUMNS": "400", "MLFLOW_TRACKING_URI": uri}
    return CliRunner().invoke(
        main, ["init", "scores.parquet", "--from", address, "--no-suite", *words], env=environment
    )


def test_draft_by_a_registered_version_has_its_name_version_and_inputs(registered, table):
    result = _init(registered.uri, "models:/Churn Model@champion")
    assert result.exit_code == 0, result.output
    loaded = load_spec(Path("models/churn_model.yaml"))
    assert loaded.spec.features.keys() == {"tenure", "spend"}
    assert list(loaded.spec.reference) == ["1"]
    assert "name: churn_model # version 1 of Churn Model in MLflow" in loaded.path.read_text(encoding="utf-8")
    question = "Where are the inputs plan of models:/Churn Model@champion (MLflow signature)?"
    assert question in result.stdout
    assert result.stdout.splitlines()[-1] == "  monitoring-pipeline backfill churn_model"


def test_reference_of_a_table_without_versions_is_that_of_the_registered_version(registered, table):
    assert _init(registered.uri, "models:/Churn Model/2").exit_code == 0
    assert list(load_spec(Path("models/churn_model.yaml")).spec.reference) == ["2"]


def test_registered_version_that_the_table_does_not_have_is_a_question(registered, table):
    table.with_columns(model_version=pl.lit("7")).write_parquet("scores.parquet")
    result = _init(registered.uri, "models:/Churn Model/2")
    assert (
        "Which rows are of version 2 of Churn Model? model_version has 7 (predictions.model_version)" in result.stdout
    )


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("models:/it's plain/1", "models:/it's plain/1: the model has no signature with names of columns; log it with"),
        ("models:/Nope/1", "models:/Nope/1: no model 'Nope' is registered"),
    ],
)
def test_init_with_a_model_that_it_cannot_read_writes_nothing(registered, table, address, message):
    result = _init(registered.uri, address)
    assert result.exit_code == 1
    assert message in result.output
    assert not Path("models").exists()


def test_password_of_an_unreachable_registry_is_hidden(table):
    result = _init("postgresql+psycopg2://ana:hush-hush@127.0.0.1:9/mlflow", "models:/churn/1")
    assert result.exit_code == 1
    assert "ana:***@127.0.0.1:9/mlflow cannot be reached" in result.output
    assert "hush-hush" not in result.output
