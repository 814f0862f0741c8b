"""The password of an address appears in no output, error, log or file, whatever lies behind the address."""

import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest
import yaml
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.settings import Settings
from monitoring_pipeline_tests.worlds.retraining_world import RETRAINING
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, LOANS_SPEC, copy_world

CANARY = "canary7d1f"
NOBODY = f"user:{CANARY}@127.0.0.1:9"
AWKWARD = f"user:{CANARY}/x?y@127.0.0.1:9"
"""A password that cannot be read as one, so that libraries take parts of it for host, port or path."""
DAY = ("--from", DAYS[5], "--to", DAYS[5])
NIGHT, SHOW, EVALUATE = ("backfill", LOANS, *DAY), ("show", LOANS, *DAY), ("evaluate", LOANS, "--version", "2")
SETTINGS = {
    "store": ({"MONITORING_PIPELINE_STORE_URL": f"postgresql://{NOBODY}/x"}, (NIGHT, SHOW)),
    "awkward store": ({"MONITORING_PIPELINE_STORE_URL": f"postgresql://{AWKWARD}/x"}, (SHOW,)),
    "snapshots": ({"MONITORING_PIPELINE_SNAPSHOTS": f"https://{NOBODY}/bucket"}, (NIGHT,)),
    "object store": (
        {"MONITORING_PIPELINE_SNAPSHOTS": f"s3://{NOBODY}/bucket", "AWS_ENDPOINT_URL": f"http://{NOBODY}"},
        (NIGHT, ("decisions", LOANS), ("incidents",)),
    ),
    "registry": (
        {"MLFLOW_TRACKING_URI": f"http://{NOBODY}"},
        (EVALUATE,),
    ),
    "awkward registry": ({"MLFLOW_TRACKING_URI": f"http://{AWKWARD}"}, (EVALUATE,)),
    "database of the registry": ({"MLFLOW_TRACKING_URI": f"postgresql://{NOBODY}/x"}, (EVALUATE,)),
    "storage of Dagster": ({"DAGSTER_POSTGRES_URL": f"postgresql://{NOBODY}/x"}, (NIGHT,)),
    "awkward storage of Dagster": ({"DAGSTER_POSTGRES_URL": f"postgresql://{AWKWARD}/x"}, (NIGHT,)),
    "warehouse": ({"MONITORING_PIPELINE_WAREHOUSE": f"https://{NOBODY}/x.duckdb"}, (NIGHT, ("suite", "draft", LOANS))),
    "folders": (
        {"MONITORING_PIPELINE_WAREHOUSE_FOLDERS": f'["https://{NOBODY}/"]'}, (("suite", "draft", LOANS, "--force"),),
    ),
    "Slack": (
        {"MONITORING_PIPELINE_SLACK_API": f"http://{NOBODY}/api/", "MONITORING_PIPELINE_SECRETS__SLACK": CANARY},
        (("alerts", "check"), ("alerts", "test", "slack")),
    ),
    "awkward Slack": ({"MONITORING_PIPELINE_SLACK_API": f"http://{AWKWARD}/api/"}, (("alerts", "test", "slack"),)),
    "proxy": (
        {"HTTP_PROXY": f"http://{NOBODY}", "HTTPS_PROXY": f"http://{NOBODY}", "NO_PROXY": "", "no_proxy": "",
         "MLFLOW_TRACKING_URI": "http://192.0.2.1:9"},
        (("alerts", "test", "slack"), ("alerts", "test", "hook"), EVALUATE),
    ),
    "webhook": (
        {"MONITORING_PIPELINE_SECRETS__HOOK": f"http://{NOBODY}/{CANARY}/hook?id={CANARY}"},
        (("alerts", "test", "hook"),),
    ),
    "awkward webhook": ({"MONITORING_PIPELINE_SECRETS__HOOK": f"http://{AWKWARD}/x"}, (("alerts", "test", "hook"),)),
    "Apprise": (
        {"MONITORING_PIPELINE_SECRETS__MAIL": f"json://{NOBODY}/{CANARY}/x?token={CANARY}"},
        (("alerts", "test", "mail"),),
    ),
    "unknown service of Apprise": (
        {"MONITORING_PIPELINE_SECRETS__MAIL": f"none://{NOBODY}/{CANARY}"}, (("alerts", "test", "mail"),),
    ),
}  # fmt: skip
ALERTING = {
    "channels": {
        "slack": {"kind": "slack", "slack": "#x", "secret": "slack"},
        "hook": {"kind": "webhook", "secret": "hook"},
        "mail": {"kind": "apprise", "secret": "mail"},
        "file": {"kind": "file", "file": "alerts.jsonl"},
    },
    "routes": [{"channel": name, "severity": "info"} for name in ("slack", "hook", "mail", "file")],
}


@pytest.fixture
def home(untouched_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The home of a world whose model retrains and whose alerts have one channel of each kind."""
    folder = copy_world(untouched_folder, tmp_path / "home")
    spec = LOANS_SPEC | {"retraining": RETRAINING}
    (folder / "specs" / f"{LOANS}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    (folder / "alerting.yaml").write_text(yaml.safe_dump(ALERTING), encoding="utf-8")
    for name, value in {
        "MONITORING_PIPELINE_HOME": str(folder), "MONITORING_PIPELINE_MODELS": str(folder / "specs"),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "COLUMNS": "300",
        **{f"MONITORING_PIPELINE_SECRETS__{name}": "http://127.0.0.1:9/" for name in ("SLACK", "HOOK", "MAIL")},
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    for name in ("DAGSTER_HOME", "MLFLOW_TRACKING_URI", "DAGSTER_POSTGRES_URL"):
        monkeypatch.delenv(name, raising=False)
    yield folder
    # MLflow remembers the last address, and would set it for the tests after this one.
    mlflow.set_tracking_uri(None)


@pytest.mark.slow
@pytest.mark.parametrize("case", SETTINGS)
def test_password_of_a_broken_address_appears_nowhere(case, home, monkeypatch, capfd, caplog):
    variables, commands = SETTINGS[case]
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    shown = [repr(Settings()), str(Settings()), repr(build_adapters(Settings()))]
    with caplog.at_level(logging.INFO):
        for words in (("spec", "check"), *commands):
            result = CliRunner().invoke(main, words)
            assert "Usage:" not in result.output, result.output
            shown.append(result.output)
            if result.exception is not None and not isinstance(result.exception, SystemExit):
                shown.append("".join(traceback.format_exception(result.exception)))
    shown += [*capfd.readouterr(), caplog.text, *(str(record.__dict__) for record in caplog.records)]
    assert [text for text in shown if CANARY in text] == []
    files = [path for path in home.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert files == []
