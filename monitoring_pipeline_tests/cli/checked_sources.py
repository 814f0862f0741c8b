"""A warehouse with a sound source of a model and faulty copies of it, and specs that together provoke every finding."""

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import yaml

from monitoring_pipeline_tests.spec.cases import BINARY, changed

DAYS, ROWS_OF_A_DAY = 80, 30
VERSIONED: dict[str, Any] = {"predictions.model_version": "version"}
DELAY = {"labels.delay": "10d"}
RETRAINED: dict[str, Any] = {**VERSIONED, "retraining": {"trainer": "monitoring_pipeline.demo.retraining:train"}}
SCORES = "SELECT * FROM scores"
VIEWS = {
    "faulty": "SELECT * REPLACE (CASE WHEN scored_at::DATE = '2024-03-20' THEN '2' WHEN customer LIKE '%7' THEN NULL "
    "ELSE version END AS version, CASE WHEN customer = 'c5' THEN NULL ELSE date_trunc('day', scored_at) END "
    "AS scored_at, round(probability) AS probability), 'x' AS constant, NULL::DOUBLE AS empty, customer AS identifier, "
    "CASE WHEN customer LIKE '%3' THEN 'unknown' ELSE '7' END AS words FROM scores "
    "UNION ALL SELECT * REPLACE (1 AS probability), 'x', NULL, 'y', '8' FROM scores WHERE customer = 'c9'",
    "nothing": f"{SCORES} WHERE FALSE",
    "future": "SELECT * REPLACE (scored_at + INTERVAL 150 YEAR AS scored_at) FROM scores",
    "thin": f"{SCORES} WHERE dayofyear(scored_at) IN (3, 15, 22, 38, 51, 65, 73, 77)",
    "reversed": "SELECT * REPLACE (1 - probability AS probability) FROM scores",
    "random": "SELECT * REPLACE (hash(customer) % 1000 / 1000 AS probability) FROM scores",
    "early_outcomes": "SELECT * REPLACE (CASE WHEN customer LIKE '%1' THEN NULL ELSE seen_at - INTERVAL 40 DAY END "
    "AS seen_at) FROM outcomes",
    "stayed": "SELECT * REPLACE (FALSE AS left_) FROM outcomes",
    "coded": "SELECT * REPLACE (CASE WHEN left_ THEN 1 ELSE 2 END AS left_) FROM outcomes",
    "certain": "SELECT customer, probability > 0.3 AS left_, scored_at + INTERVAL 1 DAY AS seen_at FROM scores",
    "others": "SELECT * REPLACE ('x' || customer AS customer) FROM outcomes",
    "few_outcomes": "SELECT * FROM outcomes WHERE customer IN (SELECT min(customer) FROM thin WHERE scored_at < "
    "'2024-03-01' GROUP BY scored_at::DATE)",
    "unlabelled": "SELECT * FROM outcomes WHERE FALSE",
}
SPECS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "sound": ({}, set()),
    "elsewhere": ({"warehouse": "lake"}, {"warehouse_configured"}),
    "declared": (
        {**RETRAINED, "cadence": "month", "start": "2024-02-01", "incidents.horizon": "1h", "labels.delay": "30d",
         "labels.lookback": "14d", "runbook": "wiki",
         "predictions.decision_threshold": 0, "quality.volume_ratio": {"upper": 0.8},
         "reference.3": {"start": "2024-03-01", "end": f"{dt.datetime.now(dt.UTC):%Y-%m-%d}"},
         "reference.2": {"start": "2024-03-01", "end": "2190-01-01"},
         "objectives": {"good": {"metric": "auroc", "lower": 0.5}},
         "drift.false_alarm_share": 0.05, "budget": {"warnings_per_month": 0.0001},
         "performance.thresholds": {
             "auroc": {"lower": 70, "severity": "info"}, "recall": {"upper": 95, "severity": "info"},
             "log_loss": {"lower": 0.1, "severity": "info"}}},
        {"limits_possible", "limits_effective", "limits_on_the_bad_side", "volume_allows_usual", "budget_of_a_chunk",
         "flags_within_budget", "start_after_reference", "reference_over", "reference_labels_complete",
         "reference_long", "lookback_covers_delay", "holdout_has_chunks",
         "horizon_covers_schedule", "retraining_has_a_reason", "decision_possible", "suite_columns", "suite_usable",
         "runbook_linked"},
    ),
    "faulty": (
        {**VERSIONED, "predictions.table": "faulty",
         "features": {"gone": "numeric", "constant": "categorical", "empty": "numeric", "identifier": "categorical",
                      "words": "numeric", "age": {"kind": "numeric", "null_values": [-999]}}},
        {"columns_exist", "columns_vary", "columns_have_values", "features_repeat", "numbers_readable",
         "null_values_occur", "scores_are_probabilities", "predictions_have_time", "times_are_granular", "rows_usable",
         "rows_have_version", "versions_have_reference"},
    ),
    "absent": ({"predictions.table": "scorse"}, {"readable"}),
    "nothing": ({"predictions.table": "nothing"}, {"predictions_exist", "reference_has_rows"}),
    "future": ({"predictions.table": "future"}, {"predictions_are_past", "reference_has_rows"}),
    "thin": (
        {**RETRAINED, "predictions.table": "thin", "labels.table": "few_outcomes", "quality.minimum_rows": 40,
         "performance.thresholds": {"auroc": {"lower": 0.6}}},
        {"reference_large", "cadence_fits", "reference_labelled", "labels_match_most", "chunks_large_for_drift",
         "chunks_large_for_performance", "chunks_above_minimum", "gate_fills"},
    ),
    "reversed": (
        {"predictions.table": "reversed", "labels.table": "early_outcomes",
         "performance.thresholds": {"auroc": {"lower": 0.6}}},
        {"model_not_reversed", "reference_keeps_thresholds", "labels_follow_predictions", "labels_have_time"},
    ),
    "random": ({"predictions.table": "random", "labels.delay": "5d"}, {"model_better_than_chance", "labels_in_time"}),
    "stayed": ({"labels.table": "stayed"}, {"classes_occur"}),
    "coded": ({"labels.table": "coded"}, {"positive_declared"}),
    "certain": ({"labels.table": "certain"}, {"model_not_perfect"}),
    "others": ({"labels.table": "others"}, {"labels_match"}),
    "unlabelled": ({"labels.table": "unlabelled"}, {"labels_exist"}),
}  # fmt: skip
"""By name of the model: the changes of a sound spec, and the checks that find something in it."""


