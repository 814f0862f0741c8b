"""Columns derived from texts and vectors: values by hand, forms of vectors, order of rows, and privacy."""

import re

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.rows.derived import (
    Projection,
    as_lists,
    fit_projections,
    with_derived_columns,
)
from monitoring_pipeline_tests.worlds.texts.days import KEY, Learned, drawn, encoder, raw_rows, spec_of

TEXT, VECTOR = spec_of(review="text"), spec_of(v="embedding")
GENERATOR = np.random.default_rng(0)


def derived(spec, values, projections=None):
    (name,) = spec.features
    rows = pl.DataFrame({name: values})
    versions = pl.Series(["1"] * rows.height)
    return with_derived_columns(spec, rows, versions, {"1": projections or {}})


def test_parts_of_texts():
    rows = derived(TEXT, ["Hello World 12!", "Привет мир", "", None, " \n", "123 45"])
    assert rows["review"].to_list() == [
        "mostly Latin", "mostly Cyrillic", "empty text", None, "empty text", "no letters",
    ]  # fmt: skip
    assert rows["review[characters]"].to_list() == [15, 10, 0, None, 2, 6]
    assert rows["review[words]"].to_list() == [3, 2, 0, None, 0, 2]
    assert rows["review[share of letters]"].to_list() == [10 / 13, 1.0, None, None, None, 0.0]
    assert rows["review[share of digits]"].to_list() == [2 / 13, 0.0, None, None, None, 1.0]
    assert rows["review[share of signs]"].to_list() == [1 / 13, 0.0, None, None, None, 0.0]
    assert rows["review[share of capitals]"].to_list() == [2 / 10, 1 / 9, None, None, None, None]
    assert rows["review[share beyond ASCII]"].to_list() == [0.0, 1.0, None, None, None, 0.0]
    assert rows["review[sequences 1]"].is_null().all()


def test_forms_of_vectors():
    nan, inf = float("nan"), float("inf")
    rows = derived(VECTOR, [[3.0, 4.0], [0.0, 0.0], [], None, [1.0, nan], [1.0, inf], [1.0, None], [1.0, 2.0, 2.0]])
    assert rows["v"].to_list() == [
        "2 numbers", "zero vector", "no numbers", None, "not finite", "not finite", "not finite", "3 numbers",
    ]  # fmt: skip
    assert rows["v[norm]"].to_list() == [5.0, 0.0, None, None, None, None, None, 3.0]


@pytest.mark.parametrize("values", [
    pl.Series([[1.0, 2.5], None], dtype=pl.List(pl.Float32)),
    pl.Series([[1.0, 2.5], None], dtype=pl.Array(pl.Float64, 2)),
    pl.Series(["[1.0, 2.5]", None]),
    pl.Series(["{1,2.5}", None]),
    pl.Series([" [ 1e0 ,2.5 ] ", None]),
])  # fmt: skip
def test_vectors_are_read_in_every_form(values):
    assert as_lists(values).to_list() == [[1.0, 2.5], None]


def test_text_that_is_no_vector_has_no_numbers():
    assert as_lists(pl.Series(["[]", "secret", "[1,x]"])).to_list() == [[], [None], [1.0, None]]


def test_vectors_of_another_size_have_no_place():
    spec = spec_of(v="embedding")
    raw = raw_rows(0, {"v": GENERATOR.standard_normal((200, 4)).tolist()}, GENERATOR)
    projections = fit_projections(spec, raw, KEY)
    assert len(projections["v"].mean) == 4
    rows = derived(spec, [[1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0]], projections)
    assert rows["v[component 1]"].is_null().to_list() == [False, True]
    assert rows["v[component 5]"].is_null().all()


def test_rows_in_another_order_have_the_same_columns_and_projections():
    spec = spec_of(review="text", v="embedding")
    texts = drawn("english", 300, np.random.default_rng(1))
    raw = raw_rows(0, {"review": texts, "v": encoder(0, (2, 3))(texts).tolist()}, GENERATOR)
    learned = Learned(spec, [raw])
    shuffled = raw.sample(fraction=1.0, shuffle=True, seed=5)
    again = Learned(spec, [shuffled])
    assert again.projections == learned.projections
    assert again.canonical(shuffled).equals(learned.canonical(raw))


