"""Labels that are coded otherwise than predictions: the mapping of ``labels.values``."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.labels.declared import as_number
from monitoring_pipeline.evaluation.privacy.shown_values import may_show
from monitoring_pipeline.evaluation.rows.class_texts import BOOLEAN_WORDS
from monitoring_pipeline.evaluation.rows.errors import RowsError
from monitoring_pipeline.evaluation.rows.typed_columns import typed_label
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task

CLASSES = 2
"""Classes of a binary model."""
MOST_NAMED = 5
LONGEST_NAME = 40


@dataclass(frozen=True)
class MappedLabels:
    """Labels in the values of the prediction; ``unmapped`` are the label values that the spec does not name."""

    labels: pl.Series
    unmapped: pl.Series


def mapped_labels(labels: pl.Series, values: Mapping[str, str]) -> MappedLabels:
    """Return labels with their values replaced by those that they mean; unchanged if ``values`` is empty.

    A number equals a value if both are the same number, so that ``1`` means 1.0 as well.
    """
    if not values or labels.dtype == pl.Null:
        return MappedLabels(labels, labels.clear())
    comparable, keys = _comparable(labels, values)
    meant = _meant(list(values.values()))
    by_key = {key: meaning for key, meaning in zip(keys, meant, strict=True) if key is not None}
    dtype = meant.dtype
    mapped = comparable.replace_strict(by_key, default=None, return_dtype=dtype) if by_key else _nulls(labels, dtype)
    return MappedLabels(mapped.alias(labels.name), labels.filter(mapped.is_null() & comparable.is_not_null()))


def check_positive_class(spec: ModelSpec) -> None:
    """Refuse a mapping of a binary model's labels none of whose values means the positive class.

    Raises:
        ValueError: with the field, the positive class and the values that labels may have.
    """
    labels = spec.labels
    if spec.task is not Task.BINARY or labels is None or not labels.values:
        return
    texts = list(dict.fromkeys(labels.values.values()))
    if len(texts) <= CLASSES and not _has_positive(spec, _meant(texts)):
        shown = str(labels.positive).lower() if isinstance(labels.positive, bool) else labels.positive
        declared = "" if "positive" in labels.model_fields_set else " (the default)"
        raise ValueError(
            f"{spec.name}: labels.positive: no value of labels.values means {shown}{declared}; they mean "
            f"{' and '.join(texts)}; write the one that means the positive class"
        )


def _has_positive(spec: ModelSpec, meant: pl.Series) -> bool:
    try:
        return bool((typed_label(spec, meant) == 1.0).any())
    except RowsError:
        return False


def unmapped_labels(spec: ModelSpec, mapped: MappedLabels, rows: int) -> tuple[Measurement, ...]:
    """Return the number of labels that the spec does not map; nothing if it maps none.

    The classes that enough rows have are named. Numbers of a regression are values of rows and are not.
    """
    if not spec.declared_labels.values:
        return ()
    count = mapped.unmapped.len()
    counts = mapped.unmapped.cast(pl.String).alias("value").value_counts(name="rows").sort("value")
    names = [repr(name[:LONGEST_NAME]) for name, of_name in counts.rows() if may_show(of_name)][:MOST_NAMED]
    named = f" ({', '.join(names)})" if names and spec.task is not Task.REGRESSION else ""
    definition = "label rows whose value labels.values does not map"
    measurement = Measurement(
        kind=Kind.QUALITY,
        subject="chunk",
        name="labels_unmapped",
        model_version="",
        value=float(count),
        threshold_upper=0.0,
        status=Status.OK,
        definition=definition,
        rows=rows,
    )
    return (measurement.breached(f"{count} {definition}{named}"),) if count else (measurement,)


def _comparable(labels: pl.Series, values: Mapping[str, str]) -> tuple[pl.Series, list[bool | float | str | None]]:
    """Return labels, and the mapped values in the same type; None for a value that the type cannot have."""
    if labels.dtype == pl.Boolean:
        return labels, [BOOLEAN_WORDS.get(text.lower()) for text in values]
    if labels.dtype.is_numeric():
        return labels.cast(pl.Float64).fill_nan(None), [as_number(text) for text in values]
    return labels.cast(pl.String), list(values)


def _meant(texts: list[str]) -> pl.Series:
    """Return values as numbers or booleans if all of them are, else as text."""
    numbers = [as_number(text) for text in texts]
    if all(number is not None for number in numbers):
        return pl.Series(numbers, dtype=pl.Float64)
    if all(text.lower() in {"true", "false"} for text in texts):
        return pl.Series([text.lower() == "true" for text in texts])
    return pl.Series(texts)


def _nulls(labels: pl.Series, dtype: pl.DataType) -> pl.Series:
    return pl.Series([None] * labels.len(), dtype=dtype)
