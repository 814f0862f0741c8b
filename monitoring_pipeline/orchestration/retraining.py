"""The steps of a retraining: train a challenger, hold it against the champion on later rows, and write down the answer.

Each step first looks whether it was done, so that a run that was killed and is repeated changes nothing twice.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
import polars as pl

import monitoring_pipeline
from monitoring_pipeline.evaluation.gate import GateResult, judge_challenger
from monitoring_pipeline.evaluation.paired_comparison import compare_paired
from monitoring_pipeline.evaluation.paired_rows import PairedRows
from monitoring_pipeline.evaluation.rows import canonical_labels, canonical_predictions
from monitoring_pipeline.evaluation.training_rows import (
    NotEnoughHistoryError,
    TrainingRequest,
    one_row_per_id,
    training_request,
    training_windows,
)
from monitoring_pipeline.evaluation.version_outputs import OutputError
from monitoring_pipeline.evaluation.version_pairs import pair_versions
from monitoring_pipeline.orchestration.ports import Store
from monitoring_pipeline.orchestration.retraining_ports import (
    CHALLENGER,
    CHAMPION,
    DECISION_TAG,
    TRAINED_UNTIL_TAG,
    Adapters,
    Registry,
)
from monitoring_pipeline.orchestration.version_scores import scored_by, served_or_scored_by
from monitoring_pipeline.orchestration.versions import effective_spec
from monitoring_pipeline.spec.chunk import chunk_of_reference
from monitoring_pipeline.spec.incident import Decision
from monitoring_pipeline.spec.measurement import Role
from monitoring_pipeline.spec.model import ModelSpec, ReferenceWindow
from monitoring_pipeline.spec.retraining_rules import RetrainingRules
from monitoring_pipeline.statistics.seeding import generator_of

ACTOR = "monitoring-pipeline"
PASSED, REFUSED, UNMEASURED = "passed", "refused", "unmeasured"
ANSWERS: Mapping[bool | None, str] = {True: PASSED, False: REFUSED, None: UNMEASURED}


class NoRetrainingError(ValueError):
    """The spec does not say how the model is retrained, or nobody could tell its versions apart."""


@dataclass(frozen=True, eq=False, kw_only=True)
class HeldOutComparison:
    """The gate's answer, and both versions on the rows that neither was trained on; ``None`` where there are none."""

    result: GateResult
    rows: PairedRows | None = None
    held_out: ReferenceWindow | None = None


def retraining_rules(spec: ModelSpec) -> RetrainingRules:
    """Return how the model is retrained.

    Raises:
        NoRetrainingError: when the spec does not say, or its predictions do not tell which version made them.
    """
    if spec.retraining is None:
        raise NoRetrainingError(f"{spec.name}: the spec has no part retraining")
    if spec.predictions.model_version is None:
        message = (
            f"{spec.name}: predictions.model_version: needed as soon as a model is retrained: "
            "name the column that tells which version made a prediction"
        )
        raise NoRetrainingError(message)
    return spec.retraining


def gate_key(decision_key: str) -> str:
    """Return the key of the decision that the gate takes on a retraining."""
    return f"{decision_key}:gate"


def roll_out_key(decision_key: str) -> str:
    """Return the key of the decision that ends a retraining, whatever it is."""
    return f"{decision_key}:roll_out"


def champion_of(spec: ModelSpec, *, store: Store, registry: Registry) -> str:
    """Return the version that serves: by the registry's alias, else by the store, else the spec's last."""
    if alias := registry.version_with_alias(spec.name, CHAMPION):
        return alias
    champions = [record for record in store.versions(spec.name) if record.role is Role.CHAMPION]
    if champions:
        return max(champions, key=lambda record: record.since).model_version
    return list(spec.reference)[-1]


def labelled_rows(
    spec: ModelSpec, window: ReferenceWindow, *, preferred_version: str, now: dt.datetime, adapters: Adapters
) -> pl.DataFrame:
    """Read a window from the warehouse: one row of each prediction whose label is known, with it."""
    chunk = chunk_of_reference(spec, window)
    read = adapters.warehouse.read_predictions(spec, chunk)
    rows = canonical_predictions(spec, read.frame, id_key=adapters.id_key, without_time=read.rows_without_time).frame
    known = adapters.warehouse.read_labels(spec, chunk, now)
    labels = canonical_labels(spec, known.frame, rows, known.accounting, id_key=adapters.id_key).frame
    return one_row_per_id(rows, labels, preferred_version=preferred_version)


