"""Columns of the warehouse as the types of the monitoring: numbers, class names, and whether a class is positive."""

import polars as pl

from monitoring_pipeline.evaluation.privacy.shown_values import may_show
from monitoring_pipeline.evaluation.rows.class_texts import BOOLEAN_WORDS, booleans_of_text, class_texts
from monitoring_pipeline.evaluation.rows.errors import RowsError
from monitoring_pipeline.evaluation.rows.positive_class import PositiveClass, positive_label, positive_prediction
from monitoring_pipeline.evaluation.rows.readable import number_of_text, unreadable_numbers
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind, Task

NUMBER_LIKE: tuple[object, ...] = (pl.Boolean, pl.Null)
MOST_CLASSES, LONGEST_CLASS, CLASSES_SHOWN = 20, 40, 5
"""A column with more or longer values holds no classes, so an error does not quote them."""


def typed_column(spec: ModelSpec, name: str, kind: FeatureKind, frame: pl.DataFrame) -> pl.Series:
    """Return a profiled column as Float64 or String; the decided class of a binary model is "1" or "0".

    Raises:
        RowsError: if the values do not fit the column's kind or the model's classes.
    """
    if name == "prediction" and spec.task is not Task.REGRESSION:
        return _decided_class(spec, frame) if spec.task is Task.BINARY else _most_likely_class(spec, frame)
    if kind is FeatureKind.NUMERIC:
        return numbers(spec, frame[name], name)
    return frame[name].cast(pl.String)


def _decided_class(spec: ModelSpec, frame: pl.DataFrame) -> pl.Series:
    if spec.predictions.prediction is None:
        # A NaN would compare as greater than every threshold.
        score = numbers(spec, frame["score"], "score").fill_nan(None)
        positive = score >= spec.predictions.decision_threshold
    else:
        positive = _is_positive(spec, frame["prediction"], "predictions.prediction", positive_prediction(spec))
    return positive.cast(pl.Int8).cast(pl.String).alias("prediction")


def _most_likely_class(spec: ModelSpec, frame: pl.DataFrame) -> pl.Series:
    """Return the decided class, or the one with the highest score; null if a score is null."""
    if spec.predictions.prediction is not None:
        return _class_names(spec, frame["prediction"], "predictions.prediction").alias("prediction")
    scores = pl.DataFrame([numbers(spec, frame[name], name).fill_nan(None) for name in spec.score_columns.values()])
    highest = scores.select(
        pl.when(pl.all_horizontal(pl.all().is_not_null())).then(pl.concat_list(pl.all()).list.arg_max())
    ).to_series()
    return (
        highest.cast(pl.Int64).replace_strict(dict(enumerate(spec.classes)), return_dtype=pl.String).alias("prediction")
    )


def _class_names(spec: ModelSpec, values: pl.Series, field: str) -> pl.Series:
    names = class_texts(values, spec.classes)
    unknown = names.filter(~names.is_in(spec.classes) & names.is_not_null())
    if not unknown.is_empty():
        message = (
            f"{spec.name}: {field}: the column holds {_examples(unknown)}; "
            f"predictions.scores has the classes {', '.join(map(repr, spec.classes))}"
        )
        raise RowsError(message)
    return names


def typed_label(spec: ModelSpec, labels: pl.Series) -> pl.Series:
    """Return labels as class names (multiclass), 1.0 and 0.0 (binary) or numbers (regression).

    Raises:
        RowsError: if the labels do not fit the task or the model's classes.
    """
    if spec.task is Task.MULTICLASS:
        return _class_names(spec, labels, "labels.label").alias("label")
    if spec.task is Task.BINARY:
        return _is_positive(spec, labels, "labels.label", positive_label(spec)).cast(pl.Float64).alias("label")
    return numbers(spec, labels, "labels.label").fill_nan(None).alias("label")


def numbers(spec: ModelSpec, values: pl.Series, field: str) -> pl.Series:
    """Return numbers as Float64; a text column is parsed if all its values are numbers.

    Raises:
        RowsError: if the column holds anything but numbers.
    """
    if values.dtype == pl.String:
        parsed = values.cast(pl.Float64, strict=False)
        unreadable = values.filter(parsed.is_null() & values.is_not_null())
        if not unreadable.is_empty():
            message = f"{spec.name}: {field}: the column holds text ({_examples(unreadable)}), numbers are needed"
            raise RowsError(message)
        return parsed
    if not (values.dtype.is_numeric() or values.dtype in NUMBER_LIKE):
        message = f"{spec.name}: {field}: the column is {values.dtype}, numbers are needed"
        raise RowsError(message)
    return values.cast(pl.Float64)


def _is_positive(spec: ModelSpec, values: pl.Series, field: str, positive_class: PositiveClass) -> pl.Series:
    """Return whether each value is the positive class; null and NaN are null."""
    positive = positive_class.value
    if values.dtype == pl.Null:
        return values.cast(pl.Boolean)
    if values.dtype == pl.String:
        comparable, sought = _text_classes(spec, values, field, positive_class)
    else:
        sought = _positive_number(spec, values, field, positive_class)
        comparable = numbers(spec, values, field).fill_nan(None)
    negative = comparable.filter(comparable != sought)
    if negative.n_unique() > 1:
        message = (
            f"{spec.name}: {field}: beside the positive class ({positive!r}, from {positive_class.field}) the column "
            f"holds more than one other value ({_examples(negative)}); two classes are needed"
        )
        raise RowsError(message)
    return comparable == sought


def _text_classes(
    spec: ModelSpec, values: pl.Series, field: str, positive_class: PositiveClass
) -> tuple[pl.Series, object]:
    """Return text, or the numbers or booleans that all of it stands for, and the positive class in the same form."""
    positive = positive_class.value
    if isinstance(positive, str):
        return values, positive
    booleans = booleans_of_text(values)
    if isinstance(positive, bool) and booleans is not None:
        return booleans.cast(pl.Float64), float(positive)
    if isinstance(positive, bool):
        message = (
            f"{spec.name}: {field}: the column holds text ({_examples(values)}); "
            f"name the positive one in {positive_class.field}"
        )
        raise RowsError(message)
    if unreadable_numbers(values).is_empty():
        return values.cast(pl.Float64, strict=False), float(positive)
    return values, str(positive)


def _positive_number(spec: ModelSpec, values: pl.Series, field: str, positive_class: PositiveClass) -> float:
    """Return the positive class as a number, for a column of numbers or booleans."""
    positive = positive_class.value
    if not isinstance(positive, str):
        return float(positive)
    as_boolean = BOOLEAN_WORDS.get(positive.lower()) if values.dtype == pl.Boolean else None
    number = float(as_boolean) if as_boolean is not None else number_of_text(positive)
    if number is None:
        message = (
            f"{spec.name}: {field}: {positive_class.field} is {positive!r}, but the column is {values.dtype} "
            f"and holds {_examples(values)}"
        )
        raise RowsError(message)
    return number


def _examples(values: pl.Series) -> str:
    """Return words for the values of a column: its classes, or only their number if they may be names, ids or texts.

    The words are stored and sent to people, so that they must not quote rows.
    """
    counts = values.drop_nulls().value_counts(name="rows of this value").sort(values.name)
    different = counts[values.name]
    if different.len() > MOST_CLASSES or any(len(str(value)) > LONGEST_CLASS for value in different):
        return f"{different.len()} different values"
    shown = [repr(value) for value, rows in counts.rows() if may_show(rows)][:CLASSES_SHOWN]
    return ", ".join(shown) or f"{different.len()} {'value' if different.len() == 1 else 'different values'}"
