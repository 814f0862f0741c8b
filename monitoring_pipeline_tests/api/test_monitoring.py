"""The days of one frame are monitored; a reference is a window or a frame; what does not fit is named."""

import datetime as dt

import polars as pl
import pytest

from monitoring_pipeline.api import ArgumentError, monitor
from monitoring_pipeline.records.measurement import VerdictStatus
from monitoring_pipeline_tests.api.frames_for_tests import scored

ROLES = {
    "time": "made_at", "score": "score", "label": "outcome", "drift": {"multivariate": [], "learn_floors": False},
}  # fmt: skip
FIRST = dt.date(2024, 1, 1)


@pytest.fixture(scope="module")
def rows():
    frame = scored(480, 7, days=6)
    late = pl.col("made_at").dt.day() >= 6
    return frame.with_columns(age=pl.when(late).then(pl.col("age") + 30).otherwise("age"))


def test_days_after_the_window_are_monitored_and_the_changed_day_is_flagged(rows):
    result = monitor(rows, reference=("2024-01-01", "2024-01-04"), **ROLES)
    assert [chunk.key for chunk in result.chunks] == ["2024-01-04", "2024-01-05", "2024-01-06"]
    assert result.drifted == ("age",)
    assert "2024-01-06" in result.flagged
    assert "monitor: 3 days of 480 rows" in result.summary()


def test_reference_may_be_a_frame_of_its_own(rows):
    reference = scored(300, 8, first=dt.date(2023, 12, 1), days=5)
    result = monitor(rows.filter(pl.col("made_at").dt.day() > 4), reference=reference, **ROLES)
    assert [chunk.key for chunk in result.chunks] == ["2024-01-05", "2024-01-06"]
    assert result.drifted == ("age",)


def test_reference_that_is_not_given_is_the_first_third(rows):
    result = monitor(rows, **ROLES)
    assert [chunk.key for chunk in result.chunks] == ["2024-01-04", "2024-01-05", "2024-01-06"]
    assert "the reference is 2024-01-01 to before 2024-01-04" in " ".join(result.summary().split())
    given = monitor(rows, reference=("2024-01-01", "2024-01-04"), **ROLES)
    assert [chunk.measurements for chunk in result.chunks] == [chunk.measurements for chunk in given.chunks]


def test_chunks_that_are_too_small_are_a_note_and_their_reasons_stand_once(rows):
    small = rows.gather_every(4)
    result = monitor(small, reference=("2024-01-01", "2024-01-04"), **ROLES)
    text = " ".join(result.summary().split())
    assert "a day usually has 20 rows; at least 50 are needed (cadence)" in text
    assert "2024-01-04 to 2024-01-06, 3 times: not measured: drift" in text
    assert len(result.reasons) > text.count("not measured: ")


def test_day_whose_scores_are_none_is_refused_and_the_others_are_measured(rows):
    percent = pl.when(pl.col("made_at").dt.day() == 5).then(pl.col("score") * 100).otherwise("score")
    result = monitor(rows.with_columns(score=percent), reference=(FIRST, dt.date(2024, 1, 4)), **ROLES)
    statuses = {chunk.key: chunk.verdict.status for chunk in result.chunks}
    assert statuses["2024-01-05"] is VerdictStatus.CRITICAL
    assert statuses["2024-01-04"] is not VerdictStatus.CRITICAL


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"reference": ("2025-01-01", "2025-02-01")},
            "reference: no rows are left to monitor; the newest is of 2024-01-06",
        ),
        ({"reference": ("2020-01-01", "2020-02-01")}, "reference: no rows are in the window"),
        ({"reference": ("2024-01-04", "2024-01-01")}, "end .* must be after start"),
        ({"reference": ("2024-01-01",)}, "reference: expected the first day and the day after the last"),
        ({"reference": "2024-01-01"}, "reference: expected a data frame"),
        ({"time": "nope"}, "time: rows has no column 'nope'"),
        ({"score": None}, "score, scores or prediction: one of them is needed"),
        ({"label_delay": "soon"}, "labels.delay"),
        ({"as_of": dt.datetime(2024, 2, 1)}, "as_of: .* has no time zone"),  # noqa: DTZ001 - that is the fault
    ],
)
def test_argument_that_cannot_be_used_is_named(arguments, words, rows):
    with pytest.raises(ArgumentError, match=words):
        monitor(rows, **({"reference": ("2024-01-01", "2024-01-04")} | ROLES | arguments))
