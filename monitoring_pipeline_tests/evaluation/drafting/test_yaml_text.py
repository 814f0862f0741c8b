"""Drafts as YAML: names and values may contain anything."""

import datetime as dt

from hypothesis import example, given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.drafting.yaml_text import Entry, as_dictionary, yaml_text
from monitoring_pipeline.spec.parsing.bounded_yaml import BoundedLoader
from monitoring_pipeline.spec.parsing.files import parse_yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SCALARS = st.one_of(TEXTS, st.booleans(), st.integers(), st.dates(dt.date(1970, 1, 1), dt.date(2200, 1, 1)))


@given(st.dictionaries(TEXTS, st.tuples(SCALARS, TEXTS), min_size=1, max_size=6), st.booleans(), TEXTS)
@example({"a: b #": ('"quoted"\n', "two\nlines"), "null": ("~", "# #"), "é😀": (" x", "\u2028")}, False, "\n")
@example({"y": ("007", ""), "on": ("1e3", ""), "- a": ("{x}", ""), "": ("", "")}, True, "")
def test_entries_of_any_names_values_and_comments_are_read_as_they_were_written(given_entries, is_flow, head):
    parts = tuple(Entry(key, value, comment) for key, (value, comment) in given_entries.items())
    entries = (Entry("part", parts, head, is_flow=is_flow), Entry("listed", tuple(given_entries)))
    text = yaml_text(entries, [head])
    assert parse_yaml(text, BoundedLoader) == as_dictionary(entries)


def test_entry_that_is_off_is_a_comment():
    entries = (Entry("a", 1), Entry("b\n- c", "numeric", "left out: constant", is_off=True))
    assert parse_yaml(yaml_text(entries)) == {"a": 1}


def test_long_comment_stands_above_its_line():
    text = yaml_text((Entry("key", "value", "word " * 60),))
    assert all(len(line) <= 120 for line in text.splitlines())
    assert text.splitlines()[-1] == "key: value"
