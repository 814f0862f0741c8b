"""The run of the asset ``reference``: once per model. A reference is built again if its declaration has changed."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from monitoring_pipeline.orchestration.assets.asset import AssetRun, Event
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.registry.answering import RegistryError
from monitoring_pipeline.steps.reference.building import take_reference
from monitoring_pipeline.steps.reference.operations import take_operations
from monitoring_pipeline.steps.reference.segments import take_segments
from monitoring_pipeline.steps.reference.stored import doubts_about_stored
from monitoring_pipeline.steps.roles import effective_spec
from monitoring_pipeline.steps.versions.cards import keep_version_cards


class ReferenceConfig(dg.Config):
    """The options of a run of the asset.

    ``rebuild`` builds references even if nothing has changed. ``accept_smaller`` lets a reference that has shrunk
    replace the one before it.
    """

    rebuild: bool = False
    accept_smaller: bool = False


def run_reference(this: AssetRun) -> Iterator[Event]:
    """Build the reference of each version, or load it if its declaration has not changed."""
    config = ReferenceConfig(**this.context.op_execution_context.op_config)
    metadata: dict[str, Any] = {}
    loaded = replace(this.loaded, spec=effective_spec(this.spec, this.store))
    for version in loaded.spec.reference:
        built = take_reference(
            loaded,
            version,
            this.outside,
            now=this.clock(),
            rebuild=config.rebuild,
            accept_smaller=config.accept_smaller,
        )
        this.context.log.info("version %s: %s", version, "not changed" if built.reused else "built")
        # A reference that has not changed raises no new doubt, and its profiles need not be read.
        doubts = () if built.reused else doubts_about_stored(loaded.spec, version, this.store)
        for doubt in doubts:
            this.context.log.warning("version %s: %s", version, doubt)
        if doubts:
            metadata[f"version {version}: to check"] = "; ".join(doubts)
        for refusal in built.refusals:
            this.context.log.warning("version %s: %s", version, refusal.reason)
            metadata[f"version {version}: refused"] = refusal.reason
        origin = Origin(run_id=this.outside.run_id, at=this.clock())
        if (segments := take_segments(loaded.spec, built.reference, this.outside, origin)) is not None:
            metadata[f"version {version}: segments"] = len(segments.segments)
        take_operations(loaded.spec, built.reference, this.outside, origin)
        metadata[f"version {version}: rows"] = built.reference.profile.rows
        metadata[f"version {version}: hash"] = built.reference.reference_hash
        for entry in built.reference.performance:
            metadata[f"version {version}: {entry.metric}"] = entry.value
    try:
        keep_version_cards(loaded.spec, store=this.store, registry=this.outside.registry, now=this.clock())
    except RegistryError as error:  # the cards are for readers only, and are asked for again in the next run
        this.context.log.warning("versions are not described: %s", error)
    yield dg.MaterializeResult(
        metadata=metadata, data_version=data_version(this.store.replaced_references(this.spec.name))
    )


def data_version(replaced: Sequence[tuple[str, str]]) -> dg.DataVersion:
    """Return the data version of a model's references, by which Dagster finds days that were measured before a change.

    It stays the same over a night without a change, and if a further model version gets its first reference: earlier
    days were not compared with that one. It is another one as soon as a reference is replaced.

    Args:
        replaced: version and hash of each reference that another one of its version has replaced, in order.
    """
    if not replaced:
        return dg.DataVersion("none replaced")
    text = "\n".join(f"{version}\t{reference_hash}" for version, reference_hash in replaced)
    return dg.DataVersion(hashlib.sha256(text.encode()).hexdigest()[:16])
