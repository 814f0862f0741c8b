"""What grew in a segment by itself, in Cohen's h worked by hand."""

import math

import pytest

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, sum_profiles
from monitoring_pipeline.evaluation.segments.shares import Counted, IncreaseLevels, increase_beyond, learn_increases

ANGLES = {0.0: 0.0, 0.25: math.pi / 3, 0.5: math.pi / 2, 0.75: 2 * math.pi / 3}


def _of(share):
    return Counted(int(100 * share), 100)


@pytest.mark.parametrize(("now", "elsewhere", "expected"), [
    (0.5, 0.25, ANGLES[0.5] - ANGLES[0.25]),
    (0.5, 0.5, 0.0),
    (0.5, 0.0, ANGLES[0.5] - ANGLES[0.25]),
    (0.25, 0.75, ANGLES[0.25] - ANGLES[0.75]),
])  # fmt: skip
def test_increase_of_all_other_rows_is_subtracted_and_their_decrease_is_not(now, elsewhere, expected):
    assert increase_beyond(_of(now), _of(0.25), _of(elsewhere), _of(0.25)) == pytest.approx(expected)


def test_a_segment_of_all_rows_has_no_others():
    assert increase_beyond(_of(0.5), _of(0.0), Counted(0, 0), Counted(0, 0)) == pytest.approx(math.pi / 2)


def _day(nulls, rows=100):
    return ChunkProfile("1", rows, (ColumnProfile("x", (nulls, rows - nulls)),))


def _bound(segment, others):
    days = [_day(nulls) for nulls in segment]
    whole = [_day(own + other, 200) for own, other in zip(segment, others, strict=True)]
    (learned,) = learn_increases(
        days,
        whole,
        sum_profiles(days),
        sum_profiles(whole),
        shares=[("x", "null_share")],
        levels=IncreaseLevels(0.001, 0.001),
    )
    return learned.bound


def test_days_on_which_all_rows_lack_a_value_do_not_raise_the_bound_of_a_segment():
    snow = [30, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    assert _bound(snow, snow) == 0.2
    assert _bound(snow, [2] * 12) > 0.6


def test_nothing_is_learned_from_few_days():
    days = [_day(1)] * 9
    assert (
        learn_increases(days, days, days[0], days[0], shares=[("x", "null_share")], levels=IncreaseLevels(0.01, 0.01))
        == ()
    )


def _learned(nulls, levels):
    days = [_day(count) for count in nulls]
    whole = [_day(count + 2, 200) for count in nulls]
    (learned,) = learn_increases(
        days, whole, sum_profiles(days), sum_profiles(whole), shares=[("x", "null_share")], levels=levels
    )
    return learned.bound


CALM, RESTLESS = [8, 9, 8, 7, 8, 9, 8, 7] * 3, [2, 16, 9, 20, 4, 25, 1, 8] * 3


def test_only_shares_that_move_from_day_to_day_are_held_to_the_budget():
    usual, strict = IncreaseLevels(0.001, 0.001), IncreaseLevels(0.001, 0.0001)
    assert _learned(CALM, usual) == _learned(CALM, strict)
    assert _learned(RESTLESS, strict) > 1.1 * _learned(RESTLESS, usual)


def test_days_that_resemble_the_one_before_have_a_higher_bound():
    levels = IncreaseLevels(0.001, 0.001)
    assert _learned(sorted(RESTLESS), levels) > 1.3 * _learned(RESTLESS, levels)


def test_a_dead_column_is_beyond_any_bound():
    levels = IncreaseLevels(0.001, 0.00001)
    odd = [5, 4, 6, 5, 90, 5, 4, 85, 5, 6, 5, 4]
    assert _learned(odd, levels) < increase_beyond(Counted(100, 100), Counted(18, 100), _of(0.25), _of(0.25))
