import datetime as dt
import hashlib
import math

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.privacy.pseudonyms import pseudonymise
from monitoring_pipeline.evaluation.rows.accounting import LabelAccounting
from monitoring_pipeline.evaluation.rows.canonical import canonical_labels, canonical_predictions
from monitoring_pipeline.evaluation.rows.errors import RowsError
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.records.measurement import Severity, Status
from monitoring_pipeline_tests.evaluation.cases import ID_KEY, NOON, NOTHING_ELSE
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

BINARY, REGRESSION = binary_spec(), regression_spec()
HOUR = dt.timedelta(hours=1)
NAN = math.nan

pytestmark = pytest.mark.usefixtures("every_value_shown")


def _raw(**columns) -> pl.DataFrame:
    rows = len(next(iter(columns.values())))
    usual = {
        "row_id": [f"id{n}" for n in range(rows)], "predicted_at": [NOON] * rows, "age": [30.0] * rows,
        "plan": ["basic"] * rows, "score": [0.5] * rows,
    }  # fmt: skip
    return pl.DataFrame(usual | columns)


def _predictions(raw, spec=BINARY, without_time=0):
    return canonical_predictions(spec, raw, id_key=ID_KEY, without_time=without_time)


def _labels(labels, spec=BINARY, *, ids=None, known_at=None, predictions=None, accounting=NOTHING_ELSE):
    ids = [f"id{n}" for n in range(len(labels))] if ids is None else ids
    raw = pl.DataFrame(
        {
            "row_id": pl.Series(ids, dtype=pl.String),
            "label": labels,
            "known_at": pl.Series(known_at or [NOON + HOUR] * len(ids), dtype=pl.Datetime("us", "UTC")),
        }
    )
    rows = _predictions(_raw(row_id=["id0", "id1", "id2"])).frame if predictions is None else predictions
    return canonical_labels(spec, raw, rows, accounting, id_key=ID_KEY)


def _values(rows):
    return {m.name: m.value for m in rows.measurements}


def _hashed(*ids):
    return pseudonymise(pl.Series(ids), ID_KEY).to_list()


# ---- ids


def test_id_is_replaced_by_a_keyed_blake2b_hash():
    expected = hashlib.blake2b("Zoë".encode(), key=ID_KEY, digest_size=16).hexdigest()
    hashed = pseudonymise(pl.Series(["Zoë", "b", None, "Zoë"]), ID_KEY)
    assert hashed.name == "row_id"
    assert hashed.to_list() == [expected, _hashed("b")[0], None, expected]


def test_hash_of_an_id_changes_with_the_key():
    assert pseudonymise(pl.Series(["a"]), b"one").item() != pseudonymise(pl.Series(["a"]), b"two").item()


def test_hash_of_a_numeric_id_is_the_hash_of_its_text():
    assert _hashed(17) == _hashed("17")


def test_hashes_of_no_ids_are_an_empty_text_column():
    assert pseudonymise(pl.Series([], dtype=pl.String), ID_KEY).dtype == pl.String


# ---- predictions


def test_canonical_predictions_have_fixed_columns_types_and_order():
    raw = _raw(row_id=["b", "a"], age=[1, 2], plan=[True, None], score=[0.4, 0.5])
    frame = _predictions(raw.select(reversed(raw.columns))).frame
    assert dict(frame.schema) == {
        "row_id": pl.String,
        "predicted_at": pl.Datetime("us", "UTC"),
        "model_version": pl.String,
        "age": pl.Float64,
        "plan": pl.String,
        "score": pl.Float64,
        "prediction": pl.String,
    }
    by_id = {row["row_id"]: row for row in frame.iter_rows(named=True)}
    assert list(by_id) == sorted(_hashed("a", "b"))
    assert by_id[_hashed("b")[0]] == {
        "row_id": _hashed("b")[0], "predicted_at": NOON, "model_version": "1", "age": 1.0, "plan": "true", "score": 0.4,
        "prediction": "0",
    }  # fmt: skip
    assert by_id[_hashed("a")[0]]["prediction"] == "1"


def test_latest_row_of_an_id_and_version_is_kept():
    raw = _raw(
        row_id=["a", "a", "a", "b"],
        predicted_at=[NOON, NOON + HOUR, NOON - HOUR, NOON],
        model_version=["1", "1", "1", None],
        age=[1.0, 2.0, 3.0, 4.0],
    )
    rows = _predictions(raw)
    assert dict(rows.frame.select("row_id", "age").iter_rows()) == {_hashed("a")[0]: 2.0, _hashed("b")[0]: 4.0}
    assert set(rows.frame["model_version"]) == {"1", ""}
    assert _values(rows)["duplicate_predictions"] == 2


