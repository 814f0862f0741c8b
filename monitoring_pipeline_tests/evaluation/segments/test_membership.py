"""Rows and the segments that they belong to, worked by hand."""

import polars as pl
import pytest

from monitoring_pipeline.evaluation.segments.membership import parts_of, values_of
from monitoring_pipeline.spec.rules.segments import SegmentRules

ROWS = pl.DataFrame(
    {
        "origin": ["EWR", "EWR", "EWR", "JFK", "JFK", "LGA", None],
        "miles": [100.0, 500.0, 1200.0, 999.9, float("nan"), None, 500.0],
    }
)


def _parts(by, rows=ROWS, of=ROWS):
    segmentations = SegmentRules.model_validate({"by": by}).by
    return {part.name: part.rows.tolist() for part in parts_of(segmentations, values_of(segmentations, of), rows)}


def test_values_are_segments_and_rare_ones_are_pooled():
    assert _parts({"origin": {"column": "origin", "values": 2}}) == {
        "origin=EWR": [True, True, True, False, False, False, False],
        "origin=JFK": [False, False, False, True, True, False, False],
        "origin=other values": [False, False, False, False, False, True, False],
    }


def test_a_value_that_the_reference_lacks_is_pooled():
    assert _parts({"origin": "origin"}, of=ROWS.head(5))["origin=other values"] == [False] * 5 + [True, False]


def test_ranges_begin_at_their_numbers():
    assert _parts({"distance": {"column": "miles", "ranges": [500, 1000]}}) == {
        "distance=500 to 1000": [False, True, False, True, False, False, True],
        "distance=1000 or more": [False, False, True, False, False, False, False],
        "distance=below 500": [True, False, False, False, False, False, False],
        "distance=other values": [False] * 7,
    }


def test_neighbouring_ranges_of_large_numbers_are_not_one_segment():
    rows = pl.DataFrame({"income": [1_234_566.0, 1_234_567.0, 1_234_568.0, 1_234_569.0]})
    starts = [1_234_567, 1_234_568, 1_234_569]
    parts = _parts({"income": {"column": "income", "ranges": starts}}, rows, rows)
    assert [name for name, rows in parts.items() if any(rows)] == [
        "income=1234567 to 1234568",
        "income=1234568 to 1234569",
        "income=1234569 or more",
        "income=below 1234567",
    ]


def test_crossings_of_values_with_an_ampersand_have_names_of_their_own():
    """Without the doubled signs, the first three rows would all be in ``a & b & c``."""
    rows = pl.DataFrame(
        {
            "shop": ["a & b", "a", "a &", "a && b", "R&D"],
            "city": ["c", "b & c", "b & c", "c", "c"],
            "n": [0, 1, 2, 3, 4],
        }
    )
    by = {"shop": "shop", "city": "city", "both": {"cross": ["shop", "city"]}}
    crossed = {name: flags.index(True) for name, flags in _parts(by, rows, rows).items()
               if name.startswith("both=") and any(flags)}  # fmt: skip
    assert crossed == {
        "both=a && b & c": 0,
        "both=a & b && c": 1,
        "both=a && & b && c": 2,
        "both=a &&&& b & c": 3,
        "both=R&D & c": 4,
    }


def test_a_value_called_other_values_is_one_of_them():
    rows = pl.DataFrame({"plan": ["other values", "other values", "gold", "basic"]})
    segmentations = SegmentRules.model_validate({"by": {"plan": "plan"}}).by
    parts = parts_of(segmentations, values_of(segmentations, rows), rows)
    assert [(part.name, part.rows.sum()) for part in parts] == [
        ("plan=basic", 1),
        ("plan=gold", 1),
        ("plan=other values", 2),
    ]


def test_crossed_segments_need_both_values():
    parts = _parts({
        "origin": "origin",
        "distance": {"column": "miles", "ranges": [500]},
        "both": {"cross": ["origin", "distance"]},
    })  # fmt: skip
    assert parts["both=EWR & 500 or more"] == [False, True, True, False, False, False, False]
    assert parts["both=EWR & below 500"] == [True] + [False] * 6
    assert not any(name.startswith("both=LGA") for name in parts)


@pytest.mark.parametrize(("where", "expected"), [
    ({"miles": {"at_least": 500}}, [False, True, True, True, False, False, True]),
    ({"miles": {"below": 500}}, [True, False, False, False, False, False, False]),
    ({"miles": {"at_least": 500}, "origin": ["EWR", "LGA"]}, [False, True, True, False, False, False, False]),
    ({"origin": "JFK"}, [False, False, False, True, True, False, False]),
])  # fmt: skip
def test_conditions_hold_together(where, expected):
    assert _parts({"long_haul": {"where": where}}) == {"long_haul": expected}
