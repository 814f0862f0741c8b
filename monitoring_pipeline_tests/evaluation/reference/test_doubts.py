"""Doubts about references: each is raised by rows that deserve it, and none by a healthy reference."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.reference.doubts import doubts_about
from monitoring_pipeline.evaluation.reference.reference import build_reference
from monitoring_pipeline_tests.evaluation.cases import AS_OF, NO_LABELS, NOON, WINDOW, canonical
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec()
DAYS, ROWS = 24, 200


def doubts(
    *, days=DAYS, rows=ROWS, age=lambda _rng, _day, rows_of_day: np.arange(rows_of_day), small_days=0, spec=SPEC
):
    """Return the doubts about a reference of these days; ``age`` gives the ages of a day."""
    rng = np.random.default_rng(3)
    sizes = [rows] * (days - small_days) + [3] * small_days
    columns = {
        "age": np.concatenate(
            [np.asarray(age(rng, day, size), dtype=float) for day, size in enumerate(sizes)]
        ).tolist(),
        "plan": rng.choice(["a", "b"], sum(sizes)).tolist(),
        "score": rng.uniform(size=sum(sizes)),
    }
    columns["age"] = [None if np.isnan(value) else value for value in columns["age"]]
    times = [NOON + dt.timedelta(days=day) for day, size in enumerate(sizes) for _ in range(size)]
    frame = canonical(spec, columns).with_columns(pl.Series("predicted_at", times, pl.Datetime("us", "UTC")))
    built = build_reference(spec, "1", WINDOW, frame, NO_LABELS, table_columns={}, as_of=AS_OF)
    return doubts_about(spec, built.reference, built.chunks)


def test_reference_of_equal_days_raises_no_doubt():
    assert doubts() == ()


def test_small_days_are_counted():
    (doubt,) = doubts(small_days=4)
    assert doubt == "4 of 24 days have fewer than 50 rows (drift.minimum_rows): no floor is learned from them"


def test_days_without_values_of_a_column_are_named():
    found = doubts(age=lambda _rng, day, size: np.full(size, np.nan) if day in (3, 9) else np.arange(size))
    (doubt,) = [doubt for doubt in found if "no value" in doubt]
    dead = [(NOON + dt.timedelta(days=day)).date().isoformat() for day in (3, 9)]
    assert doubt == f"age has no value on 2 of 24 days: {', '.join(dead)}"


def test_floor_that_hardly_anything_can_exceed_is_named_with_its_number():
    (doubt,) = doubts(age=lambda rng, _day, size: rng.uniform(0, 1, size) + 10 * rng.integers(0, 20))
    assert doubt.startswith("the learned floor is near its maximum of 1 for age (0.9")
    assert "drift.against" in doubt


def test_column_with_a_trend_is_named_with_its_autocorrelation():
    found = doubts(age=lambda rng, day, size: rng.normal(0.08 * day, 1, size))
    (doubt,) = [doubt for doubt in found if "autocorrelation" in doubt]
    assert doubt.startswith("neighbouring days resemble one another in age (0.9")


def test_ignored_columns_raise_no_doubt_about_floors():
    ignoring = SPEC.model_copy(update={"drift": SPEC.drift.model_copy(update={"ignore": ("age",)})})
    assert doubts(age=lambda rng, _day, size: rng.uniform(0, 1, size) + 10 * rng.integers(0, 20), spec=ignoring) == ()


@pytest.mark.parametrize(("flipped", "expected"), [(False, 0), (True, 1)])
def test_scores_of_the_wrong_class_are_doubted(flipped, expected):
    rng = np.random.default_rng(5)
    scores = rng.uniform(size=600)
    outcome = rng.uniform(size=600) < scores
    columns = {"age": rng.uniform(size=600).tolist(), "plan": ["a", "b"] * 300, "score": scores}
    frame = canonical(SPEC, columns)
    labels = pl.DataFrame({"row_id": frame["row_id"], "label": (outcome != flipped).astype(np.int64)})
    labels = labels.with_columns(pl.lit(AS_OF).alias("known_at").cast(NO_LABELS.schema["known_at"]))
    labels = labels.select(NO_LABELS.columns).cast(NO_LABELS.schema)
    built = build_reference(SPEC, "1", WINDOW, frame, labels, table_columns={}, as_of=AS_OF)
    found = [doubt for doubt in doubts_about(SPEC, built.reference, built.chunks) if "worse than chance" in doubt]
    assert len(found) == expected
    assert all("predictions.positive" in doubt for doubt in found)
