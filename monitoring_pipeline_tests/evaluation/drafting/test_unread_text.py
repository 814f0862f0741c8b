"""Times and numbers as text in forms that a spec cannot read, nested values, and times in UTC by their name."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts
from monitoring_pipeline.evaluation.drafting.guesses.inputs import guess_inputs
from monitoring_pipeline.evaluation.drafting.guesses.outputs import guess_outputs
from monitoring_pipeline.evaluation.drafting.guesses.roles import guess
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role, is_named_utc
from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError, without_time
from monitoring_pipeline.evaluation.drafting.value_kinds import ValueKind
from monitoring_pipeline_tests.evaluation.drafting.tables import ROWS, TIMES, make_table


def _column(values: list[str | None]) -> ColumnFacts:
    return make_table({"a": values}).columns["a"]


@pytest.mark.parametrize(
    ("written", "words", "sql"),
    [
        ("%d.%m.%Y %H:%M", "dates such as 31.12.2025", "strptime(\"a\", '%d.%m.%Y %H:%M')"),
        ("%d.%m.%Y", "dates such as 31.12.2025", "strptime(\"a\", '%d.%m.%Y')"),
        ("%d/%m/%Y %H:%M:%S", "dates such as 31/12/2025", "strptime(\"a\", '%d/%m/%Y %H:%M:%S')"),
        ("%m/%d/%Y %I:%M %p", "dates such as 12/31/2025", "strptime(\"a\", '%m/%d/%Y %I:%M %p')"),
        ("%m/%d/%Y", "dates such as 12/31/2025", "strptime(\"a\", '%m/%d/%Y')"),
        ("%Y/%m/%d", "dates such as 2025/12/31", "strptime(\"a\", '%Y/%m/%d')"),
        ("%d %b %Y", "dates such as 31 Dec 2025", "strptime(\"a\", '%d %b %Y')"),
    ],
)
def test_date_that_is_not_iso_8601_is_named_with_its_conversion(written: str, words: str, sql: str):
    table = make_table({"a": [f"{moment + dt.timedelta(days=15):{written}}" for moment in TIMES[::24]]})
    message = without_time(table, None)
    assert message.startswith(f"a of t holds {words} as text, which are not read as times. Convert them to ISO 8601")
    assert sql in message


def test_day_and_month_that_may_be_either_are_called_so():
    unread = _column(["03/04/2025", "05/06/2025"]).unread
    assert unread is not None
    assert "whose day and month are not clear" in unread.words


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (["1,046.24", "12.50", None, "NA"], "numbers such as 1,046.24"),
        (["1.046,24", "12,5"], "numbers such as 1.046,24"),
        (["0,83", "0,5"], "numbers such as 1.046,24"),
        (["1 046.24", "12"], "numbers such as 1 046.24"),
        (["12.5 %", "3 %"], "numbers such as 12.5 %"),
    ],
)
def test_numbers_that_are_not_read_are_no_input_and_asked_about(values: list[str | None], words: str):
    inputs = guess_inputs(make_table({"amount": values * 40, "age": range(len(values) * 40)}), Advice(), ())
    (left_out,) = [each for each in inputs.left_out if each.column == "amount"]
    assert left_out.reason.startswith(words)
    (doubt,) = inputs.doubts
    assert doubt.startswith(f"Is amount an input? It holds {words}")
    assert 'replace("amount", ' in doubt


def test_score_with_a_decimal_comma_is_named_by_the_refusal():
    table = make_table({"at": TIMES, "score": [f"0,{place:03}" for place in range(ROWS)]})
    with pytest.raises(
        CannotDraftError, match=r"score of t holds numbers such as 1\.046,24 as text, which are not read"
    ):
        guess_outputs(table, Advice(), {"at"}, None)


def test_all_columns_of_numbers_that_are_not_read_are_named_by_the_refusal():
    numbers = [f"0,{place:03}" for place in range(ROWS)]
    table = make_table({"at": TIMES, "amount": numbers, "risiko": numbers})
    with pytest.raises(CannotDraftError, match=r"amount and risiko of t hold numbers such as 1\.046,24 as text"):
        guess_outputs(table, Advice(), {"at"}, None)


@pytest.mark.parametrize(
    "values", [["north", "south"], ["7-9", "1-3"], ["1.2.3", "1.10.0"], ["007", "012"], ["a,b", "c,d"], ["1", "2"]]
)
def test_other_text_has_no_form_that_is_suspected(values: list[str]):
    assert _column(values).unread is None


@given(st.lists(st.floats(1_000, 1e9), min_size=1, max_size=20))
def test_any_numbers_with_separators_are_recognised(numbers: list[float]):
    unread = _column([f"{number:,.2f}" for number in numbers]).unread
    assert unread is not None
    assert not unread.is_time


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("JSON", '{"a": 1}'), ("JSONB", '"x"'), ("VARCHAR[]", "[north, x]"), ("INTEGER[3]", "[1, 2, 3]"),
        ("TEXT[]", "{a,b}"), ("STRUCT(a INTEGER)", "{'a': 1}"), ("MAP(VARCHAR, BIGINT)", "{k=28}"), ("VARIANT", "x"),
        ("ARRAY<STRING>", "x"), ("struct<a:int>", "x"), ("VECTOR(3)", "x"), ("VARCHAR", '{"a": 1}'),
        ("VARCHAR", "[1, 2]"),
    ],
)  # fmt: skip
def test_nested_value_that_an_engine_gives_as_text_is_no_input(kind: str, text: str):
    table = make_table({"payload": [text, f"{text} "] * 60, "age": range(120)}, {"payload": kind})
    assert table.columns["payload"].kind is ValueKind.NESTED
    (left_out,) = [each for each in guess_inputs(table, Advice(), ()).left_out if each.column == "payload"]
    assert left_out.reason.startswith(f"a nested value ({kind})")


@pytest.mark.parametrize(
    ("name", "is_utc"),
    [("Scored at (UTC)", True), ("utc_time", True), ("timestampUTC", True), ("time_gmt", True), ("outcut", False)],
)
def test_time_whose_name_contains_utc_has_a_zone(name: str, is_utc: bool):
    assert is_named_utc(name) is is_utc


def test_time_of_the_prediction_is_recognised_with_utc_in_its_name():
    found = guess(Role.TIME, make_table({"updated (UTC)": TIMES, "Scored at (UTC)": TIMES}), Advice(), ())
    assert found is not None
    assert (found.column.name, found.others) == ("Scored at (UTC)", ())
