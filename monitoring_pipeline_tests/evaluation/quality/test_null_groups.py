"""Categories that contain most nulls of a column are found, and no others."""

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.quality import null_groups
from monitoring_pipeline.evaluation.quality.null_groups import Categories, NullGroup


def _frame(**null_share: tuple[int, int]) -> tuple[pl.DataFrame, pl.Series]:
    """Build rows by category from (nulls, rows)."""
    categories = [name for name, (_, rows) in null_share.items() for _ in range(rows)]
    missing = [i < nulls for nulls, rows in null_share.values() for i in range(rows)]
    return pl.DataFrame({"carrier": categories}), pl.Series(missing)


def test_null_group_of_one_category_with_most_nulls_is_found() -> None:
    frame, missing = _frame(MQ=(96, 100), AA=(6, 300), UA=(6, 300))
    assert Categories(frame, ["carrier"]).null_group("amount", missing) == NullGroup("carrier", ("MQ",))


def test_null_group_of_several_categories_is_found() -> None:
    frame, missing = _frame(MQ=(96, 100), AA=(70, 100), UA=(6, 300))
    assert Categories(frame, ["carrier"]).null_group("amount", missing) == NullGroup("carrier", ("AA", "MQ"))


def test_nulls_spread_evenly_have_no_group() -> None:
    frame, missing = _frame(MQ=(30, 100), AA=(90, 300), UA=(90, 300))
    assert Categories(frame, ["carrier"]).null_group("amount", missing) is None


def test_column_null_nearly_everywhere_has_no_group() -> None:
    frame, missing = _frame(MQ=(99, 100), AA=(299, 300), UA=(0, 60))
    assert Categories(frame, ["carrier"]).null_group("amount", missing) is None


def test_category_of_few_rows_is_no_null_group() -> None:
    frame, missing = _frame(MQ=(29, 29), AA=(0, 300))
    assert Categories(frame, ["carrier"]).null_group("amount", missing) is None


def test_null_group_with_the_fewest_nulls_outside_is_chosen() -> None:
    frame, missing = _frame(MQ=(90, 100), AA=(10, 500))
    sharper = pl.when(missing).then(pl.lit("bad")).otherwise(pl.lit("good")).alias("source")
    frame = frame.with_columns(sharper)
    assert Categories(frame, ["carrier", "source"]).null_group("amount", missing) == NullGroup("source", ("bad",))


def test_rows_without_a_category_are_outside_of_the_null_group() -> None:
    frame = pl.DataFrame({"carrier": ["MQ", None, "AA"]})
    assert NullGroup("carrier", ("MQ",)).rows(frame).to_list() == [True, False, False]


def test_column_is_not_explained_by_itself() -> None:
    frame, missing = _frame(MQ=(96, 100), AA=(6, 300), UA=(6, 300))
    assert Categories(frame, ["carrier"]).null_group("carrier", missing) is None


def test_numbers_are_no_categories() -> None:
    frame = pl.DataFrame({"code": [1] * 100 + [2] * 300})
    assert Categories(frame, ["code"]).null_group("amount", frame["code"] == 1) is None


@pytest.mark.parametrize("seed", range(40))
def test_counting_all_columns_together_finds_what_counting_each_finds(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(null_groups, "_CODES_COUNTED_AT_ONCE", 500)
    random = np.random.default_rng(seed)
    frame = pl.DataFrame(
        {
            f"text_{count}": pl.Series([*map(str, random.integers(0, count, 600))]).set(
                pl.Series(random.random(600) < 0.1), None
            )
            for count in (2, 3, 6, 11, 40)
        }
    )
    explained = frame[f"text_{random.choice((2, 3, 6, 11))}"].is_in(["0", "1"][: random.integers(1, 3)])
    missing = pl.Series(random.random(600) < random.choice((0.4, 0.6, 0.9))) & explained.fill_null(value=False)
    missing |= pl.Series(random.random(600) < random.choice((0, 0.01, 0.1)))

    assert Categories(frame, frame.columns).null_group("amount", missing) == _by_the_definition(frame, missing)


def _by_the_definition(frame: pl.DataFrame, missing: pl.Series) -> NullGroup | None:
    found: list[tuple[float, int, int, NullGroup]] = []
    for order, column in enumerate(frame.columns):
        rows = pl.DataFrame({"value": frame[column], "missing": missing})
        shares = rows.drop_nulls().group_by("value").agg(pl.len(), pl.col("missing").mean()).sort("value")
        values = tuple(shares.filter((pl.col("len") >= 30) & (pl.col("missing") >= 0.5))["value"])
        outside = rows.filter(~pl.col("value").is_in(values).fill_null(value=False))["missing"]
        share = float(outside.sum()) / max(len(outside), 1)
        if 1 <= len(values) <= 5 and len(outside) >= 300 and share <= missing.sum() / 600 / 2:
            found.append((share, len(values), order, NullGroup(column, values)))
    return min(found, key=lambda each: each[:3])[3] if found else None
