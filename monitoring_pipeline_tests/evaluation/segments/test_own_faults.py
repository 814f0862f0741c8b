"""Overlapping segments: the one in which a fault is named, and those that only share its rows not."""

import numpy as np

from monitoring_pipeline.evaluation.segments.membership import Part
from monitoring_pipeline.evaluation.segments.own_faults import Suspected, clearer_than, with_their_own
from monitoring_pipeline.records.measurement import Kind, Measurement, Status

ORIGIN = np.repeat(["EWR", "JFK", "LGA"], 100)
CARRIER = np.tile(np.repeat(["UA", "DL"], 50), 3)


def _suspected(broken, columns=(("origin", ORIGIN), ("carrier", CARRIER))):
    """Return the segments in which some rows are broken, of which none usually is."""

    def share(rows):
        return float(broken[rows].mean()) if rows.sum() >= 20 else None

    suspected = []
    for column, values in columns:
        for value in np.unique(values):
            rows = values == value
            change = float(broken[rows].mean())
            if change >= 0.05:
                measurement = Measurement(kind=Kind.SEGMENT, subject="x", name="null_share", model_version="1",
                                          status=Status.BREACHED, value=change, reason="r")  # fmt: skip
                suspected.append(
                    Suspected("x", Part(f"{column}={value}", rows), measurement, change, (change * rows.sum() ** 0.5,),
                              share, share)
                )  # fmt: skip
    return suspected


def _found(broken, *columns):
    """Return the segments that are named."""
    return [m.segment for m in with_their_own(_suspected(broken, *columns))]


def _clearer(broken, name):
    """Return the segment in which a change is clearer than in a named one."""
    suspected = _suspected(broken)
    found = clearer_than(next(one for one in suspected if one.part.name == name), suspected)
    return found and found.part.name


def test_a_fault_is_clearer_at_its_origin_than_in_a_carrier_and_not_the_other_way_round():
    assert _clearer(ORIGIN == "EWR", "carrier=UA") == "origin=EWR"
    assert _clearer(ORIGIN == "EWR", "origin=EWR") is None
    assert _clearer(CARRIER == "UA", "origin=JFK") == "carrier=UA"


def test_of_two_faults_neither_is_clearer_than_the_other():
    both = (ORIGIN == "EWR") | (CARRIER == "UA")
    assert _clearer(both, "origin=EWR") is None
    assert _clearer(both, "carrier=UA") is None


def test_a_fault_of_one_origin_is_not_one_of_its_carriers():
    assert _found(ORIGIN == "EWR") == ["origin=EWR"]


def test_a_fault_of_one_carrier_is_not_one_of_its_origins():
    assert _found(CARRIER == "UA") == ["carrier=UA"]


def test_two_faults_are_both_named():
    assert _found((ORIGIN == "EWR") | (CARRIER == "UA")) == ["carrier=UA", "origin=EWR"]


def test_a_fault_of_all_rows_is_one_of_no_segment():
    assert _found(np.arange(300) % 5 == 0) == []


def test_a_segment_of_nearly_all_rows_has_no_fault_of_its_own():
    country = np.repeat(["US", "CA"], [290, 10])
    assert _found((np.arange(300) % 5 == 0) & (country == "US"), (("country", country),)) == []


def test_a_segment_of_all_rows_does_not_hide_the_one_that_is_broken():
    country = np.repeat("US", 300)
    assert _found(ORIGIN == "EWR", (("country", country), ("origin", ORIGIN))) == ["origin=EWR"]
