"""Users' models are monitored with their specs alone, without code in the package."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import numpy as np
import pytest
import sqlalchemy as sa
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import deserialize_value, serialize_value
from sklearn.metrics import mean_absolute_error, roc_auc_score

from monitoring_pipeline.evaluation.explanation.effect import weighed_by_effect
from monitoring_pipeline.evaluation.incidents.fold import fold_incidents
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.records.cause import Family
from monitoring_pipeline.records.measurement import Kind, Severity, Status, VerdictStatus
from monitoring_pipeline.store.incident_inputs import read_chunk_measurements
from monitoring_pipeline_tests.worlds.world import (
    CLOCK_CHANGE,
    DAYS,
    DELIVERIES,
    DRIFT_FROM,
    FIRST,
    LAST,
    LOANS,
    ROWS_A_DAY,
    World,
)

ASSETS = (
    "reference", "predictions", "profile", "drift", "estimate", "labels", "performance", "windows",
    "attribution", "verdict", "incidents",
)  # fmt: skip


def _value(world: World, model: str, day: str, name: str) -> float | None:
    with world.store() as store:
        measured = [
            m for m in store.measurements(model, day) if m.kind not in {Kind.ESTIMATED_PERFORMANCE, Kind.WINDOW}
        ]
    (named,) = [m for m in measured if m.name == name]
    return named.value


@pytest.mark.parametrize("model", [LOANS, DELIVERIES])
def test_each_day_has_all_rows_and_final_labels(monitored, model):
    for day in DAYS:
        assert _value(monitored, model, day, "rows") == ROWS_A_DAY
        assert _value(monitored, model, day, "maturity") == 1.0


def test_performance_equals_sklearn_on_the_rows_of_the_local_day(monitored):
    start = dt.datetime.combine(CLOCK_CHANGE, dt.time(), ZoneInfo("Europe/Berlin"))
    end = dt.datetime.combine(CLOCK_CHANGE + dt.timedelta(days=1), dt.time(), ZoneInfo("Europe/Berlin"))
    window = [moment.astimezone(dt.UTC).replace(tzinfo=None) for moment in (start, end)]
    assert (window[1] - window[0]).total_seconds() == 23 * 3600
    with duckdb.connect(Path(monitored.settings.warehouse), read_only=True) as connection:
        rows = connection.execute(
            'SELECT "Default Probability", Outcome = \'default\' FROM "Loan Scores" '
            'JOIN Outcomes ON Ref = "Application ID" WHERE "Scored At" >= $1 AND "Scored At" < $2',
            window,
        ).fetchnumpy()
        minutes = connection.execute(
            "SELECT minutes, actual_minutes FROM ops.deliveries JOIN ops.arrivals USING (parcel) "
            "WHERE promised_at >= TIMESTAMP '2024-03-30 18:30:00' AND promised_at < TIMESTAMP '2024-03-31 18:30:00'"
        ).fetchnumpy()
    score, label = rows.values()
    assert len(label) == ROWS_A_DAY
    assert _value(monitored, LOANS, str(CLOCK_CHANGE), "auroc") == pytest.approx(roc_auc_score(label, score), abs=1e-12)
    accuracy = np.mean((score >= 0.4) == label)
    assert _value(monitored, LOANS, str(CLOCK_CHANGE), "accuracy") == pytest.approx(accuracy, abs=1e-12)
    assert _value(monitored, DELIVERIES, str(CLOCK_CHANGE), "mean_absolute_error") == pytest.approx(
        mean_absolute_error(*minutes.values()), abs=1e-12
    )


def test_drift_is_found_exactly_on_drifted_days(monitored):
    drifted = monitored.ask(
        "SELECT model, subject, chunk FROM measurements WHERE kind = 'drift' AND status = 'breached' ORDER BY chunk"
    )
    days = [day for day in DAYS if day >= str(DRIFT_FROM)]
    assert set(drifted) == {(LOANS, subject, day) for day in days for subject in ("features", "income")}


def test_verdicts_are_warnings_on_drifted_days(monitored):
    with monitored.store() as store:
        loans, deliveries = (store.verdicts(model) for model in (LOANS, DELIVERIES))
    assert list(loans) == list(deliveries) == list(DAYS)
    assert {day for day, verdict in loans.items() if verdict.status is VerdictStatus.WARNING} >= {
        day for day in DAYS if day >= str(DRIFT_FROM)
    }
    assert VerdictStatus.CRITICAL not in {verdict.status for verdict in (*loans.values(), *deliveries.values())}
    assert any(r.startswith("warning: drift income ") for r in loans[str(DRIFT_FROM)].reasons)


def test_drift_that_leaves_the_score_and_performance_alone_is_for_information_without_a_declared_severity(monitored):
    spec = monitored.loaded(LOANS).spec
    undeclared = spec.model_copy(update={"drift": spec.drift.model_copy(update={"severity": None})})
    with sa.create_engine(monitored.settings.store_url).connect() as connection:
        chunks = read_chunk_measurements(connection, LOANS)
    of_inputs = {
        name: next(h.incident for h in fold_incidents(each, chunks) if h.incident.cause.family is Family.INPUTS)
        for name, each in (("declared", spec), ("undeclared", undeclared))
    }
    assert {name: incident.severity for name, incident in of_inputs.items()} == {
        "declared": Severity.WARNING, "undeclared": Severity.INFO
    }  # fmt: skip
    assert "without effect on the model: score and auroc are within limits" in of_inputs["undeclared"].title
    with monitored.store() as store:
        measured = store.measurements(LOANS, str(DRIFT_FROM))
    assert judge(weighed_by_effect(spec, measured)).status is VerdictStatus.WARNING
    assert judge(weighed_by_effect(undeclared, measured)).status is VerdictStatus.OK


def test_monitored_days_have_no_skipped_measurements_above_info(monitored):
    with monitored.store() as store:
        everything = [m for model in (LOANS, DELIVERIES) for day in DAYS for m in store.measurements(model, day)]
    assert {m.reason for m in everything if m.status is Status.SKIPPED and m.severity is not Severity.INFO} == set()


def test_snapshot_contains_no_clear_ids(monitored):
    (uri,) = monitored.ask("SELECT uri FROM snapshots WHERE model = :m AND chunk = :c AND kind = 'predictions'",
                           m=LOANS, c=DAYS[0])[0]  # fmt: skip
    written = (monitored.folder / "snapshots" / uri).read_bytes()
    assert b"A-00" not in written


def test_partition_metadata_contains_the_numbers_of_its_chunk(monitored):
    def numbers(asset: str) -> dict[str, dict[str, object]]:
        records = monitored.instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey([LOANS, asset])), limit=100
        ).records
        return {
            record.partition_key: {
                name: entry.value
                for name, entry in record.asset_materialization.metadata.items()
                if isinstance(entry.value, int | float)
            }
            for record in records
        }

    performance, drift, predictions = numbers("performance"), numbers("drift"), numbers("predictions")
    assert set(performance) == set(drift) == set(predictions) == set(DAYS)
    assert {day: values["auroc"] for day, values in performance.items()} == {
        day: pytest.approx(_value(monitored, LOANS, day, "auroc"), abs=0.00005) for day in DAYS
    }
    assert {day: values["drifted_columns"] for day, values in drift.items()} == {
        day: int(day >= str(DRIFT_FROM)) for day in DAYS
    }
    assert {values["dagster/partition_row_count"] for values in predictions.values()} == {ROWS_A_DAY}
    assert {values["maturity"] for values in numbers("labels").values()} == {1.0}
    assert {values["level"] for day, values in numbers("verdict").items() if day >= str(DRIFT_FROM)} == {1}


@pytest.mark.parametrize(("model", "owner", "zone"), [
    (LOANS, "risk@example.com", "Europe/Berlin"), (DELIVERIES, "team:logistics", "Asia/Kolkata"),
])  # fmt: skip
def test_assets_have_owner_group_kinds_partitions_and_dependencies(monitored, model, owner, zone):
    specs = {spec.key.path[-1]: spec for spec in monitored.definitions.resolve_all_asset_specs()
             if spec.key.path[0] == model}  # fmt: skip
    assert set(specs) == {*ASSETS, "report"}
    for spec in specs.values():
        assert spec.owners == [owner]
        assert spec.group_name == model
        assert spec.tags["model"] == model
        assert spec.description
    assert specs["predictions"].kinds == {"duckdb", "polars", "greatexpectations"}
    assert specs["reference"].partitions_def is specs["report"].partitions_def is None
    for name in ASSETS[1:]:
        assert specs[name].partitions_def.get_partition_keys() == list(DAYS)
        assert str(specs[name].partitions_def.timezone) == zone
    parents = {name: {dep.asset_key.path[-1] for dep in spec.deps} for name, spec in specs.items()}
    assert parents == {
        "reference": set(),
        "predictions": {"reference"},
        "profile": {"reference", "predictions"},
        "drift": {"reference", "predictions", "profile"},
        "estimate": {"reference", "predictions"},
        "labels": {"reference", "predictions"},
        "performance": {"reference", "predictions", "labels"},
        "windows": {"reference", "performance"},
        "attribution": {"reference", "predictions", "profile", "labels"},
        "verdict": set(ASSETS) - {"reference", "verdict", "incidents"},
        "incidents": {"verdict"},
        "report": {"incidents"},
    }


@pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars`:DeprecationWarning")
def test_definitions_survive_serialization_for_the_web_server(monitored):
    snapshot = RepositorySnap.from_def(monitored.definitions.get_repository_def())
    assert deserialize_value(serialize_value(snapshot), RepositorySnap) == snapshot


def test_definitions_contain_jobs_and_schedules_per_model_and_shared_sensors(monitored):
    repository = monitored.definitions.get_repository_def()
    names = {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")}
    of_models = {f"{model}_{what}" for model in (LOANS, DELIVERIES) for what in ("nightly", "late_labels")}
    assert names == of_models | {"record_failures", "deliver_alerts"}
    assert {schedule.name for schedule in repository.schedule_defs} == {f"{m}_schedule" for m in (LOANS, DELIVERIES)}
    assert sorted(sensor.name for sensor in repository.sensor_defs) == [
        "alerts", "late_labels", "outages", "pipeline_health", "reports",
    ]  # fmt: skip


@pytest.mark.parametrize(("model", "local_time", "zone"), [
    (LOANS, "2024-04-01T04:30", "Europe/Berlin"), (DELIVERIES, "2024-04-01T06:00", "Asia/Kolkata"),
])  # fmt: skip
def test_schedule_at_the_local_time_requests_yesterday(monitored, model, local_time, zone):
    tick = dt.datetime.fromisoformat(local_time).replace(tzinfo=ZoneInfo(zone))
    asked = _asked_at(monitored, model, tick)
    assert [request.partition_key for request in asked] == ["2024-03-31"]
    schedule = monitored.definitions.get_repository_def().get_schedule_def(f"{model}_schedule")
    assert schedule.execution_timezone == zone
    assert schedule.cron_schedule == f"{tick.minute} {tick.hour} * * *"


def test_schedule_requests_monitored_days_only(monitored):
    def asked(day: dt.date) -> list[str | None]:
        tick = dt.datetime.combine(day, dt.time(4, 30), ZoneInfo("Europe/Berlin"))
        return [request.partition_key for request in _asked_at(monitored, LOANS, tick)]

    assert asked(FIRST) == []
    assert asked(FIRST + dt.timedelta(days=1)) == [DAYS[0]]
    assert asked(LAST + dt.timedelta(days=1)) == [DAYS[-1]]
    assert asked(LAST + dt.timedelta(days=2)) == []


def _asked_at(world: World, model: str, tick: dt.datetime) -> list[dg.RunRequest]:
    repository = world.definitions.get_repository_def()
    with dg.build_schedule_context(
        instance=world.instance, scheduled_execution_time=tick, repository_def=repository
    ) as context:
        return list(repository.get_schedule_def(f"{model}_schedule").evaluate_tick(context).run_requests)
