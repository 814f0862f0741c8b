"""The chunks of a model for which its source has rows."""

import datetime as dt

from monitoring_pipeline.evaluation.rows.errors import RowsError
from monitoring_pipeline.ports.source_inspection import SourceInspection
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

MOST_CHUNKS = 60
"""Chunks that a backfill without a range takes, so that it ends within minutes."""


def filled_chunks(spec: ModelSpec, inspection: SourceInspection, now: dt.datetime) -> tuple[Chunk, ...]:
    """Return the chunks from the first that is monitored, or has rows, to the last that is over and has rows.

    Raises:
        RowsError: when there is none.
    """
    calendar = spec.calendar
    extent = inspection.predictions_extent(spec)
    if extent.first is not None and extent.last is not None and extent.first <= now:
        first = max(calendar.first, calendar.chunk_at(extent.first), key=lambda chunk: chunk.start)
        newest = calendar.chunk_at(min(extent.last, now))
        last = min(newest, calendar.last_complete(now), key=lambda chunk: chunk.start)
        chunks = tuple(chunk for chunk in calendar.range(first, last) if calendar.is_monitored(chunk))
        if chunks:
            return chunks
    message = (
        f"{spec.name}: no {calendar.noun} from start ({spec.start}) on is over and has rows; "
        "choose others by --from and --to"
    )
    raise RowsError(message)
