"""A world with a recognisable value in every column, in which everything runs that writes or sends."""

import asyncio
import datetime as dt
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml
from click.testing import CliRunner
from mcp import Client

from monitoring_pipeline.assistants.server import build_server
from monitoring_pipeline.cli import main
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.alerting.receivers import WebhookServer, serving
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

FIRST, LAST, NIGHT = "2024-02-01", "2024-02-02", "2024-02-03"
MORNING = dt.datetime(2024, 2, 4, 6, tzinfo=dt.UTC)
REFERENCE = {"1": {"start": "2024-01-22", "end": FIRST}}
ROWS = """
CREATE TABLE scores AS
SELECT 'idcanary' || n AS id, ts, u AS score,
  CASE WHEN n % 37 = 5 THEN NULL ELSE 'mailcanary' || n || '@example.org' END AS email,
  CASE WHEN late AND n % 4 = 0 THEN 'gencanaryother' WHEN late AND n % 50 = 7 THEN 'gencanaryrare'
       WHEN u < 0.4 THEN 'gencanaryone' ELSE 'gencanarytwo' END AS gender,
  CASE WHEN late AND n % 70 = 3 THEN 917263.0 ELSE 48151.625 + 1000 * (n % 40) END AS salary,
  CASE WHEN u < 0.3 THEN '77canary' WHEN late AND v < 0.5 THEN '88canary' ELSE '11canary' END || (n % 9) AS postcode,
  'namecanary number ' || n AS full_name,
  CASE WHEN late THEN 'notecanary again and again ' || n ELSE 'notecanary' || n END AS notes,
  CASE WHEN v < 0.4 THEN 'relcanaryone' WHEN late AND n % 3 = 0 THEN 'relcanarynew' ELSE 'relcanarytwo' END AS religion,
  CASE WHEN late AND n % 6 = 0 THEN repeat('city', 50) WHEN late AND n % 50 = 9 THEN 'rarecity' || n
       WHEN v < 0.5 THEN 'Ulm' ELSE 'Bonn' END AS city,
  CASE WHEN late AND n % 71 = 3 THEN 735192.0 ELSE v END AS amount,
  CASE WHEN late AND n % 5 = 0 THEN 'codecanary500' ELSE '200' END AS code,
  CASE WHEN v < u THEN 1 ELSE 0 END AS label
FROM (
  SELECT n, ts, (hash(n) % 10007) / 10007.0::DOUBLE AS u, (hash(n + 7777) % 10007) / 10007.0::DOUBLE AS v,
         ts >= TIMESTAMP '2024-02-03 00:00' AS late
  FROM (SELECT epoch(ts)::BIGINT // 300 AS n, ts
        FROM (SELECT unnest(range(TIMESTAMP '2024-01-22', TIMESTAMP '2024-02-04', INTERVAL '5 minutes')) AS ts))
)
"""
PRIVATE = {
    "email": "identifier",
    "gender": "hashed",
    "salary": {"round_to": 10_000},
    "postcode": {"first": 2},
    "full_name": "dropped",
    "religion": "hashed",
}
CANARIES = {
    "email": "mailcanary",
    "gender": "gencanary",
    "salary": r"(?<![\w.])48151\.6",
    "salary, extreme": r"(?<![\w.])917263(?!\w)",
    "postcode": "7canary",
    "full_name": "namecanary",
    "religion": "relcanary",
}
"""What must not be found of columns that are private: patterns; digits within hashes, times and ports are no values."""
NEVER_KEPT = {"id": "idcanary", "notes": "notecanary", "telemetry": "codecanary"}
"""What is never kept, whatever the spec declares."""
SHOWN_FROM_SOME_ROWS = {"city": "rarecity", "amount": r"(?<![\w.])735192(?!\w)"}
"""Values of fewer than 20 rows, of columns that are not private: in snapshots and counts of the store only."""
COUNTED = "counted"
"""The name of the same model whose chunks are counted in the warehouse."""
OWN = "monitoring_pipeline_tests.canaries.own_measures"
SPEC: dict[str, Any] = {
    "timezone": "UTC",
    "start": FIRST,
    "reference": REFERENCE,
    "windows": [2],
    "predictions": {"table": "scores", "id": "id", "time": "ts", "score": "score", "group_columns": ["religion"]},
    "labels": {"label": "label", "positive": 1},
    "features": {
        "email": "categorical", "gender": "categorical", "salary": "numeric", "postcode": "categorical",
        "full_name": "text", "notes": "text", "city": "categorical", "amount": "numeric",
    },
    "drift": {"minimum_rows": 50},
    "performance": {"minimum_rows": 50},
    "segments": {"by": {"gender": "gender", "religion": "religion"}, "minimum_rows": 20},
    "fairness": {"by": {"religion": "religion"}, "days": 2},
    "operations": {"status": "code"},
    "incidents": {"open": {"chunks": 1, "of": 1}},
    "measures": {"failing": {"function": f"{OWN}:quoting_all_rows", "threshold": {"upper": 1}}},
    "business": {"casting": {"sql": "failing.sql", "threshold": {"upper": 1}}},
}  # fmt: skip
SUITE = [
    {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "gender", "value_set": ["x"]}},
    {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "city", "value_set": ["Ulm", "Bonn"]}},
    {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "email", "regex": "^[0-9]+$"}},
    {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "gender"}},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "salary", "min_value": 0, "max_value": 1}},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "amount", "min_value": 0, "max_value": 1}},
    {"type": "expect_column_max_to_be_between", "kwargs": {"column": "salary", "max_value": 1}},
    {"type": "expect_column_max_to_be_between", "kwargs": {"column": "amount", "max_value": 1}},
    {"type": "expect_column_value_lengths_to_equal", "kwargs": {"column": "postcode", "value": 1}},
    {"type": "expect_column_distinct_values_to_be_in_set", "kwargs": {"column": "gender", "value_set": ["x"]}},
    {"type": "expect_column_most_common_value_to_be_in_set", "kwargs": {"column": "city", "value_set": ["x"]}},
    {"type": "expect_column_values_to_be_null", "kwargs": {"column": "full_name"}},
    {"type": "expect_column_values_to_be_null", "kwargs": {"column": "notes"}},
    {"type": "expect_column_values_to_be_null", "kwargs": {"column": "row_id"}},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "gender", "min_value": 0, "max_value": 1}},
]
PERIOD = ("m", "--from", FIRST, "--to", NIGHT)
SHOWING = (
    ("show", *PERIOD), ("show", *PERIOD, "--json"), ("segments", *PERIOD), ("segments", *PERIOD, "--weak"),
    ("performance", *PERIOD), ("explain", "m", "--chunk", NIGHT), ("incidents",), ("decisions", "m"),
    ("alerts", "check"), ("doctor",), ("spec", "check"), ("replay", "m"), ("query", "what_is_wrong"),
    ("query", "who_was_told"), ("query", "since_when", "--set", "model=m"),
    ("query", "metric_history", "--set", "model=m", "--set", "name=unseen_share"),
)  # fmt: skip
Sent = dict[str, bytes]


