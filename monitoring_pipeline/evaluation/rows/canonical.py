"""Rows in canonical form: hashed IDs, fixed types, and a fixed order."""

from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.privacy.pseudonyms import pseudonymise
from monitoring_pipeline.evaluation.rows.accounting import (
    LabelAccounting,
    ambiguity,
    ambiguous_labels,
    contradictory_labels,
    counted,
    predictions_left_out,
)
from monitoring_pipeline.evaluation.rows.class_texts import version_texts
from monitoring_pipeline.evaluation.rows.coded_labels import mapped_labels, unmapped_labels
from monitoring_pipeline.evaluation.rows.derived import NOT_PROJECTED, Projections, with_derived_columns
from monitoring_pipeline.evaluation.rows.errors import RowsError
from monitoring_pipeline.evaluation.rows.joined import with_labels
from monitoring_pipeline.evaluation.rows.private_columns import require_treated
from monitoring_pipeline.evaluation.rows.probabilities import probabilities
from monitoring_pipeline.evaluation.rows.repeated import has_repeated
from monitoring_pipeline.evaluation.rows.typed_columns import numbers, typed_column, typed_label
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import kind_of_telemetry
from monitoring_pipeline.spec.sources import FeatureKind, Task

MOST_AMBIGUOUS = 0.05
"""The labels of a chunk are refused if a larger share of them may belong to predictions of other chunks."""


@dataclass(frozen=True)
class CanonicalRows:
    """Rows ready for a snapshot, and the measurements of the rows that were left out."""

    frame: pl.DataFrame
    measurements: tuple[Measurement, ...]


def canonical_predictions(
    spec: ModelSpec,
    raw: pl.DataFrame,
    *,
    id_key: bytes,
    without_time: int,
    projections: Projections = NOT_PROJECTED,
) -> CanonicalRows:
    """Bring a chunk's predictions into canonical form.

    IDs are hashed with ``id_key``. Numeric columns become Float64, categorical ones String. A feature, group column or
    column of telemetry that is absent becomes a column of nulls. A score outside [0, 1] becomes null. Rows without an
    ID are left out. If several rows have the same ID and version, the latest counts. Rows are sorted by ID. Derived
    columns stand for texts and vectors.

    Args:
        spec: the model.
        raw: rows with canonical column names and the warehouse's types.
        id_key: key of the pseudonymising hash.
        without_time: number of rows of the table without a time, which belong to no chunk.
        projections: the projections of texts and vectors, by version.

    Raises:
        RowsError: if an output does not fit the spec, binary predictions hold more than two classes, or many scores
            are not probabilities.
        UntreatedColumnError: if a column that privacy names was read as it is.
    """
    require_treated(spec, raw)
    with_id = raw.filter(pl.col("row_id").is_not_null())
    columns = set(raw.columns)
    optional = (*spec.features, *spec.predictions.group_columns, *spec.operations.columns)
    absent = [name for name in optional if name not in columns]
    with_id = with_id.with_columns(pl.lit(None).alias(name) for name in absent)
    scores = probabilities(spec, with_id)
    versions = versions_of(spec, with_id)
    with_id = with_derived_columns(spec, with_id.with_columns(scores.columns), versions, projections)
    typed = with_id.select(
        pseudonymise(with_id["row_id"], id_key),
        pl.col("predicted_at").cast(pl.Datetime("us", "UTC")),
        versions,
        *(typed_column(spec, name, kind, with_id) for name, kind in spec.columns.items()),
        *(numbers(spec, with_id[name], name) for name in spec.carried_columns),
        *(with_id[name].cast(pl.String) for name in spec.predictions.group_columns),
        *(_telemetry(spec, with_id[name], name) for name in spec.operations.columns),
    )
    ordered = typed.sort(typed.columns, nulls_last=False)
    frame, ids = ordered, ordered.height
    if has_repeated(ordered["row_id"]):
        frame = ordered.unique(["row_id", "model_version"], keep="last", maintain_order=True)
        ids = frame["row_id"].n_unique()
    rows = predictions_left_out(
        spec,
        rows=raw.height,
        ids=ids,
        duplicates=ordered.height - frame.height,
        without_id=raw.height - with_id.height,
        without_time=without_time,
    )
    return CanonicalRows(frame, (*rows, *scores.measurements))


