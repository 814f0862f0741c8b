"""Sources with nested columns, and with tables that cannot be read."""

import datetime as dt
from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import pytest

from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
from monitoring_pipeline.evaluation.drafting.hints import Advice, Hints
from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.steps.drafting.drafting import Wishes
from monitoring_pipeline_tests.steps.drafting.drafts import draft, write_tables

ROWS = 2_400
START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
PLACES = pl.int_range(ROWS, eager=True)
SCORES = pl.DataFrame(
    {
        "request_id": [f"r{place}" for place in range(ROWS)],
        "scored_at": [START + dt.timedelta(minutes=15 * place) for place in range(ROWS)],
        "amount": PLACES * 13 % 97 + 0.5,
        "score": PLACES * 37 % 1_009 / 1_009,
    }
)
NESTED = SCORES.select(
    "request_id", "scored_at", "amount", pl.struct(risk="score", band=pl.lit("a")).alias("out"),
    tags=pl.concat_list(pl.lit("x"), pl.lit("y")),
)  # fmt: skip


def _advice(**roles: str) -> Advice:
    named = {Role(role): (column,) for role, column in roles.items()}
    return Advice((Hints(origin="--column", roles=named, must_exist=True),))


def test_value_inside_of_a_nested_column_is_the_score_that_the_user_names(tmp_path: Path):
    write_tables(tmp_path / "w.duckdb", {"nested": NESTED})
    plan = draft(tmp_path / "w.duckdb", advice=_advice(score="out.risk"))
    assert plan.spec.predictions.score == "out.risk"
    assert plan.timing is not None
    assert [each.column for each in plan.inputs.inputs] == ["amount"]
    assert {each.column: each.reason.partition(" (")[0] for each in plan.inputs.left_out} == {
        "out": "a nested value",
        "tags": "a nested value",
    }


def test_refusal_names_the_path_of_a_nested_column(tmp_path: Path):
    write_tables(tmp_path / "w.duckdb", {"nested": NESTED})
    with pytest.raises(CannotDraftError, match=r"inside of out \(STRUCT\(risk DOUBLE.*--column score=out\.PART"):
        draft(tmp_path / "w.duckdb")


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("scor", r"--column score=scor: scores has no such column; did you mean score or scored_at\?"),
        ("amount.part", r"--column score=amount\.part: scores has no such column; amount is DOUBLE"),
    ],
)
def test_column_that_the_user_names_and_that_does_not_exist_is_refused(tmp_path: Path, column: str, message: str):
    write_tables(tmp_path / "w.duckdb", {"scores": SCORES})
    with pytest.raises(CannotDraftError, match=message):
        draft(tmp_path / "w.duckdb", advice=_advice(score=column))


@pytest.mark.parametrize("named", ["scores", None])
def test_table_that_cannot_be_read_is_left_out_and_named(tmp_path: Path, named: str | None):
    database = tmp_path / "w.duckdb"
    write_tables(database, {"scores": SCORES, "gone": SCORES})
    with closing(duckdb.connect(str(database))) as connection:
        connection.execute("CREATE VIEW broken AS SELECT * FROM gone")
        connection.execute("DROP TABLE gone")
    plan = draft(database, Wishes(table=named))
    assert plan.table.name == "scores"
    assert plan.doubts[-1].startswith("Is broken needed? It is left out, because it cannot be read. ")
    with pytest.raises(SourceError):
        draft(database, Wishes(table="broken"))
    with pytest.raises(SourceError):
        draft(database, Wishes(table="scores", labels="broken"))


def test_source_of_which_no_table_can_be_read_is_refused_with_the_reason(tmp_path: Path):
    database = tmp_path / "w.duckdb"
    write_tables(database, {"gone": SCORES})
    with closing(duckdb.connect(str(database))) as connection:
        connection.execute("CREATE VIEW broken AS SELECT * FROM gone")
        connection.execute("DROP TABLE gone")
    with pytest.raises(CannotDraftError, match="broken cannot be read: "):
        draft(database)


def test_label_with_a_word_for_not_known_yet_has_it_as_a_null_value(tmp_path: Path):
    answers = pl.select(
        pl.when(PLACES >= 2_000)
        .then(pl.lit("pending"))
        .when(PLACES % 7 < 2)
        .then(pl.lit("yes"))
        .otherwise(pl.lit("no"))
    ).to_series()
    write_tables(tmp_path / "w.duckdb", {"scores": SCORES.with_columns(answers.alias("settled_as"))})
    plan = draft(tmp_path / "w.duckdb")
    labels = plan.spec.declared_labels
    assert (labels.label, labels.null_values, labels.positive) == ("settled_as", ("pending",), "yes")
    assert [each.column for each in plan.inputs.inputs] == ["amount"]
