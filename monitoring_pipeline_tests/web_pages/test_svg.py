"""Drawings: small, in the colours of the page, and safe whatever the names are."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import altair as alt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.web_pages.charts.svg import drawn, straightened
from monitoring_pipeline.web_pages.charts.theme import CURRENT, VARIABLES

HOSTILE = "<script>alert(1)</script>&\"'"


def bars(*names: str) -> Any:
    values = [{"name": name, "x": place} for place, name in enumerate(names)]
    return alt.Chart(alt.Data(values=values)).mark_bar(color=CURRENT).encode(x="x:Q", y=alt.Y("name:N", sort=None))


def test_drawing_takes_its_colours_from_the_page() -> None:
    svg = drawn(bars("a", "b"))
    assert 'fill="var(--current)"' in svg
    assert not [colour for colour in VARIABLES if colour in svg]


def test_drawing_scales_with_the_page_and_is_left_to_its_sentence_by_screen_readers() -> None:
    root = ET.fromstring(drawn(bars("a")))
    assert root.get("viewBox")
    assert root.get("width") is None
    assert root.get("aria-hidden") == "true"


def test_drawing_has_no_inline_style_which_the_policy_of_pages_forbids() -> None:
    root = ET.fromstring(drawn(bars("a", "b", "c")))
    assert not [element for element in root.iter() if "style" in element.attrib or element.tag.endswith("style")]


@pytest.mark.parametrize("name", [HOSTILE, "]]>", "<!--", "&amp;", "\u202eevil", "a" * 50_000])
def test_name_stays_text(name: str) -> None:
    root = ET.fromstring(drawn(bars(name)))
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {"svg", "g", "path", "rect", "line", "text"}


def test_name_is_drawn_whole_if_it_fits() -> None:
    texts = [element.text for element in ET.fromstring(drawn(bars("<b>&"))).iter() if element.text]
    assert "<b>&" in texts


def test_texts_keep_their_digits() -> None:
    texts = [element.text for element in ET.fromstring(drawn(bars("0.12345 of 7.8901", "3.14159"))).iter()]
    assert {"0.12345 of 7.8901", "3.14159"} <= set(texts)


def test_labels_of_a_narrow_axis_differ() -> None:
    values = [{"x": 1, "y": 0.101}, {"x": 2, "y": 0.129}]
    line = alt.Chart(alt.Data(values=values)).mark_line().encode(x="x:Q", y=alt.Y("y:Q", scale=alt.Scale(zero=False)))
    texts = [element.text for element in ET.fromstring(drawn(line)).iter() if (element.text or "").startswith("0.1")]
    assert len(texts) == len(set(texts)) > 2


def test_visible_marks_survive_the_slimming() -> None:
    assert drawn(bars("a", "b", "c")).count("<path") == 3


@pytest.mark.parametrize(("path", "straight"), [
    ("M0,0L1,0L2,0L2,5", "M0,0h2v5"),
    ("M0,0L1,1L2,2", "M0,0l1,1l1,1"),
    ("M0,0L0,1L0,2L0,3", "M0,0v3"),
    ("M0,0L1,0L0,0L0,9", "M0,0v9"),
    ("M0,5L1,5L1,7L2,7L2,7L3,7", "M0,5h1v2h2"),
    ("M10.5,-3L10.2,4.1L9,-.9", "M10.5,-3l-.3,7.1l-1.2-5"),
    ("M0,100L100,0", "M0,100l100-100"),
])  # fmt: skip
def test_path_has_no_point_between_two_others_on_a_line(path: str, straight: str) -> None:
    assert straightened(path) == straight


@given(st.lists(st.tuples(st.integers(-999, 999), st.integers(-999, 999)), min_size=2, max_size=30))
def test_steps_of_a_path_lead_to_its_last_point(tenths: list[tuple[int, int]]) -> None:
    path = "M" + "L".join(f"{x / 10:.1f},{y / 10:.1f}" for x, y in tenths)
    start, *steps = re.findall(r"([Mlhv])(-?[\d.]+)(?:,?(-?[\d.]+))?", straightened(path))
    x, y = float(start[1]), float(start[2])
    for kind, first, second in steps:
        x += float(first) if kind in "lh" else 0
        y += float(first) if kind == "v" else float(second) if kind == "l" else 0
    assert (round(x * 10), round(y * 10)) == tenths[-1]


def test_filled_points_are_one_line_of_dots() -> None:
    values = [{"x": place, "y": place} for place in range(3)]
    points = alt.Chart(alt.Data(values=values)).mark_point(filled=True, fill=CURRENT, stroke=CURRENT, opacity=1)
    (dots,) = re.findall(r'<path [^>]*stroke-linecap="round"[^>]*>', drawn(points.encode(x="x:Q", y="y:Q")))
    assert dots.count("h0") == len(values)
    assert VARIABLES[CURRENT] in dots
    hollow = alt.Chart(alt.Data(values=values)).mark_point(filled=True, fill="#ffffff", stroke=CURRENT, opacity=1)
    assert drawn(hollow.encode(x="x:Q", y="y:Q")).count("<circle") == len(values)


@pytest.mark.parametrize("name", ["\x1b[31mred", "a\x00b", "a\ufffeb", "\ud800", "\x85"], ids=ascii)
def test_character_that_the_renderer_cannot_hold_is_replaced_and_the_process_lives(name: str) -> None:
    svg = drawn(bars(name))
    assert "\N{REPLACEMENT CHARACTER}" in svg
    ET.fromstring(svg)
