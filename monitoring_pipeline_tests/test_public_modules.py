"""Users import from the modules that docs/python.md lists, and from no others."""

import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import monitoring_pipeline
from monitoring_pipeline.training import TrainingRequest

REPOSITORY = Path(__file__).parents[1]
API = {"compare", "performance", "monitor", "check", "Result", "ArgumentError"}
PUBLIC = {
    "monitoring_pipeline": {"__version__", "defs", "ModelMonitor", *API},
    "monitoring_pipeline.api": API,
    "monitoring_pipeline.training": {"TrainingRequest", "Task", "FeatureKind", "ReferenceWindow"},
    "monitoring_pipeline.definitions": {"defs"},
    "monitoring_pipeline.dagster_storage": {"EnvironmentStorage"},
    "monitoring_pipeline.dagster_launcher": {"WatchedRunLauncher"},
    "monitoring_pipeline.cli": {"main"},
}
FORMER_PATH = "monitoring_pipeline.evaluation.training_rows"


@pytest.mark.parametrize("module", PUBLIC)
def test_public_module_exports_exactly_its_public_names(module):
    loaded = importlib.import_module(module)
    assert set(loaded.__all__) == PUBLIC[module]
    assert all(hasattr(loaded, name) for name in loaded.__all__)


def test_page_of_public_modules_lists_each_with_its_exports():
    rows = re.findall(r"^\| `([\w.]+)` \| (`.+?`) \|", (REPOSITORY / "docs" / "python.md").read_text(), re.MULTILINE)
    listed = {module: set(re.findall(r"`(\w+)`", exports)) for module, exports in rows if module != FORMER_PATH}
    assert listed == PUBLIC


def test_classes_named_in_dagster_yaml_are_public():
    document = yaml.safe_load((REPOSITORY / "dagster.yaml").read_text())
    for part in (document["storage"]["custom"], document["run_launcher"]):
        assert part["class"] in PUBLIC[part["module"]]


def test_former_path_of_the_training_request_warns_and_gives_the_same_class():
    sys.modules.pop(FORMER_PATH, None)
    with pytest.warns(DeprecationWarning, match="import TrainingRequest from monitoring_pipeline.training") as warned:
        former = importlib.import_module(FORMER_PATH)
    assert former.TrainingRequest is TrainingRequest
    assert len(warned) == 1


def test_trainer_that_imports_from_the_former_path_is_named_in_the_warning(tmp_path, monkeypatch):
    (tmp_path / "old_trainer.py").write_text(f"from {FORMER_PATH} import TrainingRequest\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop(FORMER_PATH, None)
    with pytest.warns(DeprecationWarning, match="training_rows is deprecated") as warned:
        importlib.import_module("old_trainer")
    assert [Path(warning.filename).name for warning in warned] == ["old_trainer.py"]


def test_wheel_ships_the_marker_of_inline_types():
    wheel = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert (Path(monitoring_pipeline.__file__).parent / "py.typed").is_file()
    assert wheel["packages"] == ["monitoring_pipeline"]
    assert "exclude" not in wheel
