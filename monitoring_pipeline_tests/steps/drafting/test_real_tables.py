"""What ``init`` finds in ten tables that were made from real data sets."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import polars as pl
import pytest

from monitoring_pipeline.evaluation.drafting.plan import Plan
from monitoring_pipeline.spec.loading import load_spec
from monitoring_pipeline.steps.specs.checks import check_model
from monitoring_pipeline_tests.steps.drafting.drafts import draft, write_tables
from monitoring_pipeline_tests.steps.drafting.real_tables import REAL_TABLES, RealTable

RIGHT = {
    "breast cancer": 14, "wine": 13, "diabetes": 9, "affairs": 11, "health insurance": 9, "election": 8, "iris": 13,
    "digits": 6, "unlabelled": 9, "carbon dioxide": 7,
}  # fmt: skip
"""Right guesses of each table; every guess of every table is right."""


def _found(plan: Plan) -> Mapping[str, object]:
    spec = plan.spec
    source, labels = spec.predictions, spec.labels
    return {
        "id": source.id, "time": source.time, "version": source.model_version, "score": source.score,
        "scores": tuple(source.scores.values()), "prediction": source.prediction, "task": spec.task.value,
        "cadence": spec.cadence, "label": labels.label if labels else None, "labels": labels and labels.table,
        "known_at": labels and labels.known_at, "positive": labels and labels.positive,
        "delay": plan.delay and plan.delay.text,
        "null_values": {name: each.null_values for name, each in spec.features.items() if each.null_values},
    }  # fmt: skip


def _judged(table: RealTable, plan: Plan) -> Iterator[tuple[str, object, object]]:
    """Yield each guess: what it is about, the guess, and what is right."""
    found = _found(plan)
    for role, right in table.roles.items():
        yield role, found[role], right
    left_out = {each.column for each in plan.inputs.left_out}
    for column in table.left_out:
        yield f"{column} left out", column in left_out, True
    for column, kind in table.kinds.items():
        yield f"kind of {column}", next((e.kind.value for e in plan.inputs.inputs if e.column == column), None), kind
    for question in table.asked:
        yield question, any(doubt.startswith(question) for doubt in plan.doubts), True


@pytest.mark.parametrize("make", REAL_TABLES, ids=lambda make: make.__name__)
def test_draft_of_a_real_table_has_the_right_roles_and_is_a_valid_spec(make: Callable[[], RealTable], tmp_path: Path):
    table = make()
    write_tables(tmp_path / "w.duckdb", table.tables)
    plan = draft(tmp_path / "w.duckdb")
    judged = list(_judged(table, plan))
    assert [each for each in judged if each[1] != each[2]] == []
    assert len(judged) == RIGHT[table.name], len(judged)
    path = tmp_path / f"{plan.name}.yaml"
    path.write_text(plan.text(["Drafted."]), encoding="utf-8")
    loaded = load_spec(path)
    check_model(loaded)
    assert loaded.spec == plan.spec


def test_column_that_follows_the_prediction_is_asked_about_as_the_label(tmp_path: Path):
    rows = 2_000
    riders = [50 + place % 300 for place in range(rows)]
    frame = pl.DataFrame(
        {
            "ride": [f"r{place}" for place in range(rows)],
            "start": [dt.datetime(2011, 3, 1, tzinfo=dt.UTC) + dt.timedelta(hours=place) for place in range(rows)],
            "temperature": [0.01 * (place * 7 % 100) for place in range(rows)],
            "y_hat": [each + place * 13 % 40 - 20.0 for place, each in enumerate(riders)],
            "riders": riders,
        }
    )
    write_tables(tmp_path / "w.duckdb", {"rides": frame})
    (asked,) = [
        doubt for doubt in draft(tmp_path / "w.duckdb").doubts if doubt.startswith("Which column is the label?")
    ]
    assert "Candidates: correlated with the prediction is riders by 0.99. Name it: --column label=COLUMN" in asked


def test_times_without_a_zone_are_asked_about(tmp_path: Path):
    rows = 2_000
    start = [dt.datetime(2011, 3, 1, tzinfo=dt.UTC) + dt.timedelta(hours=place) for place in range(rows)]
    frame = pl.DataFrame({"id": list(range(rows)), "at": start, "score": [place % 97 / 100 for place in range(rows)]})
    for zoned, asked in ((frame, 0), (frame.with_columns(pl.col("at").dt.replace_time_zone(None)), 1)):
        path = tmp_path / f"{asked}.duckdb"
        write_tables(path, {"rides": zoned.with_columns(weight=pl.col("score") * 3)})
        assert sum("They have no zone" in doubt for doubt in draft(path).doubts) == asked
