"""Loads references from the store."""

from collections.abc import Iterable

import polars as pl

from monitoring_pipeline.evaluation.quality.suite import SuiteResult
from monitoring_pipeline.evaluation.quality.volume import why_none_expected
from monitoring_pipeline.evaluation.reference.reference import (
    Reference,
    reference_from_document,
)
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.references import References
from monitoring_pipeline.records.producer import reference_producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec


class MissingInputError(RuntimeError):
    """An input of a step is missing; the message names the asset to run first."""


def reference_rows(spec: ModelSpec, reference: Reference, kept: Kept, *, first: int | None = None) -> pl.DataFrame:
    """Return the stored rows of a reference, with ``label`` and ``known_at`` if they are known.

    Only the ``first`` rows are returned if it is given; they are a sample, because rows are stored in the order of
    the hashes of their IDs.

    Raises:
        MissingInputError: when the reference was built by a version of this package that stored no rows.
    """
    kind = reference_producer(reference.model_version)
    snapshot = kept.store.snapshot(spec.name, reference.window, kind)
    if snapshot is None:
        message = f"{spec.name}: the rows of {kind} are not kept yet: materialize {spec.name}/reference with rebuild"
        raise MissingInputError(message)
    rows = kept.snapshots.scan(snapshot.uri)
    return (rows if first is None else rows.head(first)).collect()


def load_reference(spec: ModelSpec, store: References, model_version: str) -> Reference:
    """Return a version's reference.

    Raises:
        MissingInputError: when it has not been built.
    """
    document = store.reference_document(spec.name, model_version)
    if document is None:
        message = f"{spec.name}: version {model_version!r} has no reference yet: materialize {spec.name}/reference"
        raise MissingInputError(message)
    return reference_from_document(document)


def load_references(spec: ModelSpec, store: References, versions: Iterable[str]) -> dict[str, Reference]:
    """Return the references of the versions that have one, from the spec or from their promotion.

    Raises:
        MissingInputError: when one of them has not been built.
    """
    return {
        version: load_reference(spec, store, version)
        for version in sorted(versions)
        if version in spec.reference or store.reference_document(spec.name, version) is not None
    }


def may_be_empty(spec: ModelSpec, chunk: Chunk, store: References) -> bool:
    """Return whether every built reference of the spec shows that a chunk needs no predictions; no if there is none."""
    documents = [store.reference_document(spec.name, version) for version in spec.reference]
    built = [reference_from_document(document) for document in documents if document is not None]
    reasons = [why_none_expected(spec.calendar, chunk, reference.table.slots(spec)) for reference in built]
    return bool(reasons) and None not in reasons


def schema_refusal(spec: ModelSpec, suite: SuiteResult) -> str:
    """Return the reasons why rows cannot be measured, with the users' column names; empty if they can."""
    failures = suite.blocking_failures(spec)
    return "; ".join(dict.fromkeys(f"{_with_users_name(spec, m.subject)}: {m.reason}" for m in failures))


def _with_users_name(spec: ModelSpec, column: str) -> str:
    source = spec.predictions
    outputs = {"row_id": ", ".join(source.id_columns), "predicted_at": source.time} | {
        name: getattr(source, name) for name in ("model_version", "score", "prediction", "horizon", "naive")
    }
    scores = {spec.score_columns[name]: column for name, column in source.scores.items()}
    feature = spec.features.get(column)
    users_name = feature.column if feature else (outputs | scores)[column]
    return column if users_name in (None, column) else f"{column} ({users_name!r} in {source.table!r})"
