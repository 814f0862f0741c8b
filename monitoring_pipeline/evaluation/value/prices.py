"""The value of each row: what its outcome is worth, or what it is expected to be worth while the label is not known."""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.estimation.of_classes import PROBABILITY_UNSURE, ClassProbabilities, Expected
from monitoring_pipeline.evaluation.estimation.of_losses import LOSS_UNSURE, RowLosses
from monitoring_pipeline.evaluation.performance.performance import number_of
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.value import ErrorPrices, ValueRules
from monitoring_pipeline.statistics.inputs import Flags

Values = NDArray[np.float64]


def rules_of(spec: ModelSpec) -> ValueRules:
    """Return the declared values, for code that runs only if there are some.

    Raises:
        ValueError: when the spec declares none.
    """
    if spec.value is None:
        raise ValueError(f"{spec.name}: no value is declared")
    return spec.value


def outcome_table(spec: ModelSpec) -> Values:
    """Return the value of each decided (row) and actual (column) class, in the order of ``valued_classes``."""
    outcomes, classes = rules_of(spec).outcomes, spec.valued_classes
    return np.array([[outcomes[decided][actual] for actual in classes] for decided in classes])


@dataclass(frozen=True, eq=False)
class Outcomes:
    """What was predicted and what happened, as numbers or numbers of classes, each shape (rows,); NaN if not known."""

    predictions: Values
    labels: Values

    @property
    def off(self) -> Values:
        """By how much a regression's predictions are above the labels."""
        return self.predictions - self.labels


def outcomes_of(spec: ModelSpec, rows: pl.DataFrame) -> Outcomes:
    """Return the outcomes of canonical rows with ``label``, in their order."""
    numbers = rows.select(number_of(spec, "prediction"), number_of(spec, "label"))
    predictions, labels = (numbers[name].fill_null(np.nan).to_numpy() for name in ("prediction", "label"))
    return Outcomes(predictions, labels)


def realized_values(spec: ModelSpec, outcomes: Outcomes) -> Values:
    """Return the value of each row, shape (rows,); NaN where the outcome is not known."""
    prices = rules_of(spec).per_unit
    if prices is not None:
        return np.where(outcomes.off > 0, prices.over * outcomes.off, -prices.under * outcomes.off)
    known = np.isfinite(outcomes.predictions) & np.isfinite(outcomes.labels)
    values = np.full(known.size, np.nan)
    decided, actual = (numbers[known].astype(np.int64) for numbers in (outcomes.predictions, outcomes.labels))
    values[known] = outcome_table(spec)[decided, actual]
    return values


def smallest_and_largest(spec: ModelSpec) -> tuple[float, float]:
    """Return the smallest and the largest value that one prediction can have; infinite if there is none."""
    prices = rules_of(spec).per_unit
    if prices is None:
        table = outcome_table(spec)
        return float(table.min()), float(table.max())
    both = (prices.over, prices.under)
    return (-math.inf if min(both) < 0 else 0.0), (math.inf if max(both) > 0 else 0.0)


@dataclass(frozen=True, eq=False)
class ExpectedValues:
    """What rows are expected to be worth without their labels.

    Args:
        mean: expected value of each row, shape (rows,).
        variance: variance of its realized value by chance in the label, shape (rows,).
        off: how much more it is worth if what is known of rows unlike the reference is off to one side and to the
            other, shape (2, rows).
    """

    mean: Values
    variance: Values
    off: Values

    def total(self, wanted: Flags | slice = slice(None)) -> Expected:
        """Return the expected value of some rows together. Sums are exact, so their order does not matter."""
        changes = [math.fsum(own[wanted]) for own in self.off]
        return Expected(
            value=math.fsum(self.mean[wanted]),
            variance=math.fsum(self.variance[wanted]),
            below=max(0.0, *(-change for change in changes)),
            above=max(0.0, *changes),
        )


def expected_of_classes(spec: ModelSpec, classes: ClassProbabilities, unlike: Flags) -> ExpectedValues:
    """Return the expected values of a classifier's rows.

    Args:
        spec: the model.
        classes: the probability of each class, and the decided one.
        unlike: rows whose scores are unlike the reference, shape (rows,).
    """
    decided = classes.decided[:, 0].astype(np.int64) if classes.classes == ("",) else classes.decided.argmax(axis=1)
    worth = outcome_table(spec)[decided]
    chances = _chances(classes.of_class)
    mean = np.einsum("rc,rc->r", chances, worth)
    square = np.einsum("rc,rc->r", chances, worth**2)
    changes = [
        np.einsum("rc,rc->r", _chances(_moved(classes.of_class, sign, unlike)), worth) - mean for sign in (-1.0, 1.0)
    ]
    return ExpectedValues(mean, np.maximum(square - mean**2, 0.0), np.stack(changes))


def _moved(of_class: Values, sign: float, unlike: Flags) -> Values:
    off = np.clip(of_class + sign * PROBABILITY_UNSURE * unlike[:, None], 0.0, 1.0)
    return off / off.sum(axis=1, keepdims=True) if off.shape[1] > 1 else off


def _chances(of_class: Values) -> Values:
    """Return the probability of every class; a binary model has that of the positive one only."""
    return np.column_stack([1.0 - of_class[:, 0], of_class[:, 0]]) if of_class.shape[1] == 1 else of_class


@dataclass(frozen=True)
class ErrorShares:
    """The share of a regression's errors that is above the label: of their sum, and of the sum of their squares."""

    absolute: float
    squared: float


def error_shares(outcomes: Outcomes) -> ErrorShares:
    """Return the shares of labelled rows; a half where there is no error."""
    above = np.maximum(outcomes.off, 0.0)
    sums = [(math.fsum(above**power), math.fsum(np.abs(outcomes.off) ** power)) for power in (1, 2)]
    absolute, squared = (part / whole if whole else 0.5 for part, whole in sums)
    return ErrorShares(absolute, squared)


def expected_of_losses(prices: ErrorPrices, losses: RowLosses, shares: ErrorShares) -> ExpectedValues:
    """Return the expected values of a regression's rows, whose errors are above the label as often as usual.

    Args:
        prices: value of a unit of error.
        losses: predicted errors of the rows.
        shares: usual shares of errors above the label.
    """
    per_unit = shares.absolute * prices.over + (1 - shares.absolute) * prices.under
    squared = shares.squared * prices.over**2 + (1 - shares.squared) * prices.under**2
    mean = per_unit * losses.absolute
    changes = [np.where(losses.unlike, (factor - 1.0) * mean, 0.0) for factor in (1 / LOSS_UNSURE, LOSS_UNSURE)]
    return ExpectedValues(mean, np.maximum(squared * losses.squared - mean**2, 0.0), np.stack(changes))
