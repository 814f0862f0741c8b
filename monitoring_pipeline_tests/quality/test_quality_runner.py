"""Suites on rows with faults: statuses, values and reasons of the measurements."""

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from monitoring_pipeline.quality.runner import check_schema, run_suite
from monitoring_pipeline.records.measurement import Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

WriteSuite = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("every_value_shown")


def _entry(check: str, severity: str = "warning", **kwargs: object) -> dict[str, object]:
    return {"type": f"expect_{check}", "kwargs": kwargs, "severity": severity}


def _values(spec: ModelSpec, path: Path, frame: pl.DataFrame) -> list[Measurement]:
    return list(run_suite(spec, path, frame).values)


def _failures(measurements: tuple[Measurement, ...]) -> dict[tuple[str, str], str | None]:
    return {(m.subject, str(m.metric)): m.reason for m in measurements if m.status is not Status.OK}


def test_rows_that_fit_the_spec_have_no_schema_failure(spec: ModelSpec, rows: pl.DataFrame) -> None:
    measured = check_schema(spec, rows)
    assert _failures(measured) == {}
    assert {m.value for m in measured} == {0.0}
    assert {(m.kind, m.model_version) for m in measured} == {("quality", "")}


def test_missing_column_fails_only_the_schema_checks_of_that_column(spec: ModelSpec, rows: pl.DataFrame) -> None:
    failures = _failures(check_schema(spec, rows.drop("weight")))
    assert failures == {
        ("weight", "column_to_exist"): "the chunk has no column weight",
        ("weight", "column_values_to_be_in_type_list"): "the chunk has no column weight",
    }


def test_missing_column_is_named_as_in_the_table(spec: ModelSpec, rows: pl.DataFrame) -> None:
    document = spec.model_dump(mode="json", exclude_unset=True)
    document["features"]["weight"] = {"kind": "numeric", "column": "Gross Weight"}
    document["operations"] = {"latency": "took_ms"}
    failures = _failures(check_schema(ModelSpec.model_validate(document), rows.drop("weight")))
    assert failures["weight", "column_to_exist"] == "the chunk has no column Gross Weight (weight)"
    assert failures["telemetry[latency]", "column_to_exist"] == "the chunk has no column took_ms (telemetry[latency])"


@pytest.mark.parametrize(
    ("column", "wrong", "reason"),
    [
        ("weight", pl.col("weight").cast(pl.String), "weight: has type String, such as '"),
        (
            "weight",
            pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("n/a")).otherwise(pl.col("weight").cast(pl.String)),
            "weight: is text, and 3 of 2000 values are no numbers, such as 'n/a' (3 times); values that mean missing",
        ),
        ("age", pl.col("predicted_at"), "age: has type Datetime"),
        ("predicted_at", pl.col("predicted_at").dt.date(), "predicted_at: has type Date; expected timestamps"),
        ("predicted_at", pl.col("predicted_at").cast(pl.String), "predicted_at: has type String"),
        ("carrier", pl.concat_list("carrier"), "carrier: has type List(String)"),
        ("depot", pl.struct("depot"), "depot: has type Struct"),
    ],
)
def test_wrong_type_fails_and_the_reason_names_the_expected_type(
    spec: ModelSpec, rows: pl.DataFrame, column: str, wrong: pl.Expr, reason: str
) -> None:
    failures = _failures(check_schema(spec, rows.with_columns(wrong.alias(column))))
    assert list(failures) == [(column, "column_values_to_be_in_type_list")]
    assert str(failures[column, "column_values_to_be_in_type_list"]).startswith(reason)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("age", pl.lit(None)),
        ("age", pl.lit(None, dtype=pl.String)),
        ("age", pl.col("age").cast(pl.UInt8)),
        ("age", pl.col("age") > 3),
        ("weight", pl.col("weight").cast(pl.Decimal(10, 2))),
        ("weight", pl.col("weight").cast(pl.Float32)),
        ("carrier", pl.col("carrier").cast(pl.Categorical)),
        ("carrier", pl.col("carrier").cast(pl.Enum(["AA", "DL", "MQ", "UA"]))),
        ("carrier", pl.lit(7)),
        ("carrier", pl.lit(None, dtype=pl.Boolean)),
        ("carrier", pl.lit(dt.date(2024, 1, 1))),
        ("carrier", pl.lit(dt.time(12))),
        ("carrier", pl.lit(b"x")),
        ("row_id", pl.int_range(pl.len())),
        ("predicted_at", pl.col("predicted_at").dt.convert_time_zone("America/New_York")),
        ("predicted_at", pl.col("predicted_at").dt.replace_time_zone(None)),
        ("predicted_at", pl.col("predicted_at").dt.cast_time_unit("ns")),
        ("predicted_at", pl.col("predicted_at").dt.cast_time_unit("ms")),
        ("prediction", pl.when("prediction").then(pl.lit("yes"))),
    ],
)
def test_types_that_fit_the_kind_pass(spec: ModelSpec, rows: pl.DataFrame, column: str, values: pl.Expr) -> None:
    assert _failures(check_schema(spec, rows.with_columns(values.alias(column)))) == {}


