"""Values in every form that a warehouse may hold them in."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.rows.accounting import LabelAccounting
from monitoring_pipeline.evaluation.rows.canonical import canonical_labels, canonical_predictions
from monitoring_pipeline.evaluation.rows.class_texts import class_texts, number_texts, version_texts
from monitoring_pipeline.evaluation.rows.errors import RowsError
from monitoring_pipeline.evaluation.rows.readable import readable_predictions, unreadable_numbers
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec

NUMERIC = binary_spec(features={"age": "numeric"})


def _read(column: pl.Series, spec=NUMERIC) -> pl.Series:
    return readable_predictions(spec, column.alias("age").to_frame())["age"]


@pytest.mark.parametrize(("values", "numbers"), [
    (["1.5", " 2 ", "", "  ", None, "-1e3"], [1.5, 2.0, None, None, None, -1000.0]),
    ([dt.date(1970, 1, 2), None], [1.0, None]),
    ([dt.datetime(1970, 1, 1, 12, tzinfo=dt.UTC), None], [0.5, None]),
    ([dt.timedelta(minutes=1)], [60.0]),
    ([True, False], [True, False]),
    ([None, None], [None, None]),
])  # fmt: skip
def test_numbers_in_another_form_are_read_as_numbers(values, numbers):
    assert _read(pl.Series(values)).to_list() == numbers


def test_text_with_a_value_that_is_no_number_stays_as_it_is():
    column = pl.Series(["1", "n/a", None, ""])
    assert _read(column).equals(column)
    assert unreadable_numbers(column).to_list() == ["n/a"]


TIMES = pl.Series(["1900-01-01 00:00", "1900-01-01 12:00", "1970-01-02 00:00"]).str.to_datetime(time_zone="UTC")


@pytest.mark.parametrize(("values", "null_values", "expected"), [
    ([-999, 1, None], [-999], [None, 1, None]),
    ([-999.0, 1.5], ["-999"], [None, 1.5]),
    (["-999", "1.5", "NA"], [-999, "NA"], [None, 1.5, None]),
    ([1, 2], ["NA"], [1, 2]),
    (["-999.00", " -999 ", "1"], [-999], [None, None, 1.0]),
    ([" NA ", "1"], ["NA"], [None, 1.0]),
    (["null", "1"], [None], [None, 1.0]),
    ([dt.date(9999, 12, 31), dt.date(1970, 1, 2)], ["9999-12-31"], [None, 1.0]),
    (TIMES, ["1900-01-01", "NA"], [None, -25566.5, 1.0]),
    (TIMES.dt.replace_time_zone(None), ["1900-01-01", "1900-01-01T12:00"], [None, None, 1.0]),
])  # fmt: skip
def test_null_values_of_a_spec_are_null_whatever_the_type_of_the_column(values, null_values, expected):
    of_all = binary_spec(features={"age": "numeric"}, predictions__null_values=null_values)
    of_column = binary_spec(features={"age": {"kind": "numeric", "null_values": null_values}})
    for spec in (of_all, of_column):
        assert _read(pl.Series(values), spec).to_list() == expected


def test_null_values_of_text_that_is_no_number_are_compared_as_written():
    spec = binary_spec(features={"code": {"kind": "categorical", "null_values": ["7", None]}})
    read = readable_predictions(spec, pl.DataFrame({"code": ["7", "7.0", " 7", "null", "None"]}))
    assert read["code"].to_list() == [None, "7.0", " 7", None, "None"]


def test_null_values_of_one_feature_do_not_concern_another():
    spec = binary_spec(features={"age": {"kind": "numeric", "null_values": [0]}, "height": "numeric"})
    read = readable_predictions(spec, pl.DataFrame({"age": [0, 1], "height": [0, 1]}))
    assert read.to_dict(as_series=False) == {"age": [None, 1], "height": [0, 1]}


@given(st.integers(-(2**53), 2**53))
def test_integral_number_has_the_same_text_in_every_type(number):
    texts = {number_texts(pl.Series([number], dtype=kind)).item() for kind in (pl.Int64, pl.Float64)}
    assert texts == {str(number)}


@pytest.mark.parametrize(("values", "classes", "texts"), [
    ([0.0, 1.0, None], ("0", "1"), ["0", "1", None]),
    ([True, False], ("yes", "no"), ["yes", "no"]),
    ([True, False], ("1", "0"), ["1", "0"]),
    ([True, False], ("True", "False"), ["True", "False"]),
    (["01", "1"], ("01", "1"), ["01", "1"]),
    ([1.5], ("1.5",), ["1.5"]),
])  # fmt: skip
def test_class_has_the_text_that_the_spec_uses_for_it(values, classes, texts):
    assert class_texts(pl.Series(values), classes).to_list() == texts


def test_version_of_a_float_column_equals_the_integer_of_the_spec_unless_the_spec_has_its_decimals():
    assert version_texts(pl.Series("v", [1.0, 2.5, None]), ["1"]).to_list() == ["1", "2.5", None]
    assert version_texts(pl.Series("v", [1.0, 2.0]), ["1.0", "2"]).to_list() == ["1.0", "2"]
    assert version_texts(pl.Series("v", ["1.10", "1.1"]), ["1.1"]).to_list() == ["1.10", "1.1"]


def _canonical(scores: list[float | None]):
    raw = pl.DataFrame({"row_id": [f"r{n}" for n in range(len(scores))], "score": scores}).with_columns(
        predicted_at=pl.lit(dt.datetime(2024, 3, 1, tzinfo=dt.UTC)), age=pl.lit(1)
    )
    return canonical_predictions(binary_spec(features={"age": "numeric"}), raw, id_key=b"k", without_time=0)


def test_score_outside_0_to_1_is_null_and_counted_for_every_consumer():
    rows = _canonical([0.5] * 98 + [1.2, -3.0])
    assert rows.frame["score"].null_count() == 2
    assert rows.frame.filter(pl.col("score").is_null())["prediction"].to_list() == [None, None]
    (found,) = [m for m in rows.measurements if m.name == "scores_out_of_range"]
    assert (found.subject, found.value, found.status, found.severity) == ("score", 0.02, "breached", "critical")
    assert found.reason is not None
    assert found.reason.startswith("2 of 100 scores are outside [0, 1] (-3 to 1.2)")


CLASSES = ("a", "b", "c")


def _canonical_classes(scores: list[tuple[float | None, ...]]):
    raw = pl.DataFrame(
        {"row_id": [f"r{n:04}" for n in range(len(scores))]}
        | {
            f"score[{name}]": pl.Series([row[place] for row in scores], dtype=pl.Float64)
            for place, name in enumerate(CLASSES)
        }
    ).with_columns(predicted_at=pl.lit(dt.datetime(2024, 3, 1, tzinfo=dt.UTC)), age=pl.lit(1))
    return canonical_predictions(multiclass_spec(features={"age": "numeric"}), raw, id_key=b"k", without_time=0)


def test_few_rows_whose_scores_do_not_sum_to_one_are_null_and_counted():
    rows = _canonical_classes([(0.2, 0.3, 0.5)] * 96 + [(0.6, 0.6, 0.8)] * 2 + [(None, 0.3, 0.5)] * 2)
    assert [rows.frame[f"score[{name}]"].null_count() for name in CLASSES] == [4, 2, 2]
    assert rows.frame["prediction"].null_count() == 4
    (found,) = [m for m in rows.measurements if m.name == "scores_not_normalised"]
    assert (found.subject, found.status, found.severity, found.rows) == ("score", "breached", "warning", 98)
    assert found.value == pytest.approx(2 / 98)
    assert found.reason == (
        "the scores of all classes sum to 2 to 2 instead of 1 in 2 of 98 rows; these rows are left out of performance"
    )


def test_many_rows_whose_scores_do_not_sum_to_one_are_counted_and_kept():
    rows = _canonical_classes([(0.2, 0.3, 0.5)] * 9 + [(0.6, 0.6, 0.8)])
    assert {rows.frame[f"score[{name}]"].null_count() for name in CLASSES} == {0}
    (found,) = [m for m in rows.measurements if m.name == "scores_not_normalised"]
    assert (found.value, found.status) == (0.1, "breached")
    assert (found.reason or "").endswith("no probabilities, so they are not used in the metrics that need them")


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3).filter(lambda row: sum(row) > 0), st.sampled_from((2, 3, 8)))
def test_rounded_probabilities_of_classes_are_probabilities(row, places):
    scores = tuple(round(value / sum(row), places) for value in row)
    rows = _canonical_classes([scores] * 3)
    assert "scores_not_normalised" not in {m.name for m in rows.measurements}
    assert rows.frame["score[a]"].to_list() == [scores[0]] * 3


def test_score_with_a_rounding_error_is_moved_to_the_bound():
    rows = _canonical([1.0 + 1e-7, -1e-9, 0.25])
    assert sorted(rows.frame["score"]) == [0.0, 0.25, 1.0]
    assert "scores_out_of_range" not in {m.name for m in rows.measurements}


def test_chunk_whose_scores_are_percentages_is_refused():
    with pytest.raises(RowsError, match=r"score \('probability' in 'scores'\): 99 of 100 scores are outside \[0, 1\]"):
        _canonical([float(n + 1) for n in range(100)])


def test_absent_feature_is_a_column_of_nulls_of_its_type():
    raw = pl.DataFrame({"row_id": ["a"], "score": [0.5]}).with_columns(
        predicted_at=pl.lit(dt.datetime(2024, 3, 1, tzinfo=dt.UTC))
    )
    spec = binary_spec(features={"age": "numeric", "plan": "categorical"})
    frame = canonical_predictions(spec, raw, id_key=b"k", without_time=0).frame
    assert (frame.schema["age"], frame.schema["plan"]) == (pl.Float64, pl.String)
    assert frame.select("age", "plan").row(0) == (None, None)


def _canonical_labels(ambiguous: int, clear: int):
    ids = [f"r{n}" for n in range(ambiguous + clear)]
    marks = [True] * ambiguous + [False] * clear
    raw = pl.DataFrame({"row_id": ids, "label": [True] * len(ids), "is_ambiguous": marks})
    known = raw.with_columns(known_at=pl.lit(dt.datetime(2024, 3, 2, tzinfo=dt.UTC)))
    predictions = pl.DataFrame({"row_id": ["r0"], "predicted_at": [dt.datetime(2024, 3, 1, tzinfo=dt.UTC)]})
    return canonical_labels(NUMERIC, known, predictions, LabelAccounting(0, 0, 0), id_key=b"k")


def test_few_ambiguous_labels_are_left_out_and_counted():
    labels = _canonical_labels(ambiguous=2, clear=98)
    assert labels.frame.height == 98
    (found,) = [m for m in labels.measurements if m.name == "ambiguous_labels"]
    assert (found.value, found.severity) == (2.0, "critical")


def test_labels_of_a_key_that_repeats_in_every_chunk_are_refused_with_the_remedy():
    with pytest.raises(RowsError, match=r"90 of 100 labels belong to ids .* such as id: \[customer, day\]"):
        _canonical_labels(ambiguous=90, clear=10)
