"""The roles of model versions, and the versions that a model has beyond those of its spec."""

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
    """Return the spec with added reference windows of promoted versions.

    A window that the spec declares takes precedence.
    """
    promoted = {record.model_version: record.window for record in store.versions(spec.name) if record.window}
    added = {version: window for version, window in promoted.items() if version not in spec.reference}
    return spec.model_copy(update={"reference": spec.reference | added}) if added else spec


def recorded_champion(spec: ModelSpec, store: Versions) -> VersionRecord | None:
    """Return the stored record of the version that serves now; ``None`` before the first promotion."""
    champions = [record for record in store.versions(spec.name) if record.role is Role.CHAMPION]
    return max(champions, key=lambda record: record.since, default=None)


def without_shadows(spec: ModelSpec, chunk: Chunk, rows: pl.DataFrame, store: Versions) -> pl.DataFrame:
    """Return a chunk's rows without those of versions that did not serve, because a suite checks served predictions.

    All rows are returned if no other rows are left.
    """
    if "model_version" not in rows.columns or not store.versions(spec.name):
        return rows
    versions = rows["model_version"].cast(pl.String)
    not_serving = [v for v in versions.unique().drop_nulls() if store.role_at(spec.name, v, chunk.start) in NOT_SERVING]
    served = rows.filter(~versions.is_in(not_serving).fill_null(value=False))
    return rows if served.is_empty() else served


def with_roles(results: ChunkResults, store: Versions) -> ChunkResults:
    """Return results whose measurements carry the role that their version had when the chunk began.

    A champion that is replaced during a day is therefore the champion on that day. Measurements of versions that do not
    serve get severity ``info``, so that they decide nothing.
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