def test_unseen_categories_are_counted_and_quoted_in_the_reason(
    spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite
) -> None:
    path = write_suite(_entry("column_values_to_be_in_set", column="carrier", value_set=["MQ", "DL"], mostly=0.9))
    frame = pl.concat([rows.head(5), rows.head(1).with_columns(carrier=pl.lit(None, pl.String))])
    (measured,) = _values(spec, path, frame)  # MQ UA DL AA UA, and a null that is not judged
    assert (measured.value, measured.rows, measured.threshold_upper) == (0.6, 5, 0.1)
    assert measured.reason == (
        "carrier: 3 of 5 values not in the set (MQ, DL), such as 'UA' (2 times), 'AA'; at most 10% are allowed"
    )
    assert (measured.status, measured.severity) == (Status.BREACHED, Severity.WARNING)


def test_share_equal_to_the_tolerated_one_passes(spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite) -> None:
    path = write_suite(
        _entry("column_values_to_be_between", column="age", max_value=8, mostly=0.9),
        _entry("column_values_to_be_between", "critical", column="age", max_value=7, mostly=0.9),
    )
    frame = rows.head(10).with_columns(age=pl.int_range(10))
    allowed, beyond = _values(spec, path, frame)
    assert (allowed.status, allowed.value, allowed.reason) == (Status.OK, 0.1, None)
    assert (beyond.status, beyond.value, beyond.severity) == (Status.BREACHED, 0.2, Severity.CRITICAL)
    assert beyond.reason == "age: 2 of 10 values above 7, such as 8, 9; at most 10% are allowed"
    assert (allowed.name, beyond.name) == ("column_values_to_be_between", "column_values_to_be_between#2")


def test_examples_count_all_rows_beyond_the_first_200(
    spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite
) -> None:
    path = write_suite(_entry("column_values_to_be_between", column="age", min_value=0))
    ages = [-(1 + i % 3) for i in range(1500)] + [-9] * 500
    (measured,) = _values(spec, path, rows.with_columns(age=pl.Series(ages, dtype=pl.Float64)))
    assert measured.reason == "age: 2000 of 2000 values below 0, such as -1 (500 times), -2 (500 times), -3 (500 times)"


def test_results_of_shuffled_rows_are_the_same(spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite) -> None:
    path = write_suite(
        _entry("column_values_to_be_between", column="weight", max_value=1),
        _entry("column_values_to_not_be_null", column="age"),
        _entry("column_mean_to_be_between", column="score", max_value=0.1),
        _entry("compound_columns_to_be_unique", column_list=["carrier", "depot"]),
        _entry("column_values_to_be_increasing", column="predicted_at"),
    )
    assert run_suite(spec, path, rows) == run_suite(spec, path, rows.sample(fraction=1, shuffle=True, seed=3))


def test_row_condition_restricts_the_judged_rows(spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite) -> None:
    condition = {"type": "comparison", "column": {"name": "carrier"}, "operator": "==", "parameter": "MQ"}
    nobody = condition | {"parameter": "ZZ"}
    path = write_suite(
        _entry("column_values_to_not_be_null", column="age", row_condition=condition),
        _entry("column_values_to_not_be_null", column="age", row_condition=nobody),
    )
    (mq, nothing) = _values(spec, path, rows.head(100))
    assert (str(mq.metric), mq.rows, mq.value) == ("column_values_to_not_be_null[carrier == 'MQ']", 20, 1.0)
    assert mq.reason == "age: 20 of 20 values null where carrier == 'MQ'"
    assert (nothing.status, nothing.reason) == (Status.SKIPPED, "no rows where carrier == 'ZZ'")


