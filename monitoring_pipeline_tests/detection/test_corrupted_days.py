"""The days of the benchmark of corrupted days, and the tables of what detectors flag."""

import datetime as dt
import json

from benchmarks.detection.corrupted_days import (
    ALL_DAYS,
    BLOCK_DAYS,
    FIRST,
    REFERENCE_DAYS,
    blocks,
    of_peer,
    tables,
)
from benchmarks.detection.faults import FAULTS
from benchmarks.detection.year_2013 import LAST_DAYS

PRINTED = json.dumps(
    {
        "a/day-2013-02-26-good.parquet": {"drift": False, "quality": True},
        "a/day-2013-02-26-0.parquet": {"drift": True, "quality": True},
        "a/day-2013-02-27-good.parquet": {"drift": False, "quality": False},
        "a/day-2013-02-27-1.parquet": {"drift": False, "quality": True},
    }
)


def test_blocks_cover_the_rest_of_the_year_and_their_references_end_before_them():
    made = blocks(ALL_DAYS)
    days = [day for block in made for day in block.days]
    assert days == [FIRST + dt.timedelta(place) for place in range(ALL_DAYS)]
    assert days[-1] == dt.date(2013, 12, 31)
    assert {len(block.days) for block in made[:-1]} == {BLOCK_DAYS}
    assert made[0].reference == (dt.date(2013, 1, 1), FIRST)
    assert all(end - first == dt.timedelta(REFERENCE_DAYS) for first, end in (block.reference for block in made))


def test_each_rule_of_a_peer_is_a_detector():
    drift, quality = of_peer(PRINTED, "Peer")
    assert (drift.title, quality.title) == ("Peer, drift", "Peer, quality")
    assert drift.bad == {FAULTS[0].name: [True], FAULTS[1].name: [False]}
    assert (drift.flags.precision, drift.flags.recall, drift.flags.false_share) == (1.0, 0.5, 0.0)
    # Two bad days and one good day are flagged: F1 = 4 / (4 + 1 + 0).
    assert (quality.flags.f1, quality.flags.false_share) == (0.8, 0.5)


def test_tables_have_a_row_for_each_detector_and_each_fault():
    lines = list(tables(of_peer(PRINTED, "Peer")))
    assert lines[2] == "| Peer, drift | 2 | 2 | 1.000 | 0.500 | **0.667** | 0.0 % |  |"
    assert lines[3] == "| Peer, quality | 2 | 2 | 0.667 | 1.000 | **0.800** | 50.0 % |  |"
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[-len(FAULTS) :]] == [f.name for f in FAULTS]
    assert lines[-len(FAULTS)].endswith("| 1.00 | 1.00 |")
    assert lines[-1].endswith("|  |  |")


def test_months_end_on_their_last_day():
    assert (LAST_DAYS[0], LAST_DAYS[1], LAST_DAYS[-1], len(LAST_DAYS)) == ("2013-03-31", "2013-04-30", "2013-12-31", 10)
