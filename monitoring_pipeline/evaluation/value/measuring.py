"""What the predictions of a chunk are worth: realized on the rows with labels, and estimated without labels."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.business.money import (
    DIFFERENCE,
    ERROR_OF_ESTIMATES,
    ESTIMATED,
    ESTIMATED_PER_PREDICTION,
    OF_ALL,
    PER_PREDICTION,
    REALIZED,
    TOTAL,
    USUAL,
    VALUE,
)
from monitoring_pipeline.evaluation.labels.maturity import LabelMaturity
from monitoring_pipeline.evaluation.performance.performance import WEIGHTED, reason_to_hold_back
from monitoring_pipeline.evaluation.performance.thresholds import Better, judge
from monitoring_pipeline.evaluation.rows.joined import by_id
from monitoring_pipeline.evaluation.rows.usable import usable
from monitoring_pipeline.evaluation.segments.membership import parts_of
from monitoring_pipeline.evaluation.value.prices import (
    ExpectedValues,
    Values,
    outcomes_of,
    realized_values,
    rules_of,
    smallest_and_largest,
)
from monitoring_pipeline.evaluation.value.usual import WHOLE, EstimateOff, UsualValue, UsualValues
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Severity
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.inputs import Flags
from monitoring_pipeline.statistics.intervals.intervals import mean_interval
from monitoring_pipeline.statistics.results import NORMAL_QUANTILE, Quantity

NO_REFERENCE = "the version has no reference with labels"
NONE_USABLE = "no prediction has a usable output"


@dataclass(frozen=True, eq=False)
class KnownLabels:
    """The labels of a chunk that are known.

    Args:
        rows: canonical labels: row_id, label and, if some groups of labels arrive later, ``weight``.
        maturity: their state.
        not_interpretable: the reason if they do not represent the chunk yet.
    """

    rows: pl.DataFrame
    maturity: LabelMaturity
    not_interpretable: str | None = None


@dataclass(frozen=True, eq=False)
class _Worth:
    """What rows are worth; each array has the shape (rows,).

    Args:
        realized: value of each row; NaN where the outcome is not known.
        weights: of the rows with a label, if some groups of labels arrive later.
        expected: of the rows that can be estimated, or the reason why none can.
        is_estimated: which rows these are.
    """

    realized: Values
    weights: Values | None
    expected: ExpectedValues | str
    is_estimated: Flags

    @property
    def rows(self) -> int:
        return self.realized.size

    @property
    def known(self) -> Flags:
        return np.isfinite(self.realized)

    def part(self, wanted: Flags) -> "_Worth":
        """Return some of the rows."""
        expected = self.expected
        if not isinstance(expected, str):
            own = wanted[self.is_estimated]
            expected = ExpectedValues(expected.mean[own], expected.variance[own], expected.off[:, own])
        weights = None if self.weights is None else self.weights[wanted]
        return _Worth(self.realized[wanted], weights, expected, self.is_estimated[wanted])


@dataclass(frozen=True)
class _Mean:
    """A value per prediction with its interval.

    ``variance_of_all`` is the variance of what all rows together are worth, as far as it is not known and usual days do
    not differ by it; ``below`` and ``above`` are how far this may be off because rows are unlike the reference.
    """

    quantity: Quantity
    rows: int
    variance_of_all: float
    below: float = 0.0
    above: float = 0.0


def measure_value(
    spec: ModelSpec,
    rows: pl.DataFrame,
    labels: KnownLabels | None,
    usual: UsualValues | None,
    *,
    model_version: str,
    only_a_sample: str | None = None,
) -> tuple[Measurement, ...]:
    """Measure what the predictions of one version are worth, as a whole and in each declared segment.

    Args:
        spec: the model, which declares values.
        rows: canonical predictions of the version.
        labels: those that are known; None if none have been read.
        usual: learned from the version's reference; None if it has none.
        model_version: the version.
        only_a_sample: the reason why sums and segments are not measured, if the rows are a sample.
    """
    rows = by_id(rows)
    worth = _worth(spec, rows, labels, usual)
    blank = Measurement(
        kind=Kind.BUSINESS,
        subject=VALUE,
        name="",
        model_version=model_version,
        value=0.0,
        severity=Severity.INFO,
        maturity=labels.maturity.state if labels else None,
    )
    whole = _Part(spec, blank, worth, labels, usual, only_a_sample)
    measured = list(whole.measured())
    if usual is not None and only_a_sample is None:
        for part in parts_of(spec.segments.by, usual.segments, rows):
            if np.count_nonzero(part.rows) >= spec.segments.minimum_rows:
                own = replace(whole, blank=replace(blank, segment=part.name), worth=worth.part(part.rows))
                measured += (m for m in own.measured() if m.value is not None)
    return tuple(measured)


def _worth(spec: ModelSpec, rows: pl.DataFrame, labels: KnownLabels | None, usual: UsualValues | None) -> _Worth:
    realized, weights = np.full(rows.height, np.nan), None
    if labels is not None:
        known = rows.join(labels.rows, on="row_id", how="left", maintain_order="left")
        realized = realized_values(spec, outcomes_of(spec, known))
        weights = known["weight"].fill_null(0.0).to_numpy() if "weight" in known.columns else None
    can_be_used = usable(spec, rows)
    is_estimated = rows["row_id"].is_in(can_be_used["row_id"].implode()).to_numpy()
    expected: ExpectedValues | str = NO_REFERENCE
    if usual is not None:
        expected = usual.estimate(can_be_used) if can_be_used.height else NONE_USABLE
    return _Worth(realized, weights, expected, is_estimated)


@dataclass(frozen=True, eq=False)
class _Part:
    """All rows of a version, or those of a segment, with what is needed to measure them."""

    spec: ModelSpec
    blank: Measurement
    worth: _Worth
    labels: KnownLabels | None
    usual_values: UsualValues | None
    only_a_sample: str | None

    def measured(self) -> Iterator[Measurement]:
        """Yield all numbers."""
        realized, estimated = self._realized(), self._estimated()
        known = int(np.count_nonzero(self.worth.known))
        yield self._total(known)
        yield self._of_all(realized, known)
        yield self._judged(PER_PREDICTION, realized, self._of_labels(), rows=known)
        is_replaced = isinstance(realized, _Mean)
        yield self._judged(ESTIMATED_PER_PREDICTION, estimated, self._of_estimates(), is_replaced=is_replaced)
        if self._usual is not None:
            yield replace(self._with(USUAL, self._usual.quantity), definition=self._of_reference())
        if isinstance(realized, str) and self._off is not None and isinstance(estimated, _Mean):
            yield replace(
                self._named(ERROR_OF_ESTIMATES, self.worth.rows),
                value=self._off.systematic,
                definition=f"{self._currency}; per prediction; standard deviation beyond chance in labels",
            )
        yield self._difference(realized, estimated)

    @property
    def _usual(self) -> UsualValue | None:
        return self.usual_values.of.get(self.blank.segment or WHOLE) if self.usual_values else None

    @property
    def _off(self) -> EstimateOff | None:
        return self.usual_values.off if self.usual_values else None

    @property
    def _currency(self) -> str:
        return rules_of(self.spec).currency

    def _realized(self) -> _Mean | str:
        """Return the value per labelled prediction, or the reason why it cannot be measured."""
        if self.labels is None:
            return "no labels have been read"
        known = self.worth.known
        values, rows = self.worth.realized[known], self.worth.rows
        reason = self._reason_to_hold_back(values.size)
        if reason is not None:
            return reason
        weights = self.worth.weights
        if weights is None:
            smallest, largest = smallest_and_largest(self.spec)
            mean = math.fsum(values) / values.size
            quantity = replace(mean_interval(values, minimum=smallest, maximum=largest), value=mean)
            variance = math.fsum((values - mean) ** 2) / values.size**2
        else:
            own = weights[known]
            total = math.fsum(own)
            mean = math.fsum(own * values) / total
            variance = math.fsum((own * (values - mean)) ** 2) / total**2
            half_width = NORMAL_QUANTILE * math.sqrt(variance)
            quantity = Quantity(mean, mean - half_width, mean + half_width)
        # Only the rows without a label are not known.
        return _Mean(quantity, values.size, variance * (1 - values.size / rows) * rows**2)

    def _reason_to_hold_back(self, labelled: int) -> str | None:
        if self.labels is None:
            return None
        if not labelled:
            return "no prediction has a label yet" if self.worth.rows else "no predictions"
        if self.blank.segment:
            least = self.spec.segments.minimum_rows
            held_back = None if labelled >= least else f"{labelled} labelled rows, at least {least} needed"
            if self.labels.maturity.state is Maturity.IMMATURE:
                held_back = "too few labels have arrived"
        else:
            held_back = reason_to_hold_back(self.spec, labelled, self.labels.maturity)
        return held_back or self.labels.not_interpretable

    def _estimated(self) -> _Mean | str:
        """Return the expected value per prediction, or the reason why it cannot be estimated."""
        expected, off = self.worth.expected, self._off
        if isinstance(expected, str):
            return expected
        if off is None or not expected.mean.size:
            return "the days of the reference do not show how far estimates are off"
        rows = expected.mean.size
        total = expected.total()
        mean = total.value / rows
        half_width = NORMAL_QUANTILE * math.sqrt(total.variance / rows**2 + off.systematic**2)
        quantity = Quantity(mean, mean - half_width - total.below / rows, mean + half_width + total.above / rows)
        scale = self.worth.rows / rows
        # The chance in labels is a part of how usual days differ.
        variance = (off.systematic * self.worth.rows) ** 2
        return _Mean(quantity, rows, variance, total.below * scale, total.above * scale)

    def _total(self, known: int) -> Measurement:
        blank = replace(self._named(TOTAL, known), definition=f"{self._currency}; of the predictions with a label")
        if self.only_a_sample is not None:
            return blank.skipped(self.only_a_sample)
        if not known:
            return blank.skipped("no prediction has a label yet" if self.worth.rows else "no predictions")
        measured = replace(blank, value=math.fsum(self.worth.realized[self.worth.known]))
        if known == self.worth.rows:
            return measured
        return measured.noted(f"{known:,} of {self.worth.rows:,} predictions have a label")

    def _of_all(self, realized: _Mean | str, known: int) -> Measurement:
        blank = self._named(OF_ALL, self.worth.rows)
        blank = replace(
            blank, definition=f"{self._currency}; as if predictions without a label were like those with one"
        )
        if isinstance(realized, str) or self.only_a_sample is not None:
            return blank.skipped(self.only_a_sample or str(realized))
        half_width = NORMAL_QUANTILE * math.sqrt(realized.variance_of_all)
        value = realized.quantity.value * self.worth.rows
        if known == self.worth.rows:
            value = math.fsum(self.worth.realized)
        measured = replace(blank, value=value, lower=value - half_width, upper=value + half_width)
        return measured.noted(f"from the {known:,} of {self.worth.rows:,} predictions with a label")

    def _judged(
        self, name: str, found: _Mean | str, definition: str, *, rows: int | None = None, is_replaced: bool = False
    ) -> Measurement:
        blank = replace(self._named(name, self.worth.rows if rows is None else rows), definition=definition)
        usual = self._usual.quantity if self._usual else None
        blank = replace(blank, reference_value=usual.value if usual else None)
        measured = blank.skipped(found) if isinstance(found, str) else self._of_quantity(blank, found.quantity)
        threshold = rules_of(self.spec).threshold
        if threshold is None or self.blank.segment or is_replaced:
            return measured
        point = self.spec.performance.breach_on == "point"
        judged = judge(measured, threshold, Better.HIGHER, usual, point=point, severity=Severity.WARNING)
        is_too_severe = name == ESTIMATED_PER_PREDICTION and judged.severity is Severity.CRITICAL
        return replace(judged, severity=Severity.WARNING) if is_too_severe else judged

    def _difference(self, realized: _Mean | str, estimated: _Mean | str) -> Measurement:
        """Return the value of the chunk beyond that of so many usual predictions, realized or else estimated."""
        rows, usual = self.worth.rows, self._usual
        blank = self._named(DIFFERENCE, rows)
        if self.only_a_sample is not None or usual is None:
            return blank.skipped(self.only_a_sample or self._why_nothing_is_usual)
        found = estimated if isinstance(realized, str) else realized
        if isinstance(found, str):
            return blank.skipped(f"{realized}; {found}" if found != realized else found)
        value = (found.quantity.value - usual.mean) * rows
        variance = found.variance_of_all + usual.variance_of_a_day(rows) + (usual.error * rows) ** 2
        half_width = NORMAL_QUANTILE * math.sqrt(variance)
        measured = replace(
            blank,
            value=value,
            lower=value - half_width - found.below,
            upper=value + half_width + found.above,
            reference_value=usual.mean * rows,
            definition=(
                f"{self._currency}; beyond what so many predictions of the reference are worth; the interval contains "
                "0 on 95 in 100 usual days"
            ),
        )
        return measured.noted(REALIZED if found is realized else ESTIMATED)

    @property
    def _why_nothing_is_usual(self) -> str:
        return (self.usual_values.reason if self.usual_values else None) or NO_REFERENCE

    def _of_labels(self) -> str:
        weighted = WEIGHTED if self.worth.weights is not None else ""
        return f"{self._currency}; mean of the predictions with a label{weighted}"

    def _of_estimates(self) -> str:
        off = self._off
        if off is None:
            return f"{self._currency}; {ESTIMATED}"
        noun = self.spec.calendar.noun
        return (
            f"{self._currency}; {ESTIMATED}; off by {off.mean_absolute:.3g} on average on {off.days} {noun}s of the "
            f"reference (by {off.bias:+.3g} with its sign); a changed relation of inputs and label cannot be seen"
        )

    def _of_reference(self) -> str:
        days = self._usual.days if self._usual else 0
        return (
            f"{self._currency}; mean of the labelled predictions of {days} {self.spec.calendar.noun}s of the reference"
        )

    def _named(self, name: str, rows: int) -> Measurement:
        return replace(self.blank, name=name, rows=rows)

    def _with(self, name: str, quantity: Quantity) -> Measurement:
        return self._of_quantity(self._named(name, self.worth.rows), quantity)

    @staticmethod
    def _of_quantity(blank: Measurement, quantity: Quantity) -> Measurement:
        return replace(blank, value=quantity.value, lower=quantity.lower, upper=quantity.upper).noted(quantity.note)
