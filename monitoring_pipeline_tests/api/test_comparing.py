"""Two frames are compared: any library, any names, neither ids nor times; what does not fit is named."""

import io

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.api import ArgumentError, compare
from monitoring_pipeline.records.measurement import Severity, Status, VerdictStatus
from monitoring_pipeline_tests.api.frames_for_tests import people

QUICK = {"drift": {"multivariate": []}}


@pytest.fixture(scope="module")
def healthy():
    return people(600, 1)


@pytest.fixture(scope="module")
def older():
    return people(500, 2, older=8)


def outcomes(result):
    frame = result.to_polars()
    return dict(zip(frame["subject"] + "." + frame["metric"], frame["status"], strict=True))


def test_csv_without_ids_and_times_is_compared_with_another(healthy, older):
    texts = [io.BytesIO(frame.write_csv().encode()) for frame in (healthy, older)]
    result = compare(*map(pl.read_csv, texts))
    assert result.verdict is VerdictStatus.WARNING
    assert set(result.drifted) == {"age", "income", "features"}
    assert "default floors, because no time is given" in result.notes


def test_equal_frames_are_ok(healthy):
    result = compare(healthy, healthy)
    assert (result.verdict, result.drifted) == (VerdictStatus.OK, ())


def test_every_library_gives_the_same_measurements(healthy, older):
    expected = compare(healthy, older, **QUICK).to_polars()
    relation = duckdb.from_arrow(older.to_arrow())
    pandas_frame = older.to_pandas()
    pandas_frame.index = pandas_frame.index + 17
    pandas_frame["region"] = pandas_frame["region"].astype("category")
    for other in (older.lazy(), older.to_arrow(), pandas_frame, relation):
        assert compare(healthy, other, **QUICK).to_polars().equals(expected)


def test_nulls_of_pandas_are_counted_in_nullable_and_other_types(healthy):
    pandas_frame = healthy.to_pandas()
    pandas_frame.loc[:59, "age"] = float("nan")
    nullable = pandas_frame.convert_dtypes()
    for frame in (pandas_frame, nullable):
        nulls = compare(healthy, frame, **QUICK).to_polars().filter(subject="age", metric="null_share")
        assert (nulls["value"][0], nulls["reference_value"][0]) == (0.1, 0.0)


def test_columns_with_names_of_the_monitoring_keep_their_names(healthy, older):
    names = {"age": "score", "income": "label", "region": "model"}
    result = compare(healthy.rename(names), older.rename(names))
    assert set(result.drifted) == {"score", "label", "features"}
    assert "(column)" not in result.to_json()


def test_names_that_differ_only_by_case_or_have_quotes_are_different_columns(healthy, older):
    names = {"age": "x", "income": "X", "region": 'a "b".c'}
    result = compare(healthy.rename(names), older.rename(names), **QUICK)
    assert set(result.drifted) == {"x", "X"}
    assert outcomes(result)['a "b".c.jensen_shannon'] == "ok"


def test_name_with_a_null_character_is_a_column(healthy, older):
    names = {"age": "a\0b", "income": "a b"}
    assert set(compare(healthy.rename(names), older.rename(names), **QUICK).drifted) == {"a\0b", "a b"}


def test_identifiers_times_and_nested_values_are_left_out_and_named(healthy):
    more = healthy.with_columns(
        number=pl.int_range(pl.len()),
        code=pl.format("c{}", pl.int_range(pl.len())),
        made_at=pl.lit("2024-01-01").str.to_datetime(),
        parts=pl.struct("age", "income"),
    )
    result = compare(more, more, **QUICK)
    left_out = [note.split(" is left out: ")[0] for note in result.notes if "left out" in note]
    assert left_out == ["number", "code", "made_at", "parts"]
    assert "number.jensen_shannon" in outcomes(compare(more, more, kinds={"number": "numeric"}, **QUICK))


def test_missing_and_new_columns_are_findings(healthy):
    result = compare(healthy, healthy.rename({"income": "salary"}), **QUICK)
    assert result.verdict is VerdictStatus.CRITICAL
    assert [(m.subject, m.name, m.severity) for m in result.breaches] == [
        ("income", "column_to_exist", Severity.CRITICAL)
    ]
    new = result.to_polars().filter(metric="columns_new")
    assert (new["value"][0], new["reason"][0]) == (1.0, "salary")


def test_column_that_became_text_is_a_finding_with_the_number_of_values(healthy):
    spoiled = healthy.with_columns(age=pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("?")).otherwise("age"))
    (breach,) = compare(healthy, spoiled, **QUICK).breaches
    assert breach.reason == "column age of current is text, and 3 of 600 values are no numbers; expected numbers"


def test_numbers_as_text_are_compared_as_numbers(healthy, older):
    result = compare(healthy, older.with_columns(pl.col("age").cast(pl.String)), **QUICK)
    assert outcomes(result)["age.jensen_shannon"] == "breached"