def test_column_of_nulls_is_skipped_except_by_the_null_check(
    spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite
) -> None:
    path = write_suite(
        _entry("column_values_to_be_between", column="age", min_value=0),
        _entry("column_mean_to_be_between", column="age", min_value=0),
        _entry("column_values_to_not_be_null", column="age"),
    )
    between, mean, null = _values(spec, path, rows.head(10).with_columns(age=pl.lit(None, pl.Int64)))
    assert (between.status, between.reason) == (Status.SKIPPED, "no values: all 10 are null")
    assert (mean.status, mean.reason) == (Status.SKIPPED, "age: undefined, there are no values")
    assert (null.status, null.value, null.reason) == (Status.BREACHED, 1.0, "age: 10 of 10 values null")


def test_expectation_that_would_never_be_checked_is_a_breach_with_the_reason(
    spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite
) -> None:
    path = write_suite(
        _entry("column_values_to_be_between", column="height", min_value=0),
        _entry("column_values_to_be_between", column="weight", min_value=0),
        _entry("column_values_to_match_regex", column="carrier", regex="(("),
        _entry("column_values_to_match_regex", column="row_id", regex="(("),
        _entry("column_values_to_not_be_null", column="score"),
    )
    *not_checked, last = _values(spec, path, rows.with_columns(pl.col("weight").cast(pl.String)))
    assert [(str(m.status), m.reason) for m in not_checked] == [
        ("breached", "nothing was checked: the chunk has no column height"),
        ("skipped", "the schema check of weight failed"),
        ("breached", "nothing was checked: it raised: Invalid regular expression: missing ): (("),
        ("breached", "nothing was checked: it raised an error"),
    ]
    assert last.status is Status.OK


def test_expectation_on_which_the_library_breaks_loses_no_other(
    spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite
) -> None:
    partition = {"bins": [0, 1, 2], "weights": [0.5, 0.5]}
    path = write_suite(
        _entry("column_kl_divergence_to_be_less_than", column="carrier", partition_object=partition, threshold=0.1),
        _entry("column_values_to_match_regex", column="carrier", regex="[A-Z]+"),
    )
    broken, regex = _values(spec, path, rows)
    assert (broken.status, regex.status) == (Status.BREACHED, Status.OK)
    assert broken.reason is not None
    assert broken.reason.startswith("nothing was checked: it raised: ")


def test_reasons_never_quote_row_ids(spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite) -> None:
    path = write_suite(
        _entry("column_values_to_be_unique", column="row_id"),
        _entry("compound_columns_to_be_unique", column_list=["row_id", "carrier"]),
        _entry("column_distinct_values_to_be_in_set", column="row_id", value_set=["x"]),
    )
    measured = _values(spec, path, pl.concat([rows.head(3), rows.head(1)]))
    assert [m.status for m in measured] == [Status.BREACHED] * 3
    assert measured[0].reason == "row_id: 2 of 4 values not unique"
    assert not any("id-" in str(m.reason) for m in measured)


def test_expectation_about_the_table_has_the_subject_chunk(
    spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite
) -> None:
    path = write_suite(
        _entry("table_row_count_to_be_between", "critical", min_value=50),
        _entry("table_column_count_to_equal", value=9),
    )
    count, columns = _values(spec, path, rows.head(7))
    assert (count.subject, count.name, count.value) == ("chunk", "table_row_count_to_be_between", 1.0)
    assert count.reason == "chunk: table_row_count_to_be_between failed, observed 7, allowed at least 50"
    assert (columns.status, columns.value, columns.threshold_upper) == (Status.OK, 0.0, None)


