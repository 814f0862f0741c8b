"""Numbers of a serving system: a real exporter with Triton's names, a real Prometheus server, real runs of Dagster."""

import datetime as dt
import http.server
import threading
from contextlib import closing, contextmanager
from typing import ClassVar

import pytest
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import UnknownMetricFamily
from pydantic import SecretStr

from monitoring_pipeline.cli.execution.opening import find_model
from monitoring_pipeline.ports.serving_metrics import MetricsAwayError, NoMetricError
from monitoring_pipeline.prometheus.querying import PrometheusServers
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.rules.operations import PrometheusRules
from monitoring_pipeline.spec.rules.serving_presets import PRESETS
from monitoring_pipeline_tests.prometheus.prometheus_server import program, running_prometheus
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

HOURS, STEP = 5, dt.timedelta(minutes=10)
NOW = dt.datetime.now(dt.UTC).replace(minute=0, second=0, microsecond=0)
CHUNKS = [NOW - dt.timedelta(hours=number) for number in range(HOURS, 0, -1)]
SLOW_SINCE = CHUNKS[2]


class Triton:
    """Gives what Triton gives, each scrape ten minutes later; from one hour on slower and with more GPU memory."""

    def __init__(self) -> None:
        self.at, self.requests, self.duration = NOW - dt.timedelta(hours=HOURS) - STEP, 0, 0.0

    def collect(self):
        if self.at < NOW:
            self.at += STEP
            is_slow = self.at > SLOW_SINCE
            self.requests += 100
            self.duration += 100 * (60_000 if is_slow else 20_000)
        numbers = {
            "nv_inference_request_success": self.requests,
            "nv_inference_request_duration_us": self.duration,
            "nv_inference_queue_duration_us": self.duration / 10,
            "nv_inference_count": self.requests * 4,
            "nv_inference_exec_count": self.requests,
        }
        for name, value in numbers.items():
            yield self._family(name, ["model", "version"], ["m", "1"], value)
        memory = 15e9 if self.at > SLOW_SINCE else 8e9
        for gpu in ("GPU-0", "GPU-1"):
            yield self._family("nv_gpu_memory_used_bytes", ["gpu_uuid"], [gpu], memory)

    def _family(self, name, labels, values, value):
        family = UnknownMetricFamily(name, name, labels=labels)
        family.add_metric(values, value, timestamp=self.at.timestamp())
        return family


