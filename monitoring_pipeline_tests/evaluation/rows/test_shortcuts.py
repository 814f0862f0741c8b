"""Shortcuts for the usual rows give what the general way gives for any rows."""

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.rows.joined import by_id, rows_with_label, with_labels
from monitoring_pipeline.evaluation.rows.repeated import has_repeated, one_of_each_id, repeated_rows

NUMBERS = st.sampled_from((None, 0.0, -0.0, 1.0, float("nan"), float("inf")))
ROWS = st.lists(st.tuples(st.sampled_from("abcdefgh"), NUMBERS, NUMBERS), max_size=8)
IDS = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)


def _frame(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"row_id": pl.String, "x": pl.Float64, "y": pl.Float64}, orient="row")


@given(ROWS)
@example([("a", None, None), ("b", None, None)])
@example([("a", 0.0, float("nan")), ("b", -0.0, float("nan"))])
@example([("a", 1.0, 0.0), ("b", 1.0, 1.0), ("c", 0.0, 0.0)])
def test_rows_that_repeat_are_those_beyond_the_distinct_ones(rows) -> None:
    content = _frame(rows).drop("row_id")
    assert repeated_rows(content) == content.height - content.unique().height


@given(ROWS)
def test_one_row_of_each_id_is_the_first(rows) -> None:
    frame = _frame(rows).sort("row_id", maintain_order=True)
    assert has_repeated(frame["row_id"]) == (frame["row_id"].n_unique() < frame.height)
    first = frame.group_by("row_id", maintain_order=True).first()
    assert one_of_each_id(frame).equals(first, null_equal=True)


@given(IDS, IDS, st.booleans())
@example(["b", "a"], ["b", "a"], False)
@example(["a"], ["a", "b"], False)
def test_rows_with_labels_are_those_of_a_join(ids, labelled, are_same) -> None:
    rows = pl.DataFrame({"row_id": ids, "score": range(len(ids))}, schema={"row_id": pl.String, "score": pl.Int64})
    labelled = ids if are_same else labelled
    labels = pl.DataFrame({"row_id": labelled, "label": labelled}, schema={"row_id": pl.String, "label": pl.String})
    joined = rows.join(labels, on="row_id").sort("row_id")
    assert by_id(with_labels(rows, labels)).equals(joined)
    assert rows_with_label(rows, labels) == len(set(ids) & set(labelled))
