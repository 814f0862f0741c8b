"""The roles of columns, by hand."""

import datetime as dt
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.drafting.facts import TableFacts, TableSample, table_facts
from monitoring_pipeline.evaluation.drafting.guesses.identity import guess_identity
from monitoring_pipeline.evaluation.drafting.guesses.inputs import guess_inputs
from monitoring_pipeline.evaluation.drafting.guesses.outputs import guess_outputs
from monitoring_pipeline.evaluation.drafting.guesses.roles import guess
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role, plain_name
from monitoring_pipeline.evaluation.drafting.guesses.separation import separation
from monitoring_pipeline.evaluation.drafting.hints import Advice, Hints
from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError
from monitoring_pipeline.evaluation.drafting.value_kinds import ValueKind
from monitoring_pipeline.spec.sources import FeatureKind, Task

ROWS = 200
NUMBERS = [place / ROWS for place in range(ROWS)]
TIMES = [dt.datetime(2025, 1, 1, tzinfo=dt.UTC) + dt.timedelta(hours=place) for place in range(ROWS)]
NO_ADVICE = Advice()


def _table(**columns: Any) -> TableFacts:
    frame = pl.DataFrame({name: list(values) for name, values in columns.items()})
    types = {name: str(kind) for name, kind in frame.schema.items()}
    return table_facts(TableSample(name="t", rows=frame.height, types=types, counts={}, frame=frame))


def _name(role: Role, table: TableFacts, advice: Advice = NO_ADVICE) -> str | None:
    found = guess(role, table, advice, ())
    return found.column.name if found else None


@pytest.mark.parametrize(
    ("name", "plain"),
    [("Scored At", "scored_at"), ("scoredAt", "scored_at"), ("SCORED-AT", "scored_at"), ("HTTPCode", "http_code"),
     ("p_1", "p_1"), ("  Größe (mm) ", "größe_mm")],
)  # fmt: skip
def test_name_of_any_style_is_compared_in_one_form(name, plain):
    assert plain_name(name) == plain


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", " 2.5 ", "NA", None], ValueKind.NUMBER),
        (["1", "2"], ValueKind.INTEGER),
        (["007", "012"], ValueKind.TEXT),
        (["2025-01-31", "2025-02-01"], ValueKind.DATE),
        (["2025-01-31T10:00:00Z", "2025-01-31 10:00:00+01:00"], ValueKind.INSTANT),
        (["2025-01-31 10:00", "2025-01-31T10:00:01.5"], ValueKind.LOCAL_TIME),
        (["31/01/2025"], ValueKind.TEXT),
        ([None, None], ValueKind.EMPTY),
        ([[1], [2]], ValueKind.NESTED),
        ([True, None], ValueKind.BOOLEAN),
    ],
)
def test_values_are_read_as_the_kind_that_they_stand_for(values, kind):
    assert _table(a=values).columns["a"].kind is kind


@pytest.mark.parametrize(
    ("name", "values", "is_epoch"),
    [
        ("ts", range(1_735_000_000, 1_735_000_200), True),
        ("event_time", range(1_735_000_000_000, 1_735_000_000_200), True),
        ("day", [20250131, 20250201], True),
        ("day", [20250131, 20251301], False),
        ("amount", range(1_735_000_000, 1_735_000_200), False),
    ],
)
def test_numbers_are_times_only_if_name_and_range_agree(name, values, is_epoch):
    assert _table(**{name: values}).columns[name].is_epoch is is_epoch


def test_time_of_the_prediction_is_preferred_to_that_of_the_label():
    table = _table(label_time=TIMES, created_at=TIMES, scored_at=TIMES)
    assert _name(Role.TIME, table) == "scored_at"
    assert _name(Role.KNOWN_AT, table) == "label_time"


def test_two_times_of_equal_weight_are_asked_about():
    found = guess(Role.TIME, _table(timestamp=TIMES, datetime=TIMES), NO_ADVICE, ())
    assert found is not None
    assert [other.name for other in found.others] == ["datetime"]


def test_only_time_is_taken_whatever_its_name():
    assert _name(Role.TIME, _table(xyz=TIMES, a=NUMBERS)) == "xyz"


