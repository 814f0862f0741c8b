"""Rows in canonical form: hashed IDs, fixed types, and a fixed order."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.privacy.pseudonyms import pseudonymise
from monitoring_pipeline.evaluation.rows.class_texts import (
    BOOLEAN_WORDS,
    booleans_of_text,
    class_texts,
    version_texts,
)
from monitoring_pipeline.evaluation.rows.coded_labels import mapped_labels, unmapped_labels
from monitoring_pipeline.evaluation.rows.errors import RowsError
from monitoring_pipeline.evaluation.rows.positive_class import PositiveClass, positive_label, positive_prediction
from monitoring_pipeline.evaluation.rows.probabilities import probabilities
from monitoring_pipeline.evaluation.rows.readable import number_of_text, unreadable_numbers
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind, Task

MOST_AMBIGUOUS = 0.05
"""The labels of a chunk are refused if a larger share of them may belong to predictions of other chunks."""
NUMBER_LIKE: tuple[object, ...] = (pl.Boolean, pl.Null)


@dataclass(frozen=True)
class LabelAccounting:
    """Numbers of label rows that could not be joined to a chunk's predictions; None if they cannot be counted.

    ``orphans`` became known during the chunk and have no prediction. ``outside_window`` became known during the chunk
    and belong to predictions of another chunk, as late labels do. ``not_yet_known`` belong to the chunk and are dated
    after the moment of reading, or have no time, or are null where a null label is not known yet.
    """

    orphans: int | None
    outside_window: int | None
    not_yet_known: int


@dataclass(frozen=True)
class CanonicalRows:
    """Rows ready for a snapshot, and the measurements of the rows that were left out."""

    frame: pl.DataFrame
    measurements: tuple[Measurement, ...]


def canonical_predictions(spec: ModelSpec, raw: pl.DataFrame, *, id_key: bytes, without_time: int) -> CanonicalRows:
    """Bring a chunk's predictions into canonical form.

    IDs are hashed with ``id_key``. Numeric columns become Float64, categorical ones String. A feature that is absent
    becomes a column of nulls. A score outside [0, 1] becomes null. Rows without an ID are left out. If several rows
    have the same ID and version, the latest counts. Rows are sorted by ID.

    Args:
        spec: the model.
        raw: rows with canonical column names and the warehouse's types.
        id_key: key of the pseudonymising hash.
        without_time: number of rows of the table without a time, which belong to no chunk.

    Raises:
        RowsError: if an output does not fit the spec, binary predictions hold more than two classes, or many scores
            are not probabilities.
    """
    with_id = raw.filter(pl.col("row_id").is_not_null())
    if "model_version" not in raw.columns:
        with_id = with_id.with_columns(pl.lit(next(iter(spec.reference))).alias("model_version"))
    absent = [name for name in spec.features if name not in raw.columns]
    with_id = with_id.with_columns(pl.lit(None).alias(name) for name in absent)
    scores = probabilities(spec, with_id)
    with_id = with_id.with_columns(scores.columns)
    typed = with_id.select(
        pseudonymise(with_id["row_id"], id_key),
        pl.col("predicted_at").cast(pl.Datetime("us", "UTC")),
        version_texts(with_id["model_version"], spec.reference).fill_null(""),
        *(_typed_column(spec, name, kind, with_id) for name, kind in spec.columns.items()),
        *(_numbers(spec, with_id[name], name) for name in spec.carried_columns),
    )
    ordered = typed.sort(typed.columns, nulls_last=False)
    frame = ordered.unique(["row_id", "model_version"], keep="last", maintain_order=True)
    counts = {
        "duplicate_predictions": (ordered.height - frame.height, "rows beyond the first of an id and version"),
        "predictions_without_id": (raw.height - with_id.height, "rows of the chunk whose id is null"),
        "predictions_without_time": (without_time, "rows of the whole table whose time is null: in no chunk"),
    }
    volume = _volume(spec, frame["row_id"].n_unique())
    return CanonicalRows(frame, (volume, *_accounting(counts, raw.height), *scores.measurements))


def canonical_labels(
    spec: ModelSpec, raw: pl.DataFrame, predictions: pl.DataFrame, accounting: LabelAccounting, *, id_key: bytes
) -> CanonicalRows:
    """Bring a chunk's labels into canonical form: one row per ID, with the label that became known last.

    An ID whose last row has no label has no label. Of rows with the same time, one with a label counts. If the source
    has no times, ``known_at`` is null. Labels that may belong to predictions of another chunk (``is_ambiguous``) are
    left out and counted.

    Args:
        spec: the model.
        raw: columns row_id, label, known_at with the warehouse's types.
        predictions: canonical predictions of the chunk: row_id and predicted_at.
        accounting: the rows that the warehouse could not join.
        id_key: key of the pseudonymising hash.

    Raises:
        RowsError: if the labels do not fit the task, binary labels hold more than two classes, or many labels may
            belong to other predictions.
    """
    ambiguous = int(raw["is_ambiguous"].sum()) if "is_ambiguous" in raw.columns else 0
    if ambiguous > MOST_AMBIGUOUS * raw.height:
        raise RowsError(f"{spec.name}: labels.id: {_ambiguity(ambiguous, raw.height)}")
    clear = raw.filter(~pl.col("is_ambiguous")) if ambiguous else raw
    source = spec.declared_labels
    mapped = mapped_labels(clear["label"], source.values)
    typed = clear.select(
        pseudonymise(clear["row_id"], id_key),
        _typed_label(spec, mapped.labels),
        pl.col("known_at").cast(pl.Datetime("us", "UTC")),
    )
    with_value = typed.filter(pl.col("label").is_not_null() & pl.col("row_id").is_not_null())
    ordered = typed.filter(pl.col("row_id").is_not_null()).sort("row_id", "known_at", "label", nulls_last=False)
    frame = ordered.unique("row_id", keep="last", maintain_order=True).filter(pl.col("label").is_not_null())
    first_predictions = predictions.group_by("row_id").agg(pl.col("predicted_at").min())
    early = frame.join(first_predictions, on="row_id").filter(pl.col("known_at") < pl.col("predicted_at")).height
    counts = {
        "duplicate_labels": (
            with_value.height - with_value["row_id"].n_unique(),
            "label rows beyond the last of an id",
        ),
        "labels_without_value": (
            typed.height - with_value.height - mapped.unmapped.len(),
            "label rows whose label (or id) is null",
        ),
        "labels_before_prediction": (
            None if source.known_at is None else early,
            "labels known before their prediction was made",
        ),
        "orphan_labels": (accounting.orphans, "labels that became known in this chunk and have no prediction"),
    }
    facts = {
        "labels_outside_window": (accounting.outside_window, "labels known in this chunk, of other chunks"),
        "labels_not_yet_known": (accounting.not_yet_known, "labels of this chunk dated after the reading"),
    }
    accounted = (*_accounting(counts, raw.height), *_accounting(facts, raw.height, breach_when_positive=False))
    left_out = (*unmapped_labels(spec, mapped, raw.height), *_ambiguous(ambiguous, raw.height))
    return CanonicalRows(frame, (*accounted, *left_out))


def no_labels(spec: ModelSpec) -> pl.DataFrame:
    """Return canonical labels without rows."""
    kind = pl.String if spec.task is Task.MULTICLASS else pl.Float64
    return pl.DataFrame(schema={"row_id": pl.String, "label": kind, "known_at": pl.Datetime("us", "UTC")})


def _ambiguous(labels: int, rows: int) -> tuple[Measurement, ...]:
    """Return the measurement of labels that may belong to predictions of several chunks, if there are some."""
    if not labels:
        return ()
    measurement = Measurement(
        kind=Kind.QUALITY,
        subject="chunk",
        name="ambiguous_labels",
        model_version="",
        value=float(labels),
        threshold_upper=0.0,
        status=Status.BREACHED,
        severity=Severity.CRITICAL,
        reason=f"{_ambiguity(labels, rows)}; they are left out",
        definition="labels whose ids have several labels and are predicted in several chunks",
        rows=rows,
    )
    return (measurement,)


def _ambiguity(labels: int, rows: int) -> str:
    return (
        f"{labels} of {rows} labels belong to ids that are predicted in several chunks and have several labels, "
        "so no label can be assigned to one prediction; name all columns that identify a prediction, "
        "such as id: [customer, day], in predictions and in labels"
    )


def _typed_column(spec: ModelSpec, name: str, kind: FeatureKind, frame: pl.DataFrame) -> pl.Series:
    if name == "prediction" and spec.task is not Task.REGRESSION:
        return _decided_class(spec, frame) if spec.task is Task.BINARY else _most_likely_class(spec, frame)
    if kind is FeatureKind.NUMERIC:
        return _numbers(spec, frame[name], name)
    return frame[name].cast(pl.String)


def _decided_class(spec: ModelSpec, frame: pl.DataFrame) -> pl.Series:
    if spec.predictions.prediction is None:
        # A NaN would compare as greater than every threshold.
        score = _numbers(spec, frame["score"], "score").fill_nan(None)
        positive = score >= spec.predictions.decision_threshold
    else:
        positive = _is_positive(spec, frame["prediction"], "predictions.prediction", positive_prediction(spec))
    return positive.cast(pl.Int8).cast(pl.String).alias("prediction")


def _most_likely_class(spec: ModelSpec, frame: pl.DataFrame) -> pl.Series:
    """Return the decided class, or the one with the highest score; null if a score is null."""
    if spec.predictions.prediction is not None:
        return _class_names(spec, frame["prediction"], "predictions.prediction").alias("prediction")
    scores = pl.DataFrame([_numbers(spec, frame[name], name).fill_nan(None) for name in spec.score_columns.values()])
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


def _typed_label(spec: ModelSpec, labels: pl.Series) -> pl.Series:
    if spec.task is Task.MULTICLASS:
        return _class_names(spec, labels, "labels.label").alias("label")
    if spec.task is Task.BINARY:
        return _is_positive(spec, labels, "labels.label", positive_label(spec)).cast(pl.Float64).alias("label")
    return _numbers(spec, labels, "labels.label").fill_nan(None).alias("label")


def _numbers(spec: ModelSpec, values: pl.Series, field: str) -> pl.Series:
    """Return numbers as Float64; a text column is parsed if all its values are numbers."""
    if values.dtype == pl.String:
        numbers = values.cast(pl.Float64, strict=False)
        unreadable = values.filter(numbers.is_null() & values.is_not_null())
        if not unreadable.is_empty():
            message = f"{spec.name}: {field}: the column holds text ({_examples(unreadable)}), numbers are needed"
            raise RowsError(message)
        return numbers
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
        comparable = _numbers(spec, values, field).fill_nan(None)
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
    return ", ".join(repr(value) for value in values.drop_nulls().unique().sort().head(5).to_list())


def _volume(spec: ModelSpec, rows: int) -> Measurement:
    minimum = spec.quality.minimum_rows
    breached = rows < minimum
    return Measurement(
        kind=Kind.QUALITY,
        subject="chunk",
        name="rows",
        model_version="",
        value=float(rows),
        threshold_lower=float(minimum),
        status=Status.BREACHED if breached else Status.OK,
        severity=Severity.CRITICAL,
        reason=f"{rows} predictions, at least {minimum} expected" if breached else None,
        definition="predictions in the chunk, each id once",
        rows=rows,
    )


def _accounting(
    counts: Mapping[str, tuple[int | None, str]], rows: int, *, breach_when_positive: bool = True
) -> tuple[Measurement, ...]:
    return tuple(
        Measurement(
            kind=Kind.QUALITY,
            subject="chunk",
            name=name,
            model_version="",
            value=float(count),
            threshold_upper=0.0 if breach_when_positive else None,
            status=Status.BREACHED if breach_when_positive and count else Status.OK,
            reason=f"{count} {definition}" if breach_when_positive and count else None,
            definition=definition,
            rows=rows,
        )
        for name, (count, definition) in counts.items()
        if count is not None
    )
