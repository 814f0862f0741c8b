"""The component in a defs folder, scaffolded and loaded by Dagster."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster.components.core.component_tree import ComponentTreeException
from dagster.components.testing import DefsFolderSandbox, create_defs_folder_sandbox

import monitoring_pipeline
from monitoring_pipeline import ModelMonitor
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import load_spec
from monitoring_pipeline_tests.docs.pages import REPOSITORY, blocks_of

TYPE = "monitoring_pipeline.ModelMonitor"
pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),  # it copies the references to code
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # its loader of YAML uses a deprecated part of pydantic
]


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[DefsFolderSandbox]:
    for name in ("HOME", "MODELS", "WAREHOUSE", "STORE_URL"):
        monkeypatch.delenv(f"MONITORING_PIPELINE_{name}", raising=False)
    with create_defs_folder_sandbox() as sandbox:
        yield sandbox


def scaffold(project: DefsFolderSandbox, name: str) -> Path:
    """Return the file of an instance after its scaffolding."""
    return project.scaffold_component(component_cls=ModelMonitor, defs_path=name) / "defs.yaml"


def test_scaffolded_instance_loads_with_its_name_as_prefix(project: DefsFolderSandbox) -> None:
    written = yaml.safe_load(scaffold(project, "churn").read_text(encoding="utf-8"))
    assert written["attributes"] == {"prefix": "churn", "models": "models", "home": "monitoring/churn"}
    with project.build_all_defs() as loaded:
        keys = loaded.resolve_all_asset_keys()
    assert dg.AssetKey(["churn", "churn", "verdict"]) in keys
    assert {key.path[0] for key in keys} == {"churn"}


def test_scaffolded_spec_is_complete_with_its_optional_parts(project: DefsFolderSandbox) -> None:
    path = scaffold(project, "late-fees").parent / "models" / "late_fees.yaml"
    text = path.read_text(encoding="utf-8")
    required = load_spec(path).spec
    path.write_text(
        text.replace("# labels:", "labels:").replace("# upstream:", "upstream:").replace("#   ", "  "), encoding="utf-8"
    )
    complete = load_spec(path).spec
    assert (required.name, required.labels, required.upstream.predictions) == ("late_fees", None, None)
    assert complete.labels is not None
    assert (complete.upstream.predictions, complete.upstream.trigger) == ("key/of/the/asset", "upstream")


def test_documented_attributes_are_the_settings_of_the_definitions(
    project: DefsFolderSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = [block.text for block in blocks_of("yaml") if TYPE in block.text]
    scaffold(project, "churn").write_text(example, encoding="utf-8")
    monkeypatch.setenv("STORE_URL", "sqlite:////elsewhere/results.db")
    opened: list[Settings] = []
    built = monitoring_pipeline.dagster_project.project.project_definitions
    monkeypatch.setattr(
        "monitoring_pipeline.dagster_project.project.project_definitions",
        lambda settings, **given: opened.append(settings) or built(settings, **given),
    )
    with project.build_all_defs() as loaded:
        assert loaded.resolve_job_def("churn_churn_nightly")
    (settings,) = opened
    assert settings.home == project.project_root / "monitoring" / "churn"
    assert settings.warehouse == str(project.project_root / "scores.duckdb")
    assert settings.store_url == "sqlite:////elsewhere/results.db"


def test_variable_that_is_not_set_is_no_default(project: DefsFolderSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with scaffold(project, "churn").open("a", encoding="utf-8") as file:
        file.write('  store: "{{ env.STORE_URL }}"\n')
    monkeypatch.delenv("STORE_URL", raising=False)
    with pytest.raises(Exception, match="loading") as refused, project.build_all_defs():
        pass
    reasons = [str(refused.value), str(refused.value.__cause__)]
    assert "store" in reasons[1]
    assert "the variable is not set" in reasons[1]


def test_two_instances_need_two_prefixes(project: DefsFolderSandbox) -> None:
    scaffold(project, "churn")
    second = scaffold(project, "fees")
    with project.build_all_defs() as loaded:
        assert {key.path[0] for key in loaded.resolve_all_asset_keys()} == {"churn", "fees"}
    text = second.read_text(encoding="utf-8")
    second.write_text(text.replace("prefix: fees", "prefix: churn"), encoding="utf-8")
    with pytest.raises(ComponentTreeException) as refused, project.build_all_defs():
        pass
    assert "have different resources with same key 'churn_" in str(refused.value.__cause__)


def test_dg_is_given_the_module_of_the_component() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    registered = project["entry-points"]["dagster_dg_cli.registry_modules"]
    assert registered == {"monitoring_pipeline": TYPE.rpartition(".")[0]}
    assert "ModelMonitor" in dir(monitoring_pipeline)
