"""The warehouse of a rehearsal: after a version is promoted, the predictions are those of that version."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import polars as pl

from monitoring_pipeline.evaluation.rows.positive_class import positive_prediction
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.warehouse import LabelsRead, LabelState, PredictionsRead, PredictionState, Warehouse
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.spec.version import VersionRecord
from monitoring_pipeline.steps.scoring import scored_by
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.warehouse.reads import PredictionsRead as Read

VERSION = "model_version"


@dataclass(frozen=True)
class ServedSpan:
    """The half-open interval [start, end) in which the same versions serve.

    ``champion`` is ``None`` as long as nothing was promoted; until then the logged rows are the served ones.
    """

    start: dt.datetime
    end: dt.datetime
    champion: str | None
    shadows: tuple[str, ...] = ()


def served_spans(spec: ModelSpec, history: Sequence[VersionRecord], chunk: Chunk) -> list[ServedSpan]:
    """Return the spans of serving versions in a window; a change of roles takes effect at the next chunk's start.

    Args:
        spec: the model.
        history: every record of its versions' roles, oldest first.
        chunk: the chunk or longer window.
    """
    effective = [replace(record, since=spec.calendar.boundary_from(record.since)) for record in history]
    inside = {record.since for record in effective if chunk.start < record.since < chunk.end}
    cuts = [chunk.start, *sorted(inside), chunk.end]
    return [ServedSpan(start, end, *_roles_at(effective, start)) for start, end in pairwise(cuts)]


@dataclass(frozen=True)
class ServedWarehouse:
    """A warehouse with the predictions that the versions promoted in a rehearsal would have made.

    Rows are the logged ones; a version that did not log them scores them now. Rows of versions in shadow follow those
    of the champion. Labels are unchanged.
    """

    log: Warehouse
    store: ResultStore
    registry: Registry

    def with_predictions_of(self, rows: RowsElsewhere) -> Warehouse:
        """Return the warehouse with other rows in place of the predictions; no version scores them again."""
        return self.log.with_predictions_of(rows)

    def read_predictions(self, spec: ModelSpec, chunk: Chunk) -> PredictionsRead:
        """Read a window's predictions, as the warehouse does, by the versions that serve in the rehearsal."""
        read = self.log.read_predictions(spec, chunk)
        spans = served_spans(spec, self.store.role_history(spec.name), chunk)
        logged = read.frame
        complete = {*spec.features, VERSION} <= set(logged.columns)
        if not complete or all(span.champion is None and not span.shadows for span in spans):
            return read
        times = logged["predicted_at"].cast(pl.Datetime("us", "UTC"))
        parts = [self._served(spec, logged.filter((times >= span.start) & (times < span.end)), span) for span in spans]
        served = pl.concat(parts, how="vertical_relaxed")
        return Read(served, read.missing_columns, read.rows_without_time, read.table_columns)

    def counting(self, spec: ModelSpec) -> None:
        """Return None, because versions of the rehearsal score rows that are read."""

    def read_labels(self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime) -> LabelsRead:
        """Read the labels of a window's predictions that were known at ``as_of``."""
        return self.log.read_labels(spec, chunk, as_of)

    def prediction_states(self, spec: ModelSpec, chunks: Sequence[Chunk]) -> Mapping[str, PredictionState]:
        """Return number and latest time of the logged predictions of each chunk, by the chunk's key."""
        return self.log.prediction_states(spec, chunks)

    def label_states(self, spec: ModelSpec, chunks: Sequence[Chunk], as_of: dt.datetime) -> Mapping[str, LabelState]:
        """Return the states of the labels known at ``as_of``, by the chunk's key."""
        return self.log.label_states(spec, chunks, as_of)

    def business_metric(self, spec: ModelSpec, sql_text: str, chunk: Chunk, model_version: str) -> float | None:
        """Run a user's query; None for a version trained in the rehearsal, which has no logged rows."""
        trained_here = {record.model_version for record in self.store.role_history(chunk.model) if record.window}
        if model_version in trained_here:
            return None
        return self.log.business_metric(spec, sql_text, chunk, model_version)

    def _served(self, spec: ModelSpec, logged: pl.DataFrame, span: ServedSpan) -> pl.DataFrame:
        if logged.is_empty():
            return logged
        served = logged if span.champion is None else self._rows_of(spec, logged, span.champion, as_logged=True)
        beside = [self._rows_of(spec, logged, version, as_logged=False) for version in span.shadows]
        return pl.concat([served, *beside], how="vertical_relaxed")

    def _rows_of(self, spec: ModelSpec, logged: pl.DataFrame, version: str, *, as_logged: bool) -> pl.DataFrame:
        """Return a version's logged rows, and the other rows scored by it now.

        If the version cannot score them, they stay as they were logged (``as_logged``) or are left out.
        """
        by_version = pl.col(VERSION).cast(pl.String) == version
        kept = logged.filter(by_version)
        others = logged.filter(
            ~pl.col("row_id").is_in(kept["row_id"].drop_nulls().implode()).fill_null(value=False)
            & ~by_version.fill_null(value=False)
            # One version of each id is scored, with all its rows, so that duplicates stay visible as a finding.
            & (pl.col(VERSION) == pl.col(VERSION).min().over("row_id")).fill_null(value=True)
        )
        if others.is_empty():
            return kept
        if spec.derived_features or not self.registry.has_version(spec.name, version):
            return pl.concat([kept, others]) if as_logged else kept
        try:
            scored = scored_by(spec, others, version, self.registry)
        except pl.exceptions.InvalidOperationError:
            # Some features are not numbers; these rows are refused later, when they are made canonical.
            return pl.concat([kept, others]) if as_logged else kept
        return pl.concat([kept, _as_logged(spec, scored, others)], how="vertical_relaxed")


