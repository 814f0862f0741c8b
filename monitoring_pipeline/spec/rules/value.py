"""Rules about the money that predictions are worth."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.rules.threshold import Threshold

POSITIVE, NEGATIVE = "positive", "negative"
"""The classes of a binary model in a table of outcomes."""


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError(f"{text!r}: write a short name such as EUR")
    return text


Currency = Annotated[str, Field(min_length=1, max_length=8), AfterValidator(_printable)]
"""Name of a currency, such as EUR."""


NAMES_OF_MONEY = (
    "value",
    "value_per_prediction",
    "value_of_all_predictions",
    "estimated_value_per_prediction",
    "usual_value_per_prediction",
    "value_against_reference",
    "error_of_estimated_value",
    "cost",
    "cost_per_thousand",
    "cost_of_month",
    "cost_forecast",
)
"""Names of the numbers of ``value`` and ``cost``, which no business number or measure of the user may have then."""


class ErrorPrices(SpecPart):
    """Money for each unit of a regression's error."""

    over: float
    """Value of one unit by which a forecast is above the label; negative if it costs."""
    under: float
    """Value of one unit by which a forecast is below the label; negative if it costs."""

    @model_validator(mode="after")
    def _differs_from_nothing(self) -> "ErrorPrices":
        if self.over == self.under == 0:
            raise ValueError("over and under: both are 0, so that no error has a price")
        return self


class ValueRules(SpecPart):
    """What each outcome of a prediction is worth, and how much it has to be worth."""

    currency: Currency
    """Name of the currency, such as EUR."""
    outcomes: dict[str, dict[str, float]] = {}
    """Classifiers: value of one prediction, by decided class and then by actual class; negative if it costs.

    The classes of a binary model are ``positive`` and ``negative``. All pairs are needed.
    """
    per_unit: ErrorPrices | None = None
    """Regression: value of each unit of error."""
    threshold: Threshold | None = None
    """Allowed range of the value per prediction: lower, upper, worse_than_reference. Severity warning by default."""

    @model_validator(mode="after")
    def _is_one_way(self) -> "ValueRules":
        if bool(self.outcomes) == (self.per_unit is not None):
            raise ValueError("give one of outcomes (classifiers) and per_unit (regression)")
        return self

    def check_classes(self, classes: tuple[str, ...]) -> None:
        """Refuse a table of outcomes that lacks a pair of classes, or has others.

        Args:
            classes: the classes of the model; none for a regression.

        Raises:
            ValueError: naming the entry and what is known.
        """
        if not classes:
            if self.outcomes:
                raise ValueError("value.outcomes: a regression has no classes; give per_unit: {over: ..., under: ...}")
            return
        if self.per_unit is not None:
            raise ValueError("value.per_unit: only a regression has errors in units; give outcomes")
        known = ", ".join(classes)
        for place, given in (("value.outcomes", self.outcomes), *(
            (f"value.outcomes.{name}", entries) for name, entries in self.outcomes.items()
        )):  # fmt: skip
            for name in given:
                if name not in classes:
                    raise ValueError(f"{place}: {name!r} is no class of the model; known: {known}")
            if missing := [name for name in classes if name not in given]:
                raise ValueError(f"{place}: no value for {', '.join(missing)}; write 0 for an outcome without value")
