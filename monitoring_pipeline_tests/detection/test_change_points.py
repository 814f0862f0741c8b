"""Changes that people marked in a series."""

from benchmarks.detection.change_points import SERIES, changes


def test_a_change_is_marked_by_half_of_the_people_nearly_at_the_same_place():
    assert changes({1: [100, 300], 2: [105], 3: [109, 500], 4: []}) == [100]
    assert changes({1: [100], 2: [111]}) == [100, 111]
    assert changes({1: [100], 2: [300], 3: []}) == []


def test_near_changes_are_one():
    assert changes({1: [100, 108, 140], 2: [104, 141]}) == [100, 140]


def test_the_changes_of_the_series():
    by_name = {one.name: changes(one.marked) for one in SERIES}
    assert by_name["airline_passengers"] == [296]
    assert by_name["apple"] == [319]
    assert all(min(found) >= 100 for found in by_name.values())
