"""The demo's estimators on a slice of the real flights."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.demo import training
from monitoring_pipeline.demo.training import (
    DEMO_MODELS,
    DemoModel,
    fit,
    in_reference,
    moments_of_prediction,
    score,
    score_out_of_fold,
    training_fingerprint,
)

FLIGHT_DELAY, ARRIVAL_DELAY = DEMO_MODELS


@pytest.fixture(scope="module")
def sample(flights: pl.DataFrame) -> pl.DataFrame:
    """Every twentieth flight of the year."""
    return flights.gather_every(20)


def reference_of(model: DemoModel, flights: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of January and February."""
    return moments_of_prediction(model, flights).filter(in_reference())


def test_only_departed_flights_are_seen_at_departure(flights: pl.DataFrame) -> None:
    assert moments_of_prediction(FLIGHT_DELAY, flights).height == 336_776
    departures = moments_of_prediction(ARRIVAL_DELAY, flights)
    assert departures.height == 336_776 - 8_255
    assert departures["predicted_at"].is_sorted()
    assert (departures["predicted_at"] == departures["departed_at"]).all()


def test_reference_ends_at_new_yorks_midnight(flights: pl.DataFrame) -> None:
    departures = moments_of_prediction(ARRIVAL_DELAY, flights)
    last = departures.filter(in_reference())["predicted_at"].max()
    first_later = departures.filter(~in_reference())["predicted_at"].min()
    midnight = dt.datetime(2013, 3, 1, 5, tzinfo=dt.UTC)
    assert last < midnight <= first_later


@pytest.mark.parametrize("model", DEMO_MODELS, ids=lambda model: model.name)
def test_unknown_and_missing_categories_are_scored_alike(model: DemoModel, sample: pl.DataFrame) -> None:
    reference = reference_of(model, sample)
    estimator = fit(model, reference)
    unknown = reference.head(50).with_columns(destination=pl.lit("XXX"), carrier=pl.lit("??"))
    missing = unknown.with_columns(pl.lit(None, pl.String).alias(name) for name in ("destination", "carrier"))
    scores = score(model, estimator, unknown)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, score(model, estimator, missing))


@pytest.mark.parametrize("model", DEMO_MODELS, ids=lambda model: model.name)
def test_a_weeks_own_truths_never_reach_its_scores(model: DemoModel, sample: pl.DataFrame) -> None:
    reference = reference_of(model, sample)
    first_week = pl.col("predicted_at") < dt.datetime(2013, 1, 8, 5, tzinfo=dt.UTC)
    truth = pl.col(model.target)
    otherwise = ~truth if model is FLIGHT_DELAY else truth + 100
    altered = reference.with_columns(pl.when(first_week).then(otherwise).otherwise(truth).alias(model.target))
    before, after = (score_out_of_fold(model, rows) for rows in (reference, altered))
    inside = reference.select(first_week).to_series().to_numpy()
    np.testing.assert_array_equal(before[inside], after[inside])
    assert (before[~inside] != after[~inside]).any()


def test_fingerprint_follows_rows_truths_and_parameters(sample: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = reference_of(FLIGHT_DELAY, sample)
    fingerprint = training_fingerprint(FLIGHT_DELAY, reference)
    assert training_fingerprint(FLIGHT_DELAY, reference.clone()) == fingerprint
    assert training_fingerprint(FLIGHT_DELAY, reference.head(-1)) != fingerprint
    assert training_fingerprint(FLIGHT_DELAY, reference.with_columns(~pl.col("late"))) != fingerprint
    monkeypatch.setitem(training.BOOSTING, "max_iter", 61)
    assert training_fingerprint(FLIGHT_DELAY, reference) != fingerprint