def test_id_with_repeated_values_is_none():
    assert _name(Role.ID, _table(id=[1, 1] * 100, key=range(ROWS))) == "key"


def test_score_must_be_a_share_with_more_than_two_values():
    table = _table(score=[place * 10 for place in NUMBERS], probability=[0.0, 1.0] * 100, risk=NUMBERS)
    assert _name(Role.SCORE, table) == "risk"


def test_column_that_the_user_names_has_precedence():
    advice = Advice(
        (Hints(origin="--column", roles={Role.SCORE: ("A",)}), Hints(origin="x", roles={Role.SCORE: ("b",)}))
    )
    found = guess(Role.SCORE, _table(score=NUMBERS, a=NUMBERS, b=NUMBERS), advice, ())
    assert found is not None
    assert (found.column.name, found.evidence) == ("a", "named by --column")


def test_label_is_the_column_after_which_the_output_is_named():
    table = _table(predicted_price=NUMBERS, price=NUMBERS, target_zone=["a", "b"] * 100)
    outputs = guess_outputs(table, NO_ADVICE, (), None)
    assert outputs.task is Task.REGRESSION
    assert outputs.label is not None
    assert outputs.label.column.name == "price"


def test_columns_that_add_up_to_one_are_scores_under_the_names_of_the_classes():
    table = _table(
        proba_red=[0.2] * 100 + [0.5] * 100, proba_green=[0.3] * 200, proba_dark_blue=[0.5] * 100 + [0.2] * 100,
        colour=["Red", "Green", "Dark Blue", "Red"] * 50, humidity=NUMBERS,
    )  # fmt: skip
    table = _table(**{name: table.frame[name].to_list() for name in table.frame.columns} | {
        "proba_green": [0.3 - place / 1e4 for place in range(ROWS)],
        "proba_red": [0.2 + place / 1e4 for place in range(ROWS)],
        "proba_dark_blue": [0.5 + 1e-9 * place for place in range(ROWS)],
        "true_colour": ["Red", "Green", "Dark Blue", "Red"] * 50,
    })  # fmt: skip
    outputs = guess_outputs(table, NO_ADVICE, (), None)
    assert outputs.task is Task.MULTICLASS
    assert outputs.scores == {"Red": "proba_red", "Green": "proba_green", "Dark Blue": "proba_dark_blue"}


def test_decisions_without_a_probability_stand_in_for_the_score_and_are_asked_about():
    outputs = guess_outputs(_table(prediction=[0, 1] * 100, label=[1, 0] * 100), NO_ADVICE, (), None)
    assert outputs.task is Task.BINARY
    assert outputs.score is not None
    assert "holds decisions" in outputs.doubts[0]


@pytest.mark.parametrize(
    ("columns", "question"),
    [
        ({"a": NUMBERS, "b": ["x", "y"] * 100}, "no column of t looks like the output of a model"),
        ({"prediction": ["a", "b", "c", "d"] * 50}, "prediction has 4 classes and no column is a probability"),
        ({"score": NUMBERS, "label": ["a", "b", "c", "d"] * 50}, "label has 4 classes and score is one probability"),
    ],
)
def test_table_without_an_output_that_a_spec_can_declare_is_refused_with_a_question(columns, question):
    with pytest.raises(CannotDraftError, match=question):
        guess_outputs(_table(**columns), NO_ADVICE, (), None)


def test_rows_without_an_id_are_identified_by_several_columns():
    table = _table(at=[time for time in TIMES[:100] for _ in range(2)], shop=["a", "b"] * 100, score=NUMBERS[:100] * 2)
    identity = guess_identity(table, NO_ADVICE, ("score",), time="at")
    assert identity.columns == ("at", "shop")
    assert identity.doubts[0].startswith("Is there a column that identifies a prediction? at, shop do")


