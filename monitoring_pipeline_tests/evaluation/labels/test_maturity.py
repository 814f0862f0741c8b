import datetime as dt

import pytest
from scipy import stats

from monitoring_pipeline.evaluation.labels.maturity import (
    ExpectedLabels,
    LabelMaturity,
    assess_maturity,
    final_from,
    maturity_measurements,
)
from monitoring_pipeline.records.measurement import Kind, Maturity, Status
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec(timezone="America/New_York", labels__delay="12h", performance__minimum_maturity=0.8)
CHUNK = SPEC.calendar.chunk("2024-03-10")  # the clocks are set forward: it ends at 04:00 UTC
FINAL = dt.datetime(2024, 3, 11, 16, tzinfo=dt.UTC)
BEFORE = FINAL - dt.timedelta(microseconds=1)


def test_labels_are_final_one_delay_after_the_chunks_end():
    assert final_from(SPEC, CHUNK) == FINAL


@pytest.mark.parametrize(("predictions", "labelled", "as_of", "state"), [
    (100, 100, FINAL, Maturity.FINAL),
    (100, 0, FINAL, Maturity.FINAL),
    (0, 0, FINAL, Maturity.FINAL),
    (100, 80, BEFORE, Maturity.PROVISIONAL),
    (100, 79, BEFORE, Maturity.IMMATURE),
    (100, 100, BEFORE, Maturity.PROVISIONAL),
    (100, 100, CHUNK.start, Maturity.PROVISIONAL),
    (0, 0, BEFORE, Maturity.IMMATURE),
])  # fmt: skip
def test_maturity_state_follows_time_and_share(predictions, labelled, as_of, state):
    found = assess_maturity(SPEC, CHUNK, predictions=predictions, labelled=labelled, as_of=as_of)
    assert found == LabelMaturity(predictions, labelled, state)


@pytest.mark.parametrize(("predictions", "state"), [(10, Maturity.PROVISIONAL), (0, Maturity.IMMATURE)])
def test_maturity_without_a_minimum_is_provisional_with_any_prediction(predictions, state):
    spec = binary_spec(performance__minimum_maturity=0)
    chunk = spec.calendar.chunk("2024-03-10")
    assert assess_maturity(spec, chunk, predictions=predictions, labelled=0, as_of=chunk.end).state is state


@pytest.mark.parametrize(("predictions", "labelled", "share"), [(8, 2, 0.25), (3, 0, 0.0)])
def test_share_and_count_of_known_labels_are_measured(predictions, labelled, share):
    *measured, _ = maturity_measurements(SPEC, LabelMaturity(predictions, labelled, Maturity.PROVISIONAL))
    assert [(m.name, m.value, m.rows) for m in measured] == [
        ("maturity", share, predictions), ("labels_present", float(labelled), predictions),
    ]  # fmt: skip
    assert {(m.kind, m.subject, m.status, m.maturity) for m in measured} == {
        (Kind.OPERATIONS, "label", Status.OK, Maturity.PROVISIONAL)
    }


def test_maturity_of_a_chunk_without_predictions_is_not_measured():
    maturity, present, _ = maturity_measurements(SPEC, LabelMaturity(0, 0, Maturity.FINAL))
    assert (maturity.status, maturity.reason, maturity.value) == (Status.SKIPPED, "no predictions", None)
    assert (present.status, present.value) == (Status.OK, 0.0)


@pytest.mark.parametrize(("labelled", "eventually", "share", "state"), [
    (40, 50.0, 0.8, Maturity.PROVISIONAL),
    (39, 50.0, 0.78, Maturity.IMMATURE),
    (60, 50.0, 1.0, Maturity.PROVISIONAL),
    (0, 0.0, 0.0, Maturity.IMMATURE),
])  # fmt: skip
def test_maturity_share_is_relative_to_expected_labels(labelled, eventually, share, state):
    expected = ExpectedLabels(by_now=eventually / 2, eventually=eventually)
    found = assess_maturity(SPEC, CHUNK, predictions=100, labelled=labelled, as_of=BEFORE, expected=expected)
    assert found == LabelMaturity(100, labelled, state, expected)
    assert found.share == pytest.approx(share)


