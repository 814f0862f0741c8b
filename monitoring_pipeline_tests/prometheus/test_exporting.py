"""The exported metrics are the numbers of the store; a real Prometheus server scrapes them, and rules fire on them."""

import datetime as dt
import subprocess
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

import monitoring_pipeline
from monitoring_pipeline.dashboard.site import Site
from monitoring_pipeline.prometheus.exporting import metrics_text
from monitoring_pipeline.prometheus.families import FAMILIES
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.dashboard.served import served
from monitoring_pipeline_tests.prometheus.prometheus_server import program, running_prometheus
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, World

RULES = Path(monitoring_pipeline.__file__).parent / "prometheus" / "alerts.yaml"
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def exported(world: World) -> Series:
    """The exported numbers by name and labels, as the library's own parser reads them."""
    with world.store() as store:
        text = metrics_text([world.loaded(model).spec for model in (LOANS, DELIVERIES)], store)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(series: Series, name: str, **labels: str) -> float:
    return series[f"monitoring_pipeline_{name}", frozenset(labels.items())]


def test_verdict_is_that_of_the_newest_chunk(monitored: World) -> None:
    series = exported(monitored)
    for model in (LOANS, DELIVERIES):
        ((status,),) = monitored.ask(
            "SELECT status FROM current_verdicts WHERE model = :m AND chunk = :c", m=model, c=DAYS[-1]
        )
        for verdict in ("ok", "warning", "critical", "unknown"):
            assert value(series, "verdict", model=model, verdict=verdict) == (verdict == status)


def test_performance_is_the_newest_that_labels_have_given(monitored: World) -> None:
    ((chunk, stored, lower),) = monitored.ask(
        "SELECT chunk, value, lower FROM current_measurements "
        "WHERE model = :m AND kind = 'performance' AND name = 'auroc' AND value IS NOT NULL "
        "AND chunk NOT LIKE '%/%' ORDER BY chunk DESC LIMIT 1", m=LOANS,
    )  # fmt: skip
    series, labels = exported(monitored), {"model": LOANS, "version": "2024.1", "metric": "auroc", "of": ""}
    assert value(series, "performance", **labels) == stored
    assert value(series, "performance_lower", **labels) == lower
    assert value(series, "performance_limit_lower", **labels) == 0.6
    end = monitored.loaded(LOANS).spec.calendar.chunk(chunk).end.timestamp()
    assert value(series, "performance_chunk_end_timestamp_seconds", **labels) == end


def test_incidents_are_counted_by_severity_and_acknowledgement(monitored: World) -> None:
    series = exported(monitored)
    for severity in ("info", "warning", "critical"):
        ((stored,),) = monitored.ask(
            "SELECT COUNT(*) FROM incidents WHERE model = :m AND state <> 'resolved' AND severity = :s",
            m=LOANS, s=severity,
        )  # fmt: skip
        assert value(series, "incidents", model=LOANS, severity=severity, acknowledged="false") == stored
        assert value(series, "incidents", model=LOANS, severity=severity, acknowledged="true") == 0


def test_what_was_not_measured_is_absent(monitored: World) -> None:
    renamed = monitored.loaded(LOANS).spec.model_copy(update={"name": "never_judged"})
    with monitored.store() as store:
        text = metrics_text([renamed], store)
    families = {family.name: family.samples for family in text_string_to_metric_families(text)}
    assert {name for name, samples in families.items() if samples} == {"monitoring_pipeline_incidents"}
    assert not [key for key in exported(monitored) if key[0].endswith("error_budget_left_ratio")]


def test_number_of_series_does_not_grow_with_columns_and_chunks(monitored: World) -> None:
    of_loans = [key for key in exported(monitored) if ("model", LOANS) in key[1]]
    assert len(of_loans) < 40


def test_name_with_quotes_and_line_breaks_stays_one_label(monitored: World) -> None:
    name = 'a"b\\c\nd'
    hostile = monitored.loaded(LOANS).spec.model_copy(update={"name": name})
    with monitored.store() as store:
        text = metrics_text([hostile], store)
    labels = {dict(s.labels)["model"] for family in text_string_to_metric_families(text) for s in family.samples}
    assert labels == {name}


