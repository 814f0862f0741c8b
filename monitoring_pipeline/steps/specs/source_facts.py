"""Reads the facts about a model's source that its spec is judged by: counts, and bounded numbers of rows."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import polars as pl

from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.evaluation.spec_check.columns import missing_columns, null_values_read
from monitoring_pipeline.evaluation.spec_check.facts import (
    LabelCounts,
    NewestChunks,
    NullValue,
    PredictionsExtent,
    ReferenceRows,
    SourceFacts,
    SourceTables,
    Unreadable,
)
from monitoring_pipeline.evaluation.spec_check.seen import (
    SeenRows,
    as_unreadable,
    performance_of,
    rows_by_chunk,
    see_rows,
)
from monitoring_pipeline.ports.source_inspection import SourceInspection
from monitoring_pipeline.ports.warehouse import Warehouse
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.declaration import rows_elsewhere, spec_of_reference, spec_of_rows_elsewhere
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.seeding import generator_of

MOST_ROWS = 50_000
"""Rows that are read of one reference, and of the newest chunks."""
CHUNKS_OF_A_REFERENCE = 8
"""Chunks that are read of a reference with more rows."""
NEWEST_COUNTED, NEWEST_READ = 28, 3

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Inspecting:
    """The ports by which a source is inspected, and the time.

    ``is_registered`` returns whether the registry has a version of a model.
    """

    inspection: SourceInspection
    warehouse: Warehouse
    is_registered: Callable[[str, str], bool]
    now: dt.datetime


def read_source_facts(loaded: LoadedSpec, inspecting: Inspecting) -> SourceFacts:
    """Return the facts about a source. A part that cannot be read is listed with the reason."""
    spec, now = loaded.spec, inspecting.now
    reader = _Reader(spec, inspecting)
    tables = reader.attempt(lambda: inspecting.inspection.tables(spec)) or SourceTables(None, None)
    seen = SourceFacts(now=now, tables=tables)
    if tables.predictions is None or reader.unreadable or _lacks_key_column(spec, seen):
        return SourceFacts(now=now, tables=tables, unreadable=tuple(reader.unreadable))
    extent = reader.attempt(lambda: inspecting.inspection.predictions_extent(spec))
    reader.reads_labels = tables.labels is not None and not _lacks_label_column(spec, seen)
    labels = reader.attempt(lambda: inspecting.inspection.labels_extent(spec)) if reader.reads_labels else None
    references = [
        reader.attempt(lambda version=version: _reference_of(loaded, version, reader)) for version in spec.reference
    ]
    newest = reader.attempt(lambda: reader.newest(extent)) if extent else None
    facts = SourceFacts(
        now=now,
        tables=tables,
        predictions=extent,
        labels=labels,
        references=tuple(reference for reference in references if reference is not None),
        newest=newest,
    )
    absent = [each for each, count in null_values_read(facts.samples).items() if not count]
    elsewhere = reader.attempt(lambda: inspecting.inspection.null_values_of(spec, absent)) if absent else None
    return replace(
        facts, unreadable=tuple(reader.unreadable), null_values_elsewhere=elsewhere or frozenset[NullValue]()
    )


@dataclass
class _Reader:
    """Reads parts of one source, and lists the reasons why some cannot be read."""

    spec: ModelSpec
    inspecting: Inspecting
    unreadable: list[Unreadable] = field(default_factory=list[Unreadable])
    reads_labels: bool = False

    def attempt(self, read: Callable[[], Result]) -> Result | None:
        """Return a part of the source; None if it cannot be read, with the reason in ``unreadable``."""
        try:
            return read()
        except SourceError as error:
            self.unreadable.append(as_unreadable(self.spec, error))
            return None

    def reference(self, version: str) -> ReferenceRows:
        """Return the rows of a version's reference."""
        spec, calendar = self.spec, self.spec.calendar
        window = calendar.window(spec.reference[version])
        counted = self.inspecting.inspection.counted_predictions(spec, window)
        by_chunk = rows_by_chunk(calendar, counted, calendar.chunks_of(spec.reference[version]))
        total = int(counted["rows"].sum())
        served = bool((counted["model_version"] == version).any())
        registered = not served and total > 0 and self.inspecting.is_registered(spec.name, version)
        if not total:
            return ReferenceRows(version=version, by_chunk=by_chunk)
        chunks, place = [window], f"reference.{version}"
        filled = [key for key, versions in by_chunk.items() if versions]
        if total > MOST_ROWS and filled:
            chunks = [calendar.chunk(key) for key in self._drawn(filled, version)]
            place = f"{len(chunks)} {calendar.noun}s of {place}"
        rows = self._rows(place, chunks)
        return ReferenceRows(
            version=version,
            by_chunk=by_chunk,
            is_registered=registered,
            sample=rows.sample,
            labels=self._labels(window, counted, rows),
            performance=performance_of(spec, version, rows),
        )

    def newest(self, extent: PredictionsExtent) -> NewestChunks | None:
        """Return the rows of the newest chunks that are over; None if no row has a time."""
        if extent.last is None:
            return None
        calendar, now = self.spec.calendar, self.inspecting.now
        last = calendar.chunk_at(min(extent.last, now))
        if last.end > now:
            last = calendar.previous(last)
        chunks = calendar.range(calendar.earlier(last, NEWEST_COUNTED - 1), last)
        window = Chunk(self.spec.name, last.key, chunks[0].start, last.end)
        counted = self.inspecting.inspection.counted_predictions(self.spec, window)
        by_chunk = rows_by_chunk(calendar, counted, [chunk for chunk in chunks if chunk.end > (extent.first or now)])
        filled = [calendar.chunk(key) for key, versions in by_chunk.items() if versions][-NEWEST_READ:]
        if not filled:
            return NewestChunks(by_chunk=by_chunk)
        noun = calendar.noun
        place = f"the newest {len(filled)} {noun}s" if len(filled) > 1 else f"the newest {noun}"
        return NewestChunks(by_chunk=by_chunk, sample=self._rows(place, filled, with_labels=False).sample)

    def _rows(self, place: str, chunks: Sequence[Chunk], *, with_labels: bool = True) -> SeenRows:
        most = MOST_ROWS // len(chunks)
        inspection, spec, now = self.inspecting.inspection, self.spec, self.inspecting.now
        labels = None
        if with_labels and self.reads_labels:
            labels = inspection.first_labels(spec, chunks, now, most)
        return see_rows(spec, place, inspection.first_predictions(spec, chunks, most), labels)

    def _labels(self, window: Chunk, counted: pl.DataFrame, rows: SeenRows) -> LabelCounts | None:
        if not self.reads_labels:
            return None
        states = self.inspecting.warehouse.label_states(self.spec, [window], self.inspecting.now)
        # Versions that scored the same rows repeat them.
        predictions = counted.group_by("model_version").agg(pl.col("rows").sum())["rows"].max()
        return LabelCounts(
            predictions=predictions if isinstance(predictions, int) else 0,
            label_rows=states[window.key].rows,
            read=rows.labels.height,
            before_prediction=rows.labels_before_prediction,
            after_delay=rows.labels_after_delay(self.spec),
            classes=rows.classes,
            codes=rows.codes,
        )

    def _drawn(self, keys: Sequence[str], version: str) -> list[str]:
        """Return some keys, drawn at random so that they follow no rhythm such as the week's; always the same ones."""
        drawn = generator_of(self.spec.name, version).permutation(len(keys))[:CHUNKS_OF_A_REFERENCE]
        return [keys[int(place)] for place in sorted(drawn)]


