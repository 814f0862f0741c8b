"""Categories that contain most nulls of a column are found, and no others."""

import polars as pl

from monitoring_pipeline.evaluation.quality.null_groups import NullGroup, find_null_group


def _frame(**null_share: tuple[int, int]) -> tuple[pl.DataFrame, pl.Series]:
    """Build rows by category from (nulls, rows)."""
    categories = [name for name, (_, rows) in null_share.items() for _ in range(rows)]
    missing = [i < nulls for nulls, rows in null_share.values() for i in range(rows)]
    return pl.DataFrame({"carrier": categories}), pl.Series(missing)


def test_null_group_of_one_category_with_most_nulls_is_found() -> None:
    frame, missing = _frame(MQ=(96, 100), AA=(6, 300), UA=(6, 300))
    assert find_null_group(frame, missing, ["carrier"]) == NullGroup("carrier", ("MQ",))


def test_null_group_of_several_categories_is_found() -> None:
    frame, missing = _frame(MQ=(96, 100), AA=(70, 100), UA=(6, 300))
    assert find_null_group(frame, missing, ["carrier"]) == NullGroup("carrier", ("AA", "MQ"))


def test_nulls_spread_evenly_have_no_group() -> None:
    frame, missing = _frame(MQ=(30, 100), AA=(90, 300), UA=(90, 300))
    assert find_null_group(frame, missing, ["carrier"]) is None


def test_column_null_nearly_everywhere_has_no_group() -> None:
    frame, missing = _frame(MQ=(99, 100), AA=(299, 300), UA=(0, 60))
    assert find_null_group(frame, missing, ["carrier"]) is None


def test_category_of_few_rows_is_no_null_group() -> None:
    frame, missing = _frame(MQ=(29, 29), AA=(0, 300))
    assert find_null_group(frame, missing, ["carrier"]) is None


def test_null_group_with_the_fewest_nulls_outside_is_chosen() -> None:
    frame, missing = _frame(MQ=(90, 100), AA=(10, 500))
    sharper = pl.when(missing).then(pl.lit("bad")).otherwise(pl.lit("good")).alias("source")
    frame = frame.with_columns(sharper)
    assert find_null_group(frame, missing, ["carrier", "source"]) == NullGroup("source", ("bad",))


def test_rows_without_a_category_are_outside_of_the_null_group() -> None:
    frame = pl.DataFrame({"carrier": ["MQ", None, "AA"]})
    assert NullGroup("carrier", ("MQ",)).rows(frame).to_list() == [True, False, False]
