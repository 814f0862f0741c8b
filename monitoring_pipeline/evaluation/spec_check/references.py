"""Judgements of references: their rows, and the performance of the model on them."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from monitoring_pipeline.evaluation.performance.metrics_table import better_of, range_of
from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.evaluation.spec_check.facts import ReferenceRows, SourceFacts
from monitoring_pipeline.evaluation.spec_check.findings import Observation
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.results import Quantity

FEW_ROWS = 1_000
"""Bins of ten per cent then have about a hundred rows, whose shares vary by a tenth by chance alone."""
NAMES_SHOWN = 5
PERFECT = 0.999
CHANCE: Mapping[Task, tuple[MetricName, float, str]] = MappingProxyType(
    {
        Task.BINARY: (
            MetricName("auroc"), 0.5,
            "check labels.positive, predictions.score (the probability of that class) and the key of the labels",
        ),
        Task.MULTICLASS: (
            MetricName("macro_auroc"), 0.5,
            "check predictions.scores (the column of each class), the names of the classes and the key of the labels",
        ),
        Task.REGRESSION: (
            MetricName("mae_skill"), 0.0,
            "check predictions.prediction, the unit of the label and the key of the labels",
        ),
    }
)  # fmt: skip
"""By task: a metric, its value for a model that is no better than chance, and the remedy."""


def empty_references(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the references without rows of their version."""
    for reference in facts.references:
        if reference.rows:
            continue
        field = f"reference.{reference.version}"
        if not reference.by_version:
            yield Observation(field, "no predictions in its window", f"choose days that have some{_days(facts)}")
            continue
        found = ", ".join(map(repr, sorted(reference.by_version)[:NAMES_SHOWN]))
        yield Observation(
            field,
            f"no predictions of version {reference.version!r} in its window; versions there: {found}",
            "write the version as the column has it, or register it in MLflow, so that it can score these rows",
        )


def small_references(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the references with few rows, whose own numbers vary by chance."""
    for reference in facts.references:
        if 0 < reference.rows < FEW_ROWS:
            yield Observation(
                f"reference.{reference.version}",
                f"{reference.rows:,} predictions; with fewer than {FEW_ROWS:,}, its distributions vary by chance and "
                "small drift is not found",
                "choose a longer reference",
            )


def thin_references(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the references in which more than half of the chunks that could have predictions have none."""
    calendar = spec.calendar
    for reference in facts.references:
        filled = [calendar.chunk(key) for key, versions in reference.by_chunk.items() if versions]
        slots = {calendar.slot(chunk) for chunk in filled}
        lasted = calendar.range(filled[0], filled[-1]) if filled else ()
        possible = [chunk for chunk in lasted if calendar.slot(chunk) in slots]
        if len(filled) < len(possible) / 2:
            yield Observation(
                "cadence",
                f"{len(filled)} of {len(possible)} {calendar.noun}s of reference.{reference.version} have "
                "predictions, at no regular place of the week: each of the others would be an outage",
                "choose a cadence as long as the distance between two runs of the model, such as week or month",
            )
            return


def few_labels_in_references(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the references with too few labels to measure the performance that later chunks are compared with."""
    least = spec.performance.minimum_rows
    for reference in facts.references:
        labels = reference.labels
        if labels and labels.predictions and 0 < labels.label_rows < least:
            yield Observation(
                f"reference.{reference.version}",
                f"{labels.label_rows:,} labels of {labels.predictions:,} predictions, and performance.minimum_rows is "
                f"{least}",
                "choose a longer reference, or one whose labels are complete",
            )


def worse_than_chance(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the references on which the model is proven worse than chance, so that something is turned around."""
    metric, chance, remedy = CHANCE[spec.task]
    for reference, quantity in _measured(facts, metric):
        if quantity.upper is not None and quantity.upper < chance:
            seen = f"{metric} is {_shown(quantity)} on the reference, worse than chance ({chance:g})"
            yield Observation(f"reference.{reference.version}", seen, remedy)


def no_better_than_chance(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the references on which the model is not proven better than chance."""
    metric, chance, remedy = CHANCE[spec.task]
    for reference, quantity in _measured(facts, metric):
        proven_worse = quantity.upper is not None and quantity.upper < chance
        if not proven_worse and (quantity.value if quantity.lower is None else quantity.lower) <= chance:
            seen = f"{metric} is {_shown(quantity)} on the reference, not proven better than chance ({chance:g})"
            yield Observation(f"reference.{reference.version}", seen, remedy)


def too_good_to_be_true(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the references on which the model is nearly perfect, as on its own training rows."""
    metric, _, _ = CHANCE[spec.task]
    for reference, quantity in _measured(facts, metric):
        if quantity.value >= PERFECT:
            yield Observation(
                f"reference.{reference.version}",
                f"{metric} is {_shown(quantity)} on the reference",
                "choose rows that the model was not trained on, and check that no feature contains the label",
            )


def thresholds_breached_by_references(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the thresholds that the reference itself breaches, so that every chunk like it will, too."""
    for metric, threshold in spec.performance.thresholds.items():
        values = range_of(spec.task, metric.name)
        if not all(limit is None or limit in values for limit in (threshold.lower, threshold.upper)):
            # Another check has said that this limit is impossible.
            continue
        for reference, quantity in _measured(facts, metric):
            below = threshold.lower is not None and quantity.value < threshold.lower
            above = threshold.upper is not None and quantity.value > threshold.upper
            if below or above:
                limit = f"lower is {threshold.lower:g}" if below else f"upper is {threshold.upper:g}"
                yield Observation(
                    f"performance.thresholds.{metric}",
                    f"{limit}, and {metric} is {_shown(quantity)} on reference.{reference.version}: a "
                    f"{spec.calendar.noun} as good as the reference is breached",
                    _loosened(spec, metric),
                )


def classes_without_labels(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the classes that no label of a reference has."""
    expected = {Task.BINARY: ("1", "0"), Task.MULTICLASS: spec.classes, Task.REGRESSION: ()}[spec.task]
    words = (
        {"1": "the positive class", "0": "any other class than the positive one"} if spec.task is Task.BINARY else {}
    )
    for reference in facts.references:
        labels = reference.labels
        if labels is None or labels.read < spec.performance.minimum_rows:
            continue
        for name in expected:
            if not labels.classes.get(name):
                field = "labels.positive" if spec.task is Task.BINARY else f"predictions.scores.{name}"
                yield Observation(
                    field,
                    f"none of {labels.read:,} labels of reference.{reference.version} is {words.get(name, repr(name))}",
                    "write the value as the label column has it, or choose a longer reference",
                )


def _measured(facts: SourceFacts, metric: MetricName) -> Iterator[tuple[ReferenceRows, Quantity]]:
    for reference in facts.references:
        if (quantity := reference.performance.get(metric)) is not None:
            yield reference, quantity


def _loosened(spec: ModelSpec, metric: MetricName) -> str:
    better = better_of(spec.task, metric.name)
    if better in {Better.HIGHER, Better.LOWER}:
        return "loosen it, or write worse_than_reference: and the loss that is allowed"
    return "loosen it"


def _days(facts: SourceFacts) -> str:
    extent = facts.predictions
    if extent is None or extent.first is None or extent.last is None:
        return ""
    return f"; the table has predictions of {extent.first:%Y-%m-%d} to {extent.last:%Y-%m-%d}"


def _shown(quantity: Quantity) -> str:
    if quantity.lower is None or quantity.upper is None:
        return f"{quantity.value:.3g}"
    return f"{quantity.value:.3g} ({quantity.lower:.3g} to {quantity.upper:.3g})"
