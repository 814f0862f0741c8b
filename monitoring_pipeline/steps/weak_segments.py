"""The step that looks for weak segments in the labelled rows of several chunks. It stores nothing."""

from collections.abc import Sequence

import polars as pl

from monitoring_pipeline.evaluation.rows.joined import with_labels
from monitoring_pipeline.evaluation.segments.weakness import Weakness, columns_of_segments, find_weakness
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.steps.inputs import LABELS, PREDICTIONS
from monitoring_pipeline.steps.pushdown import ONLY_A_SAMPLE, sampled_chunk
from monitoring_pipeline.steps.same_projections import refuse_other_projections


def find_weak_segments(spec: ModelSpec, chunks: Sequence[Chunk], kept: Kept) -> tuple[Weakness, ...]:
    """Return the weak segments of each version; one entry with the reason if no rows can be looked at.

    Chunks that have not been monitored, whose labels have not been read, or that were counted where their rows are, are
    left out.
    """
    if spec.labels is None:
        return (Weakness("", reason="the spec has no labels"),)
    predictions_of = kept.store.snapshots(spec.name, PREDICTIONS)
    labels_of = kept.store.snapshots(spec.name, LABELS)
    monitored = [chunk for chunk in chunks if chunk.key in predictions_of and chunk.key in labels_of]
    read = [chunk for chunk in monitored if sampled_chunk(spec, chunk, kept.store) is None]
    if not read:
        return (Weakness("", reason=ONLY_A_SAMPLE if monitored else f"no monitored {spec.calendar.noun} with labels"),)
    for chunk in read:
        refuse_other_projections(spec, chunk, kept)
    rows = pl.concat(
        [
            _labelled(spec, chunk, kept.snapshots.scan(predictions_of[chunk.key].uri), labels)
            for chunk in read
            if not (labels := kept.snapshots.read(labels_of[chunk.key].uri, ["row_id", "label"])).is_empty()
        ]
        or [pl.DataFrame(schema={"model_version": pl.String})],
        how="diagonal_relaxed",
    )
    versions = rows["model_version"].unique().sort().to_list()
    found = [find_weakness(spec, version, rows.filter(pl.col("model_version") == version)) for version in versions]
    return tuple(found) or (Weakness("", reason="no labelled rows"),)


def _labelled(spec: ModelSpec, chunk: Chunk, predictions: pl.LazyFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Return the labelled rows of a chunk, with the number of its day and IDs that are unique among chunks."""
    stored = predictions.collect_schema().names()
    kinds = columns_of_segments(spec).items()
    types = {name: pl.Float64 if kind is FeatureKind.NUMERIC else pl.String for name, kind in kinds}
    columns = [pl.col(name).cast(dtype, strict=False) for name, dtype in types.items() if name in stored]
    rows = predictions.select("row_id", "model_version", *spec.output_columns, *columns).collect()
    return with_labels(rows, labels).with_columns(
        pl.concat_str(pl.lit(chunk.key), "row_id", separator="/").alias("row_id"),
        pl.lit(spec.calendar.day_at(chunk.start).toordinal()).alias("day"),
    )
