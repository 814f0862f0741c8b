"""Weeks are those of ISO 8601, as Python's own calendar has them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.spec.week import UnknownWeekError, Week

DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1))


@given(DAYS)
def test_week_of_a_day_is_the_iso_week(day: dt.date) -> None:
    year, number, weekday = day.isocalendar()
    week = Week.of(day)
    assert week.key == f"{year}-W{number:02}"
    assert week.days[weekday - 1] == day
    assert Week.named(week.key) == Week.named(day.isoformat()) == week
    assert week.earlier(3).earlier(-3) == week
    assert week.earlier() < week < week.earlier(-1)


@pytest.mark.parametrize("text", ["", "2013", "2013-W54", "2015-W00", "2013-02-30", "soon", "2013-W16-1", "0000-W01"])
def test_text_that_names_no_week_is_quoted_with_the_form(text: str) -> None:
    with pytest.raises(UnknownWeekError) as refused:
        Week.named(text)
    assert repr(text) in str(refused.value)
    assert "2013-W16" in str(refused.value)
