"""The step that compares the two versions of a trial on a chunk: a shadow or a new champion with the other version."""

import datetime as dt
from dataclasses import replace

from monitoring_pipeline.evaluation.privacy.messages import message_without_values
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.evaluation.versions.daily_difference import (
    LOSS_DIFFERENCE,
    difference_definition,
    measure_daily_difference,
    pair_of_versions,
)
from monitoring_pipeline.evaluation.versions.trial import ChunkDifference, chunk_difference_of, sequence_of
from monitoring_pipeline.ports.decisions import Decisions
from monitoring_pipeline.ports.outside import Scoring
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.records.decision import Answer, Topic
from monitoring_pipeline.records.evidence import TrialStage
from monitoring_pipeline.records.measurement import Kind, Measurement, Role, Severity, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import LABELS, PREDICTIONS, made_from, required_snapshot
from monitoring_pipeline.steps.scoring import pair_of_rows
from monitoring_pipeline.steps.versions.failures import last_failure
from monitoring_pipeline.steps.versions.running_trial import Trial, running_trial
from monitoring_pipeline.steps.versions.training import retraining_rules

PATIENCE = dt.timedelta(days=1)
PATIENCE_WITH_OTHERS = dt.timedelta(days=7)
"""How long a retraining may take; external trainers have more time."""


def compare_versions(spec: ModelSpec, chunk: Chunk, scoring: Scoring) -> ChunkResults:
    """Measure the difference of the two versions of a trial on a chunk, and on all chunks of the trial up to it."""
    trial = running_trial(spec, scoring.store, at=chunk.end)
    predictions = required_snapshot(scoring.store, spec, chunk, PREDICTIONS)
    labels = required_snapshot(scoring.store, spec, chunk, LABELS)
    measured = () if trial is None else _compared(spec, chunk, trial, scoring)
    measured = (*measured, *_waiting(spec, chunk, scoring.store))
    words = (trial.key.text, trial.newcomer, trial.incumbent) if trial else ("no trial",)
    history = tuple(f"{m.metric}={m.value!r}" for m in measured)
    return ChunkResults(
        producer=Producer.TRIAL,
        chunk=chunk,
        provenance=made_from(spec, combined_fingerprint(predictions.fingerprint, labels.fingerprint, *words, *history)),
        measurements=measured,
    )


def _compared(spec: ModelSpec, chunk: Chunk, trial: Trial, scoring: Scoring) -> tuple[Measurement, ...]:
    """Return the difference on the chunk and so far; skipped if the registry cannot be reached."""
    rules = retraining_rules(spec)
    try:
        pair = pair_of_rows(
            spec,
            scoring.snapshots.read(required_snapshot(scoring.store, spec, chunk, PREDICTIONS).uri),
            scoring.snapshots.read(required_snapshot(scoring.store, spec, chunk, LABELS).uri),
            champion=trial.incumbent,
            challenger=trial.newcomer,
            registry=scoring.registry,
        )
    except Exception as error:  # noqa: BLE001 - the chunk is to be judged whatever a registry raises
        return (_not_compared(trial, error),)
    today = measure_daily_difference(
        pair, loss=rules.gate.loss, minimum_rows=spec.performance.minimum_rows, role=_role(trial)
    )
    return (today, *_so_far(spec, chunk, trial, today, scoring.store))


def _not_compared(trial: Trial, error: Exception) -> Measurement:
    return Measurement(
        kind=Kind.PERFORMANCE,
        subject="versions",
        name=LOSS_DIFFERENCE,
        of=_pair(trial),
        model_version=trial.newcomer,
        status=Status.SKIPPED,
        severity=Severity.INFO,
        reason=f"the versions could not be compared: {type(error).__name__}: {message_without_values(str(error))}",
        role=_role(trial),
    )


