"""Business metrics and objectives of a monitored world, from SQL files to stored results."""

import datetime as dt
from pathlib import Path

import pytest

from monitoring_pipeline.evaluation.rows.errors import SourceUnreachableError
from monitoring_pipeline.records.measurement import Kind, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.loading import SpecError
from monitoring_pipeline.steps.chunk.business import check_business, measure_business
from monitoring_pipeline.steps.chunk.objectives import chunks_after, measure_chunk_objectives
from monitoring_pipeline_tests.worlds.retraining_world import outside_of
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, World

NOW = dt.datetime(2024, 4, 6, 12, tzinfo=dt.UTC)
INCOME = """-- Mean income of the applicants of a version, before tax: EUR
SELECT avg("Annual Income") FROM "Loan Scores"
WHERE "Scored At" >= :chunk_start AND "Scored At" < :chunk_end AND "VERSION" = :model_version
"""
DEFAULTS = """SELECT count(*) FROM "Outcomes" WHERE "Outcome" = 'default'
AND "Reported At" >= :chunk_start AND "Reported At" < :chunk_end"""


def _spec_with(world: World, objectives: dict | None = None, **sql: str) -> None:
    folder = world.folder / "specs" / "sql"
    folder.mkdir(exist_ok=True)
    for name, text in sql.items():
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    metrics = {name: {"sql": f"sql/{name}.sql"} for name in sql}
    if "income" in metrics:
        metrics["income"]["threshold"] = {"upper": 40_000, "severity": "critical"}
    world.change_spec(LOANS, business=metrics, objectives=objectives or {})


def _measure(world: World, day: str = DAYS[0]):
    loaded = world.loaded(LOANS)
    with world.store() as store:
        return measure_business(loaded, loaded.spec.calendar.chunk(day), outside_of(world, store))


def _mean_income(world: World, day: str) -> float:
    chunk = world.loaded(LOANS).spec.calendar.chunk(day)
    ((value,),) = world.execute(
        'SELECT avg("Annual Income") FROM "Loan Scores" WHERE "Scored At" >= $start AND "Scored At" < $end',
        start=chunk.start.replace(tzinfo=None),
        end=chunk.end.replace(tzinfo=None),
    )
    return value


def test_business_metric_is_measured_per_version_only_if_its_sql_uses_the_version(lived_in_world):
    _spec_with(lived_in_world, income=INCOME, defaults=DEFAULTS)
    check_business(lived_in_world.loaded(LOANS))
    for day, status in ((DAYS[0], Status.OK), (DAYS[-1], Status.BREACHED)):
        results = _measure(lived_in_world, day)
        income, defaults = results.measurements
        assert results.producer == "business"
        assert {m.kind for m in results.measurements} == {Kind.BUSINESS}
        assert (income.name, income.model_version, income.status) == ("income", "2024.1", status)
        assert income.value == pytest.approx(_mean_income(lived_in_world, day))
        assert (defaults.name, defaults.model_version, defaults.status) == ("defaults", "", Status.OK)
        assert defaults.value > 0


def test_business_fingerprint_changes_only_with_sql_text_or_outcome(lived_in_world):
    _spec_with(lived_in_world, income=INCOME)
    first = _measure(lived_in_world)
    assert _measure(lived_in_world) == first
    _spec_with(lived_in_world, income=INCOME + "-- the same, in other words")
    other_text = _measure(lived_in_world)
    assert other_text.measurements == first.measurements
    assert other_text.provenance.input_fingerprint != first.provenance.input_fingerprint
    _spec_with(lived_in_world, income=INCOME)
    lived_in_world.execute('UPDATE "Loan Scores" SET "Annual Income" = 2 * "Annual Income"')
    other_rows = _measure(lived_in_world)
    assert other_rows.measurements[0].value == pytest.approx(2 * first.measurements[0].value)
    assert other_rows.provenance.input_fingerprint != first.provenance.input_fingerprint


