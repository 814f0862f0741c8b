"""A serving environment with another scikit-learn than the registry's, in real runs with a real MLflow."""

import mlflow
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from monitoring_pipeline.registry.connection import connected
from monitoring_pipeline.settings import Settings
from monitoring_pipeline_tests.worlds.one_model_world import SPEC, OneModelWorld

FIRST, LAST, SINCE = "2024-02-01", "2024-02-03", "2024-02-02"
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Three days of version 1, and some rows of version 9, which is not registered; the second brings a new package."""
    with pytest.MonkeyPatch.context() as patched:
        world = OneModelWorld(tmp_path_factory.mktemp("packages"), patched)
        world.rows("2024-01-20 05:00", "2024-02-04 05:00", "5 minutes")
        world.execute("ALTER TABLE scores ADD COLUMN environment VARCHAR")
        world.execute("ALTER TABLE scores ADD COLUMN version VARCHAR DEFAULT '1'")
        world.execute(f"UPDATE scores SET version = '9' WHERE ts >= '{LAST} 20:00'")
        world.execute(
            "UPDATE scores SET environment = 'numpy==2.1.0, scikit-learn==' || "
            f"CASE WHEN ts >= '{SINCE} 05:00' THEN '1.5.0' ELSE '1.4.2' END"
        )
        world.spec(
            start=FIRST,
            labels=None,
            predictions=SPEC["predictions"] | {"model_version": "version"},
            reference={"1": {"start": "2024-01-20", "end": FIRST}},
            operations={"dependencies": {"column": "environment"}},
        )
        _register(world.folder)
        world.run("backfill", "m", "--from", FIRST, "--to", LAST)
        yield world


def _register(folder):
    with connected(Settings().mlflow_tracking_uri) as client:
        experiment = client.create_experiment("m", artifact_location=(folder / "artifacts").as_uri())
        model = LogisticRegression().fit(np.array([[0.0], [1.0]]), [0, 1])
        with mlflow.start_run(experiment_id=experiment):
            mlflow.sklearn.log_model(
                model,
                name="model",
                registered_model_name="m",
                pip_requirements=["scikit-learn==1.4.2", "numpy>=2,<3"],
                serialization_format="cloudpickle",
            )


def _found(world):
    return world.ask(
        "SELECT chunk, model_version, value, status, reason FROM current_measurements "
        "WHERE name = 'differing_packages' AND chunk NOT LIKE '%/%' ORDER BY chunk, model_version"
    )


def test_difference_is_named_on_its_day_and_an_absent_version_is_skipped(served):
    said = "scikit-learn 1.5.0 served, 1.4.2 registered"
    assert _found(served) == [
        (FIRST, "1", 0.0, "ok", None),
        (SINCE, "1", 1.0, "breached", said),
        (LAST, "1", 1.0, "breached", said),
        (LAST, "9", None, "skipped", "the registry has no requirements of version 9"),
    ]
    assert served.ask("SELECT title, severity FROM incidents WHERE cause = 'serving:dependencies'") == [
        (f"differing_packages: {said}, on 2 of 2 days", "warning")
    ]


def test_file_without_chunk_is_compared_with_the_newest_chunk_only(served, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(served.folder / "by_file"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{served.folder / 'home' / 'mlflow.db'}")
    (served.folder / "models" / f"freeze-{SINCE}.txt").write_text("scikit-learn==1.4.1\n", encoding="utf-8")
    of_file = {"predictions": SPEC["predictions"], "labels": None, "start": FIRST,
               "reference": {"1": {"start": "2024-01-20", "end": FIRST}}}  # fmt: skip
    served.spec(**of_file, operations={"dependencies": {"file": "freeze-{chunk}.txt"}})
    served.run("backfill", "m", "--from", SINCE, "--to", LAST)
    named = served.ask(
        "SELECT reason FROM current_measurements WHERE name = 'differing_packages' ORDER BY chunk", home="by_file"
    )
    assert named == [("scikit-learn 1.4.1 served, 1.4.2 registered",), ("no file freeze-2024-02-03.txt beside m.yaml",)]
    served.spec(**of_file, operations={"dependencies": {"file": "freeze.txt"}})
    served.run("backfill", "m", "--from", LAST, "--to", LAST)
    ((reason,),) = served.ask(
        "SELECT reason FROM current_measurements WHERE name = 'differing_packages' AND chunk = ?", LAST, home="by_file"
    )
    assert reason.startswith("freeze.txt describes the environment of now")
