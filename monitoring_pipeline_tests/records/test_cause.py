"""Causes and their text form."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitoring_pipeline.records.cause import Cause, Family

NAMES = st.text() | st.text(alphabet=",@:\\a[]=", max_size=6)
CAUSES = st.builds(Cause, st.sampled_from(Family), st.lists(NAMES, max_size=3).map(tuple), NAMES)


@pytest.mark.parametrize(("cause", "text"), [
    (Cause(Family.SOURCE), "source"),
    (Cause(Family.COLUMN, ("age",)), "column:age"),
    (Cause(Family.COLUMN, ("age", "plan")), "column:age,plan"),
    (Cause(Family.COLUMN, ("",)), "column:"),
    (Cause(Family.COLUMN, ("origin of trip: city",)), "column:origin of trip: city"),
    (Cause(Family.COLUMN, ("age,plan",)), r"column:age\,plan"),
    (Cause(Family.COLUMN, ("a@b",), "7"), r"column:a\@b@7"),
    (Cause(Family.COLUMN, ("a\\",), "7"), r"column:a\\@7"),
    (Cause(Family.PERFORMANCE, version="7"), "performance@7"),
    (Cause(Family.PERFORMANCE, version="2:7"), "performance@2:7"),
    (Cause(Family.OBJECTIVE, ("good_days",), "7"), "objective:good_days@7"),
])  # fmt: skip
def test_cause_has_its_text_form(cause, text):
    assert cause.text == str(cause) == text
    assert Cause.parse(text) == cause


@given(CAUSES)
@example(Cause(Family.COLUMN, ("a,b", "\\", "c@"), "\\@,:"))
def test_cause_with_any_names_is_read_back_from_its_text(cause):
    assert Cause.parse(cause.text) == cause


@given(CAUSES, CAUSES)
def test_causes_have_equal_texts_only_if_they_are_equal(one, other):
    assert (one == other) is (one.text == other.text)


@pytest.mark.parametrize(("text", "cause"), [
    (r"column:a\b", Cause(Family.COLUMN, (r"a\b",))),
    ("column:a\\", Cause(Family.COLUMN, ("a\\",))),
    ("performance@1@2", Cause(Family.PERFORMANCE, version="1@2")),
])  # fmt: skip
def test_text_of_the_version_before_without_escapes_is_read(text, cause):
    assert Cause.parse(text) == cause


@pytest.mark.parametrize("text", ["", "colum:age", "@7", ":age"])
def test_text_without_a_family_is_refused(text):
    with pytest.raises(ValueError, match="is not a valid Family"):
        Cause.parse(text)


@given(CAUSES, CAUSES)
def test_causes_are_ordered_by_their_text(one, other):
    assert (one < other) is (one.text < other.text)


def test_only_a_cause_of_broken_columns_has_columns():
    assert Cause(Family.COLUMN, ("age", "plan")).columns == ("age", "plan")
    assert Cause(Family.BUSINESS, ("age",)).columns == ()


def test_a_cause_of_many_columns_is_shown_with_those_that_matter_and_how_many_more():
    cause = Cause(Family.COLUMN, tuple("abcdefgh"), "2")
    assert cause.shown() == "column:a,b,c,d,e@2 and 3 more"
    assert cause.shown(["h", "not one of them", "c", "g"]) == "column:h,c,g,a,b@2 and 3 more"
    assert Cause(Family.COLUMN, tuple("abcde")).shown() == "column:a,b,c,d,e"
    assert Cause(Family.SOURCE).shown() == "source"
