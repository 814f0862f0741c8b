"""Burn rates of an objective over pairs of windows."""

import datetime as dt
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.business.burn_rates import pairs_in_chunks
from monitoring_pipeline.evaluation.business.objectives import measure_objectives
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline_tests.spec.cases import binary_spec

GOOD, BAD = 0.7, 0.6
LAST = {"day": "2024-03-28", "hour": "2024-03-28T10:00", "6 hours": "2024-03-28T12:00", "week": "2024-03-25"}


def spec_of(cadence="day", **objective):
    rules = {"metric": "auroc", "lower": 0.65, "share": 0.95, "days": 28} | objective
    return binary_spec(cadence=cadence, timezone="UTC", objectives={"ranking": rules})


def history_of(spec, outcomes, *, rows=100):
    """Return the metric of the last chunks, the newest first: whether each is bad; None has no value."""
    last = spec.calendar.chunk(LAST[spec.cadence])
    return [
        (
            spec.calendar.earlier(last, place).key,
            Measurement(
                kind=Kind.PERFORMANCE,
                subject="model",
                name="auroc",
                model_version="1",
                value=BAD if is_bad else GOOD,
                rows=rows,
            ),
        )
        for place, is_bad in enumerate(outcomes)
        if is_bad is not None
    ]


def measured(spec, outcomes):
    """Return the burn rates of pairs by name."""
    found = measure_objectives(spec, LAST[spec.cadence], history_of(spec, outcomes))
    return {m.of: m for m in found if m.name == "burn_rate" and m.of}


@pytest.mark.parametrize(("cadence", "objective", "expected"), [
    # A window of 30 days: the windows of the workbook in hours, of which the shortest is one and the others more.
    ("hour", {"days": 30}, {"fast": (2, 1), "medium": (6, 1), "slow": (72, 6)}),
    ("hour", {"days": 90}, {"fast": (3, 1), "medium": (18, 2), "slow": (216, 18)}),
    ("6 hours", {"days": 30}, {"medium": (2, 1), "slow": (12, 1)}),
    # The two fast pairs have the same windows where a chunk is a day, so one of them is enough.
    ("day", {"days": 30}, {"medium": (2, 1), "slow": (3, 1)}),
    ("day", {"days": 366}, {"fast": (2, 1), "medium": (4, 1), "slow": (37, 4)}),
    ("week", {"days": 28}, {"medium": (2, 1), "slow": (2, 1)}),
    # If 20 % may be bad, bad days alone burn at 5.
    ("day", {"days": 30, "share": 0.8}, {"slow": (3, 1)}),
    ("week", {"days": 7}, {}),
])  # fmt: skip
def test_windows_are_scaled_to_the_objective_and_are_whole_chunks(cadence, objective, expected):
    spec = spec_of(cadence, **objective)
    pairs = pairs_in_chunks(spec.calendar, spec.objectives["ranking"])
    assert {pair.pair.name: (pair.long, pair.short) for pair in pairs} == expected


def test_second_bad_day_in_a_row_is_critical_if_the_objective_is_and_one_bad_day_is_no_rate():
    one = measured(spec_of(severity="critical"), [True, *[False] * 27])
    # One bad day of two, over 5 %, is 10; the last day alone is 20.
    assert (one["medium"].value, one["medium"].status) == (10.0, Status.OK)
    assert one["medium"].reason == (
        "10 over the last 2 days, 20 over the last day; 6 on both is too fast; one bad day is no rate"
    )
    two = measured(spec_of(severity="critical"), [True, True, *[False] * 26])
    assert (two["medium"].value, two["medium"].status, two["medium"].severity) == (20.0, Status.BREACHED, "critical")
    assert two["medium"].reason == (
        "the error budget burns 20 times as fast as allowed over the last 2 days and 20 times over the last day; "
        "6 on both is too fast"
    )
    assert (two["slow"].value, two["slow"].severity) == (pytest.approx(2 / 3 / 0.05), Severity.WARNING)
    # The loss is over: the last day was good.
    over = measured(spec_of(severity="critical"), [False, True, True, *[False] * 25])
    assert {m.status for m in over.values()} == {Status.OK}
    assert over["slow"].reason == "13.3 over the last 3 days, 0 over the last day; 1 on both is too fast"


def test_bad_days_with_a_good_one_between_are_a_warning():
    pairs = measured(spec_of(), [True, False, True, *[False] * 25])
    assert {name: m.status for name, m in pairs.items()} == {"medium": Status.OK, "slow": Status.BREACHED}


