"""Four stories planted in real flights, in one backfill: the first sentence of each incident tells it rightly."""

from dataclasses import replace

import polars as pl
import pytest

from monitoring_pipeline.demo.flights import read_flights
from monitoring_pipeline.demo.training import DEMO_MODELS, LATE_FROM_SCORE, fit, moments_of_prediction, score
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

FIRST, LAST = "2013-03-01", "2013-03-21"
NULL_CITY = "2013-03-04"
FLIPPED = "2013-03-10", "2013-03-14"
SEASON = "2013-03-05", "2013-03-09"
WORSE = "2013-03-15", "2013-03-22"
FEATURES = {
    "carrier": "categorical", "origin": "categorical", "scheduled_departure_minute": "numeric",
    "distance_miles": "numeric", "plane_age_years": "numeric", "temperature_fahrenheit": "numeric",
    "wind_speed_mph": "numeric", "visibility_miles": "numeric",
}  # fmt: skip
MODEL = replace(
    DEMO_MODELS[0], features={name: DEMO_MODELS[0].features[name] for name in FEATURES}, trees={"max_iter": 30}
)


def _between(days):
    first, end = (pl.lit(f"{day}T05:00:00Z").str.to_datetime(time_zone="UTC") for day in days)
    return (pl.col("predicted_at") >= first) & (pl.col("predicted_at") < end)


def _planted(rows):
    """Return scored flights of which some are changed: a column, the labels, an input, and scores, each somewhere."""
    every_seventh = pl.col("flight_id").hash(1) % 7 == 0
    return rows.with_columns(
        wind_speed_mph=pl.when((pl.col("origin") == "LGA") & every_seventh & _between((NULL_CITY, "2013-03-05")))
        .then(None)
        .otherwise("wind_speed_mph"),
        late=pl.when((pl.col("origin") == "JFK") & _between(FLIPPED)).then(1 - pl.col("late")).otherwise("late"),
        # The model does not see it: the scores are those of the flights as they were.
        temperature_fahrenheit=pl.col("temperature_fahrenheit") + pl.when(_between(SEASON)).then(25.0).otherwise(0.0),
        score=pl.when((pl.col("carrier") == "B6") & _between(WORSE))
        .then((pl.col("score") * 1.6).clip(upper_bound=0.95))
        .otherwise("score"),
    )


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stories(tmp_path_factory):
    """A model of January's flights: February is its reference, and March is the present."""
    flights = moments_of_prediction(MODEL, read_flights()).with_columns(late=pl.col("late").cast(pl.Float64))
    january = flights.filter(_between(("2013-01-01", "2013-02-01")))
    present = flights.filter(_between(("2013-02-01", "2013-03-22")))
    scored = present.with_columns(score=score(MODEL, fit(MODEL, january), present))
    rows = _planted(scored).with_columns(predicted_late=pl.col("score") >= LATE_FROM_SCORE)
    with pytest.MonkeyPatch.context() as patched:
        world = OneModelWorld(tmp_path_factory.mktemp("stories"), patched)
        rows.select("flight_id", "predicted_at", *FEATURES, "score", "predicted_late").write_parquet(
            world.folder / "scores.parquet"
        )
        labels = rows.drop_nulls("late").select("flight_id", "late", "arrived_at")
        labels.write_parquet(world.folder / "labels.parquet")
        world.execute(f"CREATE TABLE scores AS SELECT * FROM '{world.folder}/scores.parquet'")
        world.execute(f"CREATE TABLE outcomes AS SELECT * FROM '{world.folder}/labels.parquet'")
        world.spec(
            start=FIRST,
            predictions={
                "table": "scores", "id": "flight_id", "time": "predicted_at", "score": "score",
                "prediction": "predicted_late", "decision_threshold": LATE_FROM_SCORE,
            },
            labels={
                "table": "outcomes", "id": "flight_id", "label": "late", "positive": 1, "known_at": "arrived_at",
                "delay": "12h",
            },
            features=FEATURES,
            reference={"1": {"start": "2013-02-01", "end": FIRST}},
            performance={"thresholds": {"auroc": {"lower": 0.58, "severity": "critical"}}},
            segments={"by": {"origin": "origin", "carrier": {"column": "carrier", "values": 8}}},
            fairness={
                "by": {"jetblue": {"where": {"carrier": ["B6"]}}},
                "allowed": {"false_positive_rate": {"difference": 0.2}},
                "days": 5,
            },
        )  # fmt: skip
        world.run("backfill", "m", "--from", FIRST, "--to", LAST)
        yield world


def _incident(world, cause):
    return world.ask("SELECT severity, since, last_breached, title FROM incidents WHERE cause = ?", cause)


def _first_sentence(title):
    return title.split("; ")[0]


def test_a_column_that_is_null_in_one_city_is_named_with_the_city(stories):
    ((severity, since, last, title),) = _incident(stories, "column:wind_speed_mph")
    assert (severity, since, last) == ("warning", NULL_CITY, NULL_CITY)
    assert _first_sentence(title).endswith("% of the values of wind_speed_mph are null where origin=LGA")
    assert "0.0% elsewhere" in title


def test_a_relation_that_is_flipped_at_one_airport_is_named_with_the_airport(stories):
    ((severity, since, last, title),) = _incident(stories, "segment:origin=JFK")
    assert (severity, since, last) == ("warning", FLIPPED[0], "2013-03-13")
    assert _first_sentence(title).startswith("auroc where origin=JFK is 0.")
    ((severity, _, last, title),) = _incident(stories, "performance")
    assert (severity, last) == ("critical", "2013-03-13")
    # The parts belong to the sentence about the whole model: the rise at one airport is more than the whole.
    assert title.startswith("auroc is 0.")
    assert " from the rows where origin=JFK: 0.5" in title.split("; ")[1]


def test_a_group_that_is_treated_worse_is_named_with_the_notion(stories):
    ((severity, since, last, title),) = _incident(stories, "fairness:jetblue")
    assert (severity, last) == ("warning", LAST)
    assert WORSE[0] <= since <= "2013-03-17"
    assert title.startswith("groups of jetblue are treated unequally: false_positive_rate_difference[5 days] is 0.")
    assert "highest where jetblue=jetblue" in title


def test_a_season_that_harms_nobody_pages_nobody_and_is_told_as_harmless(stories):
    ((severity, since, last, title),) = _incident(stories, "inputs")
    assert (severity, since, last) == ("info", SEASON[0], "2013-03-08")
    assert title.startswith("2 inputs have drifted: temperature_fahrenheit (")
    assert title.endswith("; without effect on the model: score and auroc are within limits")
    # The day's verdict has it for information: nobody is paged.
    assert stories.verdicts()["2013-03-07"] == "ok"


def test_nothing_else_is_an_incident(stories):
    assert {cause for (cause,) in stories.ask("SELECT cause FROM incidents")} == {
        "column:wind_speed_mph", "segment:origin=JFK", "performance", "fairness:jetblue", "inputs",
    }  # fmt: skip