def test_prometheus_server_scrapes_the_site(monitored: World, tmp_path: Path) -> None:
    with ResultStore.open_to_read(monitored.settings.store_url) as store:
        site = Site(settings=monitored.settings, store=store, clock=lambda: dt.datetime.now(dt.UTC))
        with (
            served(site) as address,
            running_prometheus(address.removeprefix("http://"), tmp_path) as prometheus,
        ):
            found = prometheus.wait_for(f'monitoring_pipeline_performance{{model="{LOANS}"}}')
            names = {
                series["metric"]["__name__"] for series in prometheus.query('{__name__=~"monitoring_pipeline_.+"}')
            }
            assert float(prometheus.query("up")[0]["value"][1]) == 1
    ((stored,),) = monitored.ask(
        "SELECT value FROM current_measurements WHERE model = :m AND kind = 'performance' AND name = 'auroc' AND "
        "value IS NOT NULL AND chunk NOT LIKE '%/%' ORDER BY chunk DESC LIMIT 1", m=LOANS,
    )  # fmt: skip
    assert float(found[0]["value"][1]) == pytest.approx(stored, rel=1e-12)
    assert names <= {family.full_name for family in FAMILIES}


FIRES = {
    "ModelIsCritical": {'monitoring_pipeline_verdict{model="m", verdict="critical"}': "1x200"},
    "CriticalIncidentIsAcknowledgedByNobody": {
        'monitoring_pipeline_incidents{model="m", severity="critical", acknowledged="false"}': "2x200"
    },
    "ModelIsNotMonitored": {'monitoring_pipeline_chunk_end_timestamp_seconds{model="m"}': "-200000x200"},
    "MeasurementsCannotBeMade": {
        'monitoring_pipeline_measurements{model="m", status="skipped"}': "9x200",
        'monitoring_pipeline_measurements{model="m", status="ok"}': "8x200",
    },
    "ErrorBudgetIsSpent": {'monitoring_pipeline_error_budget_left_ratio{model="m", objective="o"}': "-0.1x200"},
}
QUIET = {
    "ModelIsCritical": {'monitoring_pipeline_verdict{model="m", verdict="critical"}': "0x200"},
    "CriticalIncidentIsAcknowledgedByNobody": {
        'monitoring_pipeline_incidents{model="m", severity="critical", acknowledged="true"}': "2x200",
        'monitoring_pipeline_incidents{model="m", severity="critical", acknowledged="false"}': "0x200",
    },
    "ModelIsNotMonitored": {'monitoring_pipeline_chunk_end_timestamp_seconds{model="m"}': "0x200"},
    "MeasurementsCannotBeMade": {
        'monitoring_pipeline_measurements{model="m", status="skipped"}': "8x200",
        'monitoring_pipeline_measurements{model="m", status="ok"}': "8x200",
    },
    "ErrorBudgetIsSpent": {'monitoring_pipeline_error_budget_left_ratio{model="m", objective="o"}': "0.1x200"},
}


def firing(alert: str, series: dict[str, str], folder: Path) -> bool:
    """Return whether an alert fires after three hours, as promtool evaluates the shipped rules."""
    checked = {"eval_time": "3h", "alertname": alert, "exp_alerts": []}
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [checked],
    }
    (folder / "test.yaml").write_text(
        yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}), encoding="utf-8"
    )
    words = [program("promtool"), "test", "rules", str(folder / "test.yaml")]
    run = subprocess.run(words, capture_output=True, text=True, check=False)
    assert run.returncode == 0 or "got:[" in run.stdout + run.stderr, run.stdout + run.stderr
    return run.returncode != 0


@pytest.mark.parametrize("alert", FIRES)
def test_shipped_rule_fires_on_its_fault_and_is_quiet_otherwise(alert: str, tmp_path: Path) -> None:
    assert firing(alert, FIRES[alert], tmp_path)
    assert not firing(alert, QUIET[alert], tmp_path)


def test_every_shipped_rule_is_tested_and_names_exported_metrics() -> None:
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    assert {rule["alert"] for rule in group["rules"]} == set(FIRES) == set(QUIET)
    names = {family.full_name for family in FAMILIES}
    for rule in group["rules"]:
        assert any(name in rule["expr"] for name in names)
