"""Files that a spec names are in its folder: no path, link or odd character leads out of it."""

import os
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring_pipeline.spec.loading import load_spec, read_specs
from monitoring_pipeline.spec.parsing.documents import SpecError
from monitoring_pipeline.spec.parsing.files import leads_out
from monitoring_pipeline_tests.spec.cases import BINARY, changed

FIELDS = {
    "quality.suite": lambda name: {"quality": {"suite": name}},
    "business.loss.sql": lambda name: {"business": {"loss": {"sql": name}}},
    "cost.sql": lambda name: {"cost": {"currency": "EUR", "sql": name}},
    "operations.dependencies.file": lambda name: {"operations": {"dependencies": {"file": name}}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secret.sql").write_text("SELECT 1")
    specs = tmp_path / "specs"
    (specs / "sql").mkdir(parents=True)
    (specs / "sql" / "own.sql").write_text("SELECT 1")
    (specs / "link.sql").symlink_to(tmp_path / "secret.sql")
    (specs / "up").symlink_to(tmp_path)
    (specs / "loop").symlink_to(specs / "loop")
    (specs / "inner.sql").symlink_to(specs / "sql" / "own.sql")
    return specs


def _write(folder: Path, field: str, name: str) -> Path:
    path = folder / "churn.yaml"
    path.write_text(yaml.safe_dump(changed(BINARY, FIELDS[field](name))), encoding="utf-8")
    return path


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", [
    "../secret.sql", "sql/../../secret.sql", "link.sql", "up/secret.sql", "/etc/hostname", "loop", "..", "a\0b",
    "x" * 5000 + "/../../../secret.sql",
])  # fmt: skip
def test_file_elsewhere_makes_the_spec_unusable_and_no_other(folder: Path, field: str, name: str) -> None:
    path = _write(folder, field, name)
    with pytest.raises(SpecError, match=rf"{field}: .*leads out of .*specs, the folder of the spec"):
        load_spec(path)
    other = changed(BINARY, {"name": "other"})
    (folder / "other.yaml").write_text(yaml.safe_dump(other), encoding="utf-8")
    found = read_specs(folder)
    assert [entry.spec.name for entry in found.good] == ["other"]
    assert [bad.model for bad in found.bad] == ["churn"]


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("name", ["own.sql", "sql/own.sql", "./sql/../sql/own.sql", "inner.sql", "not_there.sql"])
def test_file_in_the_folder_of_the_spec_is_allowed(folder: Path, field: str, name: str) -> None:
    assert load_spec(_write(folder, field, name)).spec.name == BINARY["name"]


def test_links_within_a_mounted_folder_are_allowed(tmp_path: Path) -> None:
    """Kubernetes mounts a ConfigMap as links through a folder with a date, and replaces that folder."""
    dated = tmp_path / "mount" / "..2026_11_30"
    dated.mkdir(parents=True)
    (dated / "own.sql").write_text("SELECT 1")
    (tmp_path / "mount" / "..data").symlink_to("..2026_11_30")
    (tmp_path / "mount" / "own.sql").symlink_to("..data/own.sql")
    (tmp_path / "specs").symlink_to(tmp_path / "mount")
    assert not leads_out(tmp_path / "mount", "own.sql")
    assert not leads_out(tmp_path / "specs", "own.sql")


def test_suite_of_the_default_name_that_is_a_link_elsewhere_is_refused(folder: Path) -> None:
    path = folder / "churn.yaml"
    path.write_text(yaml.safe_dump(BINARY), encoding="utf-8")
    assert load_spec(path)
    (folder / "churn.suite.yaml").symlink_to("/etc/hostname")
    with pytest.raises(SpecError, match=r"quality\.suite: 'churn\.suite\.yaml' leads out"):
        load_spec(path)


@given(name=st.text(st.sampled_from("./\\~ab\0\n%2e"), min_size=1, max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_path_is_allowed_only_if_it_stays_below_the_folder(folder: Path, name: str) -> None:
    if leads_out(folder, name):
        return
    assert os.path.realpath(folder / name).startswith(os.path.realpath(folder))
