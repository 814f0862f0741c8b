"""What the assets need from the outside; the adapters fit these shapes, definitions.py brings them together."""

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from monitoring_pipeline.evaluation.incidents.changes import IncidentChanges
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements
from monitoring_pipeline.evaluation.incidents.news import KnownIncident
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.records.incident import Decision, IncidentEvent, PlannedAlert, StoredIncident
from monitoring_pipeline.records.measurement import Measurement, Provenance, Role, Verdict
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline.spec.version import VersionRecord


class Store(Protocol):
    """Where results are kept."""

    def replace(self, results: ChunkResults, *, run_id: str, measured_at: dt.datetime) -> int:
        """Replace what a producer says about a chunk, in one transaction; return the revision."""
        ...

    def measurements(self, model: str, chunk: str, producer: str | None = None) -> list[Measurement]:
        """Return the current measurements of a chunk."""
        ...

    def profiles(self, model: str, chunk: str, producer: str = "profile") -> tuple[ChunkProfile, ...]:
        """Return the current profiles that a producer left of a chunk, one per model version and segment."""
        ...

    def profiles_by_chunk(
        self, model: str, producer: str, chunks: Collection[str]
    ) -> dict[str, tuple[ChunkProfile, ...]]:
        """Return the current profiles that a producer left, by the chunk's key."""
        ...

    def verdict(self, model: str, chunk: str) -> Verdict | None:
        """Return the current verdict on a chunk."""
        ...

    def snapshot(self, model: str, chunk: str, kind: str) -> Snapshot | None:
        """Return the current snapshot of a chunk."""
        ...

    def snapshots(self, model: str, kind: str) -> dict[str, Snapshot]:
        """Return the current snapshots of a model, by the chunk's key."""
        ...

    def provenance(self, model: str, chunk: str, producer: str) -> Provenance | None:
        """Return what a producer's current results were made from."""
        ...

    def save_reference(
        self,
        model: str,
        model_version: str,
        reference_hash: str,
        document: str,
        *,
        spec_hash: str,
        input_fingerprint: str,
        rows: int,
        window_start: dt.datetime,
        window_end: dt.datetime,
        run_id: str,
        created_at: dt.datetime,
    ) -> None:
        """Make a reference the current one of its version."""
        ...

    def reference_document(self, model: str, model_version: str) -> str | None:
        """Return the current reference of a version."""
        ...

    def chunk_measurements(
        self, model: str, names: Collection[str] | None, first: str, last: str
    ) -> list[tuple[str, Measurement]]:
        """Return measurements with their chunk's key, in chunk order."""
        ...

    def verdicts(self, model: str) -> dict[str, Verdict]:
        """Return the current verdicts, by the chunk's key."""
        ...

    def update_incidents(
        self,
        model: str,
        judge: Callable[[Sequence[ChunkMeasurements], Sequence[KnownIncident]], IncidentChanges],
        plan: Callable[[StoredIncident, IncidentEvent], Sequence[PlannedAlert]],
        *,
        at: dt.datetime,
    ) -> tuple[IncidentEvent, ...]:
        """Judge a model's history again, store what changed, and return the events that people hear of."""
        ...

    def due_alerts(self, now: dt.datetime, *, lease: dt.timedelta) -> tuple[tuple[int, int], ...]:
        """Return the messages that are due, with how often sending them has failed."""
        ...

    def incidents(self, model: str | None = None) -> list[StoredIncident]:
        """Return the incidents of a model, or of all."""
        ...

    def decide(self, decision: Decision) -> bool:
        """Write a decision unless its key is taken; return whether it was written."""
        ...

    def decisions(self, model: str, *, topic: str | None = None) -> list[Decision]:
        """Return the decisions about a model, oldest first."""
        ...

    def decision(self, model: str, key: str) -> Decision | None:
        """Return the decision of a key."""
        ...

    def set_role(
        self,
        model: str,
        model_version: str,
        role: Role,
        since: dt.datetime,
        *,
        window: ReferenceWindow | None,
        by: str,
    ) -> None:
        """Record that a version has a role from a moment on."""
        ...

    def versions(self, model: str) -> list[VersionRecord]:
        """Return the newest record of each version."""
        ...

    def role_at(self, model: str, model_version: str, moment: dt.datetime) -> Role:
        """Return the role that a version had at a moment."""
        ...
