"""Facts of rows that were read: counts of columns, times, faults and labels, and the performance of a version."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import polars as pl

from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.evaluation.rows.accounting import LabelAccounting
from monitoring_pipeline.evaluation.rows.canonical import canonical_labels, canonical_predictions, no_labels
from monitoring_pipeline.evaluation.rows.class_texts import number_texts
from monitoring_pipeline.evaluation.rows.errors import SourceError, SourceUnreachableError
from monitoring_pipeline.evaluation.rows.readable import has_null_value, readable_predictions, unreadable_numbers
from monitoring_pipeline.evaluation.spec_check.facts import ColumnValues, Sample, Unreadable
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind, Task
from monitoring_pipeline.statistics.results import Quantity

MOST_CODES = 3
_NOT_STORED = b"spec check"
"""Key of the hashed ids; nothing of these rows is stored."""


@dataclass(frozen=True, kw_only=True)
class SeenRows:
    """Rows of a source in canonical form, and the facts of them; ``labels`` has row_id, label and known_at."""

    sample: Sample
    predictions: pl.DataFrame
    labels: pl.DataFrame
    codes: tuple[str, ...] = ()
    """The values of a binary model's labels as the source has them, in order, at most ``MOST_CODES``."""

    @property
    def labels_before_prediction(self) -> int:
        """Labels that were known before their prediction was made."""
        counts = [fault.value for fault in self.sample.faults if fault.name == "labels_before_prediction"]
        return int(sum(count for count in counts if count is not None))

    def labels_after_delay(self, spec: ModelSpec) -> int:
        """Return the number of labels that became known later than the delay after the end of their chunk."""
        first = self.predictions.group_by("row_id").agg(pl.col("predicted_at").min())
        # A chunk ends at most its length after each of its predictions.
        final = pl.col("predicted_at") + (spec.calendar.length + spec.label_delay)
        return self.labels.join(first, on="row_id").filter(pl.col("known_at") > final).height

    @property
    def classes(self) -> dict[str, int]:
        """Labels by class; of numbers, only those that stand for the two classes of a binary model."""
        label = self.labels["label"]
        if label.dtype != pl.String and not label.is_in([0.0, 1.0]).all():
            return {}
        texts = label if label.dtype == pl.String else label.cast(pl.Int64).cast(pl.String)
        return dict(texts.alias("value").value_counts(name="rows").iter_rows())


def see_rows(spec: ModelSpec, place: str, raw: pl.DataFrame, raw_labels: pl.DataFrame | None) -> SeenRows:
    """Return rows as a run would use them, and the facts of them.

    Args:
        spec: the model.
        place: the words for the rows.
        raw: rows with canonical column names and the warehouse's types.
        raw_labels: their labels with the warehouse's types; None if they are not read.
    """
    readable = readable_predictions(spec, raw)
    kinds = _kinds(spec)
    columns = {
        name: _column(spec, name, kinds[name], raw[name], readable[name]) for name in raw.columns if name in kinds
    }
    unreadable = [name for name, seen in columns.items() if seen.unreadable and name in spec.features]
    faults: list[Measurement] = []
    predictions, labels, refusal = pl.DataFrame(schema=_CANONICAL), no_labels(spec), None
    try:
        rows = canonical_predictions(spec, readable.drop(unreadable), id_key=_NOT_STORED, without_time=0)
        predictions, faults = rows.frame, [*faults, *rows.measurements]
        if raw_labels is not None:
            of_labels = canonical_labels(spec, raw_labels, predictions, _UNKNOWN, id_key=_NOT_STORED)
            labels, faults = of_labels.frame, [*faults, *of_labels.measurements]
    except SourceError as error:
        refusal = as_unreadable(spec, error)
    zone, local = ZoneInfo(spec.predictions.time_zone), spec.zone
    sample = Sample(
        place=place,
        rows=raw.height,
        columns=columns,
        at_midnight=_at_midnight(raw["predicted_at"], zone),
        at_local_midnight=_at_midnight(raw["predicted_at"], local),
        faults=tuple(fault for fault in faults if fault.status is Status.BREACHED),
        refusal=refusal,
    )
    return SeenRows(sample=sample, predictions=predictions, labels=labels, codes=_codes(spec, raw_labels))


