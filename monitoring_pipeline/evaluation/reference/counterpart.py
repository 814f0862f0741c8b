"""The reference as the counterpart of a chunk."""

from monitoring_pipeline.evaluation.drift.columns import Counterpart
from monitoring_pipeline.evaluation.reference.reference import Reference


def against_reference(reference: Reference) -> Counterpart:
    """Return the reference as counterpart, with the floors learned from its days."""
    return Counterpart(reference.bins, reference.profile, learned=reference.floors.floor)
