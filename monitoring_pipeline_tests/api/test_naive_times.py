"""Times without a time zone are named in the result, with the argument that declares one."""

import datetime as dt

import polars as pl
import pytest

from monitoring_pipeline.api import performance
from monitoring_pipeline.api.naive_times import notes_on_naive_times
from monitoring_pipeline.api.roles import Roles
from monitoring_pipeline_tests.api.frames_for_tests import scored

NOON = dt.datetime(2024, 3, 31, 12)  # noqa: DTZ001 - times without a zone are the subject
IN_UTC = NOON.replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("values", "is_noted"),
    [
        ([NOON], True),
        ([IN_UTC], False),
        (["2024-03-31 12:00:00"], True),
        (["2024-03-31T12:00:00.123"], True),
        ([None, "2024-03-31T12:00:00Z", "2024-03-31T12:00"], True),
        (["2024-03-31T12:00:00Z", None], False),
        (["2024-03-31T12:00:00+02:00"], False),
        (["2024-03-31 12:00:00+02"], False),
        (["2024-03-31 12:00:00 UTC"], False),
        (["2024-03-31"], False),
        ([NOON.date()], False),
        ([1_711_886_400], False),
    ],
)
def test_times_are_noted_if_a_time_of_day_has_no_zone(values, is_noted):
    roles = Roles(time="made_at", label="outcome", known_at="known")
    frame = pl.DataFrame({"made_at": values, "known": [IN_UTC] * len(values)}, strict=False)
    notes = notes_on_naive_times({"rows": frame}, roles, None)
    noted = "times of made_at have no time zone and are taken as UTC; naive_times declares another zone"
    assert notes == ((noted,) if is_noted else ())
    assert notes_on_naive_times({"rows": frame}, roles, "Europe/Berlin") == ()


def test_naive_times_of_any_frame_and_role_are_noted():
    roles = Roles(time="made_at", known_at="known")
    zoned, naive = pl.DataFrame({"made_at": [IN_UTC]}), pl.DataFrame({"made_at": [NOON], "known": [NOON]})
    (note,) = notes_on_naive_times({"rows": zoned, "reference": naive}, roles, None)
    assert note.startswith("times of made_at and known have no time zone")


def test_result_has_the_note_until_a_zone_is_declared():
    given = {"label": "outcome", "score": "score", "time": "made_at", "timezone": "Europe/Berlin"}
    rows = scored(200, 5)
    assert any("taken as UTC; naive_times" in note for note in performance(rows, **given).notes)
    assert not any("naive_times" in note for note in performance(rows, **given, naive_times="UTC").notes)
