"""The demo's estimators on a slice of the real flights."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.demo import training
from monitoring_pipeline.demo.training import (
    DEMO_MODELS,
    USUAL_SHARES,
    DemoModel,
    fit,
    in_reference,
    moments_of_prediction,
    score,
    score_out_of_fold,
    training_fingerprint,
)

FLIGHT_DELAY, ARRIVAL_DELAY, FLIGHT_OUTCOME = DEMO_MODELS


@pytest.fixture(scope="module")
def sample(flights: pl.DataFrame) -> pl.DataFrame:
    """Every twentieth flight of the year."""
    return flights.gather_every(20)


def reference_of(model: DemoModel, flights: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of January and February."""
    return moments_of_prediction(model, flights).filter(in_reference())


def test_model_at_departure_leaves_out_flights_that_never_departed(flights: pl.DataFrame) -> None:
    assert moments_of_prediction(FLIGHT_DELAY, flights).height == 336_776
    departures = moments_of_prediction(ARRIVAL_DELAY, flights)
    assert departures.height == 336_776 - 8_255
    assert departures["predicted_at"].is_sorted()
    assert (departures["predicted_at"] == departures["departed_at"]).all()


def test_reference_ends_at_midnight_in_new_york(flights: pl.DataFrame) -> None:
    departures = moments_of_prediction(ARRIVAL_DELAY, flights)
    last = departures.filter(in_reference())["predicted_at"].max()
    first_later = departures.filter(~in_reference())["predicted_at"].min()
    midnight = dt.datetime(2013, 3, 1, 5, tzinfo=dt.UTC)
    assert last < midnight <= first_later


@pytest.mark.parametrize("model", DEMO_MODELS, ids=lambda model: model.name)
def test_unknown_category_is_scored_like_a_missing_one(model: DemoModel, sample: pl.DataFrame) -> None:
    reference = reference_of(model, sample)
    estimator = fit(model, reference)
    unknown = reference.head(50).with_columns(destination=pl.lit("XXX"), carrier=pl.lit("??"))
    missing = unknown.with_columns(pl.lit(None, pl.String).alias(name) for name in ("destination", "carrier"))
    scores = score(model, estimator, unknown)
    assert np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, score(model, estimator, missing))


@pytest.mark.parametrize("model", DEMO_MODELS, ids=lambda model: model.name)
def test_scores_of_a_week_do_not_depend_on_its_truths(model: DemoModel, sample: pl.DataFrame) -> None:
    reference = reference_of(model, sample)
    first_week = pl.col("predicted_at") < dt.datetime(2013, 1, 8, 5, tzinfo=dt.UTC)
    truth = pl.col(model.target)
    otherwise = {
        FLIGHT_DELAY.name: ~truth,
        ARRIVAL_DELAY.name: truth + 100,
        FLIGHT_OUTCOME.name: pl.when(truth == "on_time").then(pl.lit("late")).otherwise(pl.lit("on_time")),
    }[model.name]
    altered = reference.with_columns(pl.when(first_week).then(otherwise).otherwise(truth).alias(model.target))
    before, after = (score_out_of_fold(model, rows) for rows in (reference, altered))
    inside = reference.select(first_week).to_series().to_numpy()
    np.testing.assert_array_equal(before[inside], after[inside])
    assert (before[~inside] != after[~inside]).any()


def test_columns_of_scores_follow_the_order_of_the_classes(sample: pl.DataFrame) -> None:
    from sklearn.metrics import roc_auc_score

    reference = reference_of(FLIGHT_OUTCOME, sample).drop_nulls("outcome")
    scores = score(FLIGHT_OUTCOME, fit(FLIGHT_OUTCOME, reference), reference)
    np.testing.assert_allclose(scores.sum(axis=1), 1)
    truths = reference["outcome"].to_numpy()
    shares = [(truths == name).mean() for name in FLIGHT_OUTCOME.classes]
    np.testing.assert_allclose(scores.mean(axis=0), shares, atol=0.01)
    for column, name in enumerate(FLIGHT_OUTCOME.classes):
        assert roc_auc_score(truths == name, scores[:, column]) > 0.75


def test_features_that_reveal_a_cancellation_are_left_out() -> None:
    assert FLIGHT_DELAY.features.keys() - FLIGHT_OUTCOME.features.keys() == {"plane_age_years", "seats"}


def test_usual_shares_equal_those_of_the_reference(flights: pl.DataFrame) -> None:
    outcomes = reference_of(FLIGHT_OUTCOME, flights)["outcome"].drop_nulls()
    shares = dict(outcomes.value_counts(normalize=True, name="share").iter_rows())
    assert shares == pytest.approx(USUAL_SHARES, abs=0.0005)


@pytest.mark.parametrize("model", DEMO_MODELS, ids=lambda model: model.name)
def test_fingerprint_changes_with_rows_truths_and_parameters(
    model: DemoModel, sample: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    reference = reference_of(model, sample)
    fingerprint = training_fingerprint(model, reference)
    assert training_fingerprint(model, reference.clone()) == fingerprint
    assert training_fingerprint(model, reference.head(-1)) != fingerprint
    assert training_fingerprint(model, reference.with_columns(pl.col(model.target).reverse())) != fingerprint
    monkeypatch.setitem(training.BOOSTING, "random_state", 61)
    assert training_fingerprint(model, reference) != fingerprint


def test_fingerprint_changes_with_the_size_of_the_trees(sample: pl.DataFrame) -> None:
    reference = reference_of(FLIGHT_OUTCOME, sample)
    bushier = replace(FLIGHT_OUTCOME, trees=FLIGHT_OUTCOME.trees | {"max_leaf_nodes": 31})
    assert training_fingerprint(bushier, reference) != training_fingerprint(FLIGHT_OUTCOME, reference)
