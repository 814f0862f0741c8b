"""Labels in a table of their own, whose id has another name than that of the predictions, or none."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from monitoring_pipeline.steps.drafting.drafting import Wishes
from monitoring_pipeline_tests.steps.drafting.drafts import draft, write_tables

ROWS = 2_400
START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
PLACES = pl.int_range(ROWS, eager=True)
SCORES = PLACES * 37 % 1_009 / 1_009


def _predictions(keys: pl.Series) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "request_id": pl.Series([f"r{place}" for place in range(ROWS)]),
            "order": keys,
            "scored_at": [START + dt.timedelta(minutes=15 * place) for place in range(ROWS)],
            "score": SCORES,
            "decision": (SCORES > 0.5).cast(pl.Int8),
            "amount": PLACES * 13 % 97 + 0.5,
        }
    )


def _answers(keys: pl.Series) -> pl.DataFrame:
    paid = pl.select(pl.when(SCORES > 0.6).then(pl.lit("no")).otherwise(pl.lit("yes"))).to_series()
    return pl.DataFrame({"reference": keys, "paid": paid}).sample(fraction=1.0, shuffle=True, seed=1)


TEXTS = pl.Series([f"ord-{place}" for place in range(ROWS)])


def test_labels_are_joined_by_the_values_of_an_id_with_another_name(tmp_path: Path):
    write_tables(tmp_path / "w.duckdb", {"scores": _predictions(TEXTS), "answers": _answers(TEXTS)})
    plan = draft(tmp_path / "w.duckdb")
    assert plan.identity.columns == ("order",)
    assert plan.labels is not None
    assert plan.labels.table is not None
    assert (plan.labels.table.name, plan.labels.id) == ("answers", ("reference",))
    assert plan.spec.predictions.id == "order"
    assert not any(doubt.endswith("(labels)") for doubt in plan.doubts)


def test_prediction_with_other_values_than_the_label_has_its_own_positive_value(tmp_path: Path):
    write_tables(tmp_path / "w.duckdb", {"scores": _predictions(TEXTS), "answers": _answers(TEXTS)})
    plan = draft(tmp_path / "w.duckdb", Wishes(table="scores", labels="answers"))
    assert plan.outputs.prediction is not None
    assert (plan.positive and plan.positive.value, plan.positive_prediction) == ("no", 1)


@pytest.mark.parametrize(
    "others", [pl.Series([f"x-{place}" for place in range(ROWS)]), PLACES], ids=["other values", "numbers"]
)
def test_labels_without_an_id_that_is_seen_to_be_shared_are_a_question(tmp_path: Path, others: pl.Series):
    keys = TEXTS if others.dtype == pl.String else PLACES
    write_tables(tmp_path / "w.duckdb", {"scores": _predictions(keys), "answers": _answers(others)})
    plan = draft(tmp_path / "w.duckdb")
    assert plan.labels is None
    question = "Does answers hold the labels? It has a column that may be one, and none that is seen to identify rows"
    assert any(doubt.startswith(question) for doubt in plan.doubts)
