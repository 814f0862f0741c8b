"""The flights of the demo, scored as the demo scores them: two months out of fold, the other months by the model."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from monitoring_pipeline.demo.flights import NEW_YORK, read_flights
from monitoring_pipeline.demo.training import (
    DEMO_MODELS,
    fit,
    in_reference,
    moments_of_prediction,
    score,
    score_out_of_fold,
)

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MODEL = DEMO_MODELS[0]
CATEGORIES, NUMBERS = tuple(MODEL.categories), tuple(MODEL.numbers)
DAY, TIME, ID, SCORE, LABEL, KNOWN_AT = "day", "predicted_at", "flight_id", "score", "late", "arrived_at"


def scored_flights(cache: Path) -> pl.DataFrame:
    """Return all flights of 2013 with features, score and label, and the day of New York as a date.

    Args:
        cache: a Parquet file. It is written if it does not exist.
    """
    if not cache.exists():
        cache.parent.mkdir(parents=True, exist_ok=True)
        _scored().write_parquet(cache)
    return pl.read_parquet(cache)


def scored_again(bad: pl.DataFrame, good: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of a bad day as the model scores them: those whose features are not those of the good day.

    In production a model scores the values that it gets. The scores of all other rows stay.
    """
    features = list(MODEL.features)
    before = good.select(ID, pl.struct(features).alias("before")).unique(ID)
    joined = bad.with_columns(pl.struct(features).alias("now")).join(before, on=ID, how="left", maintain_order="left")
    has_changed = joined.select(pl.col("now").ne_missing(pl.col("before")) & pl.col("before").is_not_null()).to_series()
    scores = bad[SCORE].to_numpy().copy()
    if has_changed.any():
        scores[has_changed.to_numpy()] = score(MODEL, _model(), bad.filter(has_changed))
    return bad.with_columns(pl.Series(SCORE, scores))


@cache
def _model() -> "Pipeline":
    return fit(MODEL, moments_of_prediction(MODEL, read_flights()).filter(in_reference()))


def features_of_spec() -> dict[str, str]:
    """Return the kind of each feature, as a spec declares it."""
    return {name: str(kind) for name, kind in MODEL.features.items()}


def _scored() -> pl.DataFrame:
    moments = moments_of_prediction(MODEL, read_flights())
    reference, later = moments.filter(in_reference()), moments.filter(~in_reference())
    scores = np.concatenate([score_out_of_fold(MODEL, reference), score(MODEL, fit(MODEL, reference), later)])
    return (
        pl.concat([reference, later])
        .with_columns(pl.Series(SCORE, scores))
        .select(
            ID,
            TIME,
            pl.lit("1").alias("model_version"),
            *MODEL.features,
            SCORE,
            LABEL,
            KNOWN_AT,
            pl.col(TIME).dt.convert_time_zone(NEW_YORK).dt.date().alias(DAY),
        )
    )