def take_training_rows(spec: ModelSpec, *, now: dt.datetime, adapters: Adapters) -> TrainingRequest:
    """Read the rows to train on: all that are labelled by ``now``, up to those that are held out.

    Raises:
        NotEnoughHistoryError: when there are none, or all of one class.
    """
    window = training_windows(spec, retraining_rules(spec), now).training
    champion = champion_of(spec, store=adapters.store, registry=adapters.registry)
    rows = labelled_rows(spec, window, preferred_version=champion, now=now, adapters=adapters)
    seed = generator_of("training", spec.name, str(window.start), str(window.end)).integers(2**31)
    return training_request(spec, window, rows, seed=int(seed))


def train_challenger(spec: ModelSpec, *, decision_key: str, now: dt.datetime, adapters: Adapters) -> str | None:
    """Return the challenger of a decision: trained and registered now, unless it was before.

    Args:
        spec: the model.
        decision_key: key of the decision to retrain.
        now: what the rows are read as of.
        adapters: everything outside.

    Returns:
        Its version; ``None`` when the training was asked for elsewhere.

    Raises:
        NotEnoughHistoryError: when there is nothing to train on.
        TrainerError: when the trainer fails; RegistryError when its result cannot be registered.
    """
    spec = effective_spec(spec, adapters.store)
    rules = retraining_rules(spec)
    registry = adapters.registry
    if judged := adapters.store.decision(spec.name, gate_key(decision_key)):
        return judged.model_version
    version = registry.version_of_decision(spec.name, decision_key)
    if version is None and rules.trainer is None:
        _ask_elsewhere(spec, rules, decision_key, now=now, adapters=adapters)
        return None
    if version is None:
        version = _train(spec, rules, decision_key, now=now, adapters=adapters)
    registry.set_alias(spec.name, CHALLENGER, version)
    return version


def judge_version(spec: ModelSpec, version: str, *, now: dt.datetime, adapters: Adapters) -> HeldOutComparison:
    """Hold a registered version against the champion on the last days whose labels are final.

    The version scores the rows itself; the champion's scores are those that it served, where it did. Days that one
    of them is known to be trained on are left out.
    """
    spec = effective_spec(spec, adapters.store)
    champion = champion_of(spec, store=adapters.store, registry=adapters.registry)
    return _compare(spec, version, champion, now=now, adapters=adapters)


def evaluate_version(spec: ModelSpec, version: str, *, now: dt.datetime, adapters: Adapters) -> GateResult:
    """Return the gate's answer on any registered version; nothing is written."""
    return judge_version(spec, version, now=now, adapters=adapters).result


def run_gate(spec: ModelSpec, version: str, *, decision_key: str, now: dt.datetime, adapters: Adapters) -> Decision:
    """Return the gate's decision on a challenger: taken and recorded now, unless it was before."""
    key = gate_key(decision_key)
    if taken := adapters.store.decision(spec.name, key):
        return taken
    spec = effective_spec(spec, adapters.store)
    champion = champion_of(spec, store=adapters.store, registry=adapters.registry)
    compared = _compare(spec, version, champion, now=now, adapters=adapters)
    result, rows = compared.result, compared.rows
    labels = np.empty(0) if rows is None else rows.labels
    decided = labels if rows is None else rows.challenger_predictions
    adapters.registry.log_gate(spec.name, version, result, task=spec.task, labels=labels, decided=decided)
    asked = adapters.store.decision(spec.name, decision_key)
    decision = Decision(
        model=spec.name,
        topic="gate",
        answer=ANSWERS[result.passed],
        reason="; ".join(result.reasons),
        actor=ACTOR,
        at=now,
        key=key,
        chunk=asked.chunk if asked else None,
        model_version=version,
        incident_id=asked.incident_id if asked else None,
        evidence={
            "champion": champion,
            "held_out_start": compared.held_out.start.isoformat() if compared.held_out else None,
            "held_out_end": compared.held_out.end.isoformat() if compared.held_out else None,
            "rows": int(labels.size),
            "checks": [asdict(check) for check in result.checks],
        },
    )
    adapters.store.decide(decision)
    return decision


