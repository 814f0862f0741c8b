"""The weakest pair of bins: planted ones are found, shuffled losses give none, chosen and tested on separate rows."""

import numpy as np

from monitoring_pipeline.evaluation.segments.weak_segments import weak_segment


def _codes(generator, rows):
    return {f"f{number}": generator.integers(0, 4, rows) for number in range(8)}


def _found(seed, *, planted, rows=4000):
    generator = np.random.default_rng(seed)
    codes = _codes(generator, rows)
    inside = (codes["f2"] == 1) & (codes["f5"] == 3)
    chance = np.where(inside & planted, 0.55, 0.25)
    losses = ((generator.random(rows) < chance) - 0.25) ** 2
    weak = weak_segment(codes, losses, generator.random(rows) < 0.5)
    return weak if weak is not None and weak.p_value < 0.01 else None


def test_planted_segments_are_found_with_their_bins():
    found = [_found(seed, planted=True) for seed in range(20)]
    hits = [weak for weak in found if weak and (weak.features, weak.bins) == (("f2", "f5"), (1, 3))]
    assert len(hits) >= 18


def test_losses_without_a_weak_segment_seldom_give_one():
    assert sum(_found(seed, planted=False) is not None for seed in range(100)) <= 4


def test_few_rows_give_none():
    assert _found(0, planted=True, rows=30) is None
