"""The gate of a retraining: it compares a version with the champion on later rows, and records the answer once."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.privacy.messages import message_without_values
from monitoring_pipeline.evaluation.versions.gate import GateResult, judge_challenger
from monitoring_pipeline.evaluation.versions.outputs import OutputError
from monitoring_pipeline.evaluation.versions.paired_comparison import compare_paired
from monitoring_pipeline.evaluation.versions.paired_rows import PairedRows
from monitoring_pipeline.evaluation.versions.pairing import pair_versions
from monitoring_pipeline.evaluation.versions.training_rows import NotEnoughHistoryError, training_windows
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.registry import TRAINED_UNTIL_TAG, Registry
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import GateEvidence
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.retraining import RetrainingRules
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline.steps.roles import effective_spec
from monitoring_pipeline.steps.scoring import scored_by, served_or_scored_by
from monitoring_pipeline.steps.versions.training import (
    ACTOR,
    champion_of,
    labelled_rows,
    retraining_rules,
)

WHOLE_WEEKS = 14
"""Days that the gate compares at least, unless fewer are held out."""
ANSWERS: Mapping[bool | None, Answer] = {True: Answer.PASSED, False: Answer.REFUSED, None: Answer.UNMEASURED}


@dataclass(frozen=True, eq=False, kw_only=True)
class _HeldOutComparison:
    """The answer of the gate, and both versions on rows that neither was trained on; None if there are no such rows."""

    result: GateResult
    rows: PairedRows | None = None
    held_out: ReferenceWindow | None = None


def evaluate_version(spec: ModelSpec, version: str, *, now: dt.datetime, outside: Outside) -> GateResult:
    """Return the gate's answer on any registered version; nothing is written.

    The version scores the last days whose labels are final. For the champion, the scores that it served are used if it
    served a row. Days on which one of the versions was trained, by its tags, are left out.
    """
    spec = effective_spec(spec, outside.store)
    champion = champion_of(spec, store=outside.store, registry=outside.registry)
    return _compare(spec, version, champion, now=now, outside=outside, least_days=1).result


def run_gate(
    spec: ModelSpec, version: str, *, decision_key: DecisionKey, now: dt.datetime, outside: Outside
) -> Decision:
    """Return the gate's decision on a challenger; it is made and recorded now unless it is stored already."""
    key = decision_key.gate()
    if stored := outside.store.decision(spec.name, key):
        return stored
    spec = effective_spec(spec, outside.store)
    champion = champion_of(spec, store=outside.store, registry=outside.registry)
    least_days = min(WHOLE_WEEKS, retraining_rules(spec).holdout_days)
    compared = _compare(spec, version, champion, now=now, outside=outside, least_days=least_days)
    result, rows = compared.result, compared.rows
    labels = np.empty(0) if rows is None else rows.labels
    decided = labels if rows is None else rows.challenger_predictions
    outside.registry.log_gate(spec.name, version, result, task=spec.task, labels=labels, decided=decided)
    requested = outside.store.decision(spec.name, decision_key)
    decision = Decision(
        model=spec.name,
        topic=Topic.GATE,
        answer=ANSWERS[result.passed],
        reason="; ".join(result.reasons),
        actor=ACTOR,
        at=now,
        key=key,
        chunk=requested.chunk if requested else None,
        model_version=version,
        incident_id=requested.incident_id if requested else None,
        evidence=GateEvidence(
            champion=champion,
            held_out_start=compared.held_out.start if compared.held_out else None,
            held_out_end=compared.held_out.end if compared.held_out else None,
            rows=int(labels.size),
            checks=result.checks,
        ),
    )
    outside.store.decide(decision)
    return decision


@one_thread()
def _compare(
    spec: ModelSpec, version: str, champion: str, *, now: dt.datetime, outside: Outside, least_days: int
) -> _HeldOutComparison:
    rules = retraining_rules(spec)
    registry = outside.registry
    if not registry.has_version(spec.name, version):
        return _not_compared(f"the registry does not know version {version}")
    if version == champion:
        return _not_compared(f"version {version} is the champion: there is nothing to hold it against")
    try:
        held_out = _held_out(spec, rules, (version, champion), now=now, registry=registry)
        _require_days(held_out, least_days)
    except NotEnoughHistoryError as error:
        return _not_compared(str(error))
    rows = labelled_rows(spec, held_out, preferred_version=champion, now=now, outside=outside)
    try:
        by_challenger = scored_by(spec, rows, version, registry)
    except OutputError as error:
        return _not_compared(
            f"version {version} does not score the held-out rows: {message_without_values(str(error))}", passed=False
        )
    try:
        by_champion = served_or_scored_by(spec, rows, champion, registry)
    except OutputError as error:
        return _not_compared(
            f"the champion {champion} does not score the held-out rows: {message_without_values(str(error))}"
        )
    pairs = pair_versions(spec, by_champion, by_challenger, champion=champion, challenger=version, gate=rules.gate)
    result = judge_challenger(rules.gate, compare_paired(pairs, rules.gate))
    if not result.checks:
        reasons = tuple(f"{reason} (held out: {held_out.start} to {held_out.last})" for reason in result.reasons)
        result = replace(result, reasons=reasons)
    return _HeldOutComparison(result=result, rows=pairs, held_out=held_out)


def _require_days(held_out: ReferenceWindow, least: int) -> None:
    days = (held_out.end - held_out.start).days
    if days < least:
        message = (
            f"neither version was trained on {days} days with final labels from {held_out.start} on; at least {least} "
            "are needed, because the days of a week differ"
        )
        raise NotEnoughHistoryError(message)


def _not_compared(reason: str, *, passed: Literal[False] | None = None) -> _HeldOutComparison:
    return _HeldOutComparison(result=GateResult(passed=passed, reasons=(reason,), rows=0, days=0, checks=()))


def _held_out(
    spec: ModelSpec, rules: RetrainingRules, versions: tuple[str, ...], *, now: dt.datetime, registry: Registry
) -> ReferenceWindow:
    held_out = training_windows(spec, rules, now).held_out
    tags = [registry.version_tags(spec.name, version).get(TRAINED_UNTIL_TAG) for version in versions]
    start = max([held_out.start, *(spec.calendar.day(day) for day in tags if day)])
    if start >= held_out.end:
        message = (
            f"{spec.name}: versions {', '.join(versions)} were trained until {start}; no later day before "
            f"{held_out.end} has final labels"
        )
        raise NotEnoughHistoryError(message)
    return ReferenceWindow(start=start, end=held_out.end)
