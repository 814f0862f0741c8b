import datetime as dt

import pytest

from monitoring_pipeline.evaluation.maturity import LabelMaturity, assess_maturity, final_from, maturity_measurements
from monitoring_pipeline.spec.chunk import chunk_of_key
from monitoring_pipeline.spec.measurement import Kind, Maturity, Status
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec(timezone="America/New_York", labels__delay="12h", performance__minimum_maturity=0.8)
CHUNK = chunk_of_key(SPEC, "2024-03-10")  # the clocks are set forward: it ends at 04:00 UTC
FINAL = dt.datetime(2024, 3, 11, 16, tzinfo=dt.UTC)
BEFORE = FINAL - dt.timedelta(microseconds=1)


def test_labels_count_as_complete_a_delay_after_the_end():
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
def test_states(predictions, labelled, as_of, state):
    found = assess_maturity(SPEC, CHUNK, predictions=predictions, labelled=labelled, as_of=as_of)
    assert found == LabelMaturity(predictions, labelled, state)


@pytest.mark.parametrize(("predictions", "state"), [(10, Maturity.PROVISIONAL), (0, Maturity.IMMATURE)])
def test_without_a_minimum_any_prediction_is_provisional(predictions, state):
    spec = binary_spec(performance__minimum_maturity=0)
    chunk = chunk_of_key(spec, "2024-03-10")
    assert assess_maturity(spec, chunk, predictions=predictions, labelled=0, as_of=chunk.end).state is state


@pytest.mark.parametrize(("predictions", "labelled", "share"), [(8, 2, 0.25), (0, 0, 0.0)])
def test_share_and_count_are_measured(predictions, labelled, share):
    measured = maturity_measurements(LabelMaturity(predictions, labelled, Maturity.PROVISIONAL))
    assert [(m.name, m.value, m.rows) for m in measured] == [
        ("maturity", share, predictions), ("labels_present", float(labelled), predictions),
    ]  # fmt: skip
    assert {(m.kind, m.subject, m.status, m.maturity) for m in measured} == {
        (Kind.OPERATIONS, "label", Status.OK, Maturity.PROVISIONAL)
    }
