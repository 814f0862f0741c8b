"""Brings a stored reference to the features that the spec declares now, without building its other columns again."""

import datetime as dt
from dataclasses import replace

import polars as pl

import monitoring_pipeline
from monitoring_pipeline.evaluation.profiles.by_chunk import ROWS_KEPT
from monitoring_pipeline.evaluation.reference.changed_columns import with_changed_columns
from monitoring_pipeline.evaluation.reference.reference import BuiltReference, Reference
from monitoring_pipeline.evaluation.reference.shrinkage import too_few
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.records.measurement import Measurement, Provenance
from monitoring_pipeline.records.producer import reference_producer
from monitoring_pipeline.spec.declaration import ReferenceDeclaration, declaration_of, spec_of_reference
from monitoring_pipeline.spec.derived_columns import parts_of
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.reference.reading import ReferenceRows, read_reference_rows
from monitoring_pipeline.steps.reference.refusal import refusal
from monitoring_pipeline.steps.reference.stored import window_of, with_its_data
from monitoring_pipeline.steps.reference.storing import ToStore


def with_declared_features(
    loaded: LoadedSpec,
    reference: Reference,
    built_from: ReferenceDeclaration,
    outside: Outside,
    *,
    now: dt.datetime,
    accept: bool = False,
) -> ToStore | Measurement:
    """Return a reference with the features that are declared now, to be stored.

    The part of a feature that is new or declared otherwise is built from the rows that the reference was built from,
    which are read again. If many of them are gone, the refusal is returned, unless ``accept`` is set.

    Raises:
        MissingInputError: when the rows of the reference are not kept.
        SourceError: when they cannot be read again.
    """
    version = reference.model_version
    declared = declaration_of(loaded.spec, version)
    changed = {name for name, hashed in declared.features.items() if built_from.features.get(name) != hashed}
    others = built_from.features.keys() - declared.features.keys()
    before = _without(with_its_data(loaded.spec, reference, outside), changed | others)
    spec = spec_of_reference(loaded.spec, version).with_features_in(before.reference.bins)
    rows, read = before.rows, None
    if changed:
        read = read_reference_rows(loaded, version, outside, now=now)
        rows = _rows_again(before, read)
        spec = read.spec.with_features_in([*before.reference.bins, *changed])
        if too_few(reference.profile.rows, rows.height) and not accept:
            names = ", ".join(sorted(changed))
            lost = f"{rows.height} of its {reference.profile.rows} rows are still in the source, to read {names} from"
            return refusal(loaded.spec, reference, rows.height, (lost,))
    readable = changed & spec.features.keys()
    built = with_changed_columns(
        spec,
        before,
        rows,
        readable,
        table_columns=_types(spec, readable, read),
        projections={} if read is None else read.projections,
    )
    return _to_store(loaded, built, read, changed=changed, others=others, outside=outside)


def _without(data: BuiltReference, names: set[str]) -> BuiltReference:
    """Return a reference without the columns of some features."""
    known = data.reference.projections
    columns = names | parts_of(known.keys() & names, data.reference.bins)
    reference = replace(
        data.reference,
        bins={name: bins for name, bins in data.reference.bins.items() if name not in columns},
        projections={name: projection for name, projection in known.items() if name not in names},
    )
    return replace(data, reference=reference, rows=data.rows.drop(columns, strict=False))


def _rows_again(before: BuiltReference, read: ReferenceRows) -> pl.DataFrame:
    """Return the rows of the reference as the source has them now. Rows that came later are left out if it is known."""
    of_version = read.rows.filter(pl.col("model_version") == before.reference.model_version)
    if before.reference.profile.rows > ROWS_KEPT:
        return of_version
    return of_version.join(before.rows.select("row_id"), on="row_id", how="semi")


def _types(spec: ModelSpec, names: set[str], read: ReferenceRows | None) -> dict[str, str]:
    columns = {spec.features[name].column or name for name in names}
    return {} if read is None else {name: kind for name, kind in read.table_columns.items() if name in columns}


def _to_store(
    loaded: LoadedSpec,
    built: BuiltReference,
    read: ReferenceRows | None,
    *,
    changed: set[str],
    others: set[str],
    outside: Outside,
) -> ToStore:
    version, window = built.reference.model_version, window_of(loaded.spec, built.reference)
    producer = reference_producer(version)
    kept = outside.store.measurements(loaded.spec.name, window.key, producer)
    found = () if read is None else (*read.findings, *read.concentrated_nulls(version))
    return ToStore(
        spec=spec_of_reference(loaded.spec, version),
        built=built,
        window=window,
        provenance=Provenance(
            spec_hash=loaded.spec.reference_declaration_hash(version),
            reference_hash=built.reference.reference_hash,
            input_fingerprint=combined_fingerprint(fingerprint(built.rows)),
            code_version=monitoring_pipeline.__version__,
        ),
        declaration=declaration_of(loaded.spec, version),
        findings=(
            *(finding for finding in kept if finding.subject not in changed | others),
            *(finding for finding in found if finding.subject in changed),
        ),
    )
