"""A label without the name of one: only the newest rows have none."""

import datetime as dt
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.drafting.facts import TableFacts
from monitoring_pipeline.evaluation.drafting.guesses.identity import guess_identity
from monitoring_pipeline.evaluation.drafting.guesses.inputs import guess_inputs
from monitoring_pipeline.evaluation.drafting.guesses.labels import age_of_gaps
from monitoring_pipeline.evaluation.drafting.guesses.outputs import Outputs, guess_outputs
from monitoring_pipeline.evaluation.drafting.guesses.truth import Delay, delay_of_gaps
from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError
from monitoring_pipeline_tests.evaluation.drafting.tables import NUMBERS, ROWS, TIMES, make_table

ANSWERS = ["yes" if place * 7 % 10 < 3 else "no" for place in range(ROWS)]
LATE = [*ANSWERS[:150], *[None] * 50]


def _outputs(**columns: Any) -> tuple[TableFacts, Outputs]:
    table = make_table({"at": TIMES, "score": NUMBERS} | columns)
    return table, guess_outputs(table, Advice(), {"at"}, None, "at")


def test_text_that_only_the_newest_rows_lack_is_taken_for_the_label_and_asked_about():
    _, outputs = _outputs(paid_back=LATE)
    assert outputs.label is not None
    assert outputs.label.column.name == "paid_back"
    (doubt,) = outputs.doubts
    assert doubt.startswith("Is paid_back the label? ")


def test_rows_in_any_order_give_the_same_label():
    order = random.Random(3).sample(range(ROWS), ROWS)
    columns = {"at": TIMES, "score": NUMBERS, "paid_back": LATE}
    table = make_table({name: [values[place] for place in order] for name, values in columns.items()})
    label = guess_outputs(table, Advice(), {"at"}, None, "at").label
    assert label is not None
    assert label.column.name == "paid_back"


def test_labels_that_become_known_after_different_times_are_recognised():
    gradual = [None if place * 37 % 100 < (place - 120) * 2 else answer for place, answer in enumerate(ANSWERS)]
    assert _outputs(paid_back=gradual)[1].label is not None


@pytest.mark.parametrize(
    "values",
    [
        [None if place % 5 == 0 else answer for place, answer in enumerate(ANSWERS)],
        [*[None] * 50, *ANSWERS[50:]],
        [*ANSWERS[:100], *[None] * 20, *ANSWERS[120:]],
        [*ANSWERS[:195], *[None] * 5],
        [*[f"r{place}" for place in range(150)], *[None] * 50],
        ANSWERS,
    ],
    ids=["gaps everywhere", "the oldest", "a gap in between", "few gaps", "many values", "no gaps"],
)
def test_column_with_other_gaps_is_no_label(values: list[str | None]):
    _, outputs = _outputs(paid_back=values)
    assert (outputs.label, outputs.may_be_labels, outputs.doubts) == (None, (), ())


def test_several_columns_that_the_newest_rows_lack_are_candidates_and_no_inputs():
    table, outputs = _outputs(paid_back=LATE, reviewed=[*ANSWERS[::-1][:160], *[None] * 40])
    assert outputs.label is None
    assert outputs.may_be_labels == ("paid_back", "reviewed")
    inputs = guess_inputs(table, Advice(), {"at", *outputs.columns}, "score", dict.fromkeys(outputs.may_be_labels, "r"))
    assert {each.column for each in inputs.left_out} == {"paid_back", "reviewed"}


COLUMNS = st.sampled_from(
    [
        [place % 2 == 0 for place in range(ROWS)], NUMBERS, [place % 9 for place in range(ROWS)],
        [place // 9 for place in range(ROWS)], LATE, ANSWERS,
    ]
)  # fmt: skip
NAMES = st.sampled_from(["prediction", "outcome", "p_yes", "churn_score", "label", "paid_back", "age", "branch"])


@given(st.dictionaries(NAMES, COLUMNS, min_size=1, max_size=6))
def test_id_of_several_columns_contains_no_output_and_no_label(columns: dict[str, list[Any]]):
    days = [TIMES[place // 20] for place in range(ROWS)]
    table = make_table({"at": days, "score": NUMBERS} | columns)
    try:
        outputs = guess_outputs(table, Advice(), {"at"}, None, "at")
        identity = guess_identity(table, Advice(), {"at", *outputs.columns}, time="at", changing=outputs.candidates)
    except CannotDraftError:
        return
    assert not {*identity.columns} & outputs.candidates


def test_delay_of_labels_without_a_time_is_the_age_of_the_oldest_row_without_one():
    table = make_table({"at": TIMES, "paid_back": LATE, "early": [None, *ANSWERS[1:]]})
    age = age_of_gaps(table, "at", "paid_back")
    assert age == dt.timedelta(hours=49)
    assert delay_of_gaps(age) == Delay("3d", "the oldest row without a label is 2 days older than the newest row")
    assert age_of_gaps(table, "at", "early") is None


@pytest.mark.parametrize("word", ["pending", "", "Unknown", "n/a"])
@pytest.mark.parametrize("name", ["outcome", "paid_back"])
def test_word_for_a_label_that_is_not_known_yet_is_no_class(word: str, name: str):
    table, outputs = _outputs(**{name: [word if answer is None else answer for answer in LATE]})
    assert outputs.label is not None
    label = outputs.label.column
    assert (label.name, label.pending, label.distinct, label.nulls) == (name, (word,), 2, 50)
    assert {value for value, _ in label.values} == {"yes", "no"}
    assert sum(share for _, share in label.values) == pytest.approx(1)
    assert age_of_gaps(table, "at", name) == dt.timedelta(hours=49)


def test_word_among_more_classes_or_beside_one_is_a_class():
    for values in (["yes", "no", "maybe", "unknown"], ["yes", "unknown"], ["open", "closed"]):
        column = make_table({"outcome": values * 50}).columns["outcome"]
        assert column.as_label is column
