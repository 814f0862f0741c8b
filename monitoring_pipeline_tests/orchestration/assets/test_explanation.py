"""Explained chunks of a real world: a registered model or a surrogate, from Dagster's run to the incident's words."""

import datetime as dt
import json

import lightgbm
import numpy as np
import pandas as pd
import polars as pl
import pytest
from click.testing import CliRunner
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline

from monitoring_pipeline.cli import main
from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.evaluation.privacy.pseudonyms import pseudonymise
from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.reports.terminal.explanations import row_table
from monitoring_pipeline.spec.sources import FeatureKind, ReferenceWindow, Task
from monitoring_pipeline.steps.explaining import explain_row
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, delivery_tables

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
BROKEN = DAYS[2]
LOST = (
    "UPDATE ops.deliveries SET distance_km = NULL, minutes = 34.0 WHERE promised_at >= $first AND promised_at < $last"
)
FIRST_PARCEL = "SELECT parcel, minutes FROM ops.deliveries WHERE promised_at >= $day ORDER BY parcel LIMIT 1"
ZONE = dt.timedelta(hours=5, minutes=30)
START = dt.datetime.fromisoformat(DAYS[0]) - ZONE


def _explained(world, day):
    with world.store() as store:
        return {str(m.metric): m for m in store.measurements(DELIVERIES, day, Producer.EXPLANATION)}


def _break_distance(world):
    start = dt.datetime.fromisoformat(BROKEN) - ZONE
    world.execute(LOST, "SELECT 1", first=start, last=start + dt.timedelta(days=1))


def _register(world):
    """Register the model that made the world's predictions, but for missing distances, for which it returns 34."""
    rows, _ = delivery_tables()
    lost = rows.head(2_000).with_columns(distance_km=pl.lit(None, pl.Float64), minutes=pl.lit(34.0))
    rows = pl.concat([rows, lost]).with_columns(label=pl.col("minutes"), predicted_at=pl.col("promised_at"))
    trees = HistGradientBoostingRegressor(max_iter=200, max_leaf_nodes=127, min_samples_leaf=2, early_stopping=False)
    model = make_pipeline(make_column_transformer(("passthrough", ["distance_km"])), trees)
    request = TrainingRequest(
        model=DELIVERIES,
        task=Task.REGRESSION,
        rows=rows.select("predicted_at", "distance_km", "vehicle", "label"),
        features={"distance_km": FeatureKind.NUMERIC, "vehicle": FeatureKind.CATEGORICAL},
        classes=(),
        window=ReferenceWindow(start=dt.date(2024, 3, 15), end=dt.date(2024, 3, 25)),
        seed=1,
    )
    model.fit(request.inputs(), np.asarray(rows["label"]))
    registry = build_adapters(world.settings).registry
    assert registry.register(request, model, tags={}, params={}) == "1"


def test_column_that_was_lost_explains_the_change_of_score_and_performance_in_the_incident(world):
    _register(world)
    _break_distance(world)
    world.change_spec(DELIVERIES, explanation={"model": "registry", "pairs": 100})
    assert world.failures(DELIVERIES, BROKEN) == ()
    found = _explained(world, BROKEN)
    through = found["mean_output_through[distance_km]"]
    assert "version 1 in the registry" in through.definition
    # All minutes are 34 on the broken day, and 10 + 2 * 12 on average before.
    assert through.value == pytest.approx(found["mean_output_change"].value, abs=0.5)
    assert found["mean_output_through[vehicle]"].value == pytest.approx(0.0, abs=1e-6)
    change, fault = found["metric_change[mean_absolute_error]"], found["mean_absolute_error_by_fault[distance_km]"]
    assert fault.lower > 0.0
    assert fault.value / change.value == pytest.approx(1.0, abs=0.25)
    parts = [
        found[f"metric_change_{part}[mean_absolute_error]"]
        for part in ("by_inputs", "by_unlike_rows", "of_relation", "not_split")
        if f"metric_change_{part}[mean_absolute_error]" in found
    ]
    assert fault.value + sum(part.value or 0.0 for part in parts) == pytest.approx(change.value, abs=1e-9)
    with world.store() as store:
        incidents = store.incidents(DELIVERIES)
    words = f"{fault.value:+.3f} of the change of mean_absolute_error by {change.value:+.3f} comes from distance_km"
    (title,) = [entry.incident.title for entry in incidents if "distance_km" in entry.incident.cause.columns]
    assert title.endswith(f"; {words}")


def test_version_that_is_not_registered_is_explained_by_a_surrogate_with_its_fidelity(world):
    world.change_spec(DELIVERIES, explanation={})
    assert world.failures(DELIVERIES, DAYS[0]) == ()
    found = _explained(world, DAYS[0])
    definition = found["mean_output_through[distance_km]"].definition
    assert "a surrogate fitted to the scores, which explains 100% of their variance" in definition
    parts = sum(m.value for name, m in found.items() if name.startswith(("mean_output_through", "mean_output_not")))
    assert parts == pytest.approx(found["mean_output_change"].value, abs=1e-9)
    assert found["importance_order"].value == pytest.approx(1.0)


