"""How often flags of healthy chunks open incidents: beside the fold of real incidents, and beside known laws."""

import datetime as dt

import numpy as np
import pytest

from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.records.incident import EventKind
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.statistics.samples.openings import (
    HealthyEffect,
    OfLast,
    OpeningRules,
    count_openings,
    interval_of_count,
    largest_share_for,
    simulated_levels,
)
from monitoring_pipeline_tests.spec.cases import regression_spec

FIRST = dt.date(2001, 1, 1)
DEFAULT = OpeningRules(OfLast(3, 5), OfLast(7, 7), OfLast(10, 14))


def _flags(text):
    return np.array([[character == "x" for character in text]])


def _folded(flags, rules):
    """Return the openings and escalations that the fold of incidents finds, with each breach just at its limit."""
    escalate = None if rules.escalates is None else rules.escalates._asdict()
    spec = regression_spec(
        incidents={"open": rules.opens._asdict(), "resolve": rules.resolves._asdict(), "escalate": escalate}
    )
    of_number = Measurement(
        kind=Kind.PERFORMANCE, subject="model", name="mae", model_version="1", value=1.0, threshold_upper=1.0
    )
    chunks = [
        ChunkMeasurements(
            chunk=(FIRST + dt.timedelta(days=day)).isoformat(),
            measurements=(of_number.breached("at its limit") if flag else of_number,),
        )
        for day, flag in enumerate(flags)
    ]
    events = [event for history in fold_incidents(spec, chunks) for event in history.events]
    opened = sum(event.kind in {EventKind.OPENED, EventKind.REOPENED} for event in events)
    escalated = [e for e in events if e.kind is EventKind.ESCALATED and e.severity is Severity.CRITICAL]
    return opened, len(escalated)


@pytest.mark.parametrize(
    ("text", "opened", "escalated"),
    [
        ("xx...xx...xx", 0, 0),
        ("x.x.x", 1, 0),
        # Six fine days do not end it, seven do: the second three flags open it again.
        ("xxx......xxx", 1, 0),
        ("xxx.......xxx", 2, 0),
        # Flags before the end of an incident do not count for the next one.
        ("xxx.......xx.x", 2, 0),
        ("xxx.......xx..", 1, 0),
        ("xxxxxxxxx", 1, 0),
        ("xxxxxxxxxx", 1, 1),
        ("xxxxx....xxxxx", 1, 1),
    ],
)
def test_openings_by_hand(text, opened, escalated):
    found = count_openings(_flags(text), DEFAULT)
    assert (found[0][0], found[1][0]) == (opened, escalated)
    assert _folded(_flags(text)[0], DEFAULT) == (opened, escalated)


@pytest.mark.parametrize(
    "rules",
    [
        DEFAULT,
        OpeningRules(OfLast(1, 1), OfLast(1, 1), OfLast(2, 3)),
        OpeningRules(OfLast(2, 7), OfLast(3, 5), None),
        OpeningRules(OfLast(4, 6), OfLast(2, 9), OfLast(5, 8)),
    ],
    ids=["default", "at once", "never escalates", "others"],
)
def test_openings_are_those_of_the_fold_of_incidents(rules):
    generator = np.random.default_rng(5)
    for share in (0.2, 0.5, 0.8):
        flags = generator.random((3, 120)) < share
        opened, escalated = count_openings(flags, rules)
        assert [_folded(each, rules) for each in flags] == list(zip(opened, escalated, strict=True))
        assert opened.sum()


def _known(autocorrelation, chunks=4_000):
    """Return an effect whose floor is known, as if from an endless reference."""
    return HealthyEffect(autocorrelation, 1.0, 1e9, chunks)


@pytest.mark.parametrize(("autocorrelation", "rate"), [(0.0, 0.52), (0.5, 2.3), (0.8, 5.9), (0.9, 6.0)])
def test_the_law_has_the_rates_of_the_benchmark_of_openings(autocorrelation, rate):
    """Rates per 1,000 days of ``make bench-opening``, where the limit is beyond 95 % of the days."""
    levels = simulated_levels([_known(autocorrelation)], 40, 1_000, np.random.default_rng(3))
    opened, _ = count_openings(levels[0] < 0.05, DEFAULT)
    assert opened.mean() == pytest.approx(rate, abs=0.7)


@pytest.mark.parametrize("autocorrelation", [0.0, 0.8])
def test_levels_are_uniform_over_many_references(autocorrelation):
    effect = HealthyEffect(autocorrelation, 0.8, 12.0, 60)
    levels = simulated_levels([effect], 20_000, 2, np.random.default_rng(1))[0, :, 1]
    for share in (0.001, 0.05, 0.5):
        assert np.mean(levels < share) == pytest.approx(share, abs=4 * np.sqrt(share / 20_000))


def test_a_reference_that_was_short_gives_flags_that_come_together():
    long, short = (HealthyEffect(0.0, 1.0, days, int(days)) for days in (5_000.0, 8.0))
    opened = [
        count_openings(simulated_levels([effect], 400, 200, np.random.default_rng(2))[0] < 0.05, DEFAULT)[0].mean()
        for effect in (long, short)
    ]
    assert opened[1] > 2 * opened[0]


def test_no_dependence_exceeds_the_bound():
    generator = np.random.default_rng(4)
    for pattern in (_flags("xxx......." * 20), generator.random((1, 300)) < 0.4):
        opened, escalated = count_openings(pattern, DEFAULT)
        assert pattern.sum() >= 3 * opened[0]
        assert pattern.sum() >= 10 * escalated[0]


def test_the_worst_pattern_reaches_the_bound():
    flags = _flags("xxx......." * 20)
    opened, _ = count_openings(flags, DEFAULT)
    assert largest_share_for(opened[0] / flags.size, 3) == pytest.approx(flags.mean()) == pytest.approx(0.3)


def test_the_variance_of_the_mean_of_a_reference():
    """By hand for 3 days with .5: (3 + 2 (2 x .5 + .25)) / 9 = 5.5 / 9."""
    assert HealthyEffect(0.5, 1.0, 3.0, 3).variance_of_mean == pytest.approx(5.5 / 9)
    assert HealthyEffect(0.5, 0.0, 3.0, 3).variance_of_mean == pytest.approx(1 / 3)


@pytest.mark.parametrize(("count", "lower", "upper"), [(0, 0.0, 2.996), (1, 0.051, 4.744), (10, 5.425, 16.962)])
def test_interval_of_a_count(count, lower, upper):
    """Garwood's table for 90 %."""
    assert interval_of_count(count) == pytest.approx((lower, upper), abs=1e-3)
