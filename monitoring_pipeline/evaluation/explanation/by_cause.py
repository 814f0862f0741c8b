"""The change of performance split into broken columns, moved inputs, unlike rows, and a changed relation.

The path leads from the reference's rows to the chunk's. The faults of broken columns are repeated on the reference's
rows and scored by the model. The reference's rows are then weighted so that their features look like those of the
chunk's rows that have similar ones in the reference. What is left on these rows is a change of the relation of inputs
and label. The rows that are unlike any of the reference come last. Each part is the difference of two metrics, so that
the parts sum to the change (compare Cai, Namkoong & Yadlowsky 2023, arXiv:2303.02011).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.explanation.by_inputs import too_far
from monitoring_pipeline.evaluation.explanation.faults import Fault, with_faults
from monitoring_pipeline.evaluation.explanation.relation_metrics import (
    RELATION_METRICS,
    Labelled,
    Metric,
    Values,
    labelled_rows,
)
from monitoring_pipeline.evaluation.explanation.scorer import Scorer
from monitoring_pipeline.evaluation.explanation.share import FAULT_OF, METRIC_CHANGE, SUBJECT
from monitoring_pipeline.evaluation.explanation.unlike_rows import UnlikeRows
from monitoring_pipeline.evaluation.fitted_models.density_ratio import density_ratio
from monitoring_pipeline.evaluation.fitted_models.domain_classifier import DomainClassifier
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.intervals.bootstrap import bootstrap_interval, resampled_weights
from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.seeding import generator_of
from monitoring_pipeline.statistics.shared_effects import shared_effects

SAMPLE_ROWS = 2_000
"""Labelled rows of each side, the first by the hash of their IDs."""
DRAWS = 100
LEAST_EFFECTIVE_ROWS = 50
CHANGE, BY_FAULT_OF = METRIC_CHANGE, FAULT_OF
BY_INPUTS, BY_UNLIKE = "metric_change_by_inputs", "metric_change_by_unlike_rows"
BY_RELATION, REST = "metric_change_of_relation", "metric_change_not_split"
_DEFINITIONS = {
    CHANGE: "{}: labelled rows of the chunk minus those of the reference, on samples",
    BY_INPUTS: "{}: reference rows weighted to the inputs of the chunk's rows that resemble some, minus the reference",
    BY_RELATION: "{}: the chunk's rows that resemble some of the reference, minus weighted reference and faults",
    REST: "{}: the chunk minus the reference and faults, because too few rows of the reference resemble it",
    BY_UNLIKE: "{}: all rows of the chunk minus those that resemble some of the reference",
}
OF_FAULT = "{}: the reference with the column broken as in the chunk, minus the reference, scored by {}"


@dataclass(frozen=True, kw_only=True)
class CauseInputs:
    """What the change of performance is split with.

    Args:
        reference: labelled canonical rows of the reference.
        current: labelled canonical rows of the chunk.
        unlike: which of the chunk's labelled rows are unlike any of the reference, shape (rows,).
        faults: the broken columns.
        scorer: scores the reference's rows with faults; None if nothing can.
        classifier: the classifier of the reference.
    """

    reference: pl.DataFrame
    current: pl.DataFrame
    unlike: UnlikeRows | None
    faults: Sequence[Fault]
    scorer: Scorer | None
    classifier: DomainClassifier


def split_performance(
    spec: ModelSpec, inputs: CauseInputs, *, model_version: str, seed_parts: tuple[str, ...]
) -> Iterator[Measurement]:
    """Yield the change of each metric and its parts, which sum to it; each with an interval.

    Args:
        spec: the model.
        inputs: rows of both sides, sorted by ID, at most ``SAMPLE_ROWS``, all with labels and outputs.
        model_version: the version.
        seed_parts: words that seed the resampling, such as model, version and chunk.
    """
    blank = Measurement(
        kind=Kind.PERFORMANCE,
        subject=SUBJECT,
        name=CHANGE,
        model_version=model_version,
        severity=Severity.INFO,
        value=0.0,
        rows=inputs.current.height,
    )
    reason = _too_few(spec, inputs)
    if reason:
        for metric in RELATION_METRICS[spec.task]:
            yield replace(blank, of=metric, definition=_DEFINITIONS[CHANGE].format(metric)).skipped(reason)
        return
    sides = _Sides.of(spec, inputs, seed_parts)
    for name, metric in RELATION_METRICS[spec.task].items():
        yield from _split(name, metric, sides, blank, inputs)


def _too_few(spec: ModelSpec, inputs: CauseInputs) -> str | None:
    least = spec.performance.minimum_rows
    for rows, where in ((inputs.reference, "in the reference"), (inputs.current, "in the chunk")):
        if rows.height < least:
            return f"{rows.height} labelled rows {where}, at least {least} needed"
    return None


@dataclass(frozen=True, eq=False)
class _Sides:
    """The rows of both sides with their weights; the first row of each weight is of all rows, the others are draws."""

    reference: Labelled
    current: Labelled
    drawn_reference: Values
    drawn_current: Values
    weights: Values
    resembling: Values
    too_far: str | None
    with_faults: "_ScoredFaults | None"
    seed_parts: tuple[str, ...]

    @classmethod
    def of(cls, spec: ModelSpec, inputs: CauseInputs, seed_parts: tuple[str, ...]) -> "_Sides":
        generator = generator_of(*seed_parts, "causes")
        reference, current = (labelled_rows(spec, rows)[0] for rows in (inputs.reference, inputs.current))
        unlike = inputs.unlike.flags if inputs.unlike is not None else np.zeros(current.rows, np.bool_)
        resembling = inputs.current.filter(pl.Series(~unlike))
        broken = [fault.column for fault in inputs.faults]
        reason = _nothing_left(spec, broken, resembling.height)
        weights = (
            density_ratio(inputs.reference, resembling, spec, left_out=broken, classifier=inputs.classifier)
            if reason is None
            else np.ones(reference.rows)
        )
        return cls(
            reference=reference,
            current=current,
            drawn_reference=_drawn(reference.rows, generator),
            drawn_current=_drawn(current.rows, generator),
            weights=weights,
            resembling=(~unlike).astype(np.float64),
            too_far=reason or too_far(weights),
            with_faults=_ScoredFaults(spec, inputs, reference.labels, inputs.scorer, generator)
            if inputs.faults and inputs.scorer is not None
            else None,
            seed_parts=seed_parts,
        )


def _drawn(rows: int, generator: np.random.Generator) -> Values:
    return np.concatenate([np.ones((1, rows)), resampled_weights(rows, DRAWS, generator)])


def _nothing_left(spec: ModelSpec, broken: Sequence[str], resembling: int) -> str | None:
    if not spec.inputs.keys() - set(broken):
        return "no feature is left that is not broken"
    if resembling < LEAST_EFFECTIVE_ROWS:
        return f"{resembling} rows resemble some of the reference, {LEAST_EFFECTIVE_ROWS} needed"
    return None


class _ScoredFaults:
    """The reference's rows as the model scores them with some of the faults, scored when they are first needed."""

    def __init__(
        self, spec: ModelSpec, inputs: CauseInputs, labels: Values, scorer: Scorer, generator: np.random.Generator
    ) -> None:
        self._features, self._inputs, self._labels, self._scorer = tuple(spec.inputs), inputs, labels, scorer
        self._broken = with_faults(inputs.reference, inputs.current, inputs.faults, generator)
        self._scored: dict[frozenset[int], Labelled] = {}

    def rows(self, happened: frozenset[int]) -> Labelled:
        """Return the rows with the faults of some numbers."""
        if happened not in self._scored:
            columns = [self._inputs.faults[number].column for number in sorted(happened)]
            rows = self._inputs.reference.with_columns(self._broken[column].alias(column) for column in columns)
            self._scored[happened] = Labelled(self._labels, self._scorer.score(rows.select(self._features)))
        return self._scored[happened]


