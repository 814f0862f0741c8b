"""Reads what became known in a span of time: judged chunks, and new roles of versions."""

import datetime as dt
from collections.abc import Iterable

from monitoring_pipeline.ports.lineage import ChunkLineage, Lineage, VersionLineage
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.model import ModelSpec


def read_lineage(specs: Iterable[ModelSpec], store: Store, after: dt.datetime, until: dt.datetime) -> Iterable[Lineage]:
    """Yield the chunks that were judged, and the roles that versions took, later than one moment and up to another."""
    for spec in specs:
        for key, (revision, judged_at) in store.judged_between(spec.name, after, until).items():
            verdict = store.verdict(spec.name, key)
            if verdict is not None:
                yield ChunkLineage(
                    spec=spec,
                    chunk=spec.calendar.chunk(key),
                    revision=revision,
                    judged_at=judged_at,
                    verdict=verdict,
                    measurements=tuple(store.measurements(spec.name, key)),
                    provenance=store.provenance(spec.name, key, Producer.PROFILE),
                )
        for record in store.versions(spec.name):
            if after < record.since <= until:
                yield VersionLineage(spec=spec, record=record)


def anything_new(specs: Iterable[ModelSpec], store: Store, after: dt.datetime, until: dt.datetime) -> bool:
    """Return whether there is lineage of that span of time."""
    return any(
        store.judged_between(spec.name, after, until)
        or any(after < record.since <= until for record in store.versions(spec.name))
        for spec in specs
    )
