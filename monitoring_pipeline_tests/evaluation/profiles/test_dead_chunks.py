"""Chunks of a reference on which a column was dead."""

import pytest

from monitoring_pipeline.evaluation.profiles.bins import CategoricalBins
from monitoring_pipeline.evaluation.profiles.dead_chunks import dead_chunks, is_usual
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile

BINS = CategoricalBins(("a", "b"))
HEALTHY = (0, 60, 40, 0)


def chunks(*odd, healthy=20):
    """Return profiles by key: healthy ones, and then odd ones, whose keys are ``odd 0``, ``odd 1``."""
    return {f"{n:02}": ColumnProfile("x", HEALTHY) for n in range(healthy)} | {
        f"odd {n}": ColumnProfile("x", counts) for n, counts in enumerate(odd)
    }


@pytest.mark.parametrize("counts", [(100, 0, 0, 0), (95, 3, 2, 0), (0, 100, 0, 0), (40, 60, 0, 0)])
def test_chunk_without_values_or_with_one_is_dead(counts):
    assert dead_chunks(BINS, chunks(counts)) == {"odd 0"}


@pytest.mark.parametrize("counts", [HEALTHY, (94, 4, 2, 0), (0, 99, 1, 0)])
def test_chunk_with_several_values_is_not_dead(counts):
    assert dead_chunks(BINS, chunks(counts)) == frozenset()


def test_column_that_often_has_one_value_is_never_dead():
    assert dead_chunks(BINS, chunks((0, 100, 0, 0), (0, 0, 100, 0), healthy=12)) == frozenset()


@pytest.mark.parametrize(
    ("found", "of", "usual"),
    [(1, 1, True), (1, 2, False), (1, 60, False), (3, 60, False), (4, 60, True), (0, 0, False)],
)
def test_more_than_one_chunk_and_a_twentieth_of_them_are_usual(found, of, usual):
    assert is_usual(found, of=of) is usual
