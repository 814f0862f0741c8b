"""Judgements of labels: whether they exist, match predictions and have times that fit."""

from collections.abc import Iterator

from monitoring_pipeline.evaluation.labels.declared import as_number
from monitoring_pipeline.evaluation.rows.class_texts import BOOLEAN_WORDS
from monitoring_pipeline.evaluation.spec_check.facts import SourceFacts
from monitoring_pipeline.evaluation.spec_check.findings import Observation
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task

CLASSES = 2
"""Classes of a binary model; more values are refused when rows are read."""
FEW = 0.05
"""A smaller share of labelled predictions of a reference hardly ever is meant."""
MOST = 0.5
LATE = 0.2
"""A larger share of labels after the delay leaves chunks final whose labels are still to come."""


def no_labels_yet(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield a table without labels."""
    extent = facts.labels
    if spec.labels is None or extent is None:
        return
    table = spec.labels.table or spec.predictions.table
    if not extent.rows:
        yield Observation("labels.table", f"{table} has no rows", "name the table that labels are written to")
    elif not extent.with_label:
        yield Observation(
            "labels.label", f"null in all {extent.rows:,} rows of {table}", "name the column of the label"
        )


def labels_without_time(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield labels without a readable time, which never count as known."""
    extent = facts.labels
    if spec.labels is None or spec.labels.known_at is None or extent is None or not extent.with_label:
        return
    if extent.with_time < extent.with_label:
        yield Observation(
            "labels.known_at",
            f"{extent.with_label - extent.with_time:,} of {extent.with_label:,} labels have no time that can be read; "
            "they never count as known",
            "write the time of every label, or omit the field: then the time at which it was first seen counts",
        )


def labels_that_match_nothing(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield references none of whose predictions has a label, although there are labels."""
    if spec.labels is None or not (facts.labels and facts.labels.with_label):
        return
    for reference in facts.references:
        labels = reference.labels
        if labels and labels.predictions and not labels.label_rows:
            yield Observation(
                "labels.id",
                f"none of {labels.predictions:,} predictions of reference.{reference.version} has a label, and the "
                f"source has {facts.labels.with_label:,} labels{_types(spec, facts)}",
                "name the columns that hold the same ids, and a reference whose labels are known",
            )


def undeclared_positive_class(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the values of binary labels of which none obviously is the positive class, if the spec names none."""
    source = spec.labels
    if spec.task is not Task.BINARY or source is None or source.values or "positive" in source.model_fields_set:
        return
    for reference in facts.references:
        codes = reference.labels.codes if reference.labels else ()
        # Other texts than words for booleans are refused when rows are read; NaN is no label.
        numbers = [code for code in codes if as_number(code) is not None]
        unclear = [number for number in numbers if number.lower() not in {*BOOLEAN_WORDS, "nan"}]
        if unclear and len(codes) <= CLASSES:
            yield Observation(
                "labels.positive",
                f"the labels of reference.{reference.version} are {' and '.join(codes)}, and the spec does not name "
                "the positive one; 1 would count as positive, and every other value as negative",
                "write the value that means the positive class",
            )
            return


def few_matching_labels(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield references of which few predictions have a label."""
    for reference in facts.references:
        labels = reference.labels
        if labels and labels.label_rows and labels.share < FEW:
            yield Observation(
                "labels.id",
                f"{labels.label_rows:,} of {labels.predictions:,} predictions of reference.{reference.version} have a "
                "label",
                "check that both ids have the same form, and that the labels of the reference are complete",
            )


def labels_known_too_early(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield references most of whose labels were known before the prediction was made."""
    for reference in facts.references:
        labels = reference.labels
        if labels and labels.read and labels.before_prediction > MOST * labels.read:
            yield Observation(
                "labels.known_at",
                f"{labels.before_prediction:,} of {labels.read:,} labels of reference.{reference.version} were known "
                "before their prediction was made",
                "check both time columns and their zones; a label that is known before says nothing about the future",
            )


def labels_later_than_the_delay(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield references many of whose labels became known after ``labels.delay``."""
    for reference in facts.references:
        labels = reference.labels
        if spec.labels and labels and labels.read and labels.after_delay > LATE * labels.read:
            yield Observation(
                "labels.delay",
                f"{labels.after_delay:,} of {labels.read:,} labels of reference.{reference.version} became known "
                f"later: {spec.calendar.noun}s would count as final without them",
                "write the time after which nearly all labels are known",
            )


def _types(spec: ModelSpec, facts: SourceFacts) -> str:
    """Return the types of both ids."""
    predictions, labels = facts.tables.predictions, facts.tables.labels
    if spec.labels is None or predictions is None or labels is None:
        return ""
    ids = spec.predictions.id_columns
    parts = [
        f"{table.name}.{column} is {table.types.get(column, 'missing')}"
        for table, columns in ((predictions, ids), (labels, spec.labels.id_columns or ids))
        for column in columns
    ]
    return f" ({', '.join(dict.fromkeys(parts))})"
