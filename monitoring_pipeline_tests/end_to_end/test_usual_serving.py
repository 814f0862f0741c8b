"""Numbers of a server without a threshold, in real runs of Dagster: judged beside the days before, in any order."""

import datetime as dt
import http.server
import json
import math
import threading
import urllib.parse
from typing import ClassVar

import pytest

from monitoring_pipeline.evaluation.operations import of_server
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

START, FIRST, MIDDLE, LAST, SLOW = "2024-05-26", "2024-06-01", "2024-06-11", "2024-06-20", "2024-06-18"


class _Serving(http.server.BaseHTTPRequestHandler):
    """A server of metrics: latencies with a week, half as long again on one day; memory that never moves."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        words = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.asked.append(words["query"][0])
        day = round(float(words["time"][0]) / 86400)
        # The day that ends at 04:00 UTC on 2024-06-19 is the slow one.
        factor = 1.5 if day == 19893 else 1.0
        latency = 40 * factor * math.exp(0.04 * math.sin(day * day) + (0.3 if day % 7 < 2 else 0.0))
        value = latency if "latency" in words["query"][0] else 7.5
        self.send_response(200)
        self.end_headers()
        answer = {"status": "success", "data": {"resultType": "scalar", "result": [1, str(value)]}}
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def server():
    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Serving)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()


@pytest.fixture(scope="module")
def watched(tmp_path_factory, server):
    """Twenty days of a model that is watched by a server of metrics only."""
    with pytest.MonkeyPatch.context() as patched:
        # Fewer than 8 weeks, so that a run begins before what a later chunk is judged beside.
        patched.setattr(of_server, "HISTORY", dt.timedelta(days=16))
        world = OneModelWorld(tmp_path_factory.mktemp("watched"), patched)
        world.rows("2024-05-26 04:00", "2024-06-21 04:00", "6 hours")
        world.spec(
            start=FIRST,
            labels=None,
            windows=[],
            features={"a": "numeric"},
            reference={"1": {"start": START, "end": FIRST}},
            operations={"prometheus": {"url": server, "queries": {"latency": "latency", "memory": "memory"}}},
        )
        world.run("backfill", "m", "--from", FIRST, "--to", LAST)
        yield world


def _numbers(world, home="home"):
    return world.ask(
        "SELECT chunk, name, value, status, reference_value, threshold_upper, reason FROM current_measurements "
        "WHERE subject = 'prometheus' ORDER BY 1, 2",
        home=home,
    )


def test_day_that_is_slower_by_half_is_breached_and_no_other_one(watched):
    breached = [row for row in _numbers(watched) if row[3] == "breached"]
    assert [row[:2] for row in breached] == [(SLOW, "latency")]
    assert breached[0][-1].endswith("(from 16 days before)")
    assert watched.ask("SELECT cause, opened FROM incidents WHERE cause LIKE 'serving:%'") == [
        ("serving:latency", SLOW)
    ]


def test_few_days_judge_nothing_and_state_it(watched):
    reasons = {row[0]: row[-1] for row in _numbers(watched) if row[1] == "memory"}
    assert reasons[FIRST] == "not judged: 0 days before are known, 14 are needed"
    assert reasons["2024-06-14"] == "not judged: 13 days before are known, 14 are needed"
    assert reasons["2024-06-15"] is None


def test_order_of_the_backfills_does_not_matter(watched, monkeypatch):
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(watched.folder / "backwards"))
    watched.run("backfill", "m", "--from", MIDDLE, "--to", LAST)
    assert {row[3] for row in _numbers(watched, "backwards")} == {"ok"}
    asked = len(_Serving.asked)
    watched.run("backfill", "m", "--from", FIRST, "--to", "2024-06-10")
    assert len(_Serving.asked) == asked + 20
    assert _numbers(watched, "backwards") == _numbers(watched)
    ((status,),) = watched.ask("SELECT status FROM current_verdicts WHERE chunk = ?", SLOW, home="backwards")
    assert status == "warning"