def test_rows_of_one_id_with_two_versions_are_both_kept():
    rows = _predictions(_raw(row_id=["a", "a"], model_version=[1, 2]))
    assert rows.frame["model_version"].to_list() == ["1", "2"]
    assert _values(rows)["duplicate_predictions"] == 0


def test_rows_of_predictions_that_are_left_out_are_counted():
    raw = _raw(row_id=["a", None, "a", "b", None])
    rows = _predictions(raw, without_time=4)
    assert _values(rows) == {
        "rows": 2, "duplicate_predictions": 1, "predictions_without_id": 2, "predictions_without_time": 4,
    }  # fmt: skip
    assert rows.frame.height + 1 + 2 == raw.height
    statuses = {m.name: m.status for m in rows.measurements}
    assert statuses.pop("rows") is Status.OK
    assert set(statuses.values()) == {Status.BREACHED}
    assert all(m.reason for m in rows.measurements if m.status is Status.BREACHED)


def test_measurements_of_clean_predictions_are_ok():
    rows = _predictions(_raw(row_id=["a", "b"]))
    assert {m.status for m in rows.measurements} == {Status.OK}


@pytest.mark.parametrize(("minimum", "status"), [(0, Status.OK), (1, Status.BREACHED)])
def test_empty_chunk_is_a_critical_breach_unless_the_spec_allows_it(minimum, status):
    rows = _predictions(_raw(row_id=[]).cast({"row_id": pl.String}), binary_spec(quality__minimum_rows=minimum))
    (volume,) = [m for m in rows.measurements if m.name == "rows"]
    assert (volume.value, volume.status, volume.severity) == (0.0, status, Severity.CRITICAL)
    assert rows.frame.is_empty()
    assert rows.frame.schema["prediction"] == pl.String


def test_prediction_from_a_nan_score_is_null():
    """In Polars, NaN is greater than any threshold."""
    spec = binary_spec(predictions__decision_threshold=0.4)
    rows = _predictions(_raw(score=[0.4, 0.3999, NAN, None, 1.0]), spec)
    decided = dict(zip(rows.frame["row_id"], rows.frame["prediction"], strict=True))
    assert [decided[row_id] for row_id in _hashed(*(f"id{n}" for n in range(5)))] == ["1", "0", None, None, "1"]


@pytest.mark.parametrize(("column", "positive"), [
    ([True, False, None], True), ([1, 0, None], True), ([1, 0, None], 1), ([1.0, 0.0, NAN], True),
    (["yes", "no", None], "yes"), (["1", "0", None], 1), ([False, True, None], False), ([2, 1, None], 2),
    ([1, -1, None], True), (["yes", "no", None], True), (["True", "False", None], True), (["1.0", "0", None], 1),
    ([True, False, None], "yes"), ([1.0, 0.0, None], "1"), ([1, 0, None], "1.0"), ([False, True, None], "no"),
])  # fmt: skip
def test_positive_and_negative_class_of_any_type_are_recognised(column, positive):
    spec = binary_spec(predictions__prediction="decided", labels__positive=positive)
    rows = _predictions(_raw(prediction=column), spec)
    decided = dict(zip(rows.frame["row_id"], rows.frame["prediction"], strict=True))
    assert [decided[row_id] for row_id in _hashed("id0", "id1", "id2")] == ["1", "0", None]
    labels = _labels(column, spec)
    assert dict(labels.frame.select("row_id", "label").iter_rows()) == dict(
        zip(_hashed("id0", "id1"), [1.0, 0.0], strict=True)
    )
    assert _values(labels)["labels_without_value"] == 1


