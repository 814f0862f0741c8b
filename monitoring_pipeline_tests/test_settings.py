"""Settings that are lists, and errors of settings, which never show a value."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.definitions import build_resources
from monitoring_pipeline.evaluation.privacy.addresses import without_passwords
from monitoring_pipeline.registry.answering import RegistryError, check_answers
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.store.engine import create_store_engine


@pytest.mark.parametrize(("given", "folders"), [
    ("/data/lake", ("/data/lake",)),
    ("/data/lake:/data/more", ("/data/lake", "/data/more")),
    ('["s3://bucket/scores/", "/data"]', ("s3://bucket/scores/", "/data")),
    ("[]", ()),
])  # fmt: skip
def test_folders_are_separated_by_colons_or_a_json_list(monkeypatch, given, folders):
    monkeypatch.setenv("MONITORING_PIPELINE_WAREHOUSE_FOLDERS", given)
    assert Settings().warehouse_folders == folders


def test_relative_folder_is_below_the_current_folder(monkeypatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITORING_PIPELINE_WAREHOUSE_FOLDERS", "lake")
    assert Settings().warehouse_folders == (str(tmp_path / "lake"),)


@pytest.mark.parametrize(("name", "value"), [
    ("WAREHOUSE_EXTENSIONS", '["canary_; SELECT 1"]'),
    ("WAREHOUSE_FOLDERS", '["canary_'),
    ("WAREHOUSE_MEMORY", "canary_"),
    ("ACTIONS_SECONDS", "canary_"),
    ("ID_KEY", "canary_" * 20),
])  # fmt: skip
def test_error_of_a_setting_shows_its_name_and_no_value(monkeypatch, name, value):
    monkeypatch.setenv(f"MONITORING_PIPELINE_{name}", value)
    with pytest.raises(ValidationError, match=f"(?i){name}") as raised:
        Settings()
    assert "canary_" not in str(raised.value)


@pytest.mark.parametrize("name", [
    "MONITORING_PIPELINE_STORE_URL", "MONITORING_PIPELINE_SNAPSHOTS", "MLFLOW_TRACKING_URI", "DAGSTER_POSTGRES_URL",
    "MONITORING_PIPELINE_SLACK_API", "MONITORING_PIPELINE_WAREHOUSE", "MONITORING_PIPELINE_WAREHOUSES__LAKE",
])  # fmt: skip
def test_settings_and_descriptions_show_no_password_of_an_address(monkeypatch, name):
    monkeypatch.setenv(name, "https://user:canary_password@127.0.0.1:9/x")
    settings = Settings()
    described = [resource.description for resource in build_resources(settings).values()]
    assert "canary_password" not in repr(settings) + str(settings) + str(described) + repr(build_adapters(settings))


def test_error_about_a_silent_registry_or_a_wrong_store_shows_no_password():
    with pytest.raises(RegistryError, match="user:") as raised:
        check_answers("postgresql://user:canary_password@127.0.0.1:9/x")
    said = f"{raised.value}{raised.value.__cause__}"
    assert raised.value.__suppress_context__
    for url in ("mysql://user:canary_password@host/x", "postgresql://user:pass/canary_password@host:x/y"):
        with pytest.raises(ValueError, match="store") as refused:
            create_store_engine(url)
        said += str(refused.value)
    assert "canary_password" not in said


@given(
    user=st.from_regex(r"[a-z]{0,8}", fullmatch=True),
    password=st.from_regex(r"[a-zA-Z0-9@:/?#%!-]{0,5}", fullmatch=True),
)
def test_address_within_a_text_loses_its_password_and_keeps_its_host(user, password):
    text = without_passwords(f"no answer from postgresql://{user}:{password}canary@host:1/x?token=canary&a=1 in time")
    assert "canary" not in text
    assert "@host:1/x" in text
    assert text.endswith("a=1 in time")


def test_address_of_a_registry_in_postgresql_names_the_driver_that_is_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://mlflow:p@db/mlflow")
    assert Settings().mlflow_tracking_uri == "postgresql+psycopg2://mlflow:p@db/mlflow"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow:5000")
    assert Settings().mlflow_tracking_uri == "http://mlflow:5000"