def _as_logged(spec: ModelSpec, scored: pl.DataFrame, logged: pl.DataFrame) -> pl.DataFrame:
    """Return rows scored by a version, in the columns and types of the table of predictions."""
    outputs = {"score", "prediction", VERSION, *spec.score_columns.values()} & set(logged.columns)
    columns: list[pl.Series] = []
    for name in logged.columns:
        values = scored[name]
        if name == "prediction" and spec.task is Task.BINARY:
            values = _decided(spec, values == "1", logged[name])
        columns.append(_of_type(values, logged[name].dtype) if name in outputs else values)
    return pl.DataFrame(columns)


def _decided(spec: ModelSpec, positive: pl.Series, logged: pl.Series) -> pl.Series:
    """Return binary decisions with the values of the log: its positive class, and its other value."""
    if logged.dtype == pl.Boolean:
        return positive.alias(logged.name)
    word = positive_prediction(spec).value
    if logged.dtype == pl.String or isinstance(word, str):
        text = logged.cast(pl.String)
        others = text.filter(text != str(word)).drop_nulls().unique().sort().to_list()
        words = {True: str(word), False: others[0] if others else f"not {word}"}
        return pl.Series(logged.name, [words[value] for value in positive], dtype=pl.String)
    numbers = logged.cast(pl.Float64)
    rest = numbers.filter(numbers != float(word)).drop_nulls().sort().to_list()
    other = rest[0] if rest else float(not word)
    return pl.Series(logged.name, [float(word) if value else other for value in positive], dtype=pl.Float64)


def _of_type(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return values in the type of the table's column if it can represent them all."""
    if dtype == pl.Null or (dtype.is_integer() and values.dtype.is_float()):
        return values
    cast = values.cast(dtype, strict=False)
    return cast if cast.null_count() == values.null_count() else values.cast(pl.String)


def _roles_at(history: Sequence[VersionRecord], moment: dt.datetime) -> tuple[str | None, tuple[str, ...]]:
    newest = {record.model_version: record for record in history if record.since <= moment}
    champions = [record for record in newest.values() if record.role is Role.CHAMPION]
    champion = max(champions, key=lambda record: record.since).model_version if champions else None
    shadows = sorted(record.model_version for record in newest.values() if record.role is Role.SHADOW)
    return champion, tuple(shadows)