def _split(name: str, metric: Metric, sides: _Sides, blank: Measurement, inputs: CauseInputs) -> Iterator[Measurement]:
    before = metric(sides.reference, sides.drawn_reference)
    after = metric(sides.current, sides.drawn_current)
    faults = _of_faults(metric, sides, len(inputs.faults), before.size)
    of_metric = replace(blank, of=name, reference_value=_finite(before[0]))
    yield _measured(of_metric, CHANGE, after - before)
    plain = replace(of_metric, reference_value=None)
    scorer_words = inputs.scorer.words if inputs.scorer is not None else ""
    for fault, effect in zip(inputs.faults, faults, strict=False):
        definition = OF_FAULT.format(name, scorer_words)
        yield _interval(replace(plain, name=BY_FAULT_OF.format(name), of=fault.column, definition=definition), effect)
    if sides.too_far:
        for part in (BY_UNLIKE, BY_INPUTS, BY_RELATION):
            yield _defined(plain, part).skipped(sides.too_far)
        yield _measured(plain, REST, after - before - faults.sum(axis=0))
        return
    alike = metric(sides.current, sides.drawn_current * sides.resembling)
    rest = alike - before - faults.sum(axis=0)
    yield _measured(plain, BY_UNLIKE, after - alike)
    moved = metric(sides.reference, sides.drawn_reference * sides.weights) - before
    yield _measured(plain, BY_INPUTS, moved)
    yield _measured(plain, BY_RELATION, rest - moved)


def _of_faults(metric: Metric, sides: _Sides, faults: int, numbers: int) -> Values:
    """Return the effect of each fault, shape (faults, numbers); none if the rows cannot be scored."""
    scored = sides.with_faults
    if scored is None:
        return np.zeros((0, numbers))
    # The same orders for every metric, so that the same rows are needed.
    orders = generator_of(*sides.seed_parts, "orders")
    return shared_effects(faults, lambda happened: metric(scored.rows(happened), sides.drawn_reference), orders)


def _defined(blank: Measurement, name: str) -> Measurement:
    return replace(blank, name=name, definition=_DEFINITIONS[name].format(blank.of))


def _measured(blank: Measurement, name: str, values: Values) -> Measurement:
    return _interval(_defined(blank, name), values)


def _interval(blank: Measurement, values: Values) -> Measurement:
    """Return a measurement with values[0] as value and an interval from values[1:]."""
    try:
        estimate = bootstrap_interval(float(values[0]), values[1:])
    except UndefinedStatisticError as undefined:
        return blank.skipped(str(undefined))
    return replace(blank, value=estimate.value, lower=estimate.lower, upper=estimate.upper)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
