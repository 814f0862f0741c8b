"""Results of longer periods: performance from the snapshots of their chunks, and a summary from stored counts."""

from collections.abc import Sequence

import polars as pl

from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.evaluation.periods import PeriodChunk, PeriodSummary, summarize_period
from monitoring_pipeline.evaluation.profiles.labelled import SummedMetric, summed_performance
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.records.producer import Producer, reference_producer
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.references import load_reference


def measure_period(spec: ModelSpec, chunk_keys: Sequence[str], kept: Kept) -> tuple[Measurement, ...]:
    """Measure performance by version on all rows of several chunks together, which is not the mean over the chunks.

    Chunks that have not been monitored, or whose labels have not been read, are left out.
    """
    predictions_of = kept.store.snapshots(spec.name, Producer.PREDICTIONS)
    labels_of = kept.store.snapshots(spec.name, Producer.LABELS)
    keys = [key for key in chunk_keys if key in predictions_of and key in labels_of]
    if not keys:
        return ()
    columns = ["row_id", "model_version", *spec.output_columns, *spec.carried_columns]
    # Rows are joined to labels by chunk and ID, because one ID may be scored on two days.
    rows = pl.concat(_of_chunk(kept.snapshots.read(predictions_of[key].uri, columns), key) for key in keys)
    labels = pl.concat(_of_chunk(kept.snapshots.read(labels_of[key].uri, ["row_id", "label"]), key) for key in keys)
    return tuple(
        measurement
        for version in rows["model_version"].unique().sort().to_list()
        for measurement in measure_performance(
            spec, rows.filter(pl.col("model_version") == version), labels, model_version=version
        )
    )


def summarize(spec: ModelSpec, version: str, chunk_keys: Sequence[str], *, store: Store) -> PeriodSummary:
    """Summarize the stored results of one version on several chunks; no rows are read.

    Raises:
        MissingInputError: when the version's reference has not been built.
    """
    reference = load_reference(spec, store, version)
    labelled = store.profiles_by_chunk(spec.name, Producer.PERFORMANCE, chunk_keys)
    days = [_day(spec, version, key, labelled.get(key, ()), store) for key in chunk_keys]
    of_reference = store.profiles(spec.name, reference.window, reference_producer(version))
    return summarize_period(
        spec,
        reference.bins | reference.error_bins,
        tuple(profile for profile in of_reference if profile.segment),
        days,
        seed=(spec.name, version, *(key for key in chunk_keys if labelled.get(key))),
    )


def sum_performance(
    spec: ModelSpec, version: str, chunk_keys: Sequence[str], *, store: Store
) -> tuple[SummedMetric, ...]:
    """Return the performance of one version on several chunks from stored counts; their rows may be deleted already.

    Raises:
        MissingInputError: when the version's reference has not been built.
    """
    reference = load_reference(spec, store, version)
    labelled = store.profiles_by_chunk(spec.name, Producer.PERFORMANCE, chunk_keys)
    days = [tuple(p for p in profiles if p.model_version == version) for profiles in labelled.values()]
    return summed_performance(spec, reference.bins | reference.error_bins, days)


def _day(spec: ModelSpec, version: str, key: str, labelled: Sequence[ChunkProfile], store: Results) -> PeriodChunk:
    """Return the stored results of a chunk for a version; none if only other versions made predictions in it."""
    measurements = store.measurements(spec.name, key)
    versions = {m.model_version for m in measurements} - {""}
    if versions and version not in versions:
        return PeriodChunk((), (), None)
    return PeriodChunk(
        measurements=[m for m in measurements if m.model_version in {version, ""}],
        labelled=tuple(profile for profile in labelled if profile.model_version == version),
        verdict=store.verdict(spec.name, key),
    )


def _of_chunk(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    return frame.with_columns(pl.concat_str(pl.lit(key), "row_id", separator="/").alias("row_id"))
