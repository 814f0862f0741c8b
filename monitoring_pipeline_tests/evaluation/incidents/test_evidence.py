from dataclasses import replace

import pytest

from benchmarks.opening import NUMBERS, delays, rates
from monitoring_pipeline.evaluation.incidents.evidence import ONCE, Earlier, evidence_of
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline_tests.spec.cases import binary_spec

AUROC = Measurement(
    kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", value=0.7, threshold_lower=0.62, rows=800
)
AGE = Measurement(
    kind=Kind.DRIFT, subject="age", name="jensen_shannon", model_version="1", value=0.04, threshold_upper=0.1, rows=800
)
# Their standard deviation is .01 * sqrt(14 / 13) = .010377.
FORTNIGHT = (0.69, 0.71) * 7


def _earlier(values):
    earlier = Earlier()
    for value in values:
        earlier.add([replace(AUROC, value=value)])
    return earlier


def _breached(measurement, value, **changes):
    return replace(measurement, value=value, status=Status.BREACHED, reason="beyond", **changes)


@pytest.mark.parametrize(("value", "needed", "chunks"), [
    # .051 are 4.91 standard deviations, .053 are 5.11, .103 are 9.93, .105 are 10.12.
    (0.619, 3, 1), (0.569, 3, 1), (0.567, 3, 2), (0.517, 3, 2), (0.515, 3, 3), (0.2, 3, 3),
    (0.567, 1, 1), (0.515, 1, 1), (0.567, 5, 3), (0.515, 5, 5),
])  # fmt: skip
def test_breach_counts_by_its_standard_deviations_beyond_the_limit_and_at_most_as_needed(value, needed, chunks):
    assert evidence_of(_breached(AUROC, value), _earlier(FORTNIGHT), needed).chunks == chunks


def test_deviations_are_those_between_chunks_unless_the_own_error_is_larger():
    earlier = _earlier(FORTNIGHT)
    narrow, wide = (_breached(AUROC, 0.52, lower=0.52 - w, upper=0.52 + w) for w in (0.0098, 0.098))
    assert evidence_of(narrow, earlier, 3).deviations == pytest.approx(0.1 / 0.010377, rel=1e-4)
    # Half of the interval is 1.96 standard errors of .05.
    assert evidence_of(wide, earlier, 3).deviations == pytest.approx(2.0, rel=1e-4)


def test_without_a_known_spread_a_breach_counts_once():
    far = _breached(AUROC, 0.1, lower=0.09, upper=0.11)
    assert evidence_of(far, _earlier(FORTNIGHT[1:]), 3) == ONCE
    assert evidence_of(far, _earlier((0.7,) * 20), 3) == ONCE
    assert evidence_of(replace(far, kind=Kind.OBJECTIVE), _earlier(FORTNIGHT), 3) == ONCE


def test_spread_is_that_of_the_last_28_chunks_that_were_measured():
    skipped = replace(AUROC, value=None, status=Status.SKIPPED, reason="few rows")
    recent = _earlier((0.1, 0.9) * 10 + FORTNIGHT * 2)
    recent.add([skipped])
    assert recent.spread == pytest.approx(0.01 * (28 / 27) ** 0.5)


@pytest.mark.parametrize(("value", "chunks"), [(0.12, 1), (0.34, 1), (0.36, 2), (0.59, 2), (0.61, 3)])
def test_half_of_the_floor_is_the_standard_deviation_of_a_distance(value, chunks):
    assert evidence_of(_breached(AGE, value), Earlier(), 3).chunks == chunks


def test_distance_whose_chunks_differ_more_than_its_floor_implies_counts_less():
    # Between .02 and .3 the standard deviation is .145, so .61 is 3.5 of them beyond .1.
    assert evidence_of(_breached(AGE, 0.61), _earlier((0.02, 0.3) * 7), 3).chunks == 1
    together = _breached(AGE, 0.9, subject="features", threshold_lower=-0.1)
    assert evidence_of(together, _earlier((0.02, 0.03) * 7), 3) == ONCE


def _opened(values, breached_below=0.62, measured=AUROC):
    """Return the events of a metric's days."""
    days = [
        ChunkMeasurements(
            chunk=f"2024-{1 + index // 28:02}-{1 + index % 28:02}",
            measurements=(
                (_breached if value < breached_below else lambda m, v: replace(m, value=v))(measured, value),
            ),
        )
        for index, value in enumerate(values)
    ]
    return [(e.chunk, e.summary) for h in fold_incidents(binary_spec(), days) for e in h.events]


def test_metric_far_beyond_its_limit_opens_an_incident_on_its_first_day():
    ((day, summary),) = _opened([*FORTNIGHT, 0.5])
    assert day == "2024-01-15"
    assert summary == (
        "auroc is 0.5, below 0.62; counts as 3 days of the 3 of 5 that open an incident: "
        "12 standard deviations beyond the limit"
    )


def test_farther_day_and_a_near_one_open_an_incident_together():
    assert _opened([*FORTNIGHT, 0.567]) == []
    ((day, summary),) = _opened([*FORTNIGHT, 0.567, 0.7, 0.7, 0.619])
    assert day == "2024-01-18"
    assert "on 2 of 4 days; counts as 3 days of the 3 of 5 that open an incident: 5 standard" in summary


def test_days_near_the_limit_open_an_incident_by_their_number_as_declared():
    ((day, summary),) = _opened([*FORTNIGHT, 0.615, 0.7, 0.61, 0.7, 0.617])
    assert (day, summary) == ("2024-01-19", "auroc is 0.617, below 0.62, on 3 of 5 days")


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number.name)
def test_normal_days_open_as_many_incidents_as_by_their_number_alone(number):
    by_number, weighed = rates(number, 0.8, heavy=False, share=0.05, days=1_000)
    assert by_number == weighed > 0.0


def test_fault_of_fifteen_standard_deviations_opens_an_incident_on_its_first_day():
    assert delays(NUMBERS[0], 0.0, heavy=False, share=0.05, faults=5) == ["3 -> 3", "3 -> 2", "3 -> 1", "3 -> 1"]
