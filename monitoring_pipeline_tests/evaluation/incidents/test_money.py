"""The sentence about the money of an incident: what is proven, what is not, and what is not known."""

import math
from dataclasses import replace

import pytest

from monitoring_pipeline.evaluation.business.money import (
    DIFFERENCE,
    ERROR_OF_ESTIMATES,
    ESTIMATED,
    REALIZED,
    USUAL,
    VALUE,
    amount,
)
from monitoring_pipeline.evaluation.incidents.money import money_words
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.measurement import Kind, Measurement, Role
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.results import NORMAL_QUANTILE
from monitoring_pipeline_tests.spec.cases import BINARY, changed

OUTCOMES = {"positive": {"positive": 1, "negative": 0}, "negative": {"positive": 0, "negative": 0}}
SPEC = ModelSpec.model_validate(changed(BINARY, {"value": {"currency": "EUR", "outcomes": OUTCOMES}}))
PERFORMANCE = Cause(Family.PERFORMANCE)


def _chunk(value, half=100.0, *, how=REALIZED, usual_half=0.0, estimates_half=0.0, **fields):
    blank = {"kind": Kind.BUSINESS, "subject": VALUE, "model_version": "1", "rows": 10} | fields
    off = Measurement(name=ERROR_OF_ESTIMATES, value=estimates_half / NORMAL_QUANTILE, **blank)
    return (
        *((off,) if how == ESTIMATED else ()),
        Measurement(name=USUAL, value=1.0, lower=1.0 - usual_half, upper=1.0 + usual_half, **blank),
        Measurement(name=DIFFERENCE, value=value, lower=value - half, upper=value + half, reason=how, **blank),
    )


def _words(*chunks, cause=PERFORMANCE):
    return money_words(SPEC, cause, {f"2024-03-{n:02}": chunk for n, chunk in enumerate(chunks, 1)})


def test_loss_of_several_chunks_is_their_sum_with_independent_errors():
    assert _words(_chunk(-300.0, 30.0), _chunk(-400.0, 40.0)) == (
        "about 700 EUR less than usual so far (650 to 750 on 2 days)"
    )


def test_error_of_the_reference_is_the_same_on_every_chunk():
    half = math.hypot(30.0, 20.0)
    words = _words(_chunk(-300.0, half, usual_half=2.0), _chunk(-400.0, half, usual_half=2.0))
    total = math.hypot(30.0, 30.0, 40.0)
    assert f"({700 - total:.0f} to {700 + total:.0f} on 2 days)" in words


def test_error_of_estimates_is_the_same_on_every_estimated_chunk():
    half = math.hypot(30.0, 20.0)
    estimated = _chunk(-300.0, half, how=ESTIMATED, estimates_half=2.0)
    words = _words(estimated, estimated, _chunk(-400.0, 40.0))
    total = math.hypot(30.0, 30.0, 40.0, 2 * 20.0)
    assert f"({amount(1000 - total)} to {amount(1000 + total)} on 3 days; " in words
    assert words.endswith("estimated without labels on 2 of them)")


def test_gain_is_more_than_usual():
    assert _words(_chunk(4187.0)) == "about 4,190 EUR more than usual so far (4,090 to 4,290)"


def test_interval_with_zero_claims_nothing():
    assert _words(_chunk(-90.0)) == "no loss of value is proven (-190 to 10 EUR)"


def test_interval_with_zero_has_the_notes():
    assert _words(_chunk(-30.0), _chunk(-30.0, how=ESTIMATED), ()) == (
        "no loss of value is proven (-201 to 81.4 EUR on 2 days; estimated without labels on 1 of them; "
        "not known on 1 day)"
    )


def test_rows_that_may_be_worth_more_leave_a_loss_unproven():
    off, usual, difference = _chunk(-900.0, 300.0, how=ESTIMATED)
    wide = (off, usual, replace(difference, upper=400.0))
    assert _words(wide) == "no loss of value is proven (-1,200 to 400 EUR; estimated without labels)"
    assert _words((off, usual, replace(difference, lower=-2000.0))) == (
        "about 900 EUR less than usual so far (600 to 2,000; estimated without labels)"
    )


def test_estimates_and_gaps_are_named():
    words = _words(_chunk(-300.0), _chunk(-300.0, how=ESTIMATED), ())
    assert words.endswith("on 2 days; estimated without labels on 1 of them; not known on 1 day)")
    assert _words(_chunk(-300.0, how=ESTIMATED)).endswith("(200 to 400; estimated without labels)")


@pytest.mark.parametrize(("cause", "found"), [
    (PERFORMANCE, "about 300"),
    (Cause(Family.SEGMENT, ("plan=a",)), "about 50"),
    (Cause(Family.PERFORMANCE, version="2"), "about 7"),
    (Cause(Family.SEGMENT, ("plan=b",)), ""),
])  # fmt: skip
def test_version_and_segment_are_those_of_the_incident(cause, found):
    chunk = (
        *_chunk(-300.0),
        *_chunk(-50.0, 1.0, segment="plan=a"),
        *_chunk(-7.0, 1.0, role=Role.CHALLENGER, model_version="2"),
        *_chunk(-9.0, 1.0, role=Role.SHADOW, model_version="3"),
    )
    words = _words(chunk, cause=cause)
    assert words.startswith(found)
    assert bool(words) == bool(found)


def test_model_without_values_has_no_words():
    plain = ModelSpec.model_validate(BINARY)
    assert money_words(plain, PERFORMANCE, {"2024-03-01": _chunk(-300.0)}) == ""
