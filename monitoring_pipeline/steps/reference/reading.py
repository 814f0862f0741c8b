"""Reads the rows that a version's reference is built from."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from monitoring_pipeline.evaluation.reference.reference import find_concentrated_nulls
from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions, versions_of
from monitoring_pipeline.evaluation.rows.derived import Projection, fit_projections
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.warehouse import Warehouse
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.declaration import rows_elsewhere, spec_of_reference, spec_of_rows_elsewhere
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline.steps.inputs import without_forgotten
from monitoring_pipeline.steps.labels import read_canonical_labels
from monitoring_pipeline.steps.references import schema_refusal
from monitoring_pipeline.steps.scoring import scored_by


@dataclass(frozen=True)
class ReferenceRows:
    """The rows of a reference as the source holds them now.

    Args:
        spec: the model with only what the reference is built from, without features that cannot be read.
        window: the window of the rows.
        rows: canonical predictions, of any version.
        labels: canonical labels.
        table_columns: types of all columns of the table of predictions.
        findings: what is wrong with the schema.
        is_elsewhere: whether the rows come from another source than the table of predictions.
        projections: the projections of texts and vectors, fitted to the rows of the version.
    """

    spec: ModelSpec
    window: Chunk
    rows: pl.DataFrame
    labels: pl.DataFrame
    table_columns: Mapping[str, str]
    findings: tuple[Measurement, ...]
    is_elsewhere: bool = False
    projections: Mapping[str, Projection] = field(default_factory=dict[str, Projection])

    @property
    def fingerprint(self) -> str:
        """One fingerprint of rows and labels."""
        return combined_fingerprint(fingerprint(self.rows), fingerprint(self.labels))

    def concentrated_nulls(self, model_version: str) -> tuple[Measurement, ...]:
        """Return the findings about nulls of the version's rows."""
        rows = self.rows.filter(pl.col("model_version") == model_version)
        return find_concentrated_nulls(self.spec, rows, model_version=model_version)


def read_reference_rows(loaded: LoadedSpec, model_version: str, outside: Outside, *, now: dt.datetime) -> ReferenceRows:
    """Read the rows of a version's reference, and their labels that are known now.

    If the version served no rows in its window, for example because it was trained later, it scores those rows now.

    Raises:
        SourceError: when the rows cannot be read, or do not fit the spec.
    """
    spec = spec_of_reference(loaded.spec, model_version)
    declared = spec.reference[model_version]
    window = spec.calendar.window(declared)
    warehouse = warehouse_of_reference(loaded, model_version, outside.warehouse)
    read = warehouse.read_predictions(spec, window)
    if declared.is_elsewhere:
        spec = spec_of_rows_elsewhere(spec, read.table_columns)
    suite = outside.suites(spec, loaded.suite_path, read.frame)
    if refusal := schema_refusal(spec, suite):
        source = spec.predictions.table if not declared.is_elsewhere else "rows of another source"
        message = f"{spec.name}: reference.{model_version}: {source}: {refusal}"
        raise SourceError(message)
    readable = read.frame.drop(suite.unreadable_columns(spec), strict=False)
    projections, by_version = _projections(spec, readable, model_version, outside.id_key)
    served = canonical_predictions(
        spec,
        readable,
        id_key=outside.id_key,
        without_time=read.rows_without_time,
        projections=by_version,
    ).frame
    served = without_forgotten(spec, served, outside.store)
    rows = _with_rows_of(spec, served, model_version, outside.registry)
    return ReferenceRows(
        spec=spec.with_features_in(readable.columns),
        window=_narrowed(spec, declared, rows.filter(pl.col("model_version") == model_version)),
        rows=rows,
        labels=read_canonical_labels(spec, window, served, now, replace(outside, warehouse=warehouse)),
        table_columns={} if declared.is_elsewhere else read.table_columns,
        findings=suite.schema_failures,
        is_elsewhere=declared.is_elsewhere,
        projections=projections,
    )


def _projections(
    spec: ModelSpec, raw: pl.DataFrame, model_version: str, id_key: bytes
) -> tuple[dict[str, Projection], dict[str, dict[str, Projection]]]:
    """Return the projections of a version's rows, or of all rows if it has none, and the same for every version."""
    if not spec.derived_features:
        return {}, {}
    versions = versions_of(spec, raw)
    own = raw.filter(versions == model_version)
    fitted = fit_projections(spec, raw if own.is_empty() else own, id_key)
    return fitted, dict.fromkeys(versions.unique().to_list(), fitted)


def warehouse_of_reference(loaded: LoadedSpec, model_version: str, warehouse: Warehouse) -> Warehouse:
    """Return the warehouse that has the rows of a version's reference in place of the predictions."""
    rows = rows_elsewhere(loaded, model_version)
    return warehouse if rows is None else warehouse.with_predictions_of(rows)


def _narrowed(spec: ModelSpec, declared: ReferenceWindow, rows: pl.DataFrame) -> Chunk:
    """Return the declared window, with the days of the first and the last row where it names none."""
    earliest, latest = rows["predicted_at"].min(), rows["predicted_at"].max()
    if not isinstance(earliest, dt.datetime) or not isinstance(latest, dt.datetime):
        return spec.calendar.window(declared)
    days = spec.calendar.day_at(earliest), spec.calendar.day_at(latest)
    return spec.calendar.window(declared.narrowed(*days))


def _with_rows_of(spec: ModelSpec, served: pl.DataFrame, model_version: str, registry: Registry) -> pl.DataFrame:
    """Return the rows as they were served if the version served some, else with the scores that it gives them now.

    Texts and vectors are not kept, so that rows with them cannot be scored.
    """
    if served.is_empty() or (served["model_version"] == model_version).any():
        return served
    if spec.derived_features or not registry.has_version(spec.name, model_version):
        return served
    return scored_by(spec, served.unique("row_id", keep="first", maintain_order=True), model_version, registry)
