"""The dashboards are those that Grafana's library builds; a real Prometheus server answers each of their queries."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import monitoring_pipeline
from monitoring_pipeline.dashboard.site import Site
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.prometheus.families import FAMILIES
from monitoring_pipeline.prometheus.grafana.building import FOLDER, dashboard_json
from monitoring_pipeline.prometheus.grafana.panels import DASHBOARDS, ONE_MODEL, WIDTH, Dashboard, Panel
from monitoring_pipeline.records.measurement import Kind, Measurement, Provenance
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.system_clock import system_clock
from monitoring_pipeline_tests.dashboard.served import served
from monitoring_pipeline_tests.prometheus.prometheus_server import PrometheusServer, running_prometheus
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, World, copy_world

VALUES = {"$model": LOANS, "$metric": ".*"}
PANELS = [(dashboard, panel) for dashboard in DASHBOARDS for panel in dashboard.panels]
BUDGET = Measurement(kind=Kind.OBJECTIVE, subject="good_days", name="error_budget_left", model_version="", value=0.25)
LATENCY = Measurement(
    kind=Kind.OPERATIONS, subject="latency", name="latency_p95", model_version="1", value=30.0, threshold_upper=40.0
)
PACKAGES = Measurement(
    kind=Kind.OPERATIONS,
    subject="dependencies",
    name="differing_packages",
    model_version="1",
    value=2.0,
    threshold_upper=0.0,
)


@pytest.fixture(scope="module")
def prometheus(monitored: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """A server that scrapes the site of the monitored world, to which an error budget and telemetry were added."""
    world = World(copy_world(monitored.folder, tmp_path_factory.mktemp("grafana") / "world"), monitored.instance)
    with world.store() as store:
        for producer, added in ((Producer.OBJECTIVES, (BUDGET,)), (Producer.OPERATIONS, (LATENCY, PACKAGES))):
            results = ChunkResults(
                producer=producer,
                chunk=world.loaded(LOANS).spec.calendar.chunk(DAYS[-1]),
                provenance=Provenance(spec_hash="", reference_hash="", input_fingerprint="", code_version=""),
                measurements=added,
            )
            store.replace(results, run_id="test", measured_at=system_clock())
    with ResultStore.open_to_read(world.settings.store_url) as store:
        site = Site(settings=world.settings, store=store, clock=system_clock)
        with (
            served(site) as address,
            running_prometheus(address.removeprefix("http://"), tmp_path_factory.mktemp("prometheus")) as server,
        ):
            server.wait_for("monitoring_pipeline_verdict")
            yield server


def filled(query: str) -> str:
    for name, value in VALUES.items():
        query = query.replace(name, value)
    return query


def test_files_are_those_that_the_library_builds() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {dashboard.file_name for dashboard in DASHBOARDS}
    for dashboard in DASHBOARDS:
        assert (FOLDER / dashboard.file_name).read_text(encoding="utf-8") == dashboard_json(dashboard), (
            "run python -m monitoring_pipeline.prometheus.grafana.building"
        )


@pytest.mark.parametrize(("dashboard", "panel"), PANELS, ids=[f"{d.uid}: {p.title}" for d, p in PANELS])
def test_every_query_of_a_panel_is_answered(prometheus: PrometheusServer, dashboard: Dashboard, panel: Panel) -> None:
    for query in panel.queries:
        assert prometheus.query(filled(query.expression)), query.expression


def test_serving_beside_its_limits_leaves_out_a_limit_of_zero(prometheus: PrometheusServer) -> None:
    panel = next(panel for panel in ONE_MODEL.panels if panel.title == "Serving beside its limits")
    (series,) = prometheus.query(filled(panel.queries[0].expression))
    assert (series["metric"]["metric"], series["value"][1]) == ("latency_p95", "0.75")


def test_variables_list_the_models_and_metrics(prometheus: PrometheusServer) -> None:
    listed: dict[str, set[str]] = {}
    for name, query in ONE_MODEL.variables:
        selector, label = query.removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
        listed[name] = {series["metric"][label] for series in prometheus.query(filled(selector))}
    assert listed == {"model": {LOANS, DELIVERIES}, "metric": {"auroc"}}


def test_rank_of_a_verdict_is_the_number_that_its_panel_translates(
    prometheus: PrometheusServer, monitored: World
) -> None:
    panel = next(panel for panel in DASHBOARDS[0].panels if panel.shows_verdicts)
    ranks = {s["metric"]["model"]: s["value"][1] for s in prometheus.query(panel.queries[0].expression)}
    built = json.loads(dashboard_json(DASHBOARDS[0]))
    (mapping,) = next(p for p in built["panels"] if p["title"] == panel.title)["fieldConfig"]["defaults"]["mappings"]
    stored = dict(monitored.ask("SELECT model, status FROM current_verdicts WHERE chunk = :c", c=DAYS[-1]))
    assert {model: mapping["options"][rank]["text"] for model, rank in ranks.items()} == stored


def queries_of(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for name, value in part.items() if name == "expr")
        for value in part.values():
            yield from queries_of(value)
    if isinstance(part, list):
        for value in part:
            yield from queries_of(value)


def test_dashboards_use_every_exported_metric() -> None:
    used = " ".join(query for d in DASHBOARDS for query in queries_of(json.loads(dashboard_json(d))))
    assert [family.name for family in FAMILIES if family.full_name not in used] == []


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_panels_fill_the_grid_without_overlaps(dashboard: Dashboard) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(dashboard_json(dashboard))["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < WIDTH
        taken |= cells
    rows = 1 + max(y for _, y in taken)
    assert len(taken) == rows * WIDTH


def test_provider_is_read_by_grafana_as_one_folder_of_files() -> None:
    path = Path(monitoring_pipeline.__file__).parent / "prometheus" / "grafana" / "provider.yaml"
    (provider,) = yaml.safe_load(path.read_text(encoding="utf-8"))["providers"]
    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)
