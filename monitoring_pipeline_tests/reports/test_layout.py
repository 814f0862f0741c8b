"""Tables fit a terminal without cutting a number or a name, and a pipe with one line per row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.reports.terminal.layout import laid_out

NAMES = ("name", "model", "severity", "opened", "chunks", "reason")
ROW = ("23751c9d70da", "flight_delay", "critical", "2013-03-27", "12", "wind_speed_mph: 27 of 977 values null")
WORDS = st.text(alphabet="abcdefg_0123456789.", min_size=1, max_size=24)
CELLS = st.one_of(st.just(""), WORDS, st.lists(WORDS, min_size=4, max_size=12).map(" ".join))


@st.composite
def _tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    headers = draw(st.lists(WORDS, min_size=1, max_size=12))
    rows = draw(st.lists(st.lists(CELLS, min_size=len(headers), max_size=len(headers)), min_size=1, max_size=5))
    return headers, rows


def _texts(headers, rows, width) -> list[str]:
    return [line.text for line in laid_out(headers, rows, width)]


def test_row_that_fits_is_one_line():
    assert _texts(NAMES[:5], [ROW[:5]], 80) == [
        "name          model         severity  opened      chunks",
        "23751c9d70da  flight_delay  critical  2013-03-27      12",
    ]


def test_marks_that_turn_or_hide_text_are_replaced():
    """Raw, U+202E would turn the rest of the line, and ESC would begin a command of the terminal."""
    (line,) = _texts(("", ""), [("a\u202eb", "c\x1b[2J\u200f d")], 80)
    assert line == "a\ufffdb  c\ufffd[2J\ufffd d"


def test_sentence_is_folded_at_words():
    assert _texts(NAMES, [ROW], 80)[1:] == [
        "23751c9d70da  flight_delay  critical  2013-03-27      12  wind_speed_mph: 27 of",
        " " * 58 + "977 values null",
    ]


def test_columns_that_do_not_fit_stand_below_with_their_headers():
    assert _texts(NAMES, [ROW, ROW], 40) == [
        "name          model         severity",
        *(
            "23751c9d70da  flight_delay  critical",
            "    opened: 2013-03-27; chunks: 12",
            "    reason: wind_speed_mph: 27 of 977",
            "    values null",
        )
        * 2,
    ]


@pytest.mark.parametrize("length", range(28, 40))
def test_semicolon_at_the_end_of_a_line_fits(length):
    cells = ("x" * 70, "y" * 34, "z" * length, "v" * 20)
    texts = _texts(("a", "b", "c", "d"), [cells], 80)
    assert max(map(len, texts)) <= 80
    assert all(cell in " ".join(texts) for cell in cells)


def test_row_of_a_pipe_is_one_line_with_all_columns():
    lines = _texts(NAMES, [ROW, ("", *ROW[1:])], None)
    assert [line.split()[-1] for line in lines] == ["reason", "null", "null"]
    assert len({line.index(word) for line, word in zip(lines, ("model", "flight", "flight"), strict=True)}) == 1


def test_line_break_inside_of_a_cell_breaks_no_row():
    assert _texts(("reason",), [("one\ntwo",)], None)[1:] == ["one two"]


@pytest.mark.parametrize("width", [80, None])
def test_table_without_text_has_no_lines_in_a_terminal(width):
    assert len(_texts(("a", "b"), [], width)) == (0 if width else 1)


@given(table=_tables())
def test_any_table_fits_80_columns_and_keeps_every_word_whole(table):
    headers, rows = table
    texts = _texts(headers, rows, 80)
    assert all(len(text) <= 80 for text in texts)
    shown = [word for text in texts for word in text.replace(";", " ").split()]
    for word in (word for row in rows for cell in row for word in cell.split()):
        assert word in shown


@given(table=_tables())
def test_any_table_has_a_line_per_row_in_a_pipe(table):
    headers, rows = table
    assert len(_texts(headers, rows, None)) == 1 + len(rows)
