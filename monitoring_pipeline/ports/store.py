"""The whole store, for code that passes it on; a function that reads takes only the protocol of that part."""

from typing import Protocol

from monitoring_pipeline.ports.decisions import Decisions
from monitoring_pipeline.ports.incidents import DueAlerts, Incidents
from monitoring_pipeline.ports.references import References
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.ports.spec_texts import SpecTexts
from monitoring_pipeline.ports.upkeep import Upkeep
from monitoring_pipeline.ports.versions import Versions


class Store(Results, References, Incidents, DueAlerts, Decisions, Versions, Upkeep, SpecTexts, Protocol):
    """Everything that is kept about all models."""
