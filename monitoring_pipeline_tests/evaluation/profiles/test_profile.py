"""Profiles: the same integers on every engine, each row in one cell, and sums of profiles."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.profiles import profile
from monitoring_pipeline.evaluation.profiles.bins import (
    LARGEST_SUMMED,
    Bins,
    CategoricalBins,
    NumericBins,
    categorical_bins,
    numeric_bins,
)
from monitoring_pipeline.evaluation.profiles.profile import (
    UNSEEN_NAMES_KEPT,
    ChunkProfile,
    ColumnProfile,
    Unseen,
    add_profiles,
    profile_chunk,
    profile_column,
)

NAN, INF = math.nan, math.inf
BIGGEST, TINIEST = np.finfo(np.float64).max, 5e-324
EXTREMES = [0.0, -0.0, TINIEST, -TINIEST, 1.0, -1.0, BIGGEST, -BIGGEST, 1e100, 1e101, NAN, INF, -INF, None]
ENGINES = ("polars", "duckdb over arrow", "duckdb over parquet")

floats = st.one_of(st.sampled_from(EXTREMES), st.floats(), st.floats(-2, 2), st.integers(-3, 3).map(float), st.none())
texts = st.one_of(
    st.none(),
    st.sampled_from(["", " ", "a", "A", "ä", "a\u0308", "🛩", "null", "nan", "other", "'; --", "a\nb", "東京"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=4),
)


def _profile(engine: str, series: pl.Series, bins: Bins, folder: Path) -> ColumnProfile:
    frame = series.alias("x").to_frame()
    if engine == "polars":
        return profile_column(nw.from_native(frame.lazy()), "x", bins)
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        if engine == "duckdb over arrow":
            arrow_table = frame.to_arrow()  # noqa: F841 - DuckDB finds it by its name
            relation = connection.sql("SELECT * FROM arrow_table")
        else:
            path = folder / "rows.parquet"
            frame.write_parquet(path)
            relation = connection.read_parquet(str(path))
        return profile_column(nw.from_native(relation), "x", bins)


def _assert_same(first: ColumnProfile, second: ColumnProfile) -> None:
    """Compare integers and extremes exactly, and sums up to the rounding by the order of addition."""
    assert first.counts == second.counts
    assert (first.minimum, first.maximum) == (second.minimum, second.maximum)
    assert first.unseen == second.unseen
    assert first.sum_squares_centred == pytest.approx(second.sum_squares_centred, rel=1e-12)
    # The sum may cancel, so its error is relative to the magnitudes that were added; the squares bound these.
    scale = math.sqrt(first.sum_squares_centred * max(first.rows, 1))
    assert first.sum_centred == pytest.approx(second.sum_centred, abs=1e-12 * scale, rel=1e-12)


def _by_hand(values: Sequence[float | None], bins: NumericBins) -> list[int]:
    """Count one value after the other, without bins or engines."""
    counts = dict.fromkeys(["null", "nan", "-inf", *range(len(bins.edges) + 1), "+inf"], 0)
    for value in values:
        if value is None:
            counts["null"] += 1
        elif math.isnan(value):
            counts["nan"] += 1
        elif math.isinf(value):
            counts["+inf" if value > 0 else "-inf"] += 1
        else:
            counts[sum(edge <= value for edge in bins.edges)] += 1
    return list(counts.values())


FIXED: dict[str, tuple[pl.Series, Bins]] = {
    "extremes": (
        pl.Series([*EXTREMES, 0.5], dtype=pl.Float64),
        NumericBins((-BIGGEST, -TINIEST, 0.0, TINIEST, 1.0, BIGGEST), (0,) * 7, 0.25),
    ),
    "values on edges": (pl.Series([1.0, 2.0, 2.0, 3.0, 1.9999999999999998]), NumericBins((1.0, 2.0, 3.0), (0,) * 4, 2)),
    "no edges": (pl.Series([1.0, NAN, None]), NumericBins((), (0,), 0.0)),
    "all null": (pl.Series([None, None], dtype=pl.Float64), NumericBins((0.0,), (0, 1), 0.0)),
    "null of no type": (pl.Series([None, None], dtype=pl.Null), NumericBins((0.0,), (0, 1), 0.0)),
    "all nan": (pl.Series([NAN, NAN]), NumericBins((0.0,), (0, 1), 0.0)),
    "no rows": (pl.Series([], dtype=pl.Float64), NumericBins((0.0,), (0, 1), 0.0)),
    "integers": (pl.Series([3, 2**53, None, -1]), NumericBins((0.0, 3.0), (0, 1, 2), 3.0)),
    "booleans as numbers": (pl.Series([True, False, None, True]), NumericBins((0.5,), (0, 1), 0.0)),
    "heavy atom": (pl.Series([0.0] * 500 + [1.0, 2.0]), numeric_bins(np.array([0.0] * 50 + [1.0, 2.0, 3.0]))),
    "texts": (
        pl.Series(["", "ä", "a\u0308", None, "🛩", "", "new", "new", "b", "other"]),
        CategoricalBins(("ä", "", "🛩", "absent")),
    ),
    "texts without categories": (pl.Series(["b", "a", None, "a"]), CategoricalBins(())),
    "texts, no rows": (pl.Series([], dtype=pl.String), CategoricalBins(("a",))),
    "texts, all null": (pl.Series([None, None], dtype=pl.String), CategoricalBins(("a",))),
    "booleans as categories": (pl.Series([True, None, False, True]), CategoricalBins(("true", "no"))),
    "integers as categories": (pl.Series([1, 1, -2, None]), CategoricalBins(("1",))),
}


@pytest.mark.parametrize("case", FIXED)
def test_profile_on_every_engine_has_the_same_counts(case, tmp_path):
    series, bins = FIXED[case]
    expected = _profile("polars", series, bins, tmp_path)
    assert sum(expected.counts) == series.len()
    assert len(expected.counts) == len(bins.cells)
    if isinstance(bins, NumericBins):
        assert list(expected.counts) == _by_hand(series.cast(pl.Float64).to_list(), bins)
    for engine in ENGINES[1:]:
        _assert_same(_profile(engine, series, bins, tmp_path), expected)


def test_profile_of_categories_matches_counts_by_hand(tmp_path):
    series, bins = FIXED["texts"]
    found = _profile("polars", series, bins, tmp_path)
    assert dict(zip(bins.cells, found.counts, strict=True)) == {
        "null": 1, "=ä": 1, "=": 2, "=🛩": 1, "=absent": 0, "other": 5,
    }  # fmt: skip
    assert found.unseen == (Unseen("new", 2), Unseen("a\u0308", 1), Unseen("b", 1), Unseen("other", 1))


@settings(max_examples=40)
@given(
    values=st.lists(floats, max_size=30),
    edges=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=6, unique=True).map(sorted),
    engine=st.sampled_from(ENGINES[1:]),
)
def test_profile_of_numbers_on_every_engine_matches_counts_by_hand(values, edges, engine, tmp_path_factory):
    bins = NumericBins(tuple(edges), (0,) * (len(edges) + 1), 0.0)
    series = pl.Series(values, dtype=pl.Float64)
    expected = _profile("polars", series, bins, tmp_path_factory.getbasetemp())
    assert list(expected.counts) == _by_hand(values, bins)
    _assert_same(_profile(engine, series, bins, tmp_path_factory.getbasetemp()), expected)


@settings(max_examples=40)
@given(values=st.lists(texts, max_size=30), categories=st.lists(texts, max_size=6), engine=st.sampled_from(ENGINES[1:]))
def test_profile_of_texts_on_every_engine_matches_counts_by_hand(values, categories, engine, tmp_path_factory):
    bins = CategoricalBins(tuple(dict.fromkeys(c for c in categories if c is not None)))
    series = pl.Series(values, dtype=pl.String)
    expected = _profile("polars", series, bins, tmp_path_factory.getbasetemp())
    known = [values.count(category) for category in bins.categories]
    null = values.count(None)
    assert expected.counts == (null, *known, len(values) - null - sum(known))
    _assert_same(_profile(engine, series, bins, tmp_path_factory.getbasetemp()), expected)


@given(first=st.lists(floats, max_size=20), second=st.lists(floats, max_size=20))
@settings(max_examples=60)
def test_sum_of_numeric_profiles_equals_the_profile_of_the_union(first, second):
    bins = numeric_bins(np.array([v for v in first if v is not None], dtype=np.float64), bins=5, coarse=3)
    parts, union = (
        [profile_column(nw.from_native(pl.LazyFrame({"x": part}, {"x": pl.Float64})), "x", bins) for part in parts]
        for parts in ([first, second], [first + second])
    )
    _assert_same(add_profiles(parts[0], parts[1]), union[0])


@given(first=st.lists(texts, max_size=20), second=st.lists(texts, max_size=20))
@settings(max_examples=60)
def test_sum_of_categorical_profiles_equals_the_profile_of_the_union(first, second):
    bins = CategoricalBins(("a", "", "ä"))
    parts, union = (
        [profile_column(nw.from_native(pl.LazyFrame({"x": part}, {"x": pl.String})), "x", bins) for part in parts]
        for parts in ([first, second], [first + second])
    )
    assert add_profiles(parts[0], parts[1]) == union[0]


def test_sum_with_an_empty_profile_is_unchanged():
    empty = ColumnProfile("x", (0, 0, 0, 0))
    some = ColumnProfile("x", (1, 0, 2, 3), -1.0, 4.5, 0.25, 9.0, (Unseen("a", 3),))
    assert add_profiles(some, empty) == add_profiles(empty, some) == some


@pytest.mark.parametrize("other", [ColumnProfile("y", (1, 2)), ColumnProfile("x", (1, 2, 3))])
def test_sum_of_profiles_over_other_cells_is_refused(other):
    with pytest.raises(ValueError, match=r"cannot add profiles of 'x' and '[xy]': not the same cells"):
        add_profiles(ColumnProfile("x", (1, 2)), other)


def test_sums_of_a_profile_match_numpy():
    values = np.random.default_rng(7).normal(3, 2, 1000)
    bins = numeric_bins(values)
    found = profile_column(nw.from_native(pl.LazyFrame({"x": values})), "x", bins)
    assert found.sum_centred / 1000 + bins.centre == pytest.approx(values.mean(), rel=1e-8)
    centred = values - bins.centre
    assert found.sum_squares_centred == pytest.approx((centred**2).sum(), rel=1e-8)


def test_numbers_too_large_to_square_are_counted_and_not_summed():
    values = pl.Series([1.0, 2.0, 1.5 * LARGEST_SUMMED, -BIGGEST, BIGGEST])
    found = profile_column(nw.from_native(values.alias("x").to_frame().lazy()), "x", NumericBins((0.0,), (0, 1), 1.0))
    assert found == ColumnProfile("x", (0, 0, 0, 1, 4, 0), -BIGGEST, BIGGEST, 1.0, 1.0)


def test_long_unseen_value_is_clipped_and_keeps_its_rows_in_a_sum():
    frame = pl.DataFrame({"plan": ["x" * 10_000_000 + end for end in "aab"]}).lazy()
    found = profile_column(nw.from_native(frame), "plan", CategoricalBins(("basic",)))
    clipped = "x" * 77 + "..."
    assert found.unseen == (Unseen(clipped, 2), Unseen(clipped, 1))
    assert add_profiles(found, found).unseen == (Unseen(clipped, 6),)


def test_names_of_unseen_values_are_capped_and_all_rows_are_counted():
    values = [f"v{n:03}" for n in range(UNSEEN_NAMES_KEPT + 20)] + ["often"] * 3
    found = profile_column(nw.from_native(pl.LazyFrame({"x": values})), "x", CategoricalBins(("a",)))
    assert found.counts == (0, 0, len(values))
    assert found.unseen[:2] == (Unseen("often", 3), Unseen("v000", 1))
    assert len(found.unseen) == UNSEEN_NAMES_KEPT


def test_chunk_profile_returns_columns_and_refuses_unknown_ones():
    frame = nw.from_native(pl.LazyFrame({"x": [1.0, None], "y": ["a", "b"], "unread": [0, 0]}))
    profile = profile_chunk(
        frame, {"x": NumericBins((0.0,), (0, 1), 0.0), "y": CategoricalBins(("a",))}, model_version="1"
    )
    assert (profile.rows, [column.column for column in profile.columns]) == (2, ["x", "y"])
    assert profile["x"].null_share == 0.5
    assert profile["y"].counts == (0, 1, 1)
    with pytest.raises(KeyError, match="no profile of 'z'; known: x, y"):
        profile["z"]
    assert profile_chunk(frame, {}, model_version="1") == ChunkProfile("1", 0, ())


def test_null_share_of_an_empty_profile_is_zero():
    assert ColumnProfile("x", (0, 0)).null_share == 0.0


# ---- bins


def _check_bins(bins: NumericBins, coarse: int) -> None:
    assert all(a < b for a, b in pairwise(bins.edges))
    assert all(map(math.isfinite, bins.edges))
    assert abs(bins.centre) <= LARGEST_SUMMED
    assert len(bins.groups) == len(bins.edges) + 1
    assert all(a <= b for a, b in pairwise(bins.groups))
    assert set(bins.groups) <= set(range(coarse + 2))
    assert bins.groups[0] == 0
    assert 0 not in bins.groups[1:]


@example(values=[1.0, 2.0], bins=2, coarse=1)
@given(
    values=st.lists(floats.filter(lambda v: v is not None), max_size=60),
    bins=st.integers(1, 20),
    coarse=st.integers(1, 10),
)
def test_bins_are_ordered_and_heavy_values_have_separate_bins(values: list[Any], bins, coarse):
    reference = np.array(values, dtype=np.float64)
    frozen = numeric_bins(reference, bins=bins, coarse=coarse)
    _check_bins(frozen, coarse)
    finite = reference[np.isfinite(reference)]
    distinct, repeats = np.unique(finite, return_counts=True)
    bin_of = np.searchsorted(np.array(frozen.edges), distinct, side="right")
    for value, rows, own in zip(distinct, repeats, bin_of, strict=True):
        if rows * bins >= finite.size:
            assert list(distinct[bin_of == own]) == [value]


@pytest.mark.parametrize(("values", "edges"), [
    ([], ()),
    ([NAN, INF, -INF], ()),
    ([2.0] * 7, (2.0, np.nextafter(2.0, 3.0))),
    ([0.0, -0.0], (0.0, TINIEST)),
    ([BIGGEST] * 3, (BIGGEST,)),
])  # fmt: skip
def test_bins_of_degenerate_columns_have_the_listed_edges(values, edges):
    bins = numeric_bins(np.array(values, dtype=np.float64))
    assert bins.edges == edges
    _check_bins(bins, 10)


def test_bins_of_a_column_with_two_values_separate_them():
    bins = numeric_bins(np.array([0.0] * 30 + [1.0] * 70))
    found = profile_column(nw.from_native(pl.LazyFrame({"x": [0.0, 0.0, 1.0, 0.5]})), "x", bins)
    assert sorted(found.counts[3:-1]) == [0, 0, 1, 1, 2]


def test_bins_of_a_continuous_column_hold_equal_shares():
    values = np.random.default_rng(3).normal(size=6000)
    bins = numeric_bins(values)
    counts = np.histogram(values, [-INF, *bins.edges, INF])[0]
    assert (counts[0], counts[-1]) == (0, 0)  # outside the reference's own range
    counts = counts[1:-1]
    assert len(counts) == 60
    assert set(counts) <= {99, 100, 101}
    assert list(np.bincount(bins.groups[1:-1], weights=counts)[1:]) == pytest.approx([600] * 10, abs=2)


def test_categories_are_ordered_by_frequency_and_limited():
    counts = {"b": 2, "a": 2, "rare": 1, "often": 9}
    assert categorical_bins(counts, limit=3) == CategoricalBins(("often", "a", "b"))
    assert categorical_bins({}).cells == ("null", "other")
    assert CategoricalBins(("", "other")).cells == ("null", "=", "=other", "other")
    assert NumericBins((0.5, 1.0), (0, 0, 1), 0.0).cells == (
        "null", "nan", "-inf", "[,0.5)", "[0.5,1.0)", "[1.0,)", "+inf",
    )  # fmt: skip
    assert NumericBins((), (0,), 0.0).cells == ("null", "nan", "-inf", "[,)", "+inf")


def test_sums_in_any_order_and_split_of_rows_are_identical():
    """Plain float sums of one file differ from run to run if it has more than about 262,000 rows."""
    values = np.random.default_rng(8).normal(3, 2, 600_000)
    bins = numeric_bins(values[:10_000])

    def profile_of(part):
        return profile_column(nw.from_native(pl.LazyFrame({"x": part})), "x", bins)

    whole = profile_of(values)
    assert profile_of(values[::-1].copy()) == whole
    assert add_profiles(profile_of(values[:123_457]), profile_of(values[123_457:])) == whole


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.floats(),
            st.integers(-3, 3).map(float),
            st.sampled_from([-0.0, 0.0, 1e99, 1e101, -math.inf, 2.0**40, 1.0 + 2.0**-40]),
        ),
        max_size=40,
    ),
    st.integers(0, 2**32),
)
@example([0.0, -0.0, None, math.nan, math.inf, -math.inf], 0)
@example([1e99] * 3 + [1.0], 0)
def test_few_numbers_are_counted_as_many_are(values: list[float | None], seed: int) -> None:
    bins = numeric_bins(np.random.default_rng(seed).normal(size=50))
    rows = pl.DataFrame({"x": values}, schema={"x": pl.Float64})
    with pytest.MonkeyPatch.context() as patched:
        few = profile_column(nw.from_native(rows.lazy()), "x", bins)
        patched.setattr(profile, "FEW_ROWS", -1)
        many = profile_column(nw.from_native(rows.lazy()), "x", bins)
    assert repr(few) == repr(many)
