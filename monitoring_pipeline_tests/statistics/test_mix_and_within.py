"""Parts of a change over groups: they sum to it, hand-worked values, and variances against resampling."""

import numpy as np
import pytest

from monitoring_pipeline.statistics.mix_and_within import Moments, change_of, mix_and_within, moments_of


def _moments(values, codes, groups):
    return moments_of(values, codes, groups), moments_of(values, np.zeros(values.size, np.int64), 1)


def _parts(before, after, groups):
    (one, whole), (other, whole_after) = (_moments(*side, groups) for side in (before, after))
    return mix_and_within(one, other, whole, whole_after), change_of(whole, whole_after)[0]


def _side(generator, rows, groups, level):
    codes = generator.choice(groups, rows, p=generator.dirichlet(np.ones(groups)))
    return level + generator.standard_normal(rows) * generator.exponential(3.0, groups)[codes] + codes, codes


@pytest.mark.parametrize("seed", range(60))
def test_parts_sum_to_the_change_whatever_the_groups(seed):
    generator = np.random.default_rng(seed)
    groups = int(generator.integers(1, 30))
    level = float(generator.choice([0.0, 1.0, 1e4]))
    sides = [_side(generator, int(generator.integers(2, 3_000)), groups, level) for _ in range(2)]
    parts, change = _parts(*sides, groups)
    assert abs(parts.brought.sum() - change) < 1e-9 * max(1.0, level)
    assert change == pytest.approx(sides[1][0].mean() - sides[0][0].mean(), abs=1e-9 * max(1.0, level))
    assert parts.share.sum() == pytest.approx(1.0)


def test_parts_worked_by_hand():
    # Shares .5 and .5 become .25 and .75, means 1 and 3 become 1 and 5: 2 becomes 4.
    before = np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1])
    after = np.array([1.0, 5.0, 5.0, 5.0]), np.array([0, 1, 1, 1])
    parts, change = _parts(before, after, 2)
    assert change == 2.0
    # Middles: groups 1 and 4, everything 3.
    assert parts.mix == pytest.approx([-0.25 * (1 - 3), 0.25 * (4 - 3)])
    assert parts.within == pytest.approx([0.0, 0.625 * 2])
    # Of two groups, each stands for the whole shift: .25 of the rows go from a middle of 1 to one of 4.
    assert parts.shift == pytest.approx([0.75, 0.75])
    assert parts.contrast == pytest.approx([0.375 * 0.625 * (0 - 2), 0.375 * 0.625 * (2 - 0)])


def test_groups_that_appear_or_vanish_bring_their_mix_only():
    before = np.array([1.0, 1.0, 7.0]), np.array([0, 0, 1])
    after = np.array([1.0, 1.0, 4.0]), np.array([0, 0, 2])
    parts, change = _parts(before, after, 3)
    assert parts.within == pytest.approx([0.0, 0.0, 0.0])
    assert parts.brought.sum() == pytest.approx(change)


def test_rows_outside_of_a_group_have_the_moments_of_the_others():
    generator = np.random.default_rng(4)
    values, codes = _side(generator, 500, 4, 100.0)
    groups, whole = _moments(values, codes, 4)
    others = whole.without(groups[np.arange(4) == 2])
    rest = values[codes != 2]
    assert (others.rows[0], others.means[0], others.variances[0]) == pytest.approx((rest.size, rest.mean(), rest.var()))
    nothing = whole.without(Moments(*(np.array([float(x)]) for x in (500, values.mean(), values.var()))))
    assert nothing.rows[0] == 0.0


def test_variances_are_those_of_resampled_rows():
    generator = np.random.default_rng(1)
    before, after = _side(generator, 900, 3, 0.0), _side(generator, 400, 3, 2.0)
    parts, _ = _parts(before, after, 3)
    drawn = []
    for _ in range(1_500):
        sides = []
        for values, codes in (before, after):
            places = generator.integers(0, values.size, values.size)
            sides.append((values[places], codes[places]))
        drawn.append(_parts(*sides, 3)[0])
    for name in ("mix", "within", "shift", "contrast"):
        resampled = np.array([getattr(one, name) for one in drawn]).var(axis=0)
        assert getattr(parts, f"{name}_variance") == pytest.approx(resampled, rel=0.15), name
