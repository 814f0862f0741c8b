"""What is sent as lineage: judged chunks, and new roles of versions."""

import datetime as dt
from dataclasses import dataclass

from monitoring_pipeline.records.measurement import Measurement, Provenance, Verdict
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.version import VersionRecord


@dataclass(frozen=True, kw_only=True)
class ChunkLineage:
    """A judged chunk, with what its numbers were made from; ``revision`` is that of its verdict."""

    spec: ModelSpec
    chunk: Chunk
    revision: int
    judged_at: dt.datetime
    verdict: Verdict
    measurements: tuple[Measurement, ...]
    provenance: Provenance | None


@dataclass(frozen=True, kw_only=True)
class VersionLineage:
    """A version that took a role."""

    spec: ModelSpec
    record: VersionRecord


Lineage = ChunkLineage | VersionLineage
