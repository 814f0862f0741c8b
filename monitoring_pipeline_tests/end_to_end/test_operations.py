"""The serving of a model in real runs of Dagster: one bad hour, slow days, and days that are fine."""

import pytest

from monitoring_pipeline.cli.execution.opening import find_model
from monitoring_pipeline.prometheus.exporting import samples_of
from monitoring_pipeline.prometheus.families import SERVING
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.worlds.one_model_world import SPEC, OneModelWorld

FIRST, LAST, BAD_HOUR, SLOW = "2024-03-08", "2024-03-12", "2024-03-09", "2024-03-11"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Five days after a reference of 15; 2 % errors in one hour of the second, twice the latency on the fourth.

    The clocks of New York move in the night to 2024-03-10.
    """
    with pytest.MonkeyPatch.context() as patched:
        world = OneModelWorld(tmp_path_factory.mktemp("served"), patched)
        world.rows("2024-02-22 05:00", "2024-03-13 04:00", "6 seconds")
        world.execute("ALTER TABLE scores ADD COLUMN took DOUBLE")
        world.execute("ALTER TABLE scores ADD COLUMN code INTEGER")
        # Logistic in the logarithm: heavy tails, 0.1 % of errors, and a busy hour each day.
        world.execute(
            "UPDATE scores SET took = 0.04 * exp(0.5 * ln(u / (1 - u))), "
            "code = CASE WHEN v < 0.001 THEN 500 WHEN v < 0.0015 THEN 504 ELSE 200 END "
            "FROM (SELECT id AS key, (('0x' || left(md5(id), 6))::INT + 0.5) / 16777216 AS u, "
            "('0x' || left(md5('v' || id), 6))::INT / 16777216 AS v FROM scores) WHERE key = id"
        )
        world.execute(
            f"UPDATE scores SET code = 500 WHERE ts >= '{BAD_HOUR} 19:00' AND ts < '{BAD_HOUR} 20:00' "
            "AND ('0x' || left(md5(id), 4))::INT % 50 = 0"
        )
        world.execute(f"UPDATE scores SET took = took * 2 WHERE ts >= '{SLOW} 04:00' AND ts < '2024-03-12 04:00'")
        world.execute("UPDATE scores SET took = NULL WHERE ts >= '2024-03-12 04:00'")
        world.spec(
            start=FIRST,
            predictions=SPEC["predictions"],
            labels=None,
            reference={"1": {"start": "2024-02-22", "end": FIRST}},
            operations={
                "latency": "took", "latency_unit": "s", "status": "code",
                "thresholds": {"latency_p50": {"upper": 60}},
            },
        )  # fmt: skip
        world.run("backfill", "m", "--from", FIRST, "--to", LAST)
        yield world


def _of(world, name):
    return dict(
        world.ask(
            "SELECT chunk, status FROM current_measurements WHERE name = ? AND chunk NOT LIKE '%/%' ORDER BY chunk",
            name,
        )
    )


def test_one_hour_with_errors_is_breached_and_named_in_the_time_zone_of_the_model(served):
    found = _of(served, "error_rate_worst_hour")
    assert [day for day in found if found[day] == "breached"] == [BAD_HOUR]
    ((value, reason),) = served.ask(
        "SELECT value, reason FROM current_measurements WHERE name = 'error_rate_worst_hour' AND chunk = ?", BAD_HOUR
    )
    bad = f"ts >= '{BAD_HOUR} 19:00' AND ts < '{BAD_HOUR} 20:00'"
    errors = served.number(f"SELECT count(*) FROM scores WHERE code >= 500 AND {bad}")
    assert value == errors / 600
    assert reason.startswith(
        f"hour from 2024-03-09 14:00 (America/New_York): {errors} of 600 rows failed ({value:.2%})"
    )


def test_the_day_of_the_bad_hour_is_an_incident_about_errors(served):
    found = dict(served.ask("SELECT cause, title FROM incidents"))
    assert "hour from 2024-03-09 14:00 (America/New_York)" in found["serving:errors"]


def test_quantiles_of_a_day_are_those_of_its_rows(served):
    ((value,),) = served.ask(
        "SELECT value FROM current_measurements WHERE name = 'latency_p95' AND chunk = ?", BAD_HOUR
    )
    day = "ts >= '2024-03-09 05:00' AND ts < '2024-03-10 05:00'"
    assert value == pytest.approx(
        served.number(f"SELECT 1000 * quantile_disc(took, 0.95) FROM scores WHERE {day}"), rel=1e-12
    )


@pytest.mark.parametrize("name", ["latency_p50", "latency_p95", "latency_p99"])
def test_slower_days_are_beyond_the_threshold_or_what_is_usual(served, name):
    found = _of(served, name)
    assert {day: status for day, status in found.items() if status != "ok"} == {SLOW: "breached", LAST: "skipped"}


def test_other_numbers_of_healthy_days_are_fine(served):
    for name in ("error_rate", "timeout_rate", "timeout_rate_worst_hour", "slow_rate_worst_hour", "rows_per_hour"):
        assert set(_of(served, name).values()) <= {"ok", "skipped"}, name


def test_day_of_23_hours_has_its_own_throughput(served):
    found = served.ask("SELECT value FROM current_measurements WHERE name = 'rows_per_hour' AND chunk = '2024-03-10'")
    assert found == [(600.0,)]


def test_days_without_latencies_are_skipped_with_the_reason(served):
    ((reason,),) = served.ask("SELECT reason FROM current_measurements WHERE name = 'latency_p95' AND chunk = ?", LAST)
    assert reason == "no row has a took"


def test_report_has_a_section_of_operations_with_the_hour(served):
    page = served.folder / "m.html"
    served.run("report", "m", "--chunk", BAD_HOUR, "--output", str(page))
    html = page.read_text(encoding="utf-8")
    section = html[html.index('id="operations"') : html.index('id="versions"')]
    assert "hour from 2024-03-09 14:00 (America/New_York)" in section
    assert "latency p95" in section


def test_show_has_the_numbers_of_the_serving(served):
    shown = served.run("show", "m", "--from", BAD_HOUR, "--to", BAD_HOUR)
    assert "error_rate_worst_hour 0.02167" in " ".join(shown.split())


def test_serving_is_exported(served):
    with ResultStore.open(Settings().store_url) as store:
        samples = list(samples_of(find_model(Settings(), "m").spec, store))
    served_numbers = {sample.labels: sample.value for sample in samples if sample.family is SERVING}
    ((value,),) = served.ask("SELECT value FROM current_measurements WHERE name = 'error_rate' AND chunk = ?", LAST)
    assert served_numbers["m", "1", "error_rate"] == value
    assert ("m", "1", "latency_p95") not in served_numbers