def test_failing_business_metric_is_skipped_and_the_others_are_measured(lived_in_world):
    _spec_with(lived_in_world, nothing="SELECT NULL", typo="SELECT amout FROM orders", income=INCOME, gone="SELECT 1")
    (lived_in_world.folder / "specs" / "sql" / "gone.sql").unlink()
    measured = {m.name: m for m in _measure(lived_in_world).measurements}
    assert measured["income"].status is Status.OK
    assert {name for name, m in measured.items() if m.status is Status.SKIPPED} == {"nothing", "typo", "gone"}
    assert measured["nothing"].reason == "the query gave NULL"
    assert measured["typo"].reason.startswith("sql/typo.sql: DuckDB refuses it: Catalog Error")
    assert measured["gone"].reason == f"sql/gone.sql: no such file beside {LOANS}.yaml"


def test_business_metrics_without_a_warehouse_are_skipped_with_its_reason(lived_in_world):
    _spec_with(lived_in_world, income=INCOME, defaults=DEFAULTS)
    Path(lived_in_world.settings.warehouse).unlink()
    measured = _measure(lived_in_world).measurements
    assert {m.status for m in measured} == {Status.SKIPPED}
    assert all("no such DuckDB file" in m.reason for m in measured)


def test_measured_business_metrics_stay_when_the_warehouse_is_unreachable(lived_in_world):
    _spec_with(lived_in_world, income=INCOME)
    with lived_in_world.store() as store:
        store.replace(_measure(lived_in_world), run_id="one", measured_at=NOW)
    Path(lived_in_world.settings.warehouse).unlink()
    with pytest.raises(SourceUnreachableError, match="no such DuckDB file"):
        _measure(lived_in_world)


def test_business_metric_per_version_without_predictions_is_skipped(world):
    _spec_with(world, income=INCOME, defaults=DEFAULTS)
    world.execute('DELETE FROM "Loan Scores" WHERE "Scored At" >= \'2024-04-04 20:00\'')
    assert world.run(LOANS, DAYS[-1]).success
    income, defaults = _measure(world, DAYS[-1]).measurements
    assert (income.status, income.reason, income.model_version) == (Status.SKIPPED, "no predictions", "")
    assert defaults.status is Status.OK


def test_empty_day_and_stale_table_breach_rows_volume_and_freshness(world):
    """The incidents about a stale source depend on these breaches."""
    world.execute('DELETE FROM "Loan Scores" WHERE "Scored At" >= \'2024-04-04 06:00\'')
    quality = {}
    for day in DAYS[-2:]:
        assert world.run(LOANS, day).success
        with world.store() as store:
            quality[day] = {m.name: m for m in store.measurements(LOANS, day, "predictions") if m.kind is Kind.QUALITY}
    stale, empty = (quality[day] for day in DAYS[-2:])
    assert (stale["freshness_hours"].status, stale["volume_ratio"].status) == (Status.BREACHED, Status.BREACHED)
    assert (empty["rows"].status, empty["rows"].severity) == (Status.BREACHED, "critical")
    assert empty["volume_ratio"].status is Status.BREACHED
    assert empty["freshness_hours"].reason == "no predictions"


def test_unusable_sql_files_are_spec_errors(world):
    _spec_with(world, gone="SELECT 1", typo="SELECT 1,\n:chunk_strat", fine=INCOME, binary="")
    (world.folder / "specs" / "sql" / "gone.sql").unlink()
    (world.folder / "specs" / "sql" / "binary.sql").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError) as raised:
        check_business(world.loaded(LOANS))
    gone, typo, binary = str(raised.value).splitlines()
    spec_path = world.folder / "specs" / f"{LOANS}.yaml"
    assert gone == f"{spec_path}: business.gone.sql: sql/gone.sql: no such file beside {LOANS}.yaml"
    assert typo.startswith(f"{spec_path}: business.typo.sql: sql/typo.sql: unknown parameter :chunk_strat in line 2")
    assert binary.endswith("sql/binary.sql: cannot be read: invalid start byte at byte 0, it must be UTF-8")


AUROC = {"metric": "auroc", "lower": 0.0, "share": 0.9, "days": 4}


