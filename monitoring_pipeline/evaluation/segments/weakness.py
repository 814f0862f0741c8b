"""The weak segments of a version's labelled rows, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.fitted_models.design_matrix import features_of
from monitoring_pipeline.evaluation.rows.joined import by_id
from monitoring_pipeline.evaluation.segments.binned_columns import binned
from monitoring_pipeline.evaluation.segments.weak_segments import WeakSegment, halves_of, weak_segments
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind, Task
from monitoring_pipeline.statistics.seeding import generator_of

ALPHA = 0.01
NEEDED_ROWS = 200
LOSSES: Mapping[Task, str] = {
    Task.BINARY: "Brier score",
    Task.MULTICLASS: "Brier score",
    Task.REGRESSION: "mean absolute error",
}


@dataclass(frozen=True)
class Weakness:
    """What was found in the labelled rows of a version.

    Args:
        model_version: the version; empty if no rows were looked at.
        rows: labelled rows.
        segments: the words of each weak segment, and its numbers.
        halves: the words for the halves of the rows.
        reason: why nothing was looked for.
    """

    model_version: str
    rows: int = 0
    segments: tuple[tuple[str, WeakSegment], ...] = ()
    halves: str = ""
    reason: str | None = None


def find_weakness(spec: ModelSpec, model_version: str, rows: pl.DataFrame) -> Weakness:
    """Return the segments in which the mean loss is higher than elsewhere, with p below ``ALPHA`` for all together.

    The loss is the squared error of the scores (Brier 1950), summed over the classes of a multiclass model, or the
    absolute error.

    Args:
        spec: the model.
        model_version: the version.
        rows: its canonical rows with ``label`` and ``day``, a number; features and group columns that are missing
            are not looked at.
    """
    usable = by_id(rows.with_columns(loss=_loss(spec)).filter(pl.col("loss").is_finite()))
    if usable.height < NEEDED_ROWS:
        reason = f"{usable.height} labelled rows, at least {NEEDED_ROWS} needed"
        return Weakness(model_version, usable.height, reason=reason)
    days = usable["day"].cast(pl.Int64).to_numpy()
    halves = halves_of(days, generator_of(spec.name, model_version, "weak segments"))
    columns = {
        name: binned(usable[name], kind, halves.chosen_on)
        for name, kind in columns_of_segments(spec).items()
        if name in usable.columns
    }
    found = weak_segments({name: one.codes for name, one in columns.items()}, usable["loss"].to_numpy(), halves)
    return Weakness(
        model_version,
        usable.height,
        segments=tuple(
            (
                " and ".join(columns[name].words[number] for name, number in zip(one.features, one.bins, strict=True)),
                one,
            )
            for one in found
            if one.p_value < ALPHA
        ),
        halves=f"{np.unique(days).size} days" if halves.are_days else "rows, taken as independent",
    )


def columns_of_segments(spec: ModelSpec) -> dict[str, FeatureKind]:
    """Return the columns in which weak segments are looked for, with their kinds."""
    return features_of(spec) | dict.fromkeys(spec.predictions.group_columns, FeatureKind.CATEGORICAL)


def _loss(spec: ModelSpec) -> pl.Expr:
    label = pl.col("label")
    if spec.task is Task.REGRESSION:
        return (pl.col("prediction").cast(pl.Float64) - label.cast(pl.Float64)).abs()
    if spec.task is Task.BINARY:
        return (pl.col("score").cast(pl.Float64) - label.cast(pl.Float64)) ** 2
    errors = [
        pl.col(column).cast(pl.Float64) - (label == name).cast(pl.Float64)
        for name, column in spec.score_columns.items()
    ]
    summed = pl.sum_horizontal([error**2 for error in errors], ignore_nulls=False)
    return pl.when(label.is_in(spec.classes)).then(summed)
