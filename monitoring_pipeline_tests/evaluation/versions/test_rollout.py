"""Shadow and probation: what the days beside each other decide, and when."""

import datetime as dt
import random

import numpy as np
import pytest

from monitoring_pipeline.evaluation.versions.trial import (
    ChunkDifference,
    chunk_difference_of,
    decide_probation,
    decide_shadow,
    sequence_of,
)
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.spec.rules.retraining import ProbationRules, ShadowRules
from monitoring_pipeline.statistics.intervals.confidence_sequence import confidence_sequence

SHADOW = ShadowRules()
PROBATION = ProbationRules()


def _days(differences, rows=100):
    first = dt.date(2024, 1, 1)
    return [
        ChunkDifference(chunk=str(first + dt.timedelta(days=number)), difference=difference, rows=rows)
        for number, difference in enumerate(differences)
    ]


def _noise(count, mean, seed=1):
    return list(np.random.default_rng(seed).normal(mean, 1, count))


BETTER, WORSE, ALIKE = _noise(60, -2.0), _noise(60, 2.0), _noise(80, 0.0)


@pytest.mark.parametrize(("differences", "answer", "reason"), [
    ([], None, "0 days with labels, at least 14 needed"),
    (BETTER[:13], None, "13 days with labels, at least 14 needed"),
    (BETTER[:14], "promote", "proven better on 14 days up to 2024-01-14: mean difference -"),
    (BETTER, "promote", "proven better on 14 days up to 2024-01-14"),
    (WORSE[:14], "refuse", "proven worse on 14 days up to 2024-01-14"),
    (ALIKE[:14], None, "so far: 14 days up to 2024-01-14"),
    (ALIKE[:59], None, "so far: 59 days"),
    (ALIKE[:60], "refuse", "not proven better in 60 days: so far: 60 days up to 2024-02-29: mean"),
    (ALIKE, "refuse", "not proven better in 60 days: so far: 60 days"),
    ([0.0] * 30, None, "so far: 30 days"),
    ([0.0] * 60, "refuse", "not proven better in 60 days"),
])  # fmt: skip
def test_shadow(differences, answer, reason):
    found = decide_shadow(SHADOW, _days(differences), len(differences))
    assert found.answer == answer
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(("differences", "since", "answer", "reason"), [
    (ALIKE[:43], 59, None, "so far: 43 days"),
    (ALIKE[:43], 60, "refuse", "not proven better in 60 days: so far: 43 days"),
    (BETTER[:14], 60, "promote", "proven better on 14 days"),
    ([], 60, "refuse", "not proven better in 60 days: 0 days with labels, at least 14 needed"),
])  # fmt: skip
def test_a_shadow_whose_days_are_not_all_told_ends_all_the_same(differences, since, answer, reason):
    found = decide_shadow(SHADOW, _days(differences), since)
    assert found.answer == answer
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(("differences", "since", "answer", "reason"), [
    ([], 3, None, "0 days with labels, at least 7 needed"),
    (WORSE[:6], 6, None, "6 days with labels, at least 7 needed"),
    (WORSE[:9], 9, "roll_back", "proven worse on "),
    (WORSE[:28], 40, "roll_back", "proven worse on "),
    (BETTER[:20], 20, None, "so far: 20 days"),
    (BETTER[:28], 28, "passed", "not proven worse in 28 days: so far: 28 days"),
    (ALIKE[:27], 27, None, "so far: 27 days"),
    (ALIKE[:20], 28, "passed", "not proven worse in 28 days: so far: 20 days"),
    ([], 28, "passed", "not proven worse in 28 days: 0 days with labels"),
])  # fmt: skip
def test_probation(differences, since, answer, reason):
    found = decide_probation(PROBATION, _days(differences), since)
    assert found.answer == answer
    assert found.reason.startswith(reason)


def test_what_comes_after_the_probation_plays_no_part():
    days = _days(ALIKE[:28] + WORSE[:20])
    assert decide_probation(PROBATION, days, 48).answer == "passed"


def test_no_probation_passes_at_once():
    assert decide_probation(ProbationRules(days=0), _days(WORSE), 0).answer == "passed"


def test_the_answer_is_that_of_the_first_day_that_decided():
    """A shadow that was proven better and got worse later: asked late, the answer is the same."""
    turned = BETTER[:20] + [5.0] * 40
    answers = {decide_shadow(SHADOW, _days(turned[:count]), count).answer for count in range(14, 61)}
    assert answers == {"promote"}


def test_any_order_of_days_gives_the_same_answer():
    days = _days(ALIKE[:40])
    shuffled = random.Random(3).sample(days, len(days))
    assert decide_shadow(SHADOW, shuffled, 40) == decide_shadow(SHADOW, days, 40)
    assert decide_probation(PROBATION, shuffled, 20) == decide_probation(PROBATION, days, 20)


def test_the_sequence_is_that_of_every_day():
    days = _days(ALIKE[:12])
    for found, count in zip(sequence_of(days, 0.1), range(2, 13), strict=True):
        expected = confidence_sequence(ALIKE[:count], 0.1)
        assert found.chunk == days[count - 1].chunk
        assert (found.mean, found.lower, found.upper) == (expected.value, expected.lower, expected.upper)
    assert sequence_of(days[:1], 0.1) == ()


def test_a_day_told_twice_is_refused():
    day = _days([1.0])[0]
    with pytest.raises(ValueError, match="2024-01-01 is there twice"):
        decide_shadow(SHADOW, [day, day], 2)


def test_days_from_measurements():
    told = Measurement(kind=Kind.PERFORMANCE, subject="versions", name="d", model_version="2", value=-0.1, rows=7)
    silent = Measurement(
        kind=Kind.PERFORMANCE, subject="versions", name="d", model_version="2", status=Status.SKIPPED, reason="few"
    )
    assert chunk_difference_of("2024-01-01", told) == ChunkDifference(chunk="2024-01-01", difference=-0.1, rows=7)
    assert chunk_difference_of("2024-01-01", silent) is None


def test_equal_versions_are_seldom_told_apart():
    """Of 100 pairs of equal versions at most 5 % and chance get an answer other than time over."""
    rng = np.random.default_rng(7)
    told = [decide_shadow(SHADOW, _days(rng.normal(0, 1, 60)), 60).reason for _ in range(100)]
    assert sum(not reason.startswith("not proven better in 60 days") for reason in told) <= 8


@pytest.mark.parametrize(("rules", "fields", "message"), [
    (ShadowRules, {"minimum_days": 20, "maximum_days": 10}, r"minimum_days \(20\) must not be above maximum_days"),
    (ProbationRules, {"minimum_days": 7, "days": 6}, r"minimum_days \(7\) must not be above days \(6\)"),
])  # fmt: skip
def test_rules_that_could_never_decide_are_refused(rules, fields, message):
    with pytest.raises(ValueError, match=message):
        rules(**fields)
