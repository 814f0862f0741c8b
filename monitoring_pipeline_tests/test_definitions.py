"""A real code location beside files of every bad kind: the good model has its assets, and each bad file is reported."""

import logging
import os
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.definitions import defs
from monitoring_pipeline_tests.spec.test_hostile_files import GOOD, HOSTILE, OTHER, SHIPPED

MORE: dict[str, bytes] = {
    "BOM and a wrong value": b"\xef\xbb\xbf" + OTHER.replace("task: regression", "task: none").encode(),
    "UTF-16": OTHER.encode("utf-16"),
    "tabs": b"name:\tother\n\ttask: regression\n",
    "the same key twice": f"{OTHER}\nname: other\n".encode(),
    "dates as keys": b"2024-01-01: {2024-01-02: x}\n",
    "values of 5 MB": f"{OTHER}\ndescription: {'x' * 5_000_000}\n".encode(),
    "250,000 values": b"- 1\n" * 245_000,
    "anchor that is missing": b"name: *nothing\n",
    "alias within itself": b"name: &a {b: *a}\n",
    "lone surrogate": OTHER.replace("team:flight-operations", '"\\ud800"').encode(),
    "null bytes": b"\0" * 1_000,
}


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / SHIPPED.name).write_text(GOOD, encoding="utf-8")
    for number, text in enumerate([*(text.encode() for text in HOSTILE.values()), *MORE.values()]):
        (folder / f"bad{number}.yaml").write_bytes(text)
    (folder / "bad_folder.yaml").mkdir()
    (folder / "bad_loop.yaml").symlink_to(folder / "bad_loop.yaml")
    (folder / "bad_link.yaml").symlink_to(folder / "nothing")
    os.mkfifo(folder / "bad_pipe.yaml")
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MONITORING_PIPELINE_MODELS", str(folder))
    for name in ("DAGSTER_HOME", "DAGSTER_POSTGRES_URL", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    return folder


def test_code_location_has_the_good_model_and_reports_each_bad_file(models: Path, caplog) -> None:
    with caplog.at_level(logging.ERROR):
        loaded = defs()
    assert isinstance(loaded, dg.Definitions)
    keys = {key.path[0] for key in loaded.resolve_all_asset_keys()}
    assert keys == {"arrival_delay", "reports"}
    assert loaded.resolve_job_def("arrival_delay_nightly")
    reported = caplog.text
    assert [path.name for path in models.glob("bad*") if str(path) not in reported] == []
    assert max(len(record.getMessage()) for record in caplog.records) < 3_000