def _compare(
    spec: ModelSpec, version: str, champion: str, *, now: dt.datetime, adapters: Adapters
) -> HeldOutComparison:
    rules = retraining_rules(spec)
    registry = adapters.registry
    try:
        held_out = _held_out(spec, rules, (version, champion), now=now, registry=registry)
    except NotEnoughHistoryError as error:
        return _not_compared(str(error))
    rows = labelled_rows(spec, held_out, preferred_version=champion, now=now, adapters=adapters)
    try:
        by_challenger = scored_by(spec, rows, version, registry)
    except OutputError as error:
        return _not_compared(f"version {version} does not score the held-out rows: {error}", passed=False)
    try:
        by_champion = served_or_scored_by(spec, rows, champion, registry)
    except OutputError as error:
        return _not_compared(f"the champion {champion} does not score the held-out rows: {error}")
    pairs = pair_versions(spec, by_champion, by_challenger, champion=champion, challenger=version, gate=rules.gate)
    return HeldOutComparison(
        result=judge_challenger(rules.gate, compare_paired(pairs, rules.gate)), rows=pairs, held_out=held_out
    )


def _not_compared(reason: str, *, passed: Literal[False] | None = None) -> HeldOutComparison:
    return HeldOutComparison(result=GateResult(passed=passed, reasons=(reason,), rows=0, days=0, checks=()))


def _held_out(
    spec: ModelSpec, rules: RetrainingRules, versions: tuple[str, ...], *, now: dt.datetime, registry: Registry
) -> ReferenceWindow:
    held_out = training_windows(spec, rules, now).held_out
    tags = [registry.version_tags(spec.name, version).get(TRAINED_UNTIL_TAG) for version in versions]
    start = max([held_out.start, *(dt.date.fromisoformat(day) for day in tags if day)])
    if start >= held_out.end:
        message = (
            f"{spec.name}: versions {', '.join(versions)} were trained until {start}; no later day before "
            f"{held_out.end} has final labels"
        )
        raise NotEnoughHistoryError(message)
    return ReferenceWindow(start=start, end=held_out.end)


def _train(spec: ModelSpec, rules: RetrainingRules, decision_key: str, *, now: dt.datetime, adapters: Adapters) -> str:
    request = take_training_rows(spec, now=now, adapters=adapters)
    assert rules.trainer is not None  # noqa: S101 - one of three, and the caller has seen which
    trained = adapters.run_trainer(rules.trainer, request, adapters.registry.tracking_uri)
    asked = adapters.store.decision(spec.name, decision_key)
    tags = {
        DECISION_TAG: decision_key,
        TRAINED_UNTIL_TAG: request.window.end.isoformat(),
        "monitoring.data_fingerprint": request.data_fingerprint,
        "monitoring.spec_hash": spec.spec_hash,
        "monitoring.code_version": monitoring_pipeline.__version__,
        "monitoring.incident": (asked.incident_id if asked else None) or "",
    }
    params = {
        "trainer": rules.trainer,
        "training_start": request.window.start.isoformat(),
        "training_end": request.window.end.isoformat(),
        "training_rows": str(request.rows.height),
        "seed": str(request.seed),
    }
    return adapters.registry.register(request, trained, tags=tags, params=params)


def _ask_elsewhere(
    spec: ModelSpec, rules: RetrainingRules, decision_key: str, *, now: dt.datetime, adapters: Adapters
) -> None:
    """Send what is wanted to an external trainer, once."""
    if rules.webhook is None or adapters.store.decision(spec.name, f"{decision_key}:asked"):
        return
    windows = training_windows(spec, rules, now)
    request = {
        "model": spec.name,
        "decision_key": decision_key,
        "training_start": windows.training.start.isoformat(),
        "training_end": windows.training.end.isoformat(),
        "held_out_end": windows.held_out.end.isoformat(),
        "tracking_uri": adapters.registry.tracking_uri,
        "register_as": spec.name,
        "alias": CHALLENGER,
        "tags": {DECISION_TAG: decision_key, TRAINED_UNTIL_TAG: windows.training.end.isoformat()},
    }
    adapters.ask_trainer(rules.webhook, request)
    adapters.store.decide(
        Decision(
            model=spec.name,
            topic="retraining",
            answer="asked",
            reason=f"training was asked for at the address in the secret {rules.webhook}",
            actor=ACTOR,
            at=now,
            key=f"{decision_key}:asked",
            evidence=request,
        )
    )
