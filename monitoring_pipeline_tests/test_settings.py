"""Settings that are lists, and errors of settings, which never show a value."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from monitoring_pipeline.settings import Settings


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
