"""A suite on a frame: from a file, a mapping or a list."""

import importlib

import polars as pl
import pytest
import yaml

from monitoring_pipeline.api import ArgumentError, check
from monitoring_pipeline.api.reading import read_by_spec
from monitoring_pipeline.quality.engine import expectation_types
from monitoring_pipeline.quality.runner import run_suite
from monitoring_pipeline.records.measurement import VerdictStatus
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.documents import document_of

ROWS = pl.DataFrame({"age": [20, 30, 400], "plan": ["a", "b", None]})
EXPECTATIONS = [
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "age", "min_value": 0, "max_value": 120}},
    {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "plan", "mostly": 0.5},
        "severity": "critical",
    },
    {"type": "expect_column_to_exist", "kwargs": {"column": "region"}, "severity": "critical"},
    {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "region"}},
]


def test_suite_is_checked_on_a_frame_from_a_file_a_mapping_or_a_list(tmp_path):
    file = tmp_path / "rows.suite.yaml"
    file.write_text(yaml.safe_dump({"expectations": EXPECTATIONS}, sort_keys=False), encoding="utf-8")
    results = [
        check(suite, ROWS.to_pandas()) for suite in (str(file), file, {"expectations": EXPECTATIONS}, EXPECTATIONS)
    ]
    assert all(result.to_polars().equals(results[0].to_polars()) for result in results)
    frame = results[0].to_polars()
    assert frame["status"].to_list() == ["breached", "ok", "breached", "breached"]
    assert frame["value"].to_list() == [1 / 3, 1 / 3, 1.0, 1.0]
    assert results[0].verdict is VerdictStatus.CRITICAL
    assert frame["reason"].to_list()[-1] == "nothing was checked: the chunk has no column region"


@pytest.mark.parametrize("name", ["row_id", "predicted_at", "model_version", "score", "prediction", "region"])
def test_expectation_about_a_column_that_the_frame_lacks_fails_whatever_its_name(name):
    result = check([*EXPECTATIONS[1:2], {**EXPECTATIONS[1], "kwargs": {"column": name}}], ROWS)
    assert result.verdict is VerdictStatus.CRITICAL
    assert f"nothing was checked: the chunk has no column {name}" in " ".join(result.reasons)
    assert any("name it as spec" in note for note in result.notes) == (name != "region")


SPEC = {
    "name": "loans",
    "task": "binary",
    "owner": "team:risk",
    "timezone": "Europe/Berlin",
    "start": "2024-02-01",
    "predictions": {"table": "scores", "id": ["customer", "day"], "time": "made", "score": "p", "positive": True},
    "features": {"years": {"kind": "numeric", "column": "age"}, "plan": "categorical"},
    "reference": {"1": {"start": "2024-01-01", "end": "2024-02-01"}},
}
OF_LOANS = pl.DataFrame(
    {
        "customer": ["a", "b", "b"],
        "day": [1, 1, 1],
        "made": ["2024-03-01 10:00:00", "2024-03-01 11:00:00", None],
        "p": [0.2, 1.7, 0.4],
        "age": [20, 30, 40],
        "plan": ["a", None, "b"],
    }
)
OF_SPEC = [
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "row_id"}},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "score", "min_value": 0, "max_value": 1}},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "years", "min_value": 25}},
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "predicted_at"}},
]


def test_suite_of_a_spec_is_checked_on_a_frame_with_the_users_names(tmp_path):
    file = tmp_path / "loans.yaml"
    file.write_text(yaml.safe_dump(SPEC), encoding="utf-8")
    for spec in (SPEC, file, str(file)):
        result = check(OF_SPEC, OF_LOANS.to_pandas(), spec=spec)
        assert [m.status for m in result.chunks[0].measurements] == ["ok", "breached", "breached", "ok"]
        assert [m.value for m in result.chunks[0].measurements] == [0.0, 0.5, 0.5, 0.0]
        assert result.notes == ("1 rows without a time are left out",)


def test_result_by_a_spec_is_that_of_a_night(tmp_path):
    file = tmp_path / "loans.suite.yaml"
    file.write_text(yaml.safe_dump({"expectations": OF_SPEC}, sort_keys=False), encoding="utf-8")
    spec = document_of(SPEC, file, ModelSpec)
    frame, _ = read_by_spec(spec, OF_LOANS)
    assert check(file, OF_LOANS, spec=SPEC).chunks[0].measurements == run_suite(spec, file, frame).values


def test_column_of_a_spec_that_the_frame_lacks_fails():
    result = check(OF_SPEC, OF_LOANS.drop("age"), spec=SPEC)
    assert "nothing was checked: the chunk has no column years" in " ".join(result.reasons)
    with pytest.raises(ArgumentError, match=r"rows: .*customer"):
        check(OF_SPEC, OF_LOANS.drop("customer"), spec=SPEC)


@pytest.mark.parametrize(
    ("spec", "words"), [({"name": "loans"}, "spec: .*task"), ("nowhere.yaml", "spec: nowhere.yaml: ")]
)
def test_spec_that_is_none_is_named(spec, words):
    with pytest.raises(ArgumentError, match=words):
        check(OF_SPEC, OF_LOANS, spec=spec)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_suite_that_great_expectations_writes_is_checked():
    expectation_types()  # the first import of Great Expectations warns
    gx = pytest.importorskip("great_expectations")
    gxe = gx.expectations
    column = importlib.import_module("great_expectations.expectations.row_conditions").Column
    gx.get_context(mode="ephemeral")
    written = gx.ExpectationSuite(name="people", meta={"team": "growth"}, notes=["of March"])
    written.add_expectation(
        gxe.ExpectColumnValuesToBeBetween(column="age", max_value=120, notes=["years"], meta={"a": 1})
    )
    written.add_expectation(
        gxe.ExpectColumnValuesToNotBeNull(
            column="plan", row_condition=column("age") > 100, condition_parser="great_expectations", description="paid"
        )
    )
    written.add_expectation(gxe.ExpectTableRowCountToBeBetween(min_value=5, severity="info"))
    document = written.to_json_dict()
    result = check(document, ROWS)
    assert [m.status for m in result.chunks[0].measurements] == ["breached", "breached", "breached"]
    assert [m.severity for m in result.chunks[0].measurements] == ["critical", "critical", "info"]
    assert result.chunks[0].measurements[0].definition.endswith("; years")
    with_id = document | {"id": "0001", "expectations": [e | {"id": "0002"} for e in document["expectations"]]}
    assert check(with_id, ROWS).to_polars().equals(result.to_polars())


def test_suite_that_holds_is_ok():
    assert check(EXPECTATIONS[1:2], ROWS).verdict is VerdictStatus.OK


@pytest.mark.parametrize(
    ("suite", "words"),
    [
        ([{"type": "expect_colum"}], "suite: expectations\\[0\\]: type: unknown 'expect_colum'"),
        ({"checks": []}, "suite: expected the key expectations"),
        ({"expectations": [], "expectation": []}, "suite: unknown 'expectation'; did you mean expectations"),
        ({"expectations": [], "suite_parameters": {"low": 3}}, "suite_parameters: write the values into kwargs"),
        ("nowhere.yaml", "nowhere.yaml"),
    ],
)
def test_suite_that_is_none_is_named(suite, words):
    with pytest.raises(ArgumentError, match=words):
        check(suite, ROWS)