@pytest.mark.parametrize(("column", "positive", "reason"), [
    (["left", "stayed"], True, "labels.label: the column holds text ('left', 'stayed'); name the positive one in"),
    ([1, 0], "yes", "labels.label: labels.positive is 'yes', but the column is Int64 and holds 0, 1"),
    (["Yes", "No", "yes"], "yes",
     "('yes', from labels.positive) the column holds more than one other value ('No', 'Yes'); two classes are needed"),
    ([0, 1, 2], True, "more than one other value (0.0, 2.0); two classes are needed"),
    ([dt.date(2024, 1, 1)], True, "labels.label: the column is Date, numbers are needed"),
])  # fmt: skip
def test_label_column_that_does_not_fit_the_spec_is_refused_with_a_reason(column, positive, reason):
    with pytest.raises(RowsError) as caught:
        _labels(column, binary_spec(labels__positive=positive))
    assert str(caught.value).startswith("churn: labels.label: ")
    assert reason in str(caught.value)


def test_prediction_column_that_does_not_fit_is_refused_with_a_reason():
    spec = binary_spec(predictions__prediction="decided")
    with pytest.raises(RowsError, match=r"churn: predictions\.prediction: the column holds text"):
        _predictions(_raw(prediction=["late", "on time"]), spec)


@pytest.mark.parametrize(("values", "reason"), [
    (["12", "old", None], "churn: age: the column holds text ('old'), numbers are needed"),
    ([NOON], "churn: age: the column is Datetime"),
])  # fmt: skip
def test_numeric_column_without_numbers_is_refused_with_a_reason(values, reason):
    with pytest.raises(RowsError) as caught:
        _predictions(_raw(age=values))
    assert str(caught.value).startswith(reason)


def test_numbers_written_as_text_are_parsed():
    assert _predictions(_raw(age=["12.5", None])).frame["age"].drop_nulls().to_list() == [12.5]


def test_columns_of_nulls_only_keep_their_type():
    spec = binary_spec(predictions__prediction="decided")
    rows = _predictions(_raw(age=[None, None], plan=[None, None], score=[None, None], prediction=[None, None]), spec)
    assert [rows.frame.schema[name] for name in spec.columns] == [pl.Float64, pl.String, pl.Float64, pl.String]
    assert rows.frame.select(*spec.columns).null_count().row(0) == (2, 2, 2, 2)


# ---- labels


def test_label_known_last_is_kept():
    labels = _labels(
        [True, False, True, None, None],
        ids=["id0", "id0", "id1", "id2", "id1"],
        known_at=[NOON + HOUR, NOON + 2 * HOUR, NOON + HOUR, NOON, NOON + 3 * HOUR],
    )
    assert labels.frame.select("row_id", "label").rows() == [(_hashed("id0")[0], 0.0)]


def test_label_is_withdrawn_by_a_later_row_without_a_label_but_not_by_an_equally_late_one():
    labels = _labels(
        [True, None, True, None, None, False],
        ids=["id0", "id0", "id1", "id1", "id2", "id2"],
        known_at=[NOON, NOON + HOUR, NOON + HOUR, NOON + HOUR, NOON, NOON + HOUR],
    )
    kept = dict(labels.frame.select("row_id", "label").iter_rows())
    assert kept == dict(zip(_hashed("id1", "id2"), [1.0, 0.0], strict=True))
    assert _values(labels)["labels_without_value"] == 3


@given(order=st.permutations(range(6)))
def test_label_of_an_id_with_several_rows_does_not_depend_on_their_order(order):
    rows = [("id0", True, NOON), ("id0", True, NOON), ("id1", None, NOON), ("id1", True, NOON),
            ("id2", False, NOON), ("id2", True, NOON - HOUR)]  # fmt: skip
    ids, values, times = zip(*(rows[n] for n in order), strict=True)
    labels = _labels(list(values), ids=list(ids), known_at=list(times))
    kept = dict(labels.frame.select("row_id", "label").iter_rows())
    assert kept == dict(zip(_hashed("id0", "id1", "id2"), [1.0, 1.0, 0.0], strict=True))


@given(order=st.permutations(range(6)), has_times=st.booleans())
def test_label_of_an_id_with_several_labels_of_its_last_time_is_left_out_and_counted(order, has_times):
    rows = [("id0", True, NOON), ("id0", False, NOON), ("id1", True, NOON), ("id1", False, NOON),
            ("id1", False, NOON + HOUR if has_times else NOON), ("id2", True, NOON)]  # fmt: skip
    ids, values, times = zip(*(rows[n] for n in order), strict=True)
    labels = _labels(list(values), ids=list(ids), known_at=list(times) if has_times else [None] * len(rows))
    kept = dict(labels.frame.select("row_id", "label").iter_rows())
    expected = dict(zip(_hashed("id1", "id2"), [0.0, 1.0], strict=True))
    assert kept == (expected if has_times else {_hashed("id2")[0]: 1.0})
    (found,) = [m for m in labels.measurements if m.name == "labels_contradictory"]
    assert (found.value, found.status) == (1 if has_times else 2, Status.BREACHED)
    assert "which one is the last is unknown" in str(found.reason)


