"""Incidents about unusable spec files, stored under the name of the file because no model can be loaded from it."""

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import dagster as dg
from dagster import DagsterInstance

from monitoring_pipeline.evaluation.alerts.routing import plan_alerts
from monitoring_pipeline.evaluation.incidents.changes import IncidentChanges
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements
from monitoring_pipeline.evaluation.incidents.news import KnownIncident
from monitoring_pipeline.evaluation.incidents.spec_files import is_up_to_date, judge_file, lasting
from monitoring_pipeline.orchestration.health.recording_request import FailureConfig, recording_request, tries_of
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.incident import IncidentEvent, PlannedAlert, StoredIncident
from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline.spec.loading import BadSpec
from monitoring_pipeline.steps.chunk.incidents import Rules

BadSpecs = Callable[[], Sequence[BadSpec]]
"""Returns the spec files that are unusable now."""


def files_to_record(bad: Sequence[BadSpec], store: Store) -> list[str]:
    """Return the names of the files whose incidents are out of date."""
    incidents = {stored.incident.model: stored for stored in store.incidents() if lasting([stored])}
    bad_files = _by_file(bad)
    return [
        file for file in sorted({*incidents, *bad_files}) if not is_up_to_date(bad_files.get(file), incidents.get(file))
    ]


def spec_requests(
    bad: Sequence[BadSpec], *, instance: DagsterInstance, store: Store, now: dt.datetime, names: Names = PLAIN
) -> Iterator[dg.RunRequest]:
    """Yield a request for every file whose incident is out of date, with a limited number of attempts per change."""
    for file in files_to_record(bad, store):
        problems = [problem for entry in bad if entry.path.name == file for problem in entry.problems]
        problems_hash = hashlib.sha256(repr(problems).encode()).hexdigest()[:8]
        failure = names.tag(f"spec:{file}:{now.date()}:{len(store.incidents(file))}:{problems_hash}")
        tries = tries_of(instance, failure)
        if tries is not None:
            config = FailureConfig(model=file, chunks=[], kind="spec")
            yield recording_request(f"{failure}:{tries}", config, failure, names)


def update_spec_incidents(bad: Sequence[BadSpec], store: Store, alerting: Rules, *, now: dt.datetime) -> None:
    """Open an incident for each unusable file, and resolve the incidents of files that are usable again or removed.

    Raises:
        SpecError: when the alerting rules cannot be read; nothing is stored then.
    """
    rules, bad_files = alerting(), _by_file(bad)
    for file in files_to_record(bad, store):
        judge = _JudgeFile(file, bad_files.get(file), now.date().isoformat())
        store.update_incidents(file, judge, partial(_plan, rules, now), at=now)


@dataclass(frozen=True)
class _JudgeFile:
    """Judges one file on a day; the store calls it within its transaction."""

    file: str
    bad: BadSpec | None
    today: str

    def __call__(self, _: Sequence[ChunkMeasurements], known: Sequence[KnownIncident]) -> IncidentChanges:
        return judge_file(self.file, self.bad, [entry.stored for entry in known], today=self.today)


def _plan(
    rules: AlertingRules, now: dt.datetime, stored: StoredIncident, event: IncidentEvent
) -> Sequence[PlannedAlert]:
    """Plan the alerts as for an incident of the model in the file, because routes match the names of models."""
    of_model = replace(stored.incident, model=stored.incident.subjects[0])
    return plan_alerts(rules, replace(stored, incident=of_model), event, now=now)


def _by_file(bad: Sequence[BadSpec]) -> dict[str, BadSpec]:
    return {entry.path.name: entry for entry in bad}
