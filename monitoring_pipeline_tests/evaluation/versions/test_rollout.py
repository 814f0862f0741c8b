"""Shadow and probation: the answer to the daily differences of two versions, and its day."""

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
def test_shadow_is_decided_when_proven_or_at_its_end(differences, answer, reason):
    found = decide_shadow(SHADOW, _days(differences), len(differences))
    assert found.answer == answer
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(("differences", "since", "answer", "reason"), [
    (ALIKE[:43], 59, None, "so far: 43 days"),
    (ALIKE[:43], 60, "refuse", "not proven better in 60 days: so far: 43 days"),
    (BETTER[:14], 60, "promote", "proven better on 14 days"),
    ([], 60, "refuse", "not proven better in 60 days: 0 days with labels, at least 14 needed"),
])  # fmt: skip
def test_shadow_with_unlabelled_days_ends_after_its_maximum(differences, since, answer, reason):
    found = decide_shadow(SHADOW, _days(differences), since)
    assert found.answer == answer
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(("differences", "since", "answer", "reason"), [
    ([], 3, None, "0 days with labels, at least 14 needed"),
    (WORSE[:13], 13, None, "13 days with labels, at least 14 needed"),
    (WORSE[:14], 14, "roll_back", "proven worse on 14 days "),
    (WORSE[:28], 40, "roll_back", "proven worse on "),
    (BETTER[:20], 20, None, "so far: 20 days"),
    (BETTER[:28], 28, "passed", "not proven worse in 28 days: so far: 28 days"),
    (ALIKE[:27], 27, None, "so far: 27 days"),
    (ALIKE[:20], 28, "passed", "not proven worse in 28 days: so far: 20 days"),
    ([], 28, "passed", "not proven worse in 28 days: 0 days with labels"),
])  # fmt: skip
def test_probation_ends_when_proven_worse_or_at_its_end(differences, since, answer, reason):
    found = decide_probation(PROBATION, _days(differences), since)
    assert found.answer == answer
    assert found.reason.startswith(reason)


def test_days_after_the_probation_do_not_change_its_answer():
    days = _days(ALIKE[:28] + WORSE[:20])
    assert decide_probation(PROBATION, days, 48).answer == "passed"


def test_probation_of_ten_days_decides_on_its_last_day():
    rules = ProbationRules(days=10)
    assert decide_probation(rules, _days(WORSE[:9]), 9).reason == "9 days with labels, at least 10 needed"
    assert decide_probation(rules, _days(WORSE[:10]), 10).answer == "roll_back"
    assert decide_probation(rules, _days(BETTER[:10]), 10).answer == "passed"


def test_probation_of_zero_days_passes_at_once():
    assert decide_probation(ProbationRules(days=0), _days(WORSE), 0).answer == "passed"


def test_answer_of_a_trial_is_that_of_the_first_decisive_day():
    """A shadow that was proven better and became worse later has the same answer on every later day."""
    turned = BETTER[:20] + [5.0] * 40
    answers = {decide_shadow(SHADOW, _days(turned[:count]), count).answer for count in range(14, 61)}
    assert answers == {"promote"}


def test_order_of_days_does_not_change_the_answer_of_a_trial():
    days = _days(ALIKE[:40])
    shuffled = random.Random(3).sample(days, len(days))
    assert decide_shadow(SHADOW, shuffled, 40) == decide_shadow(SHADOW, days, 40)
    assert decide_probation(PROBATION, shuffled, 20) == decide_probation(PROBATION, days, 20)


def test_sequence_has_the_interval_of_each_day():
    days = _days(ALIKE[:12])
    for found, count in zip(sequence_of(days, 0.1), range(2, 13), strict=True):
        expected = confidence_sequence(ALIKE[:count], 0.1)
        assert found.chunk == days[count - 1].chunk
        assert (found.mean, found.lower, found.upper) == (expected.value, expected.lower, expected.upper)
    assert sequence_of(days[:1], 0.1) == ()


def test_day_that_occurs_twice_is_refused():
    day = _days([1.0])[0]
    with pytest.raises(ValueError, match="2024-01-01 is there twice"):
        decide_shadow(SHADOW, [day, day], 2)


def test_difference_of_a_chunk_is_read_from_a_measured_value_only():
    told = Measurement(kind=Kind.PERFORMANCE, subject="versions", name="d", model_version="2", value=-0.1, rows=7)
    silent = Measurement(
        kind=Kind.PERFORMANCE, subject="versions", name="d", model_version="2", status=Status.SKIPPED, reason="few"
    )
    assert chunk_difference_of("2024-01-01", told) == ChunkDifference(chunk="2024-01-01", difference=-0.1, rows=7)
    assert chunk_difference_of("2024-01-01", silent) is None


def test_equal_versions_rarely_get_an_answer_before_the_end_of_a_shadow():
    """Of 100 pairs of equal versions, at most 5 % plus chance get an answer before the time is over."""
    rng = np.random.default_rng(7)
    told = [decide_shadow(SHADOW, _days(rng.normal(0, 1, 60)), 60).reason for _ in range(100)]
    assert sum(not reason.startswith("not proven better in 60 days") for reason in told) <= 8


@pytest.mark.parametrize(("rules", "fields", "message"), [
    (ShadowRules, {"minimum_days": 20, "maximum_days": 10}, r"minimum_days \(20\) must not be above maximum_days"),
    (ProbationRules, {"minimum_days": 7, "days": 6}, r"minimum_days \(7\) must not be above days \(6\)"),
])  # fmt: skip
def test_trial_rules_with_minimum_above_maximum_are_refused(rules, fields, message):
    with pytest.raises(ValueError, match=message):
        rules(**fields)