@contextmanager
def exporter():
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Triton())
    server, thread = start_http_server(0, "127.0.0.1", registry)
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def key(world, hour):
    return find_model(Settings(), "m").spec.calendar.chunk_at(hour).key


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Three hours with the server, the last of them slow, and then two without it, and the slow one again."""
    program("prometheus")
    with pytest.MonkeyPatch.context() as patched:
        world = OneModelWorld(tmp_path_factory.mktemp("watched"), patched)
        first = (NOW - dt.timedelta(days=9)).date()
        world.rows(f"{first} 00:00", f"{NOW:%Y-%m-%d %H:%M}", "2 minutes")
        folder = tmp_path_factory.mktemp("prometheus")
        with exporter() as target, running_prometheus(target, folder, interval="100ms", accepts_hours=24) as server:
            patched.setenv("MONITORING_PIPELINE_SECRETS__PROMETHEUS", server.address)
            world.spec(
                cadence="hour",
                timezone="UTC",
                start=f"{(NOW - dt.timedelta(days=1)).date()}",
                labels=None,
                reference={"1": {"start": f"{first}", "end": f"{(NOW - dt.timedelta(days=1)).date()}"}},
                operations={
                    "prometheus": {
                        "secret": "prometheus",
                        "preset": "triton",
                        "queries": {"both_gpus": "max_over_time(nv_gpu_memory_used_bytes[{range}])"},
                    },
                    "thresholds": {"latency_ms": {"upper": 40}, "gpu_memory_gb": {"upper": 12}},
                },
            )
            end = f"nv_gpu_memory_used_bytes @ {NOW.timestamp():.0f}"
            server.wait_for(f"{end} > 1 and on() (max(timestamp({end})) >= {NOW.timestamp():.0f})")
            world.run("backfill", "m", "--from", key(world, CHUNKS[0]), "--to", key(world, CHUNKS[2]))
            world.server = server
            answers = PrometheusServers({})
            rules = PrometheusRules(url=server.address, queries={"one": "1"})
            world.answers = {
                "scalar": answers.number(rules, "1 + 1", NOW),
                **{
                    query: _refused(answers, rules, query)
                    for query in ("vector(0) / 0", "no_such_metric", "nv_gpu_memory_used_bytes", "sum(", "up[1m]")
                },
            }
        world.run("backfill", "m", "--from", key(world, CHUNKS[2]), "--to", key(world, CHUNKS[4]))
        yield world


def _refused(answers, rules, query):
    with pytest.raises(NoMetricError) as refused:
        answers.number(rules, query, NOW)
    return str(refused.value)


def _of(world, name):
    found = world.ask(
        "SELECT value, status, reason FROM current_measurements WHERE name = ? AND chunk NOT LIKE '%/%' ORDER BY chunk",
        name,
    )
    return [(value if value is None else round(value, 6), status, reason) for value, status, reason in found]


def test_rise_of_latency_and_memory_is_measured_and_breached(watched):
    values = _of(watched, "latency_ms")
    assert [value for value, *_ in values[:3]] == [20.0, 20.0, 60.0]
    assert [status for _, status, _ in values[:3]] == ["ok", "ok", "breached"]
    assert [value for value, *_ in _of(watched, "gpu_memory_gb")[:3]] == [8.0, 8.0, 15.0]
    assert [value for value, *_ in _of(watched, "queue_ms")[:3]] == [2.0, 2.0, 6.0]
    assert [value for value, *_ in _of(watched, "batch_size")[:3]] == [4.0, 4.0, 4.0]


def test_incidents_have_the_cause_of_their_number(watched):
    causes = dict(watched.ask("SELECT cause, title FROM incidents"))
    assert causes["serving:latency_ms"].startswith("latency_ms: 60, at most 40 is allowed")
    assert "serving:gpu_memory_gb" in causes


def test_what_the_server_has_not_is_skipped_with_the_reason(watched):
    assert _of(watched, "cpu_utilization")[0] == (None, "skipped", "the server has no data of this time")
    ((_, status, reason), *_) = _of(watched, "both_gpus")
    assert status == "skipped"
    assert reason.startswith("the query gives 2 series, and one number is needed: gpu_uuid=GPU-0, instance=")


def test_server_that_is_away_is_told_once_and_fails_no_run(watched):
    statuses = [status for _, status, _ in _of(watched, "prometheus_reachable")]
    assert statuses == ["ok", "ok", "breached", "breached", "breached"]
    assert [status for _, status, _ in _of(watched, "latency_ms")] == ["ok", "ok", "breached", "skipped", "skipped"]
    ((identifier, title),) = watched.ask(
        "SELECT incident_id, title FROM incidents WHERE cause = 'serving:prometheus_reachable'"
    )
    assert "cannot be reached: Connection refused" in title
    events = watched.ask("SELECT kind FROM incident_events WHERE incident_id = ?", identifier)
    assert events == [("opened",)]


def test_stored_numbers_are_kept_if_the_server_has_them_no_more(watched):
    assert _of(watched, "gpu_memory_gb")[2][:2] == (15.0, "breached")


def test_report_draws_the_numbers(watched):
    page = watched.folder / "m.html"
    watched.run("report", "m", "--output", str(page))
    html = page.read_text(encoding="utf-8")
    section = html[html.index('id="operations"') : html.index('id="versions"')]
    assert "gpu_memory_gb" in section
    assert "could not be measured" in section


def test_each_answer_that_is_no_number_has_its_reason(watched):
    answers = watched.answers
    assert answers["scalar"] == 2.0
    assert answers["vector(0) / 0"] == "the query gives NaN, as a ratio does if there were no requests"
    assert answers["no_such_metric"] == "the server has no data of this time"
    assert answers["nv_gpu_memory_used_bytes"].startswith("the query gives 2 series")
    assert answers["sum("].startswith("the query was refused: ")
    assert answers["up[1m]"] == "the query gives a matrix, and one number is needed"


class _Answering(http.server.BaseHTTPRequestHandler):
    """A server that answers with a number if it gets the token."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        allowed = self.headers.get("Authorization") == "Bearer open sesame"
        self.send_response(200 if allowed else 401)
        self.end_headers()
        self.wfile.write(b'{"status":"success","data":{"resultType":"scalar","result":[1,"3.5"]}}' if allowed else b"")

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def guarded():
    server = http.server.HTTPServer(("127.0.0.1", 0), _Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with closing(server.socket):
        _Answering.asked.clear()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_token_is_sent_and_a_missing_one_is_named(guarded):
    servers = PrometheusServers({"key": SecretStr("open sesame")})
    rules = PrometheusRules(url=f"http://{guarded}", token="key", queries={"one": "1"})
    assert servers.number(rules, "1", NOW) == 3.5
    without = rules.model_copy(update={"token": "other"})
    with pytest.raises(MetricsAwayError, match="no secret 'other'; set MONITORING_PIPELINE_SECRETS__OTHER"):
        servers.number(without, "1", NOW)


def test_server_that_was_away_is_not_asked_for_every_query(guarded):
    servers = PrometheusServers({})
    rules = PrometheusRules(url=f"http://{guarded}", queries={"one": "1"})
    for _ in range(5):
        with pytest.raises(MetricsAwayError, match="answered HTTP 401"):
            servers.number(rules, "1", NOW)
    assert len(_Answering.asked) == 1


def test_tls_that_fails_is_a_sentence(guarded):
    rules = PrometheusRules(url=f"https://{guarded}", queries={"one": "1"})
    with pytest.raises(MetricsAwayError, match=r"the Prometheus server at 127\.0\.0\.1:\d+ does not speak TLS"):
        PrometheusServers({}).number(rules, "1", NOW)


@pytest.mark.parametrize("name", PRESETS)
def test_queries_of_presets_are_valid_for_a_real_server(watched_parser, name):
    rules = PrometheusRules(url=watched_parser, preset=name)
    for number in rules.all_queries:
        with pytest.raises(NoMetricError, match=r"no data of this time|NaN"):
            PrometheusServers({}).number(rules, rules.query(number, 'a "quoted" model', 3600), NOW)


@pytest.fixture(scope="module")
def watched_parser(tmp_path_factory):
    """The address of a server without data."""
    with running_prometheus("127.0.0.1:9", tmp_path_factory.mktemp("parser")) as server:
        server.wait_for("vector(1)")
        yield server.address
