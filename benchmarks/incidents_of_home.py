"""Folds the stored measurements of a home again, and prints the incidents of a model with their pages.

Usage: ``python benchmarks/incidents_of_home.py HOME SPEC``, where SPEC is a file such as ``models/flight_delay.yaml``.
The store is only read. A page is an event of severity critical that opens, reopens or escalates an incident.
"""

import argparse
from pathlib import Path

import sqlalchemy as sa

from monitoring_pipeline.evaluation.alerts.routing import PAGING_EVENTS
from monitoring_pipeline.evaluation.incidents.fold import fold_incidents
from monitoring_pipeline.records.incident import IncidentHistory
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.spec.loading import load_spec
from monitoring_pipeline.store.incident_inputs import read_chunk_measurements

LINE = "| {} | {} | {} | {} | {} | {} |"


def pages_of(history: IncidentHistory) -> list[str]:
    """Return the chunks of an incident's pages."""
    return [e.chunk for e in history.events if e.severity is Severity.CRITICAL and e.kind in PAGING_EVENTS]


def main() -> None:
    """Print a table of the incidents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("spec", type=Path)
    arguments = parser.parse_args()
    spec = load_spec(arguments.spec).spec
    engine = sa.create_engine(f"sqlite:///file:{arguments.home / 'results.db'}?mode=ro&uri=true")
    with engine.connect() as connection:
        chunks = read_chunk_measurements(connection, spec.name)
    print(LINE.format("cause", "opened", "resolved", "severity", "breached", "pages"))
    print(LINE.format(*["---"] * 6))
    histories = fold_incidents(spec, chunks)
    for history in histories:
        incident, pages = history.incident, pages_of(history)
        resolved, breached = incident.resolved or "lasts", incident.breached_chunks
        row = (incident.cause, incident.opened, resolved, incident.severity, breached, ", ".join(pages) or "none")
        print(LINE.format(*row))
    print(f"\n{len(histories)} incidents, {sum(len(pages_of(history)) for history in histories)} pages")


if __name__ == "__main__":
    main()
