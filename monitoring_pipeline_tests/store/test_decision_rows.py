"""Rows of decisions from before evidence had types are read, and written unchanged."""

import datetime as dt
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import (
    FailureEvidence,
    GateEvidence,
    MuteEvidence,
    PromotionEvidence,
    RetrainingEvidence,
    RollbackEvidence,
    ShadowEvidence,
    TrialEvidence,
    TrialStage,
)
from monitoring_pipeline.records.evidence_json import evidence_kind, evidence_of_json
from monitoring_pipeline.store.decision_rows import decision_of, decision_row

BEFORE = [
    json.loads(line)
    for line in (Path(__file__).parent / "decisions_before_types.jsonl").read_text(encoding="utf-8").splitlines()
]
"""One row of each topic and answer, as the store of the version before contained it."""
AT = dt.datetime(2024, 3, 10, 4, 30, tzinfo=dt.UTC)


def _named(row):
    return f"{row['topic']}-{row['answer']}"


@pytest.mark.parametrize("row", BEFORE, ids=_named)
def test_row_of_the_version_before_is_read_and_written_with_the_same_text(row):
    read = decision_of(row | {"at": AT, "evidence": json.loads(row["evidence"])})
    written = decision_row(read)
    assert json.dumps(written.pop("evidence")) == row["evidence"]
    assert written.pop("at") == AT
    assert written == {name: row[name] for name in written}
    assert type(read.evidence) is evidence_kind(read.topic, read.answer)


def test_rows_of_the_version_before_are_of_every_kind_of_evidence():
    kinds = {evidence_kind(topic, answer) for topic in Topic for answer in Answer}
    assert {type(decision_of(row | {"at": AT, "evidence": {}}).evidence) for row in BEFORE} == kinds


@pytest.mark.parametrize(("topic", "answer", "evidence"), [
    (Topic.RETRAINING, Answer.YES, RetrainingEvidence()),
    (Topic.RETRAINING, Answer.FAILED, FailureEvidence()),
    (Topic.GATE, Answer.PASSED, GateEvidence(champion=None, held_out_start=None)),
    (Topic.PROMOTION, Answer.PROMOTED, PromotionEvidence(incumbent=None)),
    (Topic.SHADOW, Answer.STARTED, ShadowEvidence(incumbent=None)),
    (Topic.ROLLBACK, Answer.ROLLED_BACK, RollbackEvidence(newcomer=None)),
    (Topic.TRIAL, Answer.REFUSE, TrialEvidence(stage=None)),
    (Topic.MUTE, Answer.UNMUTED, MuteEvidence(until=None)),
])  # fmt: skip
def test_evidence_without_its_fields_is_read_with_defaults(topic, answer, evidence):
    assert evidence_of_json(evidence_kind(topic, answer), {"of a later version": 1}) == evidence


texts = st.text(max_size=5)
days = st.dates() | st.none()
evidences = st.sampled_from([
    (Topic.RETRAINING, Answer.NO, RetrainingEvidence), (Topic.PROMOTION, Answer.PROMOTED, PromotionEvidence),
    (Topic.SHADOW, Answer.STARTED, ShadowEvidence), (Topic.ROLLBACK, Answer.ROLLED_BACK, RollbackEvidence),
    (Topic.GATE, Answer.PASSED, GateEvidence), (Topic.TRIAL, Answer.PASSED, TrialEvidence),
    (Topic.RETRAINING, Answer.FAILED, FailureEvidence),
]).flatmap(lambda kind: st.tuples(st.just(kind[0]), st.just(kind[1]), st.builds(kind[2])))  # fmt: skip
minutes = st.datetimes(dt.datetime(1900, 1, 1), timezones=st.just(dt.UTC)).map(  # noqa: DTZ001 - it adds the zone
    lambda at: at.replace(second=0, microsecond=0)
)
mutes = st.tuples(st.just(Topic.MUTE), st.just(Answer.MUTED), st.builds(MuteEvidence, until=minutes))


@given(evidences | mutes, texts)
def test_decision_of_any_kind_is_read_as_it_was_written(grounds, key):
    topic, answer, evidence = grounds
    decision = Decision(
        model="m", topic=topic, answer=answer, reason="", actor="a", at=AT, key=DecisionKey(key), evidence=evidence
    )
    row = decision_row(decision)
    assert decision_of(row | {"evidence": json.loads(json.dumps(row["evidence"]))}) == decision


def test_evidence_of_another_kind_is_refused_with_the_key_and_both_kinds():
    decision = Decision(model="m", topic=Topic.TRIAL, answer=Answer.PASSED, reason="", actor="a", at=AT,
                        key=DecisionKey("k"), evidence=TrialEvidence(stage=TrialStage.SHADOW))  # fmt: skip
    assert decision.grounds(TrialEvidence).stage is TrialStage.SHADOW
    with pytest.raises(TypeError, match="decision k: its evidence is TrialEvidence, not GateEvidence"):
        decision.grounds(GateEvidence)