def trial_days(spec: ModelSpec, trial: Trial, last: str, store: Results) -> list[ChunkDifference]:
    """Return the days of a trial up to the chunk ``last`` that were measured by the loss that the spec names now."""
    loss = retraining_rules(spec).gate.loss
    by_loss = difference_definition(loss, spec.task, challenger=trial.newcomer, champion=trial.incumbent)
    first = spec.calendar.chunk_at(trial.since).key
    stored = store.chunk_measurements(spec.name, [MetricName(LOSS_DIFFERENCE, _pair(trial))], first, last)
    differences = [(key, m) for key, m in stored if m.definition == by_loss]
    days = [chunk_difference_of(key, m) for key, m in differences if spec.calendar.chunk(key).end >= trial.since]
    return [day for day in days if day is not None]


def _so_far(spec: ModelSpec, chunk: Chunk, trial: Trial, today: Measurement, store: Results) -> tuple[Measurement, ...]:
    """Return the mean difference so far with its confidence sequence; breached if a new champion is proven worse."""
    rules = retraining_rules(spec)
    alpha = rules.shadow.alpha if trial.stage is TrialStage.SHADOW else rules.probation.alpha
    earlier = [day for day in trial_days(spec, trial, chunk.key, store) if day.chunk != chunk.key]
    measured_day = chunk_difference_of(chunk.key, today)
    days = [*earlier, measured_day] if measured_day else earlier
    sequence = sequence_of(days, alpha)
    if measured_day is None or not sequence:
        return ()
    newest = sequence[-1]
    mean = replace(
        today,
        name=f"mean_{today.name}",
        value=newest.mean,
        lower=newest.lower,
        upper=newest.upper,
        rows=sum(day.rows for day in days),
        definition=f"mean of {len(days)} days; bounds that hold on every day at once (confidence sequence)",
    )
    enough = len(days) >= rules.probation.minimum_days
    if trial.stage is not TrialStage.PROBATION or not enough or newest.lower is None or newest.lower <= 0:
        return (mean,)
    reason = (
        f"version {trial.newcomer} is proven worse than {trial.incumbent}, which it has replaced: "
        f"its loss is higher by {newest.mean:.4g} (at least {newest.lower:.4g})"
    )
    breached = replace(mean, status=Status.BREACHED, severity=Severity.CRITICAL, threshold_upper=0.0, reason=reason)
    return (breached,)


def _waiting(spec: ModelSpec, chunk: Chunk, store: Decisions) -> tuple[Measurement, ...]:
    """Return a breach if, at the end of the chunk, the last requested retraining is unfinished beyond its time."""
    rules = retraining_rules(spec)
    patience = PATIENCE if rules.trainer else PATIENCE_WITH_OTHERS
    by_key = {decision.key: decision for decision in store.decisions(spec.name) if decision.at <= chunk.end}
    requested = [decision for decision in by_key.values() if decision.has(Topic.RETRAINING, Answer.YES)]
    if not requested or requested[-1].at > chunk.end - patience or requested[-1].key.roll_out() in by_key:
        return ()
    newest = requested[-1]
    hours = (chunk.end - newest.at) / dt.timedelta(hours=1)
    error = last_failure(newest.key, by_key.values())
    failed = f": its run failed: {error}" if error else " (see its runs)"
    lacking = "nothing has followed from the gate of" if newest.key.gate() in by_key else "no gate has judged"
    return (
        Measurement(
            kind=Kind.OPERATIONS,
            subject="pipeline",
            name="retraining",
            model_version="",
            status=Status.BREACHED,
            value=hours,
            threshold_upper=patience / dt.timedelta(hours=1),
            reason=f"{lacking} the retraining that was asked for after {newest.chunk}{failed}",
            definition="hours since a retraining was asked for that has come to no end",
        ),
    )


def _role(trial: Trial) -> Role:
    return Role.SHADOW if trial.stage is TrialStage.SHADOW else Role.CHAMPION


def _pair(trial: Trial) -> str:
    return pair_of_versions(trial.newcomer, trial.incumbent)
