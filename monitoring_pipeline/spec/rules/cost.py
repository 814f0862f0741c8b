"""Rules about what predictions cost, and about a budget for them."""

import datetime as dt
from typing import Annotated, Literal, Self, cast

from pydantic import BeforeValidator, Field, model_validator

from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.wording import in_one_message
from monitoring_pipeline.spec.rules.value import Currency
from monitoring_pipeline.spec.sources import EARLIEST


def _as_list_of_prices(value: object) -> object:
    """Return a price list in which a single number is the price of all days."""
    return cast("object", value) if isinstance(value, dict) else {EARLIEST: value}


Prices = Annotated[
    dict[dt.date, Annotated[float, Field(ge=0)]],
    BeforeValidator(_as_list_of_prices),
    in_one_message("write a price from 0 on, such as 0.40, or prices by their first day, such as {2026-01-01: 0.40}"),
]
"""Prices by the first day on which they hold."""


class CostRules(SpecPart):
    """What predictions cost: by a price list or a billing query, with a budget for each month."""

    currency: Currency
    """Name of the currency, such as EUR."""
    per_thousand: Prices = {}
    """Price of a thousand predictions; a list has the first day of each price: ``2026-01-01: 0.40``."""
    sql: str | None = Field(default=None, min_length=1)
    """File with one SELECT that returns the cost of a chunk, relative to the spec; parameters as in ``business``.

    Instead of a price list.
    """
    monthly_budget: float | None = Field(default=None, gt=0)
    """What the predictions of a calendar month may cost. Chunks have to be months, days or hours."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """Severity of a month that has exceeded its budget, or will."""

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if bool(self.per_thousand) == (self.sql is not None):
            raise ValueError("give one of per_thousand (a price list) and sql (a billing query)")
        return self

    def price_on(self, day: dt.date) -> float | None:
        """Return the price of a thousand predictions on a day; None before the first one."""
        begun = [first for first in self.per_thousand if first <= day]
        return self.per_thousand[max(begun)] if begun else None