CODED = {"paid": 0, "default": 1}


@pytest.mark.parametrize(("values", "column", "meant"), [
    (CODED, ["paid", "default", None], [0.0, 1.0]),
    ({"P": "false", "D": "true"}, ["P", "D", "P"], [0.0, 1.0, 0.0]),
    ({1: 1, 2: 0}, [1.0, 2.0, NAN], [1.0, 0.0]),
    ({"1": "1", "2": "0"}, [1, 2, None], [1.0, 0.0]),
    ({True: 0, False: 1}, [True, False, True], [0.0, 1.0, 0.0]),
    ({"on": 0, "off": 1}, [True, False, True], [0.0, 1.0, 0.0]),
])  # fmt: skip
def test_labels_that_are_coded_otherwise_get_the_values_of_the_prediction(values, column, meant):
    labels = _labels(column, binary_spec(labels__values=values))
    assert [label for _, label in sorted(zip(labels.frame["row_id"], labels.frame["label"], strict=True))] == [
        label for _, label in sorted(zip(_hashed("id0", "id1", "id2"), meant, strict=False))
    ]
    assert _values(labels)["labels_unmapped"] == 0


def test_label_that_is_to_mean_null_is_refused_rather_than_taken_for_a_class():
    with pytest.raises(ValueError, match=r"labels\.values\.pending"):
        binary_spec(labels__values=CODED | {"pending": None})


def test_labels_with_unmapped_values_are_a_breach_that_names_the_classes():
    labels = _labels(["paid", "refunded", "?"], binary_spec(labels__values=CODED))
    assert labels.frame["label"].to_list() == [0.0]
    (unmapped,) = (m for m in labels.measurements if m.name == "labels_unmapped")
    assert (unmapped.status, unmapped.value) == (Status.BREACHED, 2)
    assert unmapped.reason.endswith("labels.values does not map ('?', 'refunded')")
    assert _values(labels)["labels_without_value"] == 0


def test_unmapped_numbers_of_a_regression_are_counted_without_their_values():
    labels = _labels([1.5, 2.0], regression_spec(labels__values={"1.5": "10"}))
    assert labels.frame["label"].to_list() == [10.0]
    (unmapped,) = (m for m in labels.measurements if m.name == "labels_unmapped")
    assert unmapped.reason == "1 label rows whose value labels.values does not map"


def test_classes_coded_by_numbers_get_their_names():
    labels = _labels([0, 1, 2], multiclass_spec(labels__values={0: "a", 1: "b", 2: "c"}))
    assert sorted(labels.frame["label"]) == ["a", "b", "c"]


def test_positive_prediction_may_be_coded_otherwise_than_the_label():
    spec = binary_spec(predictions__prediction="decided", predictions__positive="Y", labels__positive="default")
    rows = _predictions(_raw(prediction=["Y", "N"]), spec).frame
    assert sorted(rows["prediction"]) == ["0", "1"]
    assert sorted(_labels(["default", "paid"], spec).frame["label"]) == [0.0, 1.0]


def test_labels_without_times_have_none_and_are_never_early():
    spec = binary_spec(labels__known_at=...)
    labels = _labels([True], spec, accounting=LabelAccounting(None, None, 3))
    assert labels.frame["known_at"].dtype == pl.Datetime("us", "UTC")
    assert _values(labels) == {"duplicate_labels": 0, "labels_without_value": 0, "labels_not_yet_known": 3}


def test_label_rows_that_are_left_out_are_counted():
    labels = _labels(
        [1.0, 0.0, 1.0, None, 1.0, NAN],
        ids=["id0", "id0", "id1", "id2", None, "id2"],
        known_at=[NOON + HOUR, NOON, NOON - HOUR, NOON, NOON, NOON],
        accounting=LabelAccounting(orphans=7, outside_window=8, not_yet_known=9),
    )
    assert _values(labels) == {
        "duplicate_labels": 1, "labels_without_value": 3, "labels_before_prediction": 1, "orphan_labels": 7,
        "labels_outside_window": 8, "labels_not_yet_known": 9,
    }  # fmt: skip
    assert labels.frame.height + 1 + 3 == 6
    breached = {m.name for m in labels.measurements if m.status is Status.BREACHED}
    assert breached == {"duplicate_labels", "labels_without_value", "labels_before_prediction", "orphan_labels"}


