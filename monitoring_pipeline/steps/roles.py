"""Which versions a model has beside those of its spec, and what each of them is there for."""

from dataclasses import replace

import polars as pl

from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.ports.versions import Versions
from monitoring_pipeline.records.measurement import Measurement, Role, Severity
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.version import VersionRecord

NOT_SERVING = frozenset({Role.SHADOW, Role.RETIRED})


def effective_spec(spec: ModelSpec, store: Versions) -> ModelSpec:
    """Return the spec with the reference windows of the versions that were promoted since it was written.

    A window that the spec names itself holds.
    """
    promoted = {record.model_version: record.window for record in store.versions(spec.name) if record.window}
    added = {version: window for version, window in promoted.items() if version not in spec.reference}
    return spec.model_copy(update={"reference": spec.reference | added}) if added else spec


def recorded_champion(spec: ModelSpec, store: Versions) -> VersionRecord | None:
    """Return the store's record of the version that serves now; ``None`` before the first promotion."""
    champions = [record for record in store.versions(spec.name) if record.role is Role.CHAMPION]
    return max(champions, key=lambda record: record.since, default=None)


def without_shadows(spec: ModelSpec, chunk: Chunk, rows: pl.DataFrame, store: Versions) -> pl.DataFrame:
    """Return a chunk's rows as read, without those of versions that did not serve: a suite is about predictions made.

    Where nothing else is left they stay.
    """
    if "model_version" not in rows.columns or not store.versions(spec.name):
        return rows
    versions = rows["model_version"].cast(pl.String)
    beside = [v for v in versions.unique().drop_nulls() if store.role_at(spec.name, v, chunk.start) in NOT_SERVING]
    served = rows.filter(~versions.is_in(beside).fill_null(value=False))
    return rows if served.is_empty() else served


def with_roles(results: ChunkResults, store: Versions) -> ChunkResults:
    """Stamp each measurement with the role that its version had when the chunk began.

    On its last day a champion serves, too. What does not serve is measured like everything else, and never decides.
    """
    versions = {m.model_version for m in results.measurements if m.model_version}
    if not versions or not store.versions(results.chunk.model):
        return results
    roles = {version: store.role_at(results.chunk.model, version, results.chunk.start) for version in versions}
    return replace(results, measurements=tuple(_stamped(m, roles) for m in results.measurements))


def _stamped(measurement: Measurement, roles: dict[str, Role]) -> Measurement:
    role = roles.get(measurement.model_version, Role.CHAMPION)
    severity = Severity.INFO if role in NOT_SERVING else measurement.severity
    return replace(measurement, role=role, severity=severity)