def test_objectives_use_only_chunks_up_to_their_own(lived_in_world):
    with lived_in_world.store() as store:
        auroc = {
            key: m.value
            for key, m in store.chunk_measurements(LOANS, [MetricName("auroc")], DAYS[0], DAYS[-1])
            if m.kind is Kind.PERFORMANCE and m.value is not None and not m.segment
        }
        assert len(auroc) == len(DAYS)
        bound = sorted(auroc.values())[len(auroc) // 2]
        _spec_with(lived_in_world, {"ranking": AUROC | {"lower": bound}})
        spec = lived_in_world.loaded(LOANS).spec
        for n, day in enumerate(DAYS):
            results = measure_chunk_objectives(spec, spec.calendar.chunk(day), store=store)
            window = [auroc[key] for key in DAYS[max(0, n - 3) : n + 1]]
            attainment = next(m for m in results.measurements if m.name == "attainment")
            assert attainment.value == sum(value >= bound for value in window) / len(window)
            assert results.producer == "objectives"
            store.replace(results, run_id="test", measured_at=NOW)
        again = measure_chunk_objectives(spec, spec.calendar.chunk(DAYS[5]), store=store)
        assert store.provenance(LOANS, DAYS[5], "objectives") == again.provenance
        assert [c.key for c in chunks_after(spec, spec.calendar.chunk(DAYS[2]), store=store)] == list(DAYS[3:6])


def test_objective_on_a_business_metric_has_its_attainment(lived_in_world):
    kept = {"metric": "income", "kind": "business", "upper": 40_000, "days": 2}
    _spec_with(lived_in_world, {"incomes": kept}, income=INCOME)
    spec = lived_in_world.loaded(LOANS).spec
    with lived_in_world.store() as store:
        for day in DAYS[-3:]:
            store.replace(_measure(lived_in_world, day), run_id="test", measured_at=NOW)
        measured = measure_chunk_objectives(spec, spec.calendar.chunk(DAYS[-1]), store=store).measurements
    assert [(m.name, m.value) for m in measured if m.name == "attainment"] == [("attainment", 0.0)]


def test_model_without_objectives_has_no_objective_measurements(lived_in_world):
    spec = lived_in_world.loaded(LOANS).spec
    with lived_in_world.store() as store:
        assert measure_chunk_objectives(spec, spec.calendar.chunk(DAYS[0]), store=store).measurements == ()
        assert chunks_after(spec, spec.calendar.chunk(DAYS[0]), store=store) == ()


def test_verdict_of_a_night_contains_breaches_of_business_and_objective(lived_in_world):
    kept = {"metric": "income", "kind": "business", "upper": 40_000, "days": 2}
    _spec_with(lived_in_world, {"incomes": kept}, income=INCOME)
    assert lived_in_world.failures(LOANS, *DAYS[-2:]) == ()
    with lived_in_world.store() as store:
        (income,) = store.measurements(LOANS, DAYS[-1], "business")
        objectives = {m.name: m for m in store.measurements(LOANS, DAYS[-1], "objectives")}
        reasons = store.verdict(LOANS, DAYS[-1]).reasons
    assert income.status is Status.BREACHED
    assert objectives["error_budget_left"].status is Status.BREACHED
    assert f"critical: business business income: {income.reason}" in reasons
    assert any(reason.startswith("warning: objective incomes error_budget_left") for reason in reasons)


def test_run_of_a_past_day_updates_the_objectives_of_later_days(lived_in_world):
    _spec_with(lived_in_world, {"ranking": AUROC | {"lower": 2.0, "days": 2}})
    assert lived_in_world.failures(LOANS, *DAYS[-2:]) == ()
    with lived_in_world.store() as store:
        before = store.provenance(LOANS, DAYS[-1], "objectives")
    scored = 'SELECT "Application ID" FROM "Loan Scores" WHERE "Scored At" < \'2024-04-04 22:00\''
    lived_in_world.execute(f"DELETE FROM Outcomes WHERE Ref IN ({scored}) AND Ref NOT LIKE '%7'")
    assert lived_in_world.failures(LOANS, DAYS[-2]) == ()
    with lived_in_world.store() as store:
        assert store.provenance(LOANS, DAYS[-1], "objectives") != before
        spec = lived_in_world.loaded(LOANS).spec
        now = measure_chunk_objectives(spec, spec.calendar.chunk(DAYS[-1]), store=store)
        assert tuple(store.measurements(LOANS, DAYS[-1], "objectives")) == now.measurements
