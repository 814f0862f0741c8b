"""Reads what a model spent of its budget of false alarms."""

from monitoring_pipeline.evaluation.budget.realized import Spent, alarms_of, first_of_quarter, may_have_alarms, spent
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec


def read_spent(spec: ModelSpec, store: Store, last: Chunk) -> tuple[Spent, ...]:
    """Return the pages and the warnings of the quarter of a year that ends with a chunk, beside the budget."""
    first = first_of_quarter(spec, last)
    entries = [
        (stored, [logged.event for logged in store.incident_log(stored.incident_id)])
        for stored in store.incidents(spec.name)
        if may_have_alarms(stored, first.key, last.key)
    ]
    return spent(spec, alarms_of(entries, first.key, last.key), first, last)