def test_rows_that_are_equal_in_all_columns_are_refused():
    table = _table(at=TIMES[:2] * 100, score=[0.1, 0.2] * 100)
    with pytest.raises(CannotDraftError, match=r"99\.0% of the rows of t are equal to others"):
        guess_identity(table, NO_ADVICE, ("score",), time="at")


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("plan", ["a", "b"] * 100, FeatureKind.CATEGORICAL),
        ("spend", NUMBERS, FeatureKind.NUMERIC),
        ("spend", [str(number) for number in NUMBERS], FeatureKind.NUMERIC),
        ("month", [place % 12 for place in range(ROWS)], FeatureKind.CATEGORICAL),
        ("zip_code", [10_000 + place % 90 for place in range(ROWS)], FeatureKind.CATEGORICAL),
        ("age", [20 + place % 60 for place in range(ROWS)], FeatureKind.NUMERIC),
        ("children_count", [place % 4 for place in range(ROWS)], FeatureKind.NUMERIC),
        ("is_member", [True, False] * 100, FeatureKind.CATEGORICAL),
    ],
)
def test_kind_of_an_input_follows_from_its_values_and_name(name, values, kind):
    (found,) = guess_inputs(_table(**{name: values}), NO_ADVICE, ()).inputs
    assert found.kind is kind


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("note", [f"text {place}" for place in range(ROWS)], "200 values in 200 rows: it identifies rows"),
        ("row_number", range(ROWS), "200 values in 200 rows: it identifies rows"),
        ("unit", ["mm"] * ROWS, "the same value in every row, mm in 100.0%"),
        ("empty", [None] * ROWS, "no row has a value"),
        ("seen", TIMES, "a time, which differs on every day"),
        ("payload", [{"a": place % 3} for place in range(ROWS)], "a nested value"),
    ],
)
def test_column_that_cannot_be_an_input_is_left_out_with_the_reason(name, values, reason):
    found = guess_inputs(_table(**{name: values}), NO_ADVICE, ())
    assert found.inputs == ()
    assert found.left_out[0].reason.startswith(reason)


def test_sentinel_that_lies_apart_is_taken_for_missing():
    (found,) = guess_inputs(
        _table(income=[-999.0] * 10 + [20 + number for number in NUMBERS[:190]]), NO_ADVICE, ()
    ).inputs
    assert found.null_values == ("-999",)


def test_minus_one_beside_positive_numbers_is_asked_about():
    found = guess_inputs(_table(tenure=[-1] * 10 + list(range(190))), NO_ADVICE, ())
    assert found.inputs[0].null_values == ()
    assert found.doubts[0].startswith("Does -1 mean missing? 5.0% of the rows have -1 in tenure")


def test_words_among_numbers_are_taken_for_missing():
    (found,) = guess_inputs(
        _table(bmi=["NA", "unknown"] + [str(number) for number in NUMBERS[:198]]), NO_ADVICE, ()
    ).inputs
    assert (found.kind, found.null_values) == (FeatureKind.NUMERIC, ("NA", "unknown"))


def test_input_with_a_reserved_name_gets_another_one_and_its_column():
    found = guess_inputs(_table(label=["a", "b"] * 100, label_value=["a", "b"] * 100), NO_ADVICE, ()).inputs
    assert {each.name: each.column for each in found} == {"label_value_value": "label", "label_value": "label_value"}


def test_columns_beyond_a_complete_list_of_inputs_are_left_out():
    advice = Advice((Hints(origin="MLmodel", features={"A": None}, is_complete=True),))
    found = guess_inputs(_table(a=NUMBERS, b=NUMBERS), advice, ())
    assert [each.name for each in found.inputs] == ["a"]
    assert found.left_out[0].reason == "not among the inputs of MLmodel"


@pytest.mark.parametrize("name", ["prediction_id", "PredictionKey", "pred_no", "prediction_time", "forecast_uuid"])
def test_id_or_time_of_a_prediction_is_not_the_prediction(name):
    assert guess(Role.PREDICTION, _table(**{name: range(200)}), NO_ADVICE, ()) is None


SCORES_OF_ROWS = [place * 37 % 199 / 199 for place in range(200)]


def test_score_that_the_decisions_follow_is_taken_among_several_without_a_question():
    table = _table(
        rain_prob=[place * 11 % 101 / 101 for place in range(200)],
        p_late=SCORES_OF_ROWS,
        decision=["hold" if score > 0.5 else "go" for score in SCORES_OF_ROWS],
    )
    score = guess_outputs(table, NO_ADVICE, (), None).score
    assert score is not None
    assert (score.column.name, score.evidence, score.others) == ("p_late", "decision follows it", ())


