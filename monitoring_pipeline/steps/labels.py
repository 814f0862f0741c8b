"""Reads the labels of a window of predictions."""

import datetime as dt

import polars as pl

from monitoring_pipeline.evaluation.rows.canonical import canonical_labels, no_labels
from monitoring_pipeline.ports.outside import Reading
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import without_forgotten


def read_canonical_labels(
    spec: ModelSpec, window: Chunk, predictions: pl.DataFrame, as_of: dt.datetime, reading: Reading
) -> pl.DataFrame:
    """Return the canonical labels of a window that are known at ``as_of``; none if the spec declares none.

    Raises:
        SourceError: when the labels cannot be read, or do not fit the spec.
    """
    if spec.labels is None:
        return no_labels(spec)
    read = reading.warehouse.read_labels(spec, window, as_of)
    labels = canonical_labels(spec, read.frame, predictions, read.accounting, id_key=reading.id_key).frame
    return without_forgotten(spec, labels, reading.store)