def write_warehouse(path: Path) -> None:
    """Write the tables and views."""
    rng = np.random.default_rng(5)
    rows = DAYS * ROWS_OF_A_DAY
    days = np.datetime64("2024-01-01") + (np.arange(rows) // ROWS_OF_A_DAY)
    probability = rng.beta(2, 4, rows)
    scores = pl.DataFrame(
        {
            "customer": [f"c{number}" for number in range(rows)],
            "scored_at": days.astype("datetime64[us]") + rng.integers(0, 86_400, rows).astype("timedelta64[s]"),
            "version": "1",
            "probability": probability,
            "age": rng.normal(40, 9, rows),
            "plan": rng.choice(["basic", "plus"], rows),
        }
    )
    outcomes = pl.DataFrame(
        {
            "customer": scores["customer"],
            "left_": rng.random(rows) < probability,
            "seen_at": scores["scored_at"].dt.offset_by("10d"),
        }
    )
    with duckdb.connect(str(path)) as connection:
        for name, frame in (("scores", scores), ("outcomes", outcomes)):
            connection.register("frame", frame.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM frame")
            connection.unregister("frame")
        for name, query in VIEWS.items():
            connection.execute(f"CREATE VIEW {name} AS {query}")


def write_specs(folder: Path) -> None:
    """Write the specs, and the suite of one of them: an unknown type, and a column that does not exist."""
    for name, (changes, _) in SPECS.items():
        document = changed(
            BINARY, {"name": name, "labels.label": "left_", "drift.minimum_rows": 30, **DELAY, **changes}
        )
        if "performance.thresholds" not in changes and name != "declared":
            document = changed(document, {"performance.minimum_rows": 25})
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    expectation = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "agee"}}
    suite = {"expectations": [expectation, {"type": "expect_column_value_lenghts_to_equal"}]}
    (folder / "declared.suite.yaml").write_text(yaml.safe_dump(suite), encoding="utf-8")
