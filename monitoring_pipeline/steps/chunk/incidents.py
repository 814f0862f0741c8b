"""The step that brings a model's incidents up to what its measurements say."""

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
from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import made_from, outcome_fingerprint

Rules = Callable[[], AlertingRules]
"""Reads who is told of what; raises a SpecError when that cannot be read."""


def update_incidents(
    spec: ModelSpec, store: Incidents, alerting: Rules, *, now: dt.datetime
) -> tuple[IncidentEvent, ...]:
    """Judge a model's whole history again, store what changed, and return the events that people hear of.

    Raises:
        SpecError: when nobody can say who is told; nothing is stored then, so that what is news stays news.
    """
    rules = alerting()

    def is_young(cause: Cause, chunk: str) -> bool:
        return is_within_horizon(spec, spec.calendar.chunk(chunk), now, by_labels=is_shown_by_labels(cause))

    def judge(evidence: Sequence[ChunkMeasurements], known: Sequence[KnownIncident]) -> IncidentChanges:
        newest = evidence[-1].chunk if evidence else ""
        return find_changes(
            spec, fold_incidents(spec, evidence), known, newest_chunk=newest, is_young=is_young, now=now
        )

    return store.update_incidents(spec.name, judge, partial(plan_alerts, rules, now=now), at=now)


def precision_of_alerts(spec: ModelSpec, chunk: Chunk, *, store: Decisions) -> ChunkResults | None:
    """Return how far the model's alerts could be trusted by the end of a chunk; None while nobody has said anything."""
    measured = measure_alert_precision(store.decisions(spec.name, topic=Topic.OUTCOME), chunk.end)
    if measured is None:
        return None
    return ChunkResults(
        producer="incidents",
        chunk=chunk,
        provenance=made_from(spec, outcome_fingerprint([measured])),
        measurements=(measured,),
    )
