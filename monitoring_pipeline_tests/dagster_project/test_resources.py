"""Resources have fields: Dagster shows where things are and no secret, and a run may be configured to use others."""

from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.remote_representation.external_data import RepositorySnap, ResourceConfigEnvVarSnap
from dagster_shared.serdes import serialize_value

import monitoring_pipeline
from monitoring_pipeline.dagster_project.project import NoDefinitionsError
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.docs.pages import blocks_of
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

NIGHT = "2024-04-02"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SECRET = "postgresql+psycopg2://user:canary_password@127.0.0.1:9/results"
MASKED = "postgresql+psycopg2://user:***@127.0.0.1:9/results"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OneModelWorld:
    world = OneModelWorld(tmp_path, monkeypatch)
    world.rows("2024-03-25", "2024-04-03", "10 minutes")
    world.spec(start="2024-04-01", reference={"1": {"start": "2024-03-25", "end": "2024-04-01"}})
    monkeypatch.delenv("MONITORING_PIPELINE_STORE_URL", raising=False)
    return world


def fields_of(definitions: dg.Definitions) -> dict[str, dict[str, object]]:
    """Return the configured fields of each resource by its name, and check that no definition contains the password."""
    resources_alone = dg.Definitions(resources=definitions.resources)
    snapshot = RepositorySnap.from_def(resources_alone.get_repository_def())
    assert "canary_password" not in serialize_value(snapshot)
    return {resource.name: dict(resource.configured_values) for resource in snapshot.resources or ()}


def defs_of(world: OneModelWorld, **given: object) -> dg.Definitions:
    return monitoring_pipeline.defs(prefix="ml", models=world.folder / "models", home=world.folder / "home", **given)  # pyright: ignore[reportArgumentType]


def test_fields_are_the_places_of_the_settings(world: OneModelWorld) -> None:
    fields, home = fields_of(defs_of(world)), world.folder / "home"
    assert fields["ml_store"] == {"url": f'"sqlite:///{home / "results.db"}"'}
    assert fields["ml_snapshots"] == {"folder": f'"{home / "snapshots"}"'}
    assert fields["ml_registry"] == {"tracking_uri": f'"sqlite:///{home / "mlflow.db"}"'}
    assert set(fields["ml_warehouse"]) == {"address", "others"}


@pytest.mark.parametrize("variable", ["MONITORING_PIPELINE_STORE_URL", "STORE_OF_MY_PROJECT"])
def test_variable_is_shown_by_its_name(world: OneModelWorld, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, SECRET)
    given = {} if variable.startswith("MONITORING") else {"store": dg.EnvVar(variable)}
    assert fields_of(defs_of(world, **given))["ml_store"] == {"url": ResourceConfigEnvVarSnap(name=variable)}


def test_password_that_no_variable_has_is_hidden(world: OneModelWorld) -> None:
    assert fields_of(defs_of(world, store=SECRET))["ml_store"] == {"url": f'"{MASKED}"'}


def test_hidden_password_is_used(world: OneModelWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    here = ResultStore.open(f"sqlite:///{world.folder / 'here.db'}")
    monkeypatch.setattr(ResultStore, "open", lambda url: opened.append(url) or here)
    resources = defs_of(world, store=SECRET).resources or {}
    with dg.build_resources({"store": resources["ml_store"]}) as made:
        assert made.store is here
    assert opened == [SECRET]


def test_run_that_is_configured_writes_elsewhere(world: OneModelWorld) -> None:
    other = world.folder / "other.db"
    places = {"ml_store": {"config": {"url": f"sqlite:///{other}"}},
              "ml_snapshots": {"config": {"folder": str(world.folder / "rows")}}}  # fmt: skip
    job = defs_of(world).resolve_job_def("ml_m_nightly")
    with dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance, partition_key=NIGHT, run_config=QUIET | {"resources": places}
        )
    assert result.success
    with ResultStore.open_to_read(f"sqlite:///{other}") as store:
        assert list(store.verdicts("m")) == [NIGHT]
    assert list((world.folder / "rows").rglob("*.parquet"))
    assert not Path(Settings(home=world.folder / "home").snapshots).exists()


def test_documented_configuration_is_accepted(world: OneModelWorld) -> None:
    (example,) = [block.text for block in blocks_of("yaml") if block.text.startswith("resources:")]
    definitions = monitoring_pipeline.defs(
        prefix="ml_monitoring", models=world.folder / "models", home=world.folder / "home"
    )
    assert dg.validate_run_config(definitions.resolve_job_def("ml_monitoring_m_nightly"), yaml.safe_load(example))


class Registry(dg.ConfigurableResource[dict[str, str]]):
    """A registry of the project."""

    name: str


def test_own_resources_stand_for_those_of_the_package(world: OneModelWorld) -> None:
    given = {
        "registry": Registry(name="mine"),
        "suites": "a plain object",
        "clock": dg.ResourceDefinition.none_resource(),
    }
    resources = defs_of(world, resources=given).resources or {}
    assert set(resources) == set(defs_of(world).resources or {})
    with dg.build_resources({name: resources[f"ml_{name}"] for name in given}) as made:
        assert (made.registry.name, made.suites, made.clock) == ("mine", "a plain object", None)


def test_unknown_resource_is_named_with_those_that_exist(world: OneModelWorld) -> None:
    with pytest.raises(NoDefinitionsError, match=r"none named ml_store; there are alerting, .*, store, "):
        defs_of(world, resources={"ml_store": "x"})
