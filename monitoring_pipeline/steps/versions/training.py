"""The first step of a retraining: it trains a challenger unless one is trained already.

If a run is killed and repeated, no effect happens twice.
"""

import datetime as dt
from dataclasses import replace

import polars as pl

import monitoring_pipeline
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions
from monitoring_pipeline.evaluation.versions.training_rows import (
    TrainingRequest,
    one_row_per_id,
    training_request,
    training_windows,
)
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.registry import CHALLENGER, CHAMPION, DECISION_TAG, TRAINED_UNTIL_TAG, Registry
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import ExternalTrainingEvidence
from monitoring_pipeline.records.evidence_json import evidence_json
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.retraining import RetrainingRules
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline.statistics.seeding import generator_of
from monitoring_pipeline.steps.inputs import without_forgotten
from monitoring_pipeline.steps.labels import read_canonical_labels
from monitoring_pipeline.steps.roles import effective_spec, recorded_champion

ACTOR = "monitoring-pipeline"


class NoRetrainingError(ValueError):
    """The spec has no retraining policy, or its predictions do not contain the model version."""


def retraining_rules(spec: ModelSpec) -> RetrainingRules:
    """Return the retraining policy of the model.

    Raises:
        NoRetrainingError: when the spec has none, or does not name the column with the version of a prediction.
    """
    if spec.retraining is None:
        raise NoRetrainingError(f"{spec.name}: the spec has no part retraining")
    if spec.predictions.model_version is None:
        message = (
            f"{spec.name}: predictions.model_version: needed if a model is retrained; "
            "name the column that contains the version that made a prediction"
        )
        raise NoRetrainingError(message)
    return spec.retraining


def champion_of(spec: ModelSpec, *, store: Store, registry: Registry) -> str:
    """Return the version that serves: from the registry's alias, else from the store, else the last of the spec."""
    if alias := registry.version_with_alias(spec.name, CHAMPION):
        return alias
    recorded = recorded_champion(spec, store)
    return recorded.model_version if recorded else list(spec.reference)[-1]


def labelled_rows(
    spec: ModelSpec, window: ReferenceWindow, *, preferred_version: str, now: dt.datetime, outside: Outside
) -> pl.DataFrame:
    """Read a window from the warehouse; return one row with its label for each prediction whose label is known."""
    chunk = spec.calendar.window(window)
    read = outside.warehouse.read_predictions(spec, chunk)
    rows = canonical_predictions(spec, read.frame, id_key=outside.id_key, without_time=read.rows_without_time).frame
    rows = without_forgotten(spec, rows, outside.store)
    labels = read_canonical_labels(spec, chunk, rows, now, outside)
    return one_row_per_id(rows, labels, preferred_version=preferred_version)


def take_training_rows(spec: ModelSpec, *, now: dt.datetime, outside: Outside) -> TrainingRequest:
    """Read the training rows: all rows before the held-out days whose labels are known at ``now``.

    Raises:
        NotEnoughHistoryError: when there are no such rows, or all are of one class.
    """
    window = training_windows(spec, retraining_rules(spec), now).training
    champion = champion_of(spec, store=outside.store, registry=outside.registry)
    rows = labelled_rows(spec, window, preferred_version=champion, now=now, outside=outside)
    seed = generator_of("training", spec.name, str(window.start), str(window.end)).integers(2**31)
    return training_request(spec, window, rows, seed=int(seed))


def known_versions(spec: ModelSpec, *, now: dt.datetime, outside: Outside) -> set[str]:
    """Return all versions in the spec, the store and the served rows; the registry may lack some of them."""
    window = training_windows(spec, retraining_rules(spec), now).training
    until_now = spec.calendar.window_through(window.start, now)
    rows = outside.warehouse.read_predictions(spec, spec.calendar.window(until_now)).frame
    # A table that has lost the column must not prevent a retraining.
    served = set(rows["model_version"].cast(pl.String).drop_nulls()) if "model_version" in rows.columns else set[str]()
    store = outside.store
    decided = {decision.model_version for decision in store.decisions(spec.name) if decision.model_version}
    return {*spec.reference, *(record.model_version for record in store.versions(spec.name)), *decided, *served}