@pytest.mark.parametrize(
    ("name", "kwargs", "words"),
    [
        ("column_mean_to_be_between", {"column": "age", "min_value": 60}, "failed, observed 3, allowed at least 60"),
        ("column_max_to_be_between", {"column": "age", "max_value": 5}, "failed, observed about 6, allowed at most 5"),
        (
            "column_min_to_be_between",
            {"column": "age", "min_value": 0, "max_value": 9, "strict_min": True},
            "failed, observed about 0, allowed above 0 and at most 9",
        ),
        (
            "column_unique_value_count_to_be_between",
            {"column": "age", "min_value": 1, "max_value": 2},
            "allowed 1 to 2",
        ),
        ("table_row_count_to_equal", {"value": 8}, "failed, observed 7, allowed 8"),
        (
            "column_distinct_values_to_be_in_set",
            {"column": "carrier", "value_set": list("ABCDEFG")},
            "A, B, C, D, E, ...",
        ),
        ("column_values_to_not_be_in_set", {"column": "age", "value_set": [6]}, "1 of 7 values against .* \\(6\\)"),
        ("column_value_lengths_to_equal", {"column": "carrier", "value": 3}, "values against .* \\(3\\)"),
        ("column_values_to_match_regex", {"column": "carrier", "regex": "^x"}, "against .*_regex \\(\\^x\\)"),
    ],
)
def test_failure_states_the_limit_and_the_observed_value(name, kwargs, words, spec, rows, write_suite):
    frame = rows.head(7).with_columns(age=pl.int_range(7).cast(pl.Float64))
    (measured,) = _values(spec, write_suite(_entry(name, **kwargs)), frame)
    assert measured.status is Status.BREACHED
    assert re.search(words, measured.reason)


def test_limits_of_private_columns_are_not_stated(spec, rows, write_suite):
    (measured,) = _values(
        spec, write_suite(_entry("column_values_to_be_in_set", column="row_id", value_set=["secret"])), rows
    )
    assert "secret" not in measured.reason


def test_chunk_without_rows_is_still_judged_by_schema_and_row_count(
    spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite
) -> None:
    path = write_suite(
        _entry("column_values_to_not_be_null", column="age"), _entry("table_row_count_to_be_between", min_value=1)
    )
    result = run_suite(spec, path, rows.clear())
    assert result.schema_failures == ()
    assert (result.values[0].status, result.values[0].reason) == (Status.SKIPPED, "no rows")
    assert result.values[1].status is Status.BREACHED
    assert len(run_suite(spec, path, rows.clear().drop("age")).schema_failures) == 2


def test_dates_in_the_suite_file_compare_with_times_in_utc(
    spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite
) -> None:
    text = """
expectations:
  - {type: expect_column_values_to_be_between, kwargs: {column: predicted_at, min_value: 2024-01-02}}
  - {type: expect_column_values_to_be_between, kwargs: {column: predicted_at, min_value: 2024-01-02T18:00:00-05:00}}
"""
    moved = rows.with_columns(pl.col("predicted_at").dt.convert_time_zone("Asia/Tokyo"))
    days = _values(spec, write_suite(text=text), moved)
    assert [m.value for m in days] == [0.05, 0.1]


def test_decimals_and_text_like_columns_are_judged_by_value(
    spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite
) -> None:
    path = write_suite(
        _entry("column_values_to_be_between", column="weight", max_value=2),
        _entry("column_values_to_be_in_set", column="carrier", value_set=["AA"]),
        _entry("column_values_to_be_in_set", column="prediction", value_set=[True]),
    )
    frame = rows.head(2).with_columns(
        weight=pl.Series([Decimal("1.50"), Decimal("2.50")]),
        carrier=pl.Series(["AA", "BB"], dtype=pl.Categorical),
        prediction=pl.Series([True, None]),
    )
    assert [m.value for m in _values(spec, path, frame)] == [0.5, 0.5, 0.0]


def test_missing_suite_is_skipped_and_the_reason_has_the_draft_command(
    spec: ModelSpec, rows: pl.DataFrame, tmp_path: Path
) -> None:
    result = run_suite(spec, tmp_path / "parcels.suite.yaml", rows)
    (values,) = result.values
    assert result.schema_failures == ()
    assert (values.subject, values.name, values.status) == ("chunk", "suite", Status.SKIPPED)
    assert "monitoring-pipeline suite draft parcels" in str(values.reason)


def test_broken_suite_is_a_breach_and_keeps_the_schema(
    spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite
) -> None:
    result = run_suite(spec, write_suite(_entry("column_values_to_be_nice", column="age")), rows.drop("age"))
    assert len(result.schema_failures) == 2
    assert [(m.name, m.status) for m in result.values] == [("suite", Status.BREACHED)]
    assert str(result.values[0].reason).startswith("no expectation was checked: ")
    assert "expectations[0]" in str(result.values[0].reason)
