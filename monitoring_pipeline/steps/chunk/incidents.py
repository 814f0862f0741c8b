"""The step that updates a model's incidents from its measurements, and plans their alerts."""

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial

from monitoring_pipeline.evaluation.alerts.precision import measure_alert_precision
from monitoring_pipeline.evaluation.alerts.routing import plan_alerts
from monitoring_pipeline.evaluation.incidents.causes import is_shown_by_labels
from monitoring_pipeline.evaluation.incidents.changes import IncidentChanges, find_changes
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.evaluation.incidents.horizon import is_within_horizon
from monitoring_pipeline.evaluation.incidents.news import KnownIncident
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.ports.decisions import Decisions
from monitoring_pipeline.ports.incidents import Incidents
from monitoring_pipeline.records.cause import Cause
from monitoring_pipeline.records.decision import Topic
from monitoring_pipeline.records.incident import IncidentEvent
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import made_from, outcome_fingerprint

Rules = Callable[[], AlertingRules]
"""Reads the alerting rules; raises SpecError when they cannot be read."""


def update_incidents(
    spec: ModelSpec, store: Incidents, alerting: Rules, *, now: dt.datetime
) -> tuple[IncidentEvent, ...]:
    """Derive a model's incidents from all its measurements, store the changes, and return the announced events.

    Raises:
        SpecError: when the alerting rules cannot be read. Nothing is stored then, so that the next run announces it.
    """
    rules = alerting()

    def is_young(cause: Cause, chunk: str) -> bool:
        return is_within_horizon(spec, spec.calendar.chunk(chunk), now, by_labels=is_shown_by_labels(cause))

    def judge(history: Sequence[ChunkMeasurements], stored: Sequence[KnownIncident]) -> IncidentChanges:
        newest = history[-1].chunk if history else ""
        return find_changes(
            spec, fold_incidents(spec, history), stored, newest_chunk=newest, is_young=is_young, now=now
        )

    return store.update_incidents(spec.name, judge, partial(plan_alerts, rules, now=now), at=now)


def precision_of_alerts(spec: ModelSpec, chunk: Chunk, *, store: Decisions) -> ChunkResults | None:
    """Return the alert precision of the model by the end of a chunk; None if no incident has an outcome yet."""
    measured = measure_alert_precision(store.decisions(spec.name, topic=Topic.OUTCOME), chunk.end)
    if measured is None:
        return None
    return ChunkResults(
        producer=Producer.INCIDENTS,
        chunk=chunk,
        provenance=made_from(spec, outcome_fingerprint([measured])),
        measurements=(measured,),
    )
