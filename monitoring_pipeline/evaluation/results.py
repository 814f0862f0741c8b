"""What one producer found out about one chunk: the unit that a store replaces."""

import datetime as dt
from dataclasses import dataclass

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.records.measurement import Kind, Measurement, Provenance, Severity, Verdict
from monitoring_pipeline.records.producer import AnyProducer
from monitoring_pipeline.spec.chunk import Chunk

REMOVED = "removed:"
"""Stands before the URI of a file whose removal has begun; when it is finished, the URI is empty."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """An immutable file with a chunk's rows, and what identifies its content.

    ``kind`` is ``predictions`` or ``labels``; ``latest_at`` is the newest time among the rows
    (labels: when the newest label became known), ``None`` without rows. ``state`` is the fingerprint of the label rows
    in the warehouse, ``None`` for predictions and for labels that were read before it was kept.
    """

    kind: str
    uri: str
    fingerprint: str
    rows: int
    latest_at: dt.datetime | None = None
    state: str | None = None

    @property
    def is_removed(self) -> bool:
        """Whether the file was removed, so that only the facts about its rows are left."""
        return not self.uri or self.uri.startswith(REMOVED)


@dataclass(frozen=True, kw_only=True)
class KeptRows:
    """What is stored about the rows of a snapshot: the newest revision that points to it.

    ``known_since`` is the earliest time as of which these rows were read; ``before`` are the snapshots of earlier
    revisions, the newest first.
    """

    chunk: str
    snapshot: Snapshot
    known_since: dt.datetime
    measured_at: dt.datetime
    before: tuple[Snapshot, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChunkResults:
    """All results of ``producer`` (an asset) for a chunk; replaced as a whole, or not at all.

    ``as_of`` is the moment whose knowledge of labels the results show; ``None`` where labels play no part.
    """

    producer: AnyProducer
    chunk: Chunk
    provenance: Provenance
    measurements: tuple[Measurement, ...] = ()
    profiles: tuple[ChunkProfile, ...] = ()
    verdict: Verdict | None = None
    snapshot: Snapshot | None = None
    as_of: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True)
class KindBreaches:
    """How many measurements of one kind are breached on a chunk, of versions that serve, by severity."""

    chunk: str
    kind: Kind
    severity: Severity
    count: int
