"""Results of chunks: measurements, profiles, verdicts, and pointers to rows. Reads return the current revision."""

import datetime as dt
from collections.abc import Collection
from typing import Protocol

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.results import ChunkResults, KeptRows, KindBreaches, Snapshot
from monitoring_pipeline.records.effort import Effort
from monitoring_pipeline.records.measurement import Kind, Measurement, Provenance, Status, Verdict
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.records.producer import AnyProducer, Producer
from monitoring_pipeline.records.spec_text import SpecText


class Results(Protocol):
    """Where the results of chunks are kept."""

    def replace(
        self,
        results: ChunkResults,
        *,
        run_id: str,
        measured_at: dt.datetime,
        effort: Effort | None = None,
        spec: SpecText | None = None,
    ) -> int:
        """Replace the results of a producer for a chunk in one transaction; return the new revision.

        ``spec`` is the text of the spec, if it is to be kept with them.
        """
        ...

    def efforts(self, model: str, chunk: str) -> dict[str, Effort]:
        """Return what each asset took on a chunk when it was measured last, by its name."""
        ...

    def measurements(
        self,
        model: str,
        chunk: str,
        producer: AnyProducer | None = None,
        *,
        names: Collection[str] | None = None,
        statuses: Collection[Status] | None = None,
    ) -> list[Measurement]:
        """Return the measurements of a chunk: all, or those of a producer, of some names, or of some statuses."""
        ...

    def chunk_measurements(
        self,
        model: str,
        names: Collection[MetricName] | None,
        first: str,
        last: str,
        *,
        subject: str | None = None,
        kinds: Collection[Kind] | None = None,
        statuses: Collection[Status] | None = None,
        only_serving: bool = False,
    ) -> list[tuple[str, Measurement]]:
        """Return the measurements of the chunks from ``first`` to ``last``, each after its chunk key, in chunk order.

        Only metrics in ``names`` of the ``subject``, of these kinds and statuses, are returned; all of what is None.
        ``only_serving`` leaves out segments, and versions that serve nobody.
        """
        ...

    def breaches_by_kind(self, model: str, first: str, last: str) -> list[KindBreaches]:
        """Count the breaches of the versions that serve, by chunk, kind and severity, in chunk order."""
        ...

    def profiles(self, model: str, chunk: str, producer: AnyProducer = Producer.PROFILE) -> tuple[ChunkProfile, ...]:
        """Return one profile per model version and segment."""
        ...

    def profiles_by_chunk(
        self, model: str, producer: AnyProducer, chunks: Collection[str], *, columns: Collection[str] | None = None
    ) -> dict[str, tuple[ChunkProfile, ...]]:
        """Return the profiles by the chunk's key, of all columns or of those given."""
        ...

    def verdict(self, model: str, chunk: str) -> Verdict | None: ...
    def verdicts(self, model: str) -> dict[str, Verdict]: ...
    def snapshot(self, model: str, chunk: str, kind: str) -> Snapshot | None:
        """Return the facts about a chunk's rows; the rows themselves may be removed."""
        ...

    def snapshots(self, model: str, kind: str) -> dict[str, Snapshot]:
        """Return the pointers of one kind for all chunks whose rows are kept, by key, in chunk order."""
        ...

    def kept_rows(self, model: str, uri: str) -> KeptRows | None:
        """Return the stored facts about a snapshot by its URI; None if no revision points to it."""
        ...

    def revisions(self, model: str, producer: AnyProducer) -> dict[str, int]:
        """Return the numbers of a producer's current revisions, by the chunk's key."""
        ...

    def judged_between(self, model: str, after: dt.datetime, until: dt.datetime) -> dict[str, tuple[int, dt.datetime]]:
        """Return revision and time of the verdicts written later than a moment and up to another, by chunk."""
        ...

    def provenance(self, model: str, chunk: str, producer: AnyProducer) -> Provenance | None: ...
