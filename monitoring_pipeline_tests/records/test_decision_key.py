"""Keys of decisions: their stored texts, and keys that stay distinct for every name and version."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey, Step
from monitoring_pipeline.records.evidence import TrialStage
from monitoring_pipeline.steps.versions.failures import last_failure

AT = dt.datetime(2024, 3, 10, 4, 30, tzinfo=dt.UTC)
YES = DecisionKey.of_retraining("2024-03-10", Answer.YES)
STEPS = {
    Step.GATE: DecisionKey.gate,
    Step.ROLL_OUT: DecisionKey.roll_out,
    Step.ASKED: DecisionKey.asked,
    Step.FAILURE: lambda key: key.failure("no convergence"),
    Step.TRIAL: lambda key: key.trial_answer(TrialStage.SHADOW, Answer.PROMOTE),
    Step.DONE: DecisionKey.done,
}
parts = st.sampled_from(["7", "gate", "roll_out", "failed", "0123abcd", "shadow", "promote", "done", "outside", "é %"])
"""Words of keys, which are parts of versions here too."""
versions = st.lists(parts, min_size=1, max_size=6).map(":".join)


@pytest.mark.parametrize(("key", "text"), [
    (YES, "retraining:2024-03-10:yes"),
    (YES.gate(), "retraining:2024-03-10:yes:gate"),
    (YES.roll_out(), "retraining:2024-03-10:yes:roll_out"),
    (YES.asked(), "retraining:2024-03-10:yes:asked"),
    (YES.failure("no convergence"), "retraining:2024-03-10:yes:failed:eb4c6a21"),
    (YES.roll_out().trial_answer(TrialStage.SHADOW, "ended"), "retraining:2024-03-10:yes:roll_out:shadow:ended"),
    (YES.roll_out().trial_answer(TrialStage.PROBATION, Answer.ROLL_BACK).done(),
     "retraining:2024-03-10:yes:roll_out:probation:roll_back:done"),
    (DecisionKey.of_outside_challenger("7"), "outside:7"),
    (DecisionKey.of_command("promote", AT), "promote:2024-03-10T04:30:00+00:00"),
    (DecisionKey.of_handling(Topic.MUTE, "ab12cd34", AT), "mute:ab12cd34:2024-03-10T04:30:00+00:00"),
])  # fmt: skip
def test_key_of_each_kind_has_the_stored_text(key, text):
    assert (key.text, str(key)) == (text, text)


@given(versions, st.sampled_from(Step))
def test_origin_of_a_key_is_found_by_its_last_step_only(version, step):
    origin = DecisionKey.of_outside_challenger(version)
    key = STEPS[step](origin)
    assert {other: key.origin(other) for other in Step} == {other: origin if other is step else None for other in Step}


@given(versions, versions, st.sampled_from(Step), st.sampled_from(Step))
def test_key_of_one_origin_does_not_lead_back_to_another_origin(one, other, step, another):
    first, second = DecisionKey.of_outside_challenger(one), DecisionKey.of_outside_challenger(other)
    if (one, step) != (other, another):
        key = STEPS[another](second)
        assert key.origin(step) != first


def test_failure_of_a_version_named_like_a_key_is_no_failure_of_another_version():
    own, other = DecisionKey.of_outside_challenger("7"), DecisionKey.of_outside_challenger("7:failed:x")
    failure = Decision(model="m", topic=Topic.RETRAINING, answer=Answer.FAILED, reason="no convergence", actor="test",
                       at=AT, key=other.failure("no convergence"))  # fmt: skip
    assert last_failure(own, [failure]) is None
    assert last_failure(other, [failure]) == "no convergence"
