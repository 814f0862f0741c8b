"""How many false alarms the budget of a spec allows, by what gives them."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.records.cause import Family
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.model import ModelSpec

YEAR = dt.timedelta(days=365.25)
MONTH, QUARTER = YEAR / 12, YEAR / 4


class Spender(StrEnum):
    """What gives false alarms."""

    DRIFT = "drift"
    MODEL = "model"
    DATA = "data"


@dataclass(frozen=True)
class Part:
    """What one spender may spend of the budget, and the families of causes that it stands for."""

    spender: Spender
    share: float
    families: frozenset[Family]
    words: str


_OF_DRIFT = frozenset({Family.INPUTS, Family.OUTPUTS})
_OF_MODEL = frozenset({Family.PERFORMANCE, Family.BUSINESS, Family.OBJECTIVE})
PARTS = (
    Part(Spender.DRIFT, 0.6, _OF_DRIFT, "drift of inputs and outputs"),
    Part(Spender.MODEL, 0.2, _OF_MODEL, "performance, business metrics and objectives"),
    Part(Spender.DATA, 0.2, frozenset(Family) - _OF_DRIFT - _OF_MODEL, "broken or missing data, and the pipeline"),
)
_PART = {part.spender: part for part in PARTS}


@dataclass(frozen=True)
class Allowed:
    """False alarms that are allowed per chunk."""

    warnings: float
    pages: float


def chunks_of(calendar: Calendar, period: dt.timedelta) -> float:
    """Return the number of chunks in a period."""
    return period / calendar.length


def allowed_of(spec: ModelSpec, spender: Spender) -> Allowed:
    """Return the warnings and the pages per chunk that one spender may give although nothing is wrong."""
    share, budget = _PART[spender].share, spec.budget
    return Allowed(
        warnings=share * budget.warnings_per_month / chunks_of(spec.calendar, MONTH),
        pages=share * budget.pages_per_quarter / chunks_of(spec.calendar, QUARTER),
    )
