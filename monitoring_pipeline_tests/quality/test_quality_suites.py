"""The suite file: valid entries, and errors that name the faulty entry and field."""

from collections.abc import Callable
from pathlib import Path

import pytest

from monitoring_pipeline.quality.expectation import Expectation
from monitoring_pipeline.quality.suites import SuiteError, load_suite, schema_expectations
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.spec.model import ModelSpec

WriteSuite = Callable[..., Path]
UNIQUE = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "row_id"}}


def test_entries_become_expectations_in_the_order_of_the_file(write_suite: WriteSuite) -> None:
    between = {
        "type": "expect_column_values_to_be_between",
        "kwargs": {"column": "age", "min_value": 0, "mostly": 0.9},
        "severity": "critical",
        "notes": "nobody is\nyounger",
    }
    assert load_suite(write_suite(between, UNIQUE)).expectations == (
        Expectation(str(between["type"]), between["kwargs"], Severity.CRITICAL, "nobody is younger"),  # type: ignore[arg-type]
        Expectation("expect_column_values_to_be_unique", {"column": "row_id"}, Severity.WARNING),
    )


@pytest.mark.parametrize(
    ("entry", "complaints"),
    [
        ({"kwargs": {}}, ["expected a mapping with a type"]),
        ({"type": "expect_column_values_to_be_uniqe"}, ["'expect_column_values_to_be_uniqe'", "did you mean"]),
        (UNIQUE | {"severty": "info"}, ["'severty'", "did you mean severity?"]),
        (UNIQUE | {"severity": "fatal"}, ["'fatal' is not one of info, warning, critical"]),
        (UNIQUE | {"kwargs": {"colum": "row_id"}}, ["'colum'", "did you mean column?"]),
        (UNIQUE | {"kwargs": {"column": "row_id", "mostly": 2}}, ["mostly", "less than or equal to 1"]),
        (UNIQUE | {"kwargs": {}}, ["column: field required"]),
        (UNIQUE | {"kwargs": ["row_id"]}, ["kwargs: expected a mapping"]),
        (UNIQUE | {"kwargs": {"column": "row_id", "severity": "info"}}, ["unknown 'severity'"]),
        (UNIQUE | {"kwargs": {"column": "row_id", "row_condition": "a > 1"}}, ["row_condition: write a mapping"]),
        (UNIQUE | {"kwargs": {"column": "row_id", "row_condition": {"type": "equals"}}}, ["row_condition"]),
    ],
)
def test_error_about_a_wrong_entry_names_it_and_the_allowed_values(
    write_suite: WriteSuite, entry: dict[str, object], complaints: list[str]
) -> None:
    path = write_suite(UNIQUE, entry)
    with pytest.raises(SuiteError) as raised:
        load_suite(path)
    for text in [f"{path}: expectations[1]: ", *complaints]:
        assert text in str(raised.value)


def test_error_about_a_misspelt_type_names_similar_ones_and_no_long_list(write_suite: WriteSuite) -> None:
    for name, complaint in (
        ("expect_column_values_to_be_betwen", "did you mean expect_column_values_to_be_between or "),
        ("nothing_like_it", " are known: expect_column_distinct_values_to_be_in_set, "),
    ):
        with pytest.raises(SuiteError) as raised:
            load_suite(write_suite(UNIQUE, {"type": name}))
        text = str(raised.value).partition("type: ")[2]
        assert text.startswith(f"unknown '{name}'; ")
        assert complaint in text
        assert text.endswith("(https://greatexpectations.io/expectations)")
        assert len(text) < 500


def test_error_lists_all_problems_of_a_file(write_suite: WriteSuite) -> None:
    with pytest.raises(SuiteError) as raised:
        load_suite(write_suite({"type": "expect_nothing"}, UNIQUE, "unique"))
    assert [line.split("expectations")[1][:3] for line in str(raised.value).splitlines()] == ["[0]", "[2]"]


@pytest.mark.parametrize("text", ["expectations: [", "- a\n- b\n", "expectation: []\n", "expectations: {}\n", ""])
def test_file_of_another_shape_is_refused(write_suite: WriteSuite, text: str) -> None:
    with pytest.raises(SuiteError, match=r"parcels\.suite\.yaml: (not YAML|expect)"):
        load_suite(write_suite(text=text))


def test_schema_covers_every_column_that_the_source_declares(spec: ModelSpec) -> None:
    outputs = ["score", "prediction"]
    columns = ["row_id", "predicted_at", "model_version", *spec.features, *outputs]
    checked = [e.subject for e in schema_expectations(spec)]
    assert checked == [column for column in columns for _ in range(2)]
    assert {e.severity for e in schema_expectations(spec)} == {Severity.CRITICAL}


def test_schema_leaves_out_columns_that_the_source_does_not_declare(spec: ModelSpec) -> None:
    source = spec.predictions.model_copy(update={"model_version": None, "prediction": None})
    checked = {e.subject for e in schema_expectations(spec.model_copy(update={"predictions": source}))}
    assert checked == {"row_id", "predicted_at", "score", *spec.features}