class CanaryWorld(OneModelWorld):
    """A folder in which one model has been monitored, and all that was printed and sent."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **parts: Any) -> None:
        super().__init__(folder, monkeypatch)
        self.sent: Sent = {}
        with closing(duckdb.connect(str(self.warehouse))) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(ROWS)
        models = folder / "models"
        (models / "failing.sql").write_text("SELECT CAST(max(email || gender) AS INTEGER) FROM scores")
        (models / "m.suite.json").write_text(json.dumps({"name": "m", "expectations": SUITE}))
        self.spec(**SPEC | parts)
        counted = {"name": COUNTED, "pushdown": "always", "segments": {"by": {}}, "fairness": {"by": {}}}
        own = yaml.safe_load((models / "m.yaml").read_text(encoding="utf-8"))
        (models / f"{COUNTED}.yaml").write_text(yaml.safe_dump(own | counted), encoding="utf-8")
        (models / f"{COUNTED}.suite.json").write_text(json.dumps({"name": COUNTED, "expectations": SUITE}))

    def run_everything(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Backfill two days, run a night, send its alerts, and ask everything that answers."""
        with serving(WebhookServer()) as received:
            monkeypatch.setenv(
                "MONITORING_PIPELINE_SECRETS__EVENTS", f"http://127.0.0.1:{received.server_address[1]}/hook"
            )
            (self.folder / "home").mkdir(exist_ok=True)
            (self.folder / "home" / "alerting.yaml").write_text(
                "channels: {events: {webhook: events}, log: {file: alerts.jsonl}}\n"
                "routes: [{channel: events}, {channel: log}]\n"
            )
            self._print("backfill", "m", "--from", FIRST, "--to", LAST)
            self._print("backfill", COUNTED, "--from", NIGHT, "--to", NIGHT)
            definitions = build_definitions(Settings(), lambda: MORNING)
            with dg.DagsterInstance.local_temp(str(self._folder("dagster"))) as instance:
                nightly = definitions.resolve_job_def("m_nightly")
                assert nightly.execute_in_process(instance=instance, partition_key=NIGHT).success
                assert definitions.resolve_job_def("deliver_alerts").execute_in_process(instance=instance).success
                report = definitions.get_assets_def(dg.AssetKey(["m", "report"]))
                assert dg.materialize([report], instance=instance, resources=definitions.resources).success
            self.sent["webhook"] = b"\n".join(body for _, _, body in received.received)
        assert self.sent["webhook"]
        for words in SHOWING:
            self._print(*words)
        page = str(self.folder / "home" / "page")
        self._print("report", "m", "--output", f"{page}.html")
        self._print("report", "m", "--output", f"{page}.md")
        self._print("metrics", "--output", f"{page}.prom")
        self._print("digest", "--output", f"{page}_week.html")
        self._print("export", *PERIOD, "--output", f"{page}.zip")
        self._print("export", *PERIOD, "--with-snapshots", "--output", str(self.folder / "archives" / "rows.zip"))
        self._print("spec", "history", "m", "--diff")
        self.sent["mcp"] = json.dumps(asyncio.run(self._answers())).encode()

    def _folder(self, name: str) -> Path:
        folder = self.folder / "home" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _print(self, *words: str) -> None:
        result = CliRunner().invoke(main, words)
        assert result.exit_code in (0, 1), result.output
        self.sent[" ".join(words)] = result.output.encode() + repr(result.exception).encode()

    async def _answers(self) -> list[str]:
        settings = Settings()
        with ResultStore.open(settings.store_url) as store:
            async with Client(build_server(settings, store)) as client:
                asked = [("list_models", {}), ("verdict", {"model": "m"}), ("report", {"model": "m"})]
                asked += [("incidents", {"model": "m"})]
                asked += [("explanation", {"incident": entry.incident_id}) for entry in store.incidents("m")]
                asked += [("history", {"model": "m", "metric": name}) for name in ("unseen_share", "null_share")]
                return [str(await client.call_tool(name, given)) for name, given in asked]


@contextmanager
def canary_world(folder: Path, **parts: Any) -> Iterator[CanaryWorld]:
    """Make a world in a folder, and run everything in it."""
    with pytest.MonkeyPatch.context() as patched:
        world = CanaryWorld(folder, patched, **parts)
        world.run_everything(patched)
        yield world
