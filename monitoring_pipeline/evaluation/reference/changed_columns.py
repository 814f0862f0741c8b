"""A reference whose declaration has other features. Their part is built anew, and other columns stay as they are."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from types import MappingProxyType

import narwhals as nw
import polars as pl

from monitoring_pipeline.evaluation.drift.all_features import learn_together
from monitoring_pipeline.evaluation.drift.floors import LearnedFloors, learn_floors
from monitoring_pipeline.evaluation.estimation.estimation import learn_estimation
from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, profile_chunk, sum_profiles
from monitoring_pipeline.evaluation.reference.chosen_categories import profile_reference
from monitoring_pipeline.evaluation.reference.columns import constant_columns, freeze_bins
from monitoring_pipeline.evaluation.reference.reference import BuiltReference
from monitoring_pipeline.evaluation.rows.derived import Projection
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task


def with_changed_columns(
    spec: ModelSpec,
    before: BuiltReference,
    rows: pl.DataFrame,
    changed: Collection[str],
    *,
    table_columns: Mapping[str, str],
    projections: Mapping[str, Projection] = MappingProxyType({}),
) -> BuiltReference:
    """Return a reference with the features of the spec.

    Bins, profiles and floors of the columns that did not change stay equal to the bit. Only what is learned from all
    features together is learned again: the multivariate floors and, for a regression, the errors of estimates.

    Args:
        spec: the model with the features that the reference is to have.
        before: the stored reference with its data.
        rows: canonical rows of the version that the reference was built from, with the changed features.
        changed: features that are new or declared otherwise than before.
        table_columns: types of the columns that the changed features are read from.
        projections: the projections with which texts and vectors were read.
    """
    reference, version = before.reference, before.reference.model_version
    built = {
        name: freeze_bins(rows[name], kind) for name, kind in spec.columns.items() if spec.feature_of(name) in changed
    }
    bins = {
        name: built.get(name) or reference.bins[name]
        for name in spec.columns
        if name in built or name in reference.bins
    }
    of_chunks = _profiles(spec, built, rows, before.chunks, version)
    chunks = {key: _joined(profile, of_chunks[key], bins) for key, profile in before.chunks.items()}
    kept = _with_columns(before.rows, rows, built, bins)
    found = constant_columns(spec, {name: bins[name] for name in built}, chunks)
    constant = tuple(name for name in bins if (name in found if name in built else name in reference.constant_columns))
    together = learn_together(spec, version, kept, left_out=constant, classifier=reference.classifier)
    changed_reference = replace(
        reference,
        bins=bins,
        profile=_joined(reference.profile, sum_profiles(of_chunks.values()), bins),
        table_columns={**reference.table_columns, **table_columns},
        floors=_ordered(
            reference.floors, learn_floors(spec, version, bins, chunks, columns=built), keep=bins.keys() - built.keys()
        ),
        multivariate_floors=together.floors,
        usual_contributions=together.usual,
        estimation=learn_estimation(spec, kept) if spec.task is Task.REGRESSION else reference.estimation,
        constant_columns=constant,
        projections={**reference.projections, **{n: p for n, p in projections.items() if n in changed}},
        rows_read=reference.rows_read and combined_fingerprint(reference.rows_read, fingerprint(kept)),
    )
    return BuiltReference(changed_reference, chunks, kept)


def _profiles(
    spec: ModelSpec,
    bins: dict[str, Bins],
    rows: pl.DataFrame,
    chunks: Collection[str],
    version: str,
) -> dict[str, ChunkProfile]:
    """Return the profiles of some columns for every chunk; of chunks without rows they are empty."""
    none = profile_chunk(nw.from_native(rows.clear().lazy()), bins, model_version=version)
    profiles = profile_reference(spec, bins, rows, model_version=version)
    return {key: profiles.get(key, none) for key in chunks}


def _joined(profile: ChunkProfile, added: ChunkProfile, bins: Mapping[str, Bins]) -> ChunkProfile:
    """Return a profile with added columns, in the order of the bins; columns without bins are left out."""
    columns = {column.column: column for column in (*profile.columns, *added.columns)}
    return replace(profile, columns=tuple(columns[name] for name in bins if name in columns))


def _with_columns(
    kept: pl.DataFrame, rows: pl.DataFrame, built: Collection[str], bins: Mapping[str, Bins]
) -> pl.DataFrame:
    """Return the kept rows with the built columns, in the order of canonical rows."""
    first = ("row_id", "predicted_at", "model_version")
    others = [name for name in kept.columns if name not in (*first, *bins, *built)]
    joined = kept.drop(built, strict=False).join(
        rows.select("row_id", *built), on="row_id", how="left", maintain_order="left"
    )
    return joined.select(*first, *bins, *others)


def _ordered(before: LearnedFloors, learned: LearnedFloors, *, keep: Collection[str]) -> LearnedFloors:
    """Return the floors that are kept, and then the learned ones."""
    kept = (floor for floor in before.floors if floor.column in keep)
    return replace(before, floors=(*kept, *learned.floors))