def test_codes_that_are_integers_here_and_floats_there_are_the_same_categories(healthy):
    coded = healthy.with_columns(code=pl.int_range(pl.len()) % 3)
    as_floats = coded.with_columns(pl.col("code").cast(pl.Float64))
    result = compare(coded, as_floats, kinds={"code": "categorical"}, **QUICK)
    assert outcomes(result)["code.unseen_share"] == "ok"


def test_ignored_column_is_measured_and_does_not_decide(healthy, older):
    result = compare(healthy, older, ignore=["age", "income"], **QUICK)
    assert (result.verdict, result.drifted) == (VerdictStatus.OK, ())
    assert outcomes(result)["age.jensen_shannon"] == "breached"


def test_floors_are_learned_if_the_reference_has_days(healthy):
    days = pl.datetime_range(pl.datetime(2024, 1, 1), pl.datetime(2024, 1, 12, 23), "1h", eager=True)
    # The mean moves by the day.
    varying = pl.concat([people(60, 10 + n, older=3 * (n % 5)) for n in range(12)]).with_columns(
        made_at=pl.Series([day for n in range(12) for day in [days[24 * n]] * 60])
    )
    result = compare(varying, varying.filter(pl.col("made_at").dt.day() == 5), time="made_at", **QUICK)
    floor = result.to_polars().filter(subject="age", metric="jensen_shannon")["threshold_upper"][0]
    assert "floors are learned from 12 days" in result.notes
    assert floor > 0.1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"columns": ["agee"]}, "columns: reference has no column 'agee'.*did you mean 'age'"),
        ({"kinds": {"age": "number"}}, "kinds: column 'age': 'number' is not one of numeric, categorical"),
        ({"kinds": {"region": "numeric"}}, "kinds: column 'region' of reference is text, and 600 of 600 values"),
        ({"time": "region"}, "time: no row of reference has a time in column 'region'"),
        ({"ids": "x"}, "ids: reference has no column 'x'"),
        ({"cadence": "year"}, "cadence: "),
        ({"timezone": "Mars"}, "timezone: "),
        ({"drift": {"alfa": 1}}, "drift.alfa: "),
        ({"drift": {"numeric": "kulback"}}, "drift.numeric: unknown 'kulback'"),
        ({"drift": {"against": "previous_chunk"}}, "use monitor"),
        ({"ignore": ["agee"]}, "drift.ignore: unknown 'agee'"),
        ({"score": "age"}, "reference: score: 600 of 600 scores are outside|outside \\[0, 1\\]"),
        ({"columns": []}, "columns: none is left to compare"),
    ],
)
def test_argument_that_cannot_be_used_is_named_with_its_column(arguments, words, healthy):
    with pytest.raises(ArgumentError, match=words):
        compare(healthy, healthy, **(QUICK | arguments))


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ([1, 2], "current: expected a data frame .* got list"),
        (None, "current: expected a data frame .* got NoneType"),
        (pl.DataFrame(), "current: it has no columns"),
        (pl.DataFrame({"age": [], "income": [], "region": []}), "current: it has no rows"),
    ],
)
def test_frame_that_is_none_is_named(frame, words, healthy):
    with pytest.raises(ArgumentError, match=words):
        compare(healthy, frame)


def test_column_of_several_types_is_named_without_its_values(healthy):
    mixed = healthy.to_pandas().astype({"age": object})
    mixed.loc[3, "age"] = "secret-7"
    with pytest.raises(ArgumentError, match="current: column 'age' cannot be read as values of one type") as raised:
        compare(healthy, mixed)
    assert "secret-7" not in str(raised.value)


def test_few_rows_are_not_judged_and_the_reason_is_given(healthy):
    result = compare(healthy, healthy.head(10))
    assert result.verdict is VerdictStatus.UNKNOWN
    assert any("10 rows, at least 50 needed" in reason for reason in result.reasons)


def values(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(st.one_of(st.none(), strategy), min_size=60, max_size=60)


cells = st.one_of(map(values, (st.floats(width=32), st.text(max_size=4), st.booleans(), st.datetimes())))
names = st.text(min_size=1, max_size=8).filter(lambda name: name.strip() and name != "n")


@settings(max_examples=15)
@given(left=cells, right=cells, name=names)
def test_any_columns_end_in_measurements_or_a_finding(left, right, name):
    frames = [pl.DataFrame({name: values, "n": range(60)}, strict=False) for values in (left, right)]
    result = compare(*frames, kinds={"n": "numeric"}, **QUICK)
    assert all((m.value is None) == (m.status is Status.SKIPPED) for chunk in result.chunks for m in chunk.measurements)
    assert max(map(len, result.summary().splitlines())) <= 80
    assert result._repr_html_()