def test_late_and_future_labels_are_counted_without_a_breach():
    labels = _labels([True], accounting=LabelAccounting(orphans=0, outside_window=5, not_yet_known=5))
    assert {m.status for m in labels.measurements} == {Status.OK}


def test_label_after_the_first_of_two_predictions_is_not_early():
    predictions = _predictions(
        _raw(row_id=["id0", "id0"], model_version=["1", "2"], predicted_at=[NOON, NOON + 2 * HOUR])
    ).frame
    labels = _labels([True], known_at=[NOON + HOUR], predictions=predictions)
    assert _values(labels)["labels_before_prediction"] == 0


def test_label_known_at_the_instant_of_the_prediction_is_not_early():
    assert _values(_labels([True], known_at=[NOON]))["labels_before_prediction"] == 0


def test_labels_of_a_regression_become_numbers_or_are_refused():
    assert _labels([3, None, -2], REGRESSION).frame["label"].sort().to_list() == [-2.0, 3.0]
    assert _labels([3.5, NAN], REGRESSION).frame["label"].to_list() == [3.5]
    assert _labels([True, False], REGRESSION).frame["label"].sort().to_list() == [0.0, 1.0]
    with pytest.raises(RowsError, match=r"spend: labels.label: the column holds text \('late'\), numbers are needed"):
        _labels(["late"], REGRESSION)