def train_challenger(spec: ModelSpec, *, decision_key: DecisionKey, now: dt.datetime, outside: Outside) -> str | None:
    """Return the challenger of a decision; it is trained and registered now unless it is registered already.

    Args:
        spec: the model.
        decision_key: the key of the decision to retrain.
        now: the time as of which rows are read.
        outside: everything outside the process.

    Returns:
        Its version; ``None`` if an external trainer was requested to train it.

    Raises:
        NotEnoughHistoryError: when there are no rows to train on.
        TrainerError: when the trainer fails; RegistryError when its result cannot be registered.
    """
    spec = effective_spec(spec, outside.store)
    rules = retraining_rules(spec)
    registry = outside.registry
    if judged := outside.store.decision(spec.name, decision_key.gate()):
        return judged.model_version
    version = registry.version_of_decision(spec.name, decision_key.text)
    if version is None and rules.trainer is None:
        _ask_elsewhere(spec, rules, decision_key, now=now, outside=outside)
        return None
    if version is None:
        version = _train(spec, rules, decision_key, now=now, outside=outside)
    registry.set_alias(spec.name, CHALLENGER, version)
    return version


def _train(
    spec: ModelSpec, rules: RetrainingRules, decision_key: DecisionKey, *, now: dt.datetime, outside: Outside
) -> str:
    request = take_training_rows(spec, now=now, outside=outside)
    assert rules.trainer is not None  # noqa: S101 - the caller has checked it
    trained = outside.run_trainer(rules.trainer, request, outside.registry.tracking_uri)
    requested = outside.store.decision(spec.name, decision_key)
    tags = {
        DECISION_TAG: decision_key.text,
        TRAINED_UNTIL_TAG: request.window.end.isoformat(),
        "monitoring.data_fingerprint": request.data_fingerprint,
        "monitoring.spec_hash": spec.spec_hash,
        "monitoring.code_version": monitoring_pipeline.__version__,
        "monitoring.incident": (requested.incident_id if requested else None) or "",
    }
    params = {
        "trainer": rules.trainer,
        "training_start": request.window.start.isoformat(),
        "training_end": request.window.end.isoformat(),
        "training_rows": str(request.rows.height),
        "seed": str(request.seed),
    }
    taken = known_versions(spec, now=now, outside=outside)
    return outside.registry.register(request, trained, tags=tags, params=params, taken=taken)


def _ask_elsewhere(
    spec: ModelSpec, rules: RetrainingRules, decision_key: DecisionKey, *, now: dt.datetime, outside: Outside
) -> None:
    """Send a training request to an external trainer, once."""
    if rules.webhook is None or outside.store.decision(spec.name, decision_key.asked()):
        return
    windows = training_windows(spec, rules, now)
    request = ExternalTrainingEvidence(
        model=spec.name,
        decision_key=decision_key.text,
        training_start=windows.training.start,
        training_end=windows.training.end,
        held_out_end=windows.held_out.end,
        tracking_uri=outside.registry.tracking_uri,
        register_as=spec.name,
        alias=CHALLENGER,
        tags={DECISION_TAG: decision_key.text, TRAINED_UNTIL_TAG: windows.training.end.isoformat()},
    )
    outside.ask_trainer(rules.webhook, evidence_json(request))
    outside.store.decide(
        Decision(
            model=spec.name,
            topic=Topic.RETRAINING,
            answer=Answer.ASKED,
            reason=f"training was asked for at the address in the secret {rules.webhook}",
            actor=ACTOR,
            at=now,
            key=decision_key.asked(),
            evidence=replace(request, tracking_uri=without_secrets(request.tracking_uri)),
        )
    )