def _measured(predictions, labelled, by_now, state=Maturity.PROVISIONAL):
    expected = ExpectedLabels(by_now=by_now, eventually=0.9 * predictions)
    measured = maturity_measurements(SPEC, LabelMaturity(predictions, labelled, state, expected))
    return {m.name: m for m in measured}


def test_known_and_expected_labels_are_both_measured():
    measured = _measured(1000, 450, 500.0)
    assert {name: m.value for name, m in measured.items()} == {
        "maturity": 0.5,
        "labels_present": 450.0,
        "labels_expected": 900.0,
        "labels_expected_by_now": 500.0,
        "labels_arrived_ratio": 0.9,
    }
    assert {m.status for m in measured.values()} == {Status.OK}
    kinds = {name: m.kind for name, m in measured.items()}
    assert kinds.pop("labels_arrived_ratio") is Kind.QUALITY
    assert set(kinds.values()) == {Kind.OPERATIONS}


@pytest.mark.parametrize(("predictions", "labelled", "by_now", "status"), [
    (1000, 400, 500.0, Status.OK),  # exactly the ratio that is allowed
    (1000, 399, 500.0, Status.BREACHED),
    (1000, 0, 500.0, Status.BREACHED),
    (1000, 600, 500.0, Status.OK),
    (50, 7, 10.0, Status.OK),  # chance
    (50, 0, 10.0, Status.BREACHED),
    (1000, 0, 0.0, Status.OK),  # none expected yet
    (1000, 700, 1000.0, Status.BREACHED),  # all are certain to be here
])  # fmt: skip
def test_arrived_ratio_below_the_limit_is_breached_unless_chance_explains_it(predictions, labelled, by_now, status):
    ratio = _measured(predictions, labelled, by_now)["labels_arrived_ratio"]
    assert ratio.status is status
    assert ratio.value == (labelled / by_now if by_now else 1.0)
    if status is Status.BREACHED:
        assert ratio.reason == f"{labelled} labels are known, {by_now:.0f} were expected by now"


def test_arrived_ratio_is_judged_by_the_binomial_distribution():
    for labelled in range(100):
        status = _measured(100, labelled, 20.0)["labels_arrived_ratio"].status
        overdue = labelled < 16 and stats.binom.cdf(labelled, 100, 0.2) < 0.001
        assert (status is Status.BREACHED) == overdue, labelled


def test_arrived_ratio_of_few_predictions_is_skipped():
    ratio = _measured(49, 0, 40.0)["labels_arrived_ratio"]
    assert (ratio.status, ratio.value) == (Status.SKIPPED, None)
    assert ratio.reason == "49 predictions, at least 50 needed"


@pytest.mark.parametrize(("predictions", "labelled", "state", "status", "value"), [
    (50, 0, Maturity.FINAL, Status.BREACHED, 0.0),
    (50, 1, Maturity.FINAL, Status.OK, 0.02),
    (49, 0, Maturity.FINAL, Status.SKIPPED, None),
    (50, 0, Maturity.IMMATURE, Status.SKIPPED, None),
])  # fmt: skip
def test_arrived_ratio_without_a_learned_delay_is_breached_if_no_label_is_final(
    predictions, labelled, state, status, value
):
    *_, ratio = maturity_measurements(SPEC, LabelMaturity(predictions, labelled, state))
    assert (ratio.kind, ratio.subject, ratio.name) == (Kind.QUALITY, "label", "labels_arrived_ratio")
    assert (ratio.status, ratio.value) == (status, value)
    if status is Status.BREACHED:
        assert ratio.reason == "none of 50 predictions has a label, though the label delay has passed"