@pytest.mark.parametrize("labels", [[], pl.Series([], dtype=pl.Boolean), pl.Series([None, None])])
def test_canonical_form_of_no_labels_is_an_empty_frame(labels):
    rows = _labels(labels)
    assert dict(rows.frame.schema) == {
        "row_id": pl.String, "label": pl.Float64, "known_at": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    assert rows.frame.is_empty()


# ---- fingerprints


raw_rows = st.lists(
    st.tuples(
        st.sampled_from(["a", "b", "c"]),
        st.sampled_from([NOON, NOON + HOUR]),
        st.one_of(st.none(), st.sampled_from([0.0, 1.0, NAN])),
        st.one_of(st.none(), st.sampled_from(["", "x"])),
    ),
    min_size=1,
    max_size=8,
)


@given(rows=raw_rows, order=st.randoms(use_true_random=False))
def test_fingerprint_does_not_depend_on_row_order_or_memory_layout(rows, order):
    schema = {"row_id": pl.String, "predicted_at": pl.Datetime("us", "UTC"), "age": pl.Float64, "plan": pl.String}
    shuffled = order.sample(rows, len(rows))
    whole, parts = (
        pl.DataFrame(rows, schema, orient="row"),
        pl.concat([pl.DataFrame([row], schema, orient="row") for row in shuffled], rechunk=False),
    )
    first, second = (_predictions(raw.with_columns(score=pl.lit(0.5))).frame for raw in (whole, parts))
    assert first.equals(second)
    assert fingerprint(first) == fingerprint(second)
    in_chunks = pl.concat([first[:1], first[1:]], rechunk=False)
    assert fingerprint(in_chunks) == fingerprint(first)


FRAME = pl.DataFrame(
    {
        "t": ["ab", "c", None, ""],
        "x": [1.0, None, NAN, 0.0],
        "b": [True, None, False, True],
        "at": [NOON, None, NOON, NOON],
    }
)


@pytest.mark.parametrize("changed", [
    FRAME.rename({"t": "u"}),
    FRAME.with_columns(t=pl.Series(["a", "bc", None, ""])),
    FRAME.with_columns(t=pl.Series(["ab", "c", "", None])),
    FRAME.with_columns(x=pl.Series([1.0, NAN, None, 0.0])),
    FRAME.with_columns(x=pl.Series([1.0, 0.0, NAN, 0.0])),
    FRAME.with_columns(x=pl.Series([1.0000000000000002, None, NAN, 0.0])),
    FRAME.with_columns(b=pl.Series([True, False, False, True])),
    FRAME.with_columns(b=pl.Series([True, None, True, True])),
    FRAME.with_columns(at=pl.Series([NOON, None, NOON, NOON + dt.timedelta(microseconds=1)])),
    FRAME.with_columns(b=pl.col("b").cast(pl.Int8)),
    FRAME.reverse(),
    FRAME.head(3),
    FRAME.select("x", "t", "b", "at"),
    FRAME.drop("b"),
])  # fmt: skip
def test_fingerprint_changes_with_any_change_of_content(changed):
    assert fingerprint(changed) != fingerprint(FRAME)


def test_fingerprint_of_a_fixed_frame_is_unchanged_across_versions():
    """Stored results contain it, so with a change here the input of every stored result would appear changed."""
    assert fingerprint(pl.DataFrame({"x": [1.0, None], "t": ["a", None]})) == "22225b7ea53f7e87282ce9c17d65a8b4"


def test_combined_fingerprint_depends_on_the_order():
    assert combined_fingerprint("a", "b") == combined_fingerprint("a", "b")
    combined = [combined_fingerprint(*parts) for parts in (["a", "b"], ["b", "a"], ["ab"], ["a"], [])]
    assert len(set(combined)) == 5
    assert {len(text) for text in combined} == {32}


MULTICLASS = multiclass_spec()


def _scored(*scores, **columns):
    names = MULTICLASS.score_columns.values()
    return _raw(**dict(zip(names, zip(*scores, strict=True), strict=True)), **columns).drop("score")


def test_prediction_is_the_class_with_the_highest_score_or_the_first_of_equals():
    raw = _scored((0.2, 0.5, 0.3), (0.4, 0.2, 0.4), (0.1, None, 0.9), (0.1, NAN, 0.9))
    rows = _predictions(raw, MULTICLASS).frame.sort("score[a]", "score[b]")
    by_scores = dict(zip(rows.select("score[a]", "score[b]").rows(), rows["prediction"], strict=True))
    assert by_scores[0.2, 0.5] == "b"
    assert by_scores[0.4, 0.2] == "a"
    assert by_scores[0.1, None] is None
    assert rows["prediction"].null_count() == 2


def test_class_outside_the_spec_is_refused():
    spec = multiclass_spec(predictions__prediction="decided")
    raw = _scored((0.2, 0.5, 0.3), (0.4, 0.2, 0.4), prediction=["b", "z"])
    with pytest.raises(RowsError, match=r"choice: predictions.prediction: the column holds 'z'; .* 'a', 'b', 'c'"):
        _predictions(raw, spec)
    predictions = _predictions(raw.with_columns(prediction=pl.lit("c")), spec).frame
    assert predictions["prediction"].to_list() == ["c", "c"]
    assert _labels(["a", "c"], spec, predictions=predictions).frame["label"].dtype == pl.String
    with pytest.raises(RowsError, match=r"choice: labels.label: the column holds 'd'"):
        _labels(["a", "d"], spec, predictions=predictions)


def test_horizon_and_naive_forecast_are_kept_as_numbers_and_not_profiled():
    spec = regression_spec(predictions__horizon="steps", predictions__naive="last")
    raw = _raw(prediction=[1.0, 2.0], horizon=[1, 2], naive=["3", "4.5"]).drop("score")
    frame = _predictions(raw, spec).frame
    assert frame.sort("horizon").select("horizon", "naive").rows() == [(1.0, 3.0), (2.0, 4.5)]
    assert not {"horizon", "naive"} & spec.columns.keys()


def test_label_dated_by_the_day_of_its_prediction_is_not_early_but_one_of_the_day_before_is():
    spec = binary_spec(timezone="America/New_York")
    midnight = NOON.replace(hour=5)  # in New York, in winter
    assert _values(_labels([True], spec, known_at=[midnight]))["labels_before_prediction"] == 0
    assert _values(_labels([True], spec, known_at=[midnight - 24 * HOUR]))["labels_before_prediction"] == 1
    assert _values(_labels([True], spec, known_at=[midnight + HOUR]))["labels_before_prediction"] == 1


@pytest.mark.parametrize("labels", [[f"Ada Lovelace {n}" for n in range(21)], ["left", "stayed", "a" * 41]])
def test_error_about_a_column_that_holds_no_classes_quotes_no_value(labels):
    with pytest.raises(RowsError) as refused:
        _labels(labels, binary_spec(labels__positive="left"), ids=[f"id{n}" for n in range(len(labels))])
    assert f"{len(set(labels) - {'left'})} different values" in str(refused.value)
    assert not [label for label in labels if label != "left" and label in str(refused.value)]
