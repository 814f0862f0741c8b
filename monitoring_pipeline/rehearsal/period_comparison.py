"""Compare the outputs served in a rehearsal with the logged outputs, by performance on the same rows of a period."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.performance.metrics_table import metrics_of
from monitoring_pipeline.evaluation.periods import HEADLINE_METRIC
from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions
from monitoring_pipeline.evaluation.versions.paired_rows import PairedRows
from monitoring_pipeline.evaluation.versions.pairing import pair_versions
from monitoring_pipeline.evaluation.versions.training_rows import one_row_per_id
from monitoring_pipeline.ports.snapshots import Snapshots
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.rehearsal.home import RehearsalHome
from monitoring_pipeline.rehearsal.served_warehouse import served_spans
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.statistics.intervals.paired import jackknife_interval
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

LEAST_DAYS = 10
LOGGED = ""
"""Stands for the version that served before the first promotion."""


@dataclass(frozen=True, kw_only=True)
class PeriodComparison:
    """The headline metric of a period: of the outputs served with retraining, and of the logged outputs without it.

    Args:
        rows: number of labelled rows that both have.
        versions: the versions that served, in order; ``LOGGED`` for the time before the first promotion.
        served: metric of the served outputs. All intervals leave out one day at a time (``jackknife_interval``).
        logged: metric of the logged outputs.
        difference: served minus logged; ``None`` if both are the same outputs.
    """

    rows: int
    versions: tuple[str, ...]
    served: Quantity | None
    logged: Quantity | None
    difference: Quantity | None


def compare_period(home: RehearsalHome, keys: Sequence[str], snapshots: Snapshots) -> PeriodComparison | None:
    """Compare served and logged outputs over several chunks; None if no chunk was rehearsed or no chunk has labels."""
    spec, store = home.loaded.spec, home.store
    predictions, labels = store.snapshots(spec.name, Producer.PREDICTIONS), store.snapshots(spec.name, Producer.LABELS)
    served: list[pl.DataFrame] = []
    logged: list[pl.DataFrame] = []
    versions: dict[str, None] = {}
    history = store.role_history(spec.name)
    for key in keys:
        if key not in predictions or key not in labels:
            continue
        chunk = spec.calendar.chunk(key)
        chunk_labels = _labels_of_chunk(snapshots.read(labels[key].uri, ["row_id", "label"]))
        rows = snapshots.read(predictions[key].uri)
        champion = served_spans(spec, history, chunk)[0].champion
        versions[champion or LOGGED] = None
        by_champion = rows if champion is None else rows.filter(pl.col("model_version") == champion)
        as_logged = by_champion if champion is None else _logged_rows(home, chunk)
        for outputs, frame in ((served, by_champion), (logged, as_logged)):
            one = one_row_per_id(frame, chunk_labels, preferred_version=champion or LOGGED)
            outputs.append(one.with_columns(pl.concat_str(pl.lit(key), "row_id", separator="/").alias("row_id")))
    if not served:
        return None
    pairs = pair_versions(spec, pl.concat(logged), pl.concat(served), champion="logged", challenger="served")
    return _compared(pairs, tuple(versions))


def _labels_of_chunk(labels: pl.DataFrame) -> pl.DataFrame:
    return labels.unique("row_id", keep="last", maintain_order=True)


def _logged_rows(home: RehearsalHome, chunk: Chunk) -> pl.DataFrame:
    read = home.log.read_predictions(home.loaded.spec, chunk)
    key = home.settings.id_key.get_secret_value().encode()
    return canonical_predictions(home.loaded.spec, read.frame, id_key=key, without_time=read.rows_without_time).frame


def _compared(pairs: PairedRows, versions: tuple[str, ...]) -> PeriodComparison:
    name = HEADLINE_METRIC[pairs.task]
    metric = next(metric for metric in metrics_of(pairs.task) if metric.name == name)
    days = np.unique(pairs.days)
    keeps = [np.ones(pairs.days.size, dtype=np.bool_), *(pairs.days != day for day in days)]

    def values(champion: bool) -> NDArray[np.float64]:  # noqa: FBT001
        rows = pairs.champion_rows if champion else pairs.challenger_rows
        return np.array([metric.measure(rows.where(kept)).value for kept in keeps])

    try:
        logged = values(champion=True)
        served = logged if set(versions) == {LOGGED} else values(champion=False)
        difference = None if served is logged else _interval(served - logged)
        measured = (_interval(served), _interval(logged), difference)
    except UndefinedStatisticError:
        measured = (None, None, None)
    return PeriodComparison(
        rows=pairs.labels.size, versions=versions, served=measured[0], logged=measured[1], difference=measured[2]
    )


def _interval(values: NDArray[np.float64]) -> Quantity:
    """Return values[0] (all rows) with a jackknife interval from values[1:] (each omits one day).

    With ``LEAST_DAYS`` days or fewer there is no interval.
    """
    if values.size <= LEAST_DAYS:
        return Quantity(float(values[0]))
    return jackknife_interval(float(values[0]), values[1:])