def performance_of(spec: ModelSpec, version: str, rows: SeenRows) -> dict[MetricName, Quantity]:
    """Return the metrics of a version on rows; none if it has none, or no label is known."""
    predictions = rows.predictions
    of_version = predictions.filter(pl.col("model_version") == version) if predictions.height else predictions
    if of_version.is_empty() or rows.labels.is_empty():
        return {}
    return {
        measured.metric: Quantity(measured.value, measured.lower, measured.upper)
        for measured in measure_performance(spec, of_version, rows.labels, model_version=version)
        if measured.kind is Kind.PERFORMANCE and measured.value is not None
    }


def rows_by_chunk(calendar: Calendar, counted: pl.DataFrame, chunks: Iterable[Chunk]) -> dict[str, dict[str, int]]:
    """Return the rows of chunks by version, oldest first; a chunk without rows has no version.

    Args:
        calendar: the calendar of the model.
        counted: columns model_version, moment and rows.
        chunks: the chunks.
    """
    by_chunk: dict[str, dict[str, int]] = {chunk.key: {} for chunk in chunks}
    summed = (
        counted.with_columns(chunk_keys(calendar, counted["moment"]))
        .group_by("chunk", "model_version")
        .agg(pl.col("rows").sum())
    )
    for key, version, rows in summed.iter_rows():
        if key in by_chunk:
            by_chunk[key][version] = rows
    return by_chunk


def as_unreadable(spec: ModelSpec, error: SourceError) -> Unreadable:
    """Return an error of reading with the field that its message names."""
    is_away = isinstance(error, SourceUnreachableError)
    text = str(error).removeprefix(f"{spec.name}: ")
    field, separator, reason = text.partition(": ")
    if separator and field.split(".")[0] in {"predictions", "labels", "features", "reference"}:
        return Unreadable(field, reason, is_away)
    column = field.partition(" ")[0]
    if column == "score":
        return Unreadable("predictions.score", reason)
    return Unreadable("predictions", text, is_away)


_CANONICAL: Mapping[str, pl.DataType] = {"row_id": pl.String(), "predicted_at": pl.Datetime("us", "UTC")}
_UNKNOWN = LabelAccounting(orphans=None, outside_window=None, not_yet_known=0)


def _codes(spec: ModelSpec, raw_labels: pl.DataFrame | None) -> tuple[str, ...]:
    if raw_labels is None or spec.task is not Task.BINARY:
        return ()
    return tuple(number_texts(raw_labels["label"]).drop_nulls().unique().sort().head(MOST_CODES))


def _kinds(spec: ModelSpec) -> dict[str, FeatureKind]:
    """Return the columns that are counted, with their kinds."""
    carried = dict.fromkeys(spec.carried_columns, FeatureKind.NUMERIC)
    return {"model_version": FeatureKind.CATEGORICAL} | spec.columns | carried


def _column(spec: ModelSpec, name: str, kind: FeatureKind, raw: pl.Series, readable: pl.Series) -> ColumnValues:
    decided = name == "prediction" and spec.task is not Task.REGRESSION
    numeric = kind is FeatureKind.NUMERIC and not decided
    null_values = spec.null_values_of(name)
    words = unreadable_numbers(readable).len() if numeric and readable.dtype == pl.String else 0
    numbers = readable.cast(pl.Float64).drop_nulls().drop_nans() if _is_number(readable) else None
    return ColumnValues(
        type=str(raw.dtype),
        rows=raw.len(),
        nulls=readable.null_count(),
        distinct=readable.drop_nulls().n_unique() if readable.dtype != pl.Object else 0,
        lowest=_number(numbers.min()) if numbers is not None else None,
        highest=_number(numbers.max()) if numbers is not None else None,
        unreadable=words or (readable.len() - readable.null_count() if numeric and not _fits(readable) else 0),
        null_values={value: int(has_null_value(raw, (value,), kind).sum()) for value in null_values},
    )


def _is_number(column: pl.Series) -> bool:
    return column.dtype.is_numeric() or column.dtype == pl.Boolean


def _fits(column: pl.Series) -> bool:
    return _is_number(column) or isinstance(column.dtype, pl.Null | pl.String)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _at_midnight(times: pl.Series, zone: ZoneInfo) -> int:
    local = times.drop_nulls().cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(zone.key).dt.time()
    return int((local == dt.time()).sum())