def versions_of(spec: ModelSpec, raw: pl.DataFrame) -> pl.Series:
    """Return the version of each row as text; without a column of versions, the first that the spec has."""
    if "model_version" not in raw.columns:
        return pl.Series("model_version", [next(iter(spec.reference))]).new_from_index(0, raw.height)
    return version_texts(raw["model_version"], spec.reference).fill_null("")


def canonical_labels(
    spec: ModelSpec, raw: pl.DataFrame, predictions: pl.DataFrame, accounting: LabelAccounting, *, id_key: bytes
) -> CanonicalRows:
    """Bring a chunk's labels into canonical form: one row per ID, with the label that became known last.

    An ID whose last row has no label has no label. Of rows with the same time, one with a label counts; if they have
    several labels, which one is the last is unknown, so none counts. If the source has no times, ``known_at`` is null.
    Labels that may belong to several predictions (``is_ambiguous``) are left out and counted.

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
        raise RowsError(f"{spec.name}: labels.id: {ambiguity(ambiguous, raw.height)}")
    clear = raw.filter(~pl.col("is_ambiguous")) if ambiguous else raw
    source = spec.declared_labels
    mapped = mapped_labels(clear["label"], source.values)
    typed = clear.select(
        pseudonymise(clear["row_id"], id_key),
        typed_label(spec, mapped.labels),
        pl.col("known_at").cast(pl.Datetime("us", "UTC")),
    )
    with_value = typed.filter(pl.col("label").is_not_null() & pl.col("row_id").is_not_null())
    ordered = typed.filter(pl.col("row_id").is_not_null()).sort("row_id", "known_at", "label", nulls_last=False)
    known = ordered.unique("row_id", keep="last", maintain_order=True).filter(pl.col("label").is_not_null())
    contradicted = _contradicted(ordered)
    frame = known.filter(~pl.col("row_id").is_in(contradicted.implode()))
    early = _known_before_prediction(spec, frame, predictions)
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
    accounted = (*counted(counts, raw.height), *counted(facts, raw.height, breach_when_positive=False))
    left_out = (
        *unmapped_labels(spec, mapped, raw.height),
        *ambiguous_labels(ambiguous, raw.height),
        *contradictory_labels(contradicted.len(), raw.height),
    )
    return CanonicalRows(frame, (*accounted, *left_out))


def _telemetry(spec: ModelSpec, values: pl.Series, name: str) -> pl.Series:
    is_number = kind_of_telemetry(name) is FeatureKind.NUMERIC
    return numbers(spec, values, name) if is_number else values.cast(pl.String)


def _contradicted(ordered: pl.DataFrame) -> pl.Series:
    """Return the IDs that have several labels at their last time; the rows are in the order of time by ID."""
    last = ordered.filter(pl.col("known_at").eq_missing(pl.col("known_at").last().over("row_id")))
    labels = last.filter(pl.col("label").is_not_null()).group_by("row_id").agg(pl.col("label").n_unique())
    return labels.filter(pl.col("label") > 1)["row_id"]


def no_labels(spec: ModelSpec) -> pl.DataFrame:
    """Return canonical labels without rows."""
    kind = pl.String if spec.task is Task.MULTICLASS else pl.Float64
    return pl.DataFrame(schema={"row_id": pl.String, "label": kind, "known_at": pl.Datetime("us", "UTC")})


def _known_before_prediction(spec: ModelSpec, labels: pl.DataFrame, predictions: pl.DataFrame) -> int:
    """Return the number of labels that became known before their prediction was made.

    A label that is dated by a day counts as known on that day, so it is not before a prediction of the same day.
    """
    ids = predictions["row_id"]
    times = predictions.select("row_id", "predicted_at")
    first_predictions = times if ids.n_unique() == ids.len() else times.group_by("row_id").agg(pl.all().min())
    early = with_labels(first_predictions, labels).filter(pl.col("known_at") < pl.col("predicted_at"))
    known, predicted = (pl.col(name).dt.convert_time_zone(spec.timezone) for name in ("known_at", "predicted_at"))
    same_day = (known == known.dt.truncate("1d")) & (known == predicted.dt.truncate("1d"))
    return early.filter(~same_day).height
