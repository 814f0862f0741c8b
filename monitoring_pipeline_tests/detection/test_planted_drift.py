"""Planted drift changes what its name says: the relation alone, or the inputs alone."""

import numpy as np
import polars as pl
import pytest

from benchmarks.detection.flight_days import CATEGORIES, LABEL, NUMBERS
from benchmarks.detection.planted_drift import (
    BOTH,
    NOTHING,
    REAL,
    SHIFT_SD,
    VIRTUAL,
    flipped_in_a_region,
    kind_named,
    moved_inputs,
)

ROWS = 40_000


@pytest.fixture(scope="module")
def flights():
    random = np.random.default_rng(5)
    numbers = {name: random.normal(size=ROWS) for name in NUMBERS}
    texts = {name: random.choice(["a", "b", "c", "d"], ROWS) for name in CATEGORIES}
    score = 1 / (1 + np.exp(-sum(numbers.values()) / 2))
    return pl.DataFrame({**numbers, **texts, "score": score, LABEL: random.random(ROWS) < score})


@pytest.mark.parametrize("seed", range(6))
def test_a_flip_changes_labels_in_its_region_only(flights, seed):
    changed, words = flipped_in_a_region(flights, np.random.default_rng(seed), ROWS)
    together = changed.join(flights, on=list(NUMBERS), suffix="_before")
    assert together.height == ROWS
    share = (together[LABEL] != together[f"{LABEL}_before"]).mean()
    assert 0.1 <= share <= 0.35
    assert f"({100 * share:.0f} %)" in words
    assert changed.drop(LABEL).sort(NUMBERS).equals(flights.drop(LABEL).sort(NUMBERS))


@pytest.mark.parametrize("seed", range(6))
def test_moved_inputs_move_one_number_and_keep_the_label_given_the_score(flights, seed):
    changed, words = moved_inputs(flights, np.random.default_rng(seed), ROWS)
    name, direction = words.split()
    moves = {other: changed[other].mean() - flights[other].mean() for other in NUMBERS}
    assert moves.pop(name) * (1 if direction == "up" else -1) == pytest.approx(SHIFT_SD, abs=0.1)
    assert max(map(abs, moves.values())) < 0.05
    # Labels were drawn by the score, so that it stays calibrated.
    by_score = changed.group_by((pl.col("score") * 5).floor().alias("fifth")).agg(pl.mean("score", LABEL))
    assert (by_score["score"] - by_score[LABEL]).abs().max() < 0.03


def test_the_kind_is_what_at_least_half_of_the_chunks_show():
    real, virtual, both, nothing = (frozenset(kinds) for kinds in ([REAL], [VIRTUAL], [REAL, VIRTUAL], []))
    assert kind_named([real, real, virtual, nothing]) == REAL
    assert kind_named([virtual, both, nothing]) == VIRTUAL
    assert kind_named([both, both, nothing]) == BOTH
    assert kind_named([real, virtual, nothing]) == NOTHING