def _explain(world, monkeypatch, *words):
    for name in ("home", "models", "warehouse", "store_url", "snapshots"):
        monkeypatch.setenv(f"MONITORING_PIPELINE_{name.upper()}", str(getattr(world.settings, name)))
    monkeypatch.setenv("MONITORING_PIPELINE_ID_KEY", "world")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", world.settings.mlflow_tracking_uri)
    return CliRunner().invoke(main, ["explain", DELIVERIES, "--chunk", DAYS[0], *words], catch_exceptions=False)


def test_command_prints_the_parts_of_a_change_and_of_a_row(monitored, tmp_path, monkeypatch):
    shown = _explain(monitored, monkeypatch)
    assert "no change was split" in shown.output
    with monitored.store() as store:
        uri = store.snapshot(DELIVERIES, DAYS[0], Producer.PREDICTIONS).uri
    row = build_adapters(monitored.settings).snapshots.read(uri).sort("distance_km")[-1]
    hashed = row["row_id"][0]
    found = json.loads(_explain(monitored, monkeypatch, "--row", hashed[:16], "--json").output)
    by_name = {entry["name"]: entry for entry in found}
    assert by_name.keys() == {"distance_km", "vehicle"}
    assert (by_name["distance_km"]["row"], by_name["vehicle"]["seen"]) == (hashed, row["vehicle"][0])
    # The prediction is 10 + 2 * distance, and the mean distance is 12.
    assert by_name["distance_km"]["value"] == pytest.approx(2 * (row["distance_km"][0] - 12), rel=0.2)
    assert by_name["vehicle"]["value"] == pytest.approx(0.0, abs=0.5)
    unknown = _explain(monitored, monkeypatch, "--row", "no such row")
    assert unknown.exit_code == 1
    assert "no rows have the ID 'no such row'" in unknown.output


def test_row_is_found_by_the_id_of_the_user(monitored):
    with monitored.store() as store:
        outside = build_adapters(monitored.settings).outside(store, run_id="test")
        spec = monitored.loaded(DELIVERIES).spec
        parcel, minutes = monitored.execute(FIRST_PARCEL, day=START)[0]
        found = explain_row(spec, spec.calendar.chunk(DAYS[0]), str(parcel), outside, id_key=b"world")
    assert found.row_id == pseudonymise(pl.Series([parcel]), b"world")[0]
    assert found.usual + sum(found.parts.values()) == pytest.approx(found.output, abs=1e-9)
    # A surrogate gives nearly what was served, and the row's output is what was served.
    assert found.served == minutes
    assert 0 < abs(found.output - minutes) < 0.2 * minutes
    shown = row_table(DELIVERIES, DAYS[0], found)
    assert shown.title.endswith(f"{minutes:.4g}")
    assert f"{found.output:.4g} of this row" in shown.note


def test_model_without_the_rules_is_not_explained(monitored):
    assert _explained(monitored, DAYS[0]) == {}


def _register_with_lightgbm():
    """Register a model of LightGBM in its own flavour of MLflow."""
    import mlflow.lightgbm

    rows, _ = delivery_tables()
    inputs = rows.select("distance_km").to_pandas()
    trees = lightgbm.LGBMRegressor(n_estimators=60, min_child_samples=5, verbosity=-1, random_state=1, n_jobs=1)
    trees.fit(inputs, np.asarray(rows["minutes"]))
    with mlflow.start_run():
        mlflow.lightgbm.log_model(trees, name="trees", registered_model_name=DELIVERIES, pip_requirements=["lightgbm"])
    return trees


def test_row_of_a_lightgbm_model_has_the_contributions_of_its_library(world, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", world.settings.mlflow_tracking_uri)
    trees = _register_with_lightgbm()
    world.change_spec(DELIVERIES, features={"distance_km": "numeric"})
    assert world.failures(DELIVERIES, DAYS[0]) == ()
    with world.store() as store:
        outside = build_adapters(world.settings).outside(store, run_id="test")
        spec = world.loaded(DELIVERIES).spec
        ((parcel, _),) = world.execute(FIRST_PARCEL, day=START)
        found = explain_row(spec, spec.calendar.chunk(DAYS[0]), str(parcel), outside, id_key=b"world")
    inputs = pd.DataFrame({"distance_km": [float(found.values["distance_km"])]})
    own = trees.booster_.predict(inputs, pred_contrib=True)[0]
    assert (found.parts["distance_km"], found.usual) == pytest.approx((own[0], own[1]), abs=0.0)
    assert found.output == pytest.approx(trees.predict(inputs)[0], abs=1e-9)
    assert found.words == "the raw output of version 1 in the registry, by LightGBM's own contributions"
    assert "LightGBM's own contributions" in row_table(DELIVERIES, DAYS[0], found).note
