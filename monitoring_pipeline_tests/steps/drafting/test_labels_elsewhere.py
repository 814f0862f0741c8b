"""Labels in a table of their own, whose id has another name than that of the predictions, or none."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
from monitoring_pipeline.evaluation.drafting.hints import Advice, Hints
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
    question = (
        "Does answers hold the labels? Its label is not clear, or nothing in it is seen to identify rows of scores"
    )
    assert any(doubt.startswith(question) for doubt in plan.doubts)


def _flights() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return predictions that no single column identifies, and their labels with two numbers, one of them the label."""
    keys = pl.DataFrame(
        {
            "carrier": pl.Series(["AA", "UA"] * (ROWS // 2)),
            "flightNum": PLACES // 2 % 60,
            "flightDate": [f"{START + dt.timedelta(days=place // 120):%Y%m%d}" for place in range(ROWS)],
        }
    )
    epoch = (START.timestamp() + PLACES * 900).cast(pl.Int64)
    predictions = keys.with_columns(
        createdTs=epoch, updatedTs=epoch + 180, etaPredicted=PLACES * 7 % 301 + 0.25, miles=PLACES * 13 % 97 + 0.5
    )
    actuals = keys.with_columns(minutes=PLACES * 7 % 301 + 1.5, delay=PLACES * 11 % 53 + 0.5, landedTs=epoch + 28_800)
    return predictions, actuals.sample(fraction=1.0, shuffle=True, seed=1)


def test_columns_that_both_tables_have_identify_a_prediction_together(tmp_path: Path):
    predictions, actuals = _flights()
    write_tables(tmp_path / "w.duckdb", {"predictions": predictions, "actuals": actuals})
    label = Advice((Hints(origin="--column", roles={Role.LABEL: ("minutes",)}),))
    plan = draft(tmp_path / "w.duckdb", Wishes(table="predictions", labels="actuals"), label)
    assert plan.identity.columns == ("carrier", "flightNum", "flightDate")
    assert plan.labels is not None
    assert plan.labels.known_at is not None
    assert (plan.labels.id, plan.labels.known_at.column.name) == (plan.identity.columns, "landedTs")
    assert plan.delay is not None
    assert plan.delay.text == "8h"
    assert "flightDate" in {each.column for each in plan.inputs.left_out}


def test_table_with_the_name_of_labels_is_asked_about_and_a_time_is_no_id(tmp_path: Path):
    predictions, actuals = _flights()
    write_tables(tmp_path / "w.duckdb", {"predictions": predictions, "actuals": actuals})
    plan = draft(tmp_path / "w.duckdb")
    assert plan.labels is None
    assert plan.identity.columns != ("updatedTs",)
    assert any(doubt.startswith("Does actuals hold the labels? Its label is not clear") for doubt in plan.doubts)


def test_label_is_no_part_of_the_id_of_rows_without_one(tmp_path: Path):
    day = pl.Series([(START + dt.timedelta(days=place // 100)).date() for place in range(ROWS)])
    rows = pl.DataFrame(
        {"day": day, "score": PLACES // 2 % 50 / 50, "outcome": PLACES % 2, "amount": PLACES % 100 // 4}
    )
    twice = rows.with_columns(amount=pl.when(PLACES % 100 > 3).then(PLACES % 100).otherwise(0))
    write_tables(tmp_path / "w.duckdb", {"scores": twice})
    plan = draft(tmp_path / "w.duckdb")
    assert plan.labels is not None
    assert plan.labels.label.name == "outcome"
    assert "outcome" not in plan.identity.columns
    assert 0 < plan.identity.repeated < 0.05
