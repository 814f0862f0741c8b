"""Subject, columns, name and row condition of an expectation, without the library that runs it."""

import pytest

from monitoring_pipeline.quality.expectation import Expectation, condition_problem

MQ = {"type": "comparison", "column": {"name": "carrier"}, "operator": "==", "parameter": "MQ"}
NOT_IN = {"type": "comparison", "column": {"name": "depot"}, "operator": "NOT_IN", "parameter": ["a", "b"]}
NULL = {"type": "nullity", "column": {"name": "age"}, "is_null": False}


@pytest.mark.parametrize(
    ("kwargs", "subject", "columns"),
    [
        ({"column": "age"}, "age", {"age"}),
        ({"column": "age", "row_condition": MQ}, "age", {"age", "carrier"}),
        ({"column_A": "a", "column_B": "b"}, "a,b", {"a", "b"}),
        ({"column_list": ["a", "b", "c"]}, "a,b,c", {"a", "b", "c"}),
        ({"min_value": 1}, "chunk", set()),
    ],
)
def test_subject_and_columns_come_from_the_kwargs(kwargs: dict[str, object], subject: str, columns: set[str]) -> None:
    expectation = Expectation("expect_something", kwargs)
    assert (expectation.subject, set(expectation.columns)) == (subject, columns)


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (MQ, "carrier == 'MQ'"),
        (NOT_IN, "depot not in ['a', 'b']"),
        (NULL, "age is not null"),
        ({"type": "and", "conditions": [MQ, NULL]}, "(carrier == 'MQ' and age is not null)"),
    ],
)
def test_row_condition_is_readable_text_apart_from_the_name(condition: dict[str, object], text: str) -> None:
    expectation = Expectation("expect_column_values_to_be_unique", {"column": "x", "row_condition": condition})
    assert (expectation.name, expectation.where) == ("column_values_to_be_unique", text)


def test_columns_include_those_of_a_nested_condition() -> None:
    both = {"type": "and", "conditions": [MQ, {"type": "or", "conditions": [NOT_IN, NULL]}]}
    assert Expectation("e", {"column": "x", "row_condition": both}).columns == {"x", "carrier", "depot", "age"}


@pytest.mark.parametrize(
    "condition",
    [
        "carrier == 'MQ'",
        {"type": "pass_through", "pass_through_filter": "carrier == 'MQ'"},
        {"type": "and", "conditions": [MQ, {"type": "pass_through", "pass_through_filter": "True"}]},
    ],
)
def test_condition_that_would_be_evaluated_as_code_is_refused(condition: object) -> None:
    assert "write a mapping" in str(condition_problem(condition))


@pytest.mark.parametrize("condition", [None, MQ, NOT_IN, NULL])
def test_condition_as_a_mapping_is_accepted(condition: object) -> None:
    assert condition_problem(condition) is None


def test_tolerated_share_is_one_minus_mostly() -> None:
    assert Expectation("e", {"column": "x", "mostly": 0.97}).tolerated_share == 0.03
    assert Expectation("e", {"column": "x"}).tolerated_share == 0.0