def test_score_that_separates_the_labels_better_is_taken_and_the_other_asked_about():
    labels = ["Y" if score + place * 53 % 97 / 97 > 1 else "N" for place, score in enumerate(SCORES_OF_ROWS)]
    table = _table(rain_prob=[place * 11 % 101 / 101 for place in range(200)], p_bad=SCORES_OF_ROWS, outcome=labels)
    score = guess_outputs(table, NO_ADVICE, (), None).score
    assert score is not None
    assert (score.column.name, [each.name for each in score.others]) == ("p_bad", ["rain_prob"])


def test_copy_of_the_score_in_per_cent_and_a_date_in_digits_are_no_inputs():
    table = _table(
        p_late=SCORES_OF_ROWS,
        risk=[round(100 * score, 1) for score in SCORES_OF_ROWS],
        flight_date=[f"201303{1 + place % 28:02}" for place in range(200)],
        miles=[place * 13 % 97 + 0.5 for place in range(200)],
    )
    inputs = guess_inputs(table, NO_ADVICE, {"p_late"}, "p_late")
    assert [each.name for each in inputs.inputs] == ["miles"]
    reasons = {each.column: each.reason for each in inputs.left_out}
    assert reasons == {"risk": "p_late in other words", "flight_date": "a time, which differs on every day"}


@given(
    st.lists(st.tuples(st.one_of(st.none(), st.floats(0, 1)), st.one_of(st.none(), st.sampled_from("YN"))), max_size=80)
)
def test_separation_of_any_scores_and_classes_is_unknown_or_at_least_a_half(rows):
    scores = pl.Series([score for score, _ in rows], dtype=pl.Float64)
    share = separation(scores, pl.Series([each for _, each in rows], dtype=pl.String))
    assert share == 0 or 0.5 <= share <= 1


def test_rows_that_differ_only_in_many_columns_are_identified_by_as_many():
    bits = {f"f{bit}": [place >> bit & 1 for place in range(200)] for bit in range(8)}
    table = _table(day=TIMES[:1] * 200, **bits, useless=[place % 2 for place in range(200)])
    identity = guess_identity(table, NO_ADVICE, (), time="day")
    assert len(identity.columns) == 9
    assert identity.repeated == 0
    assert "useless" not in identity.columns or "f0" not in identity.columns


def test_column_that_some_rows_lack_identifies_nothing():
    kinds = [None if place % 10 == 0 else f"k{place}" for place in range(200)]
    table = _table(at=[time for time in TIMES[:100] for _ in range(2)], kind=kinds, shop=["a", "b"] * 100)
    assert guess_identity(table, NO_ADVICE, (), time="at").columns == ("at", "shop")


def test_texts_and_vectors_are_inputs_and_ids_are_none():
    table = _table(
        id=[f"row {place}" for place in range(ROWS)],
        review=[f"the {place} tables were late and broken" for place in range(ROWS)],
        russian=[f"столы{place}приехалипоздно" for place in range(ROWS)],
        uuid=[f"{place:08x}-0000-4000-8000-000000000000" for place in range(ROWS)],
        vector=pl.Series([[float(place), 1.0, 2.0] for place in range(ROWS)]),
        as_text=[f"[{place}, 0.5, 1e-3]" for place in range(ROWS)],
        items=pl.Series([list(range(place % 5)) for place in range(ROWS)]),
        answer=["yes of course not", "no"] * (ROWS // 2),
    )
    found = guess_inputs(table, NO_ADVICE, {"id"})
    assert {each.name: each.kind for each in found.inputs} == {
        "review": FeatureKind.TEXT,
        "russian": FeatureKind.TEXT,
        "vector": FeatureKind.EMBEDDING,
        "as_text": FeatureKind.EMBEDDING,
        "answer": FeatureKind.CATEGORICAL,
    }
    assert "vectors of 3 numbers" in [each.evidence for each in found.inputs]
    assert not any("tables" in each.evidence for each in found.inputs)
    assert {left.column for left in found.left_out} == {"uuid", "items"}
