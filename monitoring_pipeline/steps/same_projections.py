"""Rows whose texts and vectors were read with the projections of a reference that has been replaced since."""

from collections.abc import Mapping

from monitoring_pipeline.evaluation.reference.reference import Reference, projections_fingerprint
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import PREDICTIONS, made_from, required_snapshot, versions_in
from monitoring_pipeline.steps.pushdown import sampled_chunk
from monitoring_pipeline.steps.references import MissingInputError, load_references


class OtherProjectionsError(MissingInputError):
    """The rows of a chunk have to be read again; what was measured of it before stays right."""


def refuse_other_projections(spec: ModelSpec, chunk: Chunk, kept: Kept) -> None:
    """Refuse rows whose texts and vectors were read with the projections of other references than those of now.

    Raises:
        OtherProjectionsError: when they were.
        MissingInputError: when the chunk has no rows.
    """
    if not spec.derived_features:
        return
    versions = versions_in(kept.snapshots, required_snapshot(kept.store, spec, chunk, PREDICTIONS))
    if have_other_projections(spec, chunk, load_references(spec, kept.store, versions), kept.store):
        raise OtherProjectionsError(
            f"{spec.name} {chunk.key}: its texts and vectors were read with a reference that was rebuilt since: "
            f"materialize {spec.name}/predictions (backfill)"
        )


def have_other_projections(spec: ModelSpec, chunk: Chunk, references: Mapping[str, Reference], store: Store) -> bool:
    """Return whether the rows of a chunk were read with other projections than those of references, by version."""
    read = store.provenance(spec.name, chunk.key, PREDICTIONS)
    if not spec.derived_features or read is None:
        return False
    # Of a chunk that was counted where its rows are, the bins are those of the reference, too.
    is_counted = sampled_chunk(spec, chunk, store) is not None
    now = made_from(spec, "", references).reference_hash if is_counted else projections_fingerprint(references)
    return read.reference_hash != now
