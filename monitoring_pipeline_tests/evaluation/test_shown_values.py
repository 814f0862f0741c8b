"""Which values are quoted, and in which form."""

import pytest

from monitoring_pipeline.evaluation.privacy.shown_values import (
    about,
    clipped,
    least_rows_shown,
    may_show,
    quoted,
    show_values_from,
)
from monitoring_pipeline.settings import Settings


def test_a_value_needs_20_rows_unless_the_settings_say_otherwise(monkeypatch, tmp_path):
    assert (may_show(19), may_show(20)) == (False, True)
    monkeypatch.setenv("MONITORING_PIPELINE_LEAST_ROWS_SHOWN", "5")
    Settings(home=tmp_path)
    assert (least_rows_shown(), may_show(4), may_show(5)) == (5, False, True)


def test_a_value_is_one_line_of_at_most_80_characters():
    assert clipped("a\n b\t c") == "a b c"
    assert clipped("x" * 80) == "x" * 80
    assert clipped("x" * 81) == "x" * 77 + "..."
    assert quoted("it's\n") == '"it\'s"'


@pytest.mark.parametrize(("extreme", "words"), [
    (917_263.0, "920000"), (-48_151.6, "-48000"), (0.0123, "0.012"), (7.0, "7"), (0.0, "0"), (float("inf"), "inf"),
    (1.5e12, "1.5e+12"),
])  # fmt: skip
def test_an_extreme_has_two_significant_digits(extreme, words):
    assert about(extreme) == words


def test_the_rule_is_of_the_process():
    show_values_from(1)
    assert may_show(1)