def test_long_texts_are_counted_to_a_limit_and_measured_whole():
    rows = derived(TEXT, ["a " * 30_000, "a " * 100])
    assert rows["review[characters]"].to_list() == [60_000, 200]
    assert rows["review[share of letters]"].to_list() == [1.0, 1.0]


def test_no_word_of_a_text_is_in_canonical_rows():
    texts = ["canary-word is secret", "Kanarienvogel", None, "канарейка"]
    learned = Learned(TEXT, [raw_rows(0, {"review": texts}, GENERATOR)])
    frame = learned.canonical(raw_rows(0, {"review": texts}, GENERATOR))
    values = {str(value) for row in frame.drop("row_id").iter_rows() for value in row}
    assert not any(word in value for value in values for word in ("canary", "Kanarien", "канар", "secret"))
    assert isinstance(learned.projections["review"], Projection)


LANGUAGE = np.random.default_rng(7)


@pytest.fixture(scope="module")
def of_texts() -> Learned:
    days = [raw_rows(d, {"review": drawn("english", 300, LANGUAGE)}, LANGUAGE) for d in range(28)]
    return Learned(TEXT, days)


@pytest.fixture(scope="module")
def of_vectors() -> Learned:
    encode = encoder(0, (2, 3))
    days = [raw_rows(d, {"v": encode(drawn("english", 300, LANGUAGE)).tolist()}, LANGUAGE) for d in range(28)]
    return Learned(VECTOR, days)


def test_shuffled_days_of_texts_are_quiet(of_texts):
    days = [raw_rows(d, {"review": drawn("english", 300, LANGUAGE)}, LANGUAGE) for d in range(40, 64)]
    assert sum(bool(of_texts.breaches(day)) for day in days) <= 2


def test_shuffled_days_of_vectors_are_quiet(of_vectors):
    encode = encoder(0, (2, 3))
    days = [raw_rows(d, {"v": encode(drawn("english", 300, LANGUAGE)).tolist()}, LANGUAGE) for d in range(40, 64)]
    assert sum(bool(of_vectors.breaches(day)) for day in days) <= 2


def test_another_language_is_found_on_its_day(of_texts):
    for language, expected in (("russian", "review"), ("german", "review[share of capitals]")):
        mixed = [*drawn(language, 90, LANGUAGE), *drawn("english", 210, LANGUAGE)]
        found = of_texts.breaches(raw_rows(40, {"review": mixed}, LANGUAGE))
        assert expected in {m.subject for m in found}, language


def test_another_script_is_named_by_its_share(of_texts):
    mixed = [*drawn("russian", 90, LANGUAGE), *drawn("english", 210, LANGUAGE)]
    reasons = [m.reason or "" for m in of_texts.breaches(raw_rows(40, {"review": mixed}, LANGUAGE))]
    assert any(re.search(r"'mostly Cyrillic' \(\d+\)", reason) for reason in reasons)


def test_shorter_texts_are_found_and_named(of_texts):
    found = of_texts.breaches(raw_rows(40, {"review": drawn("english", 300, LANGUAGE, parts=1)}, LANGUAGE))
    (characters,) = [m for m in found if m.subject == "review[characters]" and m.name == "jensen_shannon"]
    assert "mean " in (characters.reason or "")


def test_another_version_of_the_encoder_is_found_on_its_day(of_vectors):
    found = of_vectors.breaches(
        raw_rows(40, {"v": encoder(7, (3, 3))(drawn("english", 300, LANGUAGE)).tolist()}, LANGUAGE)
    )
    assert {m.subject for m in found} & {f"v[component {number}]" for number in range(1, 9)}


def test_a_wrong_size_is_a_breach_that_names_both(of_vectors):
    wrong = encoder(0, (2, 3), size=16)(drawn("english", 300, LANGUAGE)).tolist()
    reasons = " ".join(
        m.reason or "" for m in of_vectors.breaches(raw_rows(40, {"v": wrong}, LANGUAGE)) if m.subject == "v"
    )
    assert "'16 numbers' (300)" in reasons
    assert "no row of '32 numbers'" in reasons


def test_nulls_are_a_breach_of_the_feature_and_not_of_its_parts(of_texts):
    texts = [None] * 100 + drawn("english", 200, LANGUAGE)
    shares = [m for m in of_texts.breaches(raw_rows(40, {"review": texts}, LANGUAGE)) if m.name == "null_share"]
    assert [m.subject for m in shares] == ["review"]
