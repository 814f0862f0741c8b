"""What a chunk is compared with."""

from monitoring_pipeline.evaluation.drift.columns import Counterpart
from monitoring_pipeline.evaluation.reference.reference import Reference


def against_reference(reference: Reference) -> Counterpart:
    """Compare with the reference itself, by what was learned from its days."""
    return Counterpart(reference.bins, reference.profile, learned=reference.floors.floor)
