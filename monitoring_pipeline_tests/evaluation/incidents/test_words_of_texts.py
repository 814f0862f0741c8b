"""Titles of incidents about texts and vectors: one input, what changed in it, and no names of derived columns."""

from dataclasses import replace

import pytest

from monitoring_pipeline.evaluation.incidents.words import title_of
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import Finding
from monitoring_pipeline.records.measurement import Kind

DRIFT = Finding(kind=Kind.DRIFT, subject="", name="wasserstein", model_version="1", value=0.8, since="2024-03-01")
REASON = "0.8 is at least 0.1, and q < 1e-12 is below 0.01"
EFFECT = "without effect on the model: score and auroc are within limits"


def found(subject, *changes):
    return replace(DRIFT, subject=subject, reason="; ".join([REASON, *changes]))


def title(*findings):
    return title_of(
        Cause(Family.INPUTS), findings, since="2024-03-01", breached=1, measured=1, noun="day", split="", effect=""
    )


def test_title_of_a_text_states_what_changed_once():
    assert title(
        found("review[sequences 3]", "mean 0.1 → 0.4", EFFECT),
        found("review[characters]", "mean 120 → 48", EFFECT),
        found("review[sequences 1]", "mean 0.2 → 0.3"),
        found("review", "'mostly Latin' 100% → 69%"),
        found("age", "mean 3 → 4"),
    ) == (
        "2 inputs have drifted: review (characters mean 120 → 48; 'mostly Latin' 100% → 69%; sequences of characters, "
        "since 2024-03-01), age"
    )  # fmt: skip


def test_title_of_a_vector():
    assert title(found("v[component 2]", "mean 0.1 → 0.4"), found("v[distance]"), found("v[norm]", "mean 1 → 2")) == (
        "1 input has drifted: v (length of the vector mean 1 → 2; direction of the vector; direction of the vector "
        "unlike the reference, since 2024-03-01)"
    )


@pytest.mark.parametrize("subject", ["x[1]", "score[cancelled]", "age", "x[unknown]", "[words]x"])
def test_other_columns_keep_their_names(subject):
    assert title(found(subject, "mean 1 → 2")).startswith(f"1 input has drifted: {subject} (wasserstein 0.8")