def test_hours_burn_by_the_pairs_of_the_workbook():
    spec = spec_of("hour", days=30, share=0.99, severity="critical")
    healthy = [False] * 720
    # 14.4 times 1 % over two hours: both are bad.
    assert measured(spec, [True, True, *healthy])["fast"].status is Status.BREACHED
    # 3 of 6 hours burn at 50, and the last hour at 100.
    medium = measured(spec, [True, False, True, False, True, *healthy])["medium"]
    assert (medium.value, medium.severity) == (50.0, Severity.CRITICAL)
    # 2 of 72 hours burn at 2.8, and one of the last six at 16.7.
    slow = measured(spec, [False] * 3 + [True] + [False] * 60 + [True] + healthy)
    assert slow["slow"].value == pytest.approx(2 / 72 / 0.01)
    assert {name for name, m in slow.items() if m.status is Status.BREACHED} == {"slow"}


@pytest.mark.parametrize("severity", ["info", "warning", "critical"])
def test_pair_is_at_most_as_severe_as_the_objective(severity):
    pairs = measured(spec_of(severity=severity), [True] * 28)
    assert {m.status for m in pairs.values()} == {Status.BREACHED}
    assert pairs["medium"].severity == severity
    assert pairs["slow"].severity == ("info" if severity == "info" else "warning")


def test_single_rows_burn_by_their_share():
    rules = {"metric": "accuracy", "lower": None, "counts": "predictions", "share": 0.99}
    spec = spec_of(**rules)
    values = [0.9, 0.8, *[1.0] * 26]
    history = [
        (
            spec.calendar.earlier(spec.calendar.chunk(LAST["day"]), place).key,
            Measurement(
                kind=Kind.PERFORMANCE, subject="model", name="accuracy", model_version="1", value=value, rows=100
            ),
        )
        for place, value in enumerate(values)
    ]
    found = {m.of: m for m in measure_objectives(spec, LAST["day"], history) if m.name == "burn_rate"}
    # 30 of 200 rows are bad, over 1 %; on the last day 10 of 100.
    assert (found["medium"].value, found["medium"].status) == (10.0, Status.BREACHED)


def brute_force(outcomes, share, days, length):
    """Return which pairs of the workbook are breached, by counting chunk by chunk in exact fractions."""
    allowed = 1 - Fraction(str(share))
    breached = {}
    for name, rate, long_minutes, short_minutes in (
        ("fast", Fraction("14.4"), 60, 5), ("medium", Fraction(6), 360, 30), ("slow", Fraction(1), 4320, 360),
    ):  # fmt: skip
        sizes = []
        for minutes in (long_minutes, short_minutes):
            chunks = 0
            while chunks * length * 30 < minutes * days:
                chunks += 1
            sizes.append(chunks)
        long = max(sizes[0], 2)
        short = min(sizes[1], long - 1)
        windows = [[bad for bad in outcomes[:size] if bad is not None] for size in (long, short)]
        if all(windows):
            rates = [Fraction(sum(window), len(window)) / allowed for window in windows]
            breached[name] = min(rates) >= rate and sum(windows[0]) >= 2
    return breached


@given(
    st.lists(st.sampled_from([False, False, True, None]), min_size=1, max_size=120),
    st.sampled_from([("day", 1440), ("hour", 60), ("6 hours", 360)]),
    st.integers(2, 90),
    st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999]),
)
def test_breaches_are_those_of_a_second_implementation(outcomes, cadence, days, share):
    name, length = cadence
    spec = spec_of(name, days=days, share=share)
    most = days * 1440 // length
    if sum(bad is not None for bad in outcomes[:most]) < most / 4:
        assert measured(spec, outcomes) == {}
        return
    found = {pair: m.status is Status.BREACHED for pair, m in measured(spec, outcomes).items()}
    expected = brute_force(outcomes, share, days, length)
    assert found == {pair: expected[pair] for pair in found}
    # Pairs that are not measured are never breached, or as the pair that has their windows and severity.
    for pair in expected.keys() - found.keys():
        assert not expected[pair] or (pair == "fast" and found["medium"])


def test_breach_of_a_pair_opens_an_incident_at_once_as_it_has_lasted():
    spec = spec_of()
    day = dt.date(2024, 3, 1)
    chunks = [
        (
            (day + dt.timedelta(days=place)).isoformat(),
            Measurement(
                kind=Kind.OBJECTIVE,
                subject="ranking",
                name="burn_rate",
                of="medium",
                model_version="",
                value=20.0 if place == 4 else 0.0,
                threshold_upper=6.0,
                status=Status.BREACHED if place == 4 else Status.OK,
                severity=Severity.CRITICAL,
                reason="too fast",
            ),
        )
        for place in range(5)
    ]
    (history,) = fold_incidents(spec, [ChunkMeasurements(chunk=key, measurements=(m,)) for key, m in chunks])
    incident = history.incident
    assert (incident.cause.text, incident.severity, incident.opened) == (
        "objective:ranking",
        Severity.CRITICAL,
        "2024-03-05",
    )
