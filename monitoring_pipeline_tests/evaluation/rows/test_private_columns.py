"""What is left of the columns that privacy names."""

import hashlib
import math

import polars as pl
import pytest

from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions
from monitoring_pipeline.evaluation.rows.private_columns import UntreatedColumnError, with_private_columns_treated
from monitoring_pipeline_tests.spec.cases import binary_spec

KEY = b"key"


def spec(privacy, **features):
    return binary_spec(features={"other": "numeric", **features}, privacy=privacy)


def treated(treatment, values, kind="categorical", **fields):
    feature = {"kind": kind, **fields}
    rows = pl.DataFrame({"x": values})
    return with_private_columns_treated(spec({"x": treatment}, x=feature), rows, KEY)["x"].to_list()


def hash_of(text, column="x", key=KEY):
    """Return the hash that is documented, made from the standard library alone."""
    return "#" + hashlib.blake2b(f"{column}\0{text}".encode(), key=key, digest_size=6).hexdigest()


def test_hash_is_keyed_and_of_the_column():
    assert treated("hashed", ["Zoë", None, "b", "Zoë"]) == [hash_of("Zoë"), None, hash_of("b"), hash_of("Zoë")]
    assert len({hash_of("b"), hash_of("b", column="y"), hash_of("b", key=b"other")}) == 3


@pytest.mark.parametrize("values", [[1, 2, None], [1.0, 2.0, None], ["1", "2", None]])
def test_a_code_has_the_same_hash_whatever_its_type(values):
    assert treated("hashed", values) == [hash_of("1"), hash_of("2"), None]


def test_only_the_presence_of_an_identifier_is_kept():
    assert treated("identifier", ["a@b.org", None, "c@d.org"]) == ["present", None, "present"]
    assert treated("identifier", [7, None]) == ["present", None]


def test_first_characters_of_text_and_of_a_date():
    assert treated({"first": 2}, ["10115", "7", None]) == ["10", "7", None]
    assert treated({"first": 4}, pl.Series([None, "1990-05-17"]).str.to_date()) == [None, "1990"]


def test_numbers_are_rounded_to_the_nearest_multiple():
    values = [34.9, 35.0, -4.0, None, math.inf]
    assert treated({"round_to": 10}, values, "numeric") == [30.0, 40.0, 0.0, None, math.inf]
    assert treated({"round_to": 10}, ["34.9", " 35 "], "numeric") == [30.0, 40.0]


def test_text_that_is_no_number_is_not_quoted():
    assert treated({"round_to": 10}, ["34", "a@b.org", None], "numeric") == ["no number", "no number", None]


def test_declared_null_values_stay_so_that_they_are_found():
    assert treated("hashed", ["NA", "b"], null_values=["NA"]) == ["NA", hash_of("b")]
    assert treated("identifier", ["NA", "b"], null_values=["NA"]) == ["NA", "present"]
    assert treated({"round_to": 10}, [-999.0, 34.0], "numeric", null_values=["-999"]) == [-999.0, 30.0]


def test_a_column_without_values_stays_without():
    for treatment in ("hashed", "identifier", {"first": 1}):
        assert treated(treatment, pl.Series([None, None])) == [None, None]


@pytest.mark.parametrize("treatment", ["hashed", "identifier", {"first": 2}])
def test_rows_with_an_untreated_column_are_refused_before_they_are_kept(treatment):
    own = spec({"x": treatment}, x="categorical")
    raw = pl.DataFrame({
        "row_id": ["1"], "predicted_at": [None], "x": ["a@b.org"], "other": [1.0], "score": [0.5],
    }).with_columns(pl.col("predicted_at").cast(pl.Datetime("us", "UTC")))  # fmt: skip
    with pytest.raises(UntreatedColumnError, match=r"privacy.x: the column was read as it is") as refused:
        canonical_predictions(own, raw, id_key=KEY, without_time=0)
    assert "a@b.org" not in str(refused.value)
    kept = canonical_predictions(own, with_private_columns_treated(own, raw, KEY), id_key=KEY, without_time=0)
    assert kept.frame["x"].to_list() != ["a@b.org"]
