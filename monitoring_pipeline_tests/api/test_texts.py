"""Texts and vectors in frames: recognised by their values, compared, and given a kind."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import monitoring_pipeline as mp
from monitoring_pipeline_tests.worlds.texts.days import drawn, encoder


def frame(language, rows=400, parts=2, seed=0):
    texts = drawn(language, rows, np.random.default_rng(seed), parts)
    return pl.DataFrame({"review": texts, "v": pl.Series(encoder(0, (2, 3))(texts)), "x": range(rows)})


def drifted(result):
    return set(result.drifted)


@pytest.mark.parametrize("convert", [pl.DataFrame, lambda f: f.to_pandas(), lambda f: f.to_arrow()])
def test_texts_and_vectors_are_recognised_and_compared(convert):
    before, same, other = frame("english"), frame("english", seed=1), frame("german", seed=2)
    quiet = mp.compare(convert(before), convert(same), kinds={"x": "numeric"})
    assert drifted(quiet) == set()
    assert {"review", "v"} <= drifted(mp.compare(convert(before), convert(other), kinds={"x": "numeric"}))


def test_vectors_of_pandas_objects_are_read():
    rows = pd.DataFrame({"v": list(encoder(0, (2, 3))(drawn("english", 200, np.random.default_rng(3)))), "x": 1.0})
    shorter = pd.DataFrame({"v": [vector[:5] for vector in rows["v"]], "x": 1.0})
    assert "v" in drifted(mp.compare(rows, shorter))


def test_a_kind_decides_for_text_in_which_values_repeat():
    texts = ["a good one", "a bad one", "neither good nor bad"] * 200
    before, now = pl.DataFrame({"t": texts}), pl.DataFrame({"t": [text.upper() for text in texts]})
    assert drifted(mp.compare(before, now, kinds={"t": "text"})) >= {"t"}
    assert drifted(mp.compare(before, before, kinds={"t": "text"})) == set()