def _reference_of(loaded: LoadedSpec, version: str, reader: _Reader) -> ReferenceRows | None:
    """Return the rows of a version's reference, from the table of predictions or from another source."""
    rows = rows_elsewhere(loaded, version)
    if rows is None:
        return reader.reference(version)
    inspecting = replace(
        reader.inspecting,
        inspection=reader.inspecting.inspection.with_predictions_of(rows),
        warehouse=reader.inspecting.warehouse.with_predictions_of(rows),
    )
    spec = spec_of_reference(loaded.spec, version)
    tables = inspecting.inspection.tables(spec)
    if tables.predictions is not None:
        spec = spec_of_rows_elsewhere(spec, tables.predictions.columns)
        tables = inspecting.inspection.tables(spec)
    seen = SourceFacts(now=inspecting.now, tables=tables)
    missing = [f"{each.field}: {each.seen}" for each in missing_columns(spec, seen)]
    reader.unreadable += [Unreadable(f"reference.{version}", text) for text in missing]
    if tables.predictions is None or _lacks_key_column(spec, seen):
        return None
    extent = inspecting.inspection.predictions_extent(spec)
    if extent.first is None or extent.last is None:
        return ReferenceRows(version=version, by_chunk={})
    days = spec.calendar.day_at(extent.first), spec.calendar.day_at(extent.last)
    narrowed = spec.reference[version].narrowed(*days)
    has_labels = tables.labels is not None and not _lacks_label_column(spec, seen)
    spec = spec.model_copy(update={"reference": {version: narrowed}})
    return _Reader(spec, inspecting, reads_labels=has_labels).reference(version)


def _lacks_key_column(spec: ModelSpec, facts: SourceFacts) -> bool:
    """Return whether a column is missing without which no row can be read."""
    return any(missing.field.startswith("predictions.") for missing in missing_columns(spec, facts))


def _lacks_label_column(spec: ModelSpec, facts: SourceFacts) -> bool:
    return any(missing.field.startswith("labels.") for missing in missing_columns(spec, facts))
