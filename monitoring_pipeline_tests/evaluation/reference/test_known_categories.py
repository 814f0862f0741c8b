"""Codes whose columns have other types in a chunk than in the reference."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.profiles.bins import CategoricalBins
from monitoring_pipeline.evaluation.reference.known_categories import number_codes, with_known_categories
from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions
from monitoring_pipeline.evaluation.rows.class_texts import as_known
from monitoring_pipeline_tests.evaluation.cases import ID_KEY, NOON
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec(features={"code": "categorical", "age": "numeric"}, predictions__model_version="version")
KINDS = (pl.Int64, pl.Int8, pl.Float64, pl.Float32, pl.Decimal(10, 2), pl.String)


def _categories(codes, *, known, table_columns=None):
    """Return the codes of a chunk, in the order of its rows, as they are compared with a reference."""
    raw = pl.DataFrame({"row_id": [f"id{n}" for n in range(len(codes))], "code": codes}).with_columns(
        predicted_at=pl.lit(NOON), model_version=pl.lit("1"), age=pl.lit(1.0), score=pl.lit(0.5)
    )
    rows = canonical_predictions(SPEC, raw, id_key=ID_KEY, without_time=0).frame
    bins = {"1": {"code": CategoricalBins(tuple(known))}}
    aligned = with_known_categories(rows, number_codes(SPEC, raw, table_columns or {}), bins)
    assert aligned.drop("code").equals(rows.drop("code"))
    return sorted(aligned["code"].drop_nulls().to_list())


@given(numbers=st.sets(st.integers(-100, 100), min_size=1), now=st.sampled_from(KINDS[:4]), then=st.sampled_from(KINDS))
def test_integral_code_equals_itself_whatever_its_types_in_chunk_and_reference(numbers, now, then):
    known = pl.Series(sorted(numbers)).cast(then).cast(pl.String).to_list()
    assert _categories(pl.Series(sorted(numbers)).cast(now), known=known) == sorted(known)


@pytest.mark.parametrize(("codes", "known"), [
    ([True, False], ["0", "1"]),
    ([True, False], ["1.0", "0.0"]),
    ([1, 0], ["false", "true"]),
    ([1.0, 0.0], ["False", "True"]),
    ([0.5, 2.0], ["0.50", "2.00"]),
])  # fmt: skip
def test_boolean_and_number_equal_their_other_forms(codes, known):
    assert _categories(pl.Series(codes), known=known) == sorted(known)


def test_decimals_are_codes_though_they_are_read_as_text():
    codes = pl.Series(["1.00", "2.00"])
    assert _categories(codes, known=["1", "2"], table_columns={"code": "DECIMAL(5,2)"}) == ["1", "2"]
    assert _categories(codes, known=["1", "2"], table_columns={"code": "VARCHAR"}) == ["1.00", "2.00"]


def test_code_that_the_reference_lacks_or_writes_with_zeros_in_front_stays_new():
    assert _categories(pl.Series([1, 2, 3]), known=["1.0", "02"]) == ["1.0", "2", "3"]
    assert _categories(pl.Series([True, False]), known=["yes", "no"]) == ["false", "true"]


def test_category_that_is_known_as_it_stands_keeps_its_form():
    assert as_known(pl.Series(["1", "1.0", "1.00", None]), ("1.0", "1")).to_list() == ["1", "1.0", "1.0", None]


def test_codes_have_the_form_of_the_reference_of_their_own_version():
    rows = pl.DataFrame({"model_version": ["1", "2", "3"], "code": ["1", "1", "1"]})
    bins = {"1": {"code": CategoricalBins(("1.0",))}, "2": {"code": CategoricalBins(("true",))}}
    assert with_known_categories(rows, ["code"], bins)["code"].to_list() == ["1.0", "true", "1"]
