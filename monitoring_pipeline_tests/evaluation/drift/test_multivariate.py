"""Drift of all features together: changed combinations, the columns named in reasons, and false alarms."""

import datetime as dt
import re
from typing import Any

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.drift.all_features import (
    LearnedTogether,
    learn_together,
    measure_multivariate,
    shares_beyond_usual,
)
from monitoring_pipeline.evaluation.fitted_models.density_ratio import density_ratio
from monitoring_pipeline.evaluation.fitted_models.design_matrix import (
    code_matrix,
    encoding_of,
    share_matrix,
    watched_features,
)
from monitoring_pipeline.evaluation.fitted_models.domain_classifier import DOMAIN_CLASSIFIERS, DomainClassifier
from monitoring_pipeline.records.measurement import Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.statistics.samples.permutation import area_test
from monitoring_pipeline.statistics.weights import effective_rows
from monitoring_pipeline_tests.evaluation.cases import canonical
from monitoring_pipeline_tests.spec.cases import binary_spec

FEATURES = {"a": "numeric", "b": "numeric", "c": "numeric", "plan": "categorical"}
SEED = ("churn", "1", "2024-03-01")


def _spec(**changes: Any) -> ModelSpec:
    return binary_spec(features=FEATURES, **changes)


def _rows(rng: np.random.Generator, rows: int, *, relation: float = 0.9, shift: float = 0.0) -> pl.DataFrame:
    a = rng.normal(size=rows)
    b = relation * a + np.sqrt(1 - relation**2) * rng.normal(size=rows)
    columns = {"a": a, "b": b, "c": rng.normal(shift, 1, rows), "plan": rng.choice(["x", "y", "z"], rows)}
    return canonical(_spec(), columns)


def _measured(reference: pl.DataFrame, rows: pl.DataFrame, spec: ModelSpec | None = None) -> dict[str, Measurement]:
    return {m.name: m for m in measure_multivariate(spec or _spec(), "1", reference, rows, seed_parts=SEED)}


def test_reversed_relation_of_two_unchanged_columns_is_breached() -> None:
    rng = np.random.default_rng(1)
    found = _measured(_rows(rng, 2_000), _rows(rng, 800, relation=-0.9))
    assert {m.status for m in found.values()} == {Status.BREACHED}
    for measurement in found.values():
        assert measurement.severity is Severity.WARNING
        carried = (measurement.reason or "").split("carried by ")[1]
        assert carried.split(" ")[0] in {"a", "b"}


def test_reason_of_a_breach_names_the_shifted_column_first() -> None:
    rng = np.random.default_rng(2)
    found = _measured(_rows(rng, 2_000), _rows(rng, 800, shift=1.0))["domain_classifier"]
    assert found.status is Status.BREACHED
    assert "carried by c" in (found.reason or "")
    # Two normals a standard deviation apart have an area of 0.760.
    assert found.value == pytest.approx(0.74, abs=0.04)


@pytest.mark.parametrize("statistic", ["domain_classifier", "pca_reconstruction"])
def test_dead_column_is_named_and_does_not_mask_the_others(statistic: str) -> None:
    rng = np.random.default_rng(2)
    reference, rows = _rows(rng, 2_000), _rows(rng, 800, relation=-0.9)
    died = rows.with_columns(c=pl.lit(None, pl.Float64))
    spec, dead = _spec(), {"c": "all its values are null", "score": "all its values are the same"}
    found = {m.name: m for m in measure_multivariate(spec, "1", reference, died, seed_parts=SEED, dead=dead)}[statistic]
    without = {m.name: m for m in measure_multivariate(spec, "1", reference, rows, seed_parts=SEED, left_out=["c"])}
    assert (found.status, found.value) == (Status.BREACHED, without[statistic].value)
    assert found.reason == f"{without[statistic].reason}; without c: all its values are null"


def test_dead_column_leaves_healthy_others_ok_and_is_named() -> None:
    rng = np.random.default_rng(3)
    dead = {"plan": "all its values are the same"}
    rows = _rows(rng, 400).with_columns(plan=pl.lit("x"))
    for found in measure_multivariate(_spec(), "1", _rows(rng, 1_000), rows, seed_parts=SEED, dead=dead):
        assert (found.status, found.reason) == (Status.OK, "without plan: all its values are the same")


def test_comparison_of_dead_columns_only_is_skipped() -> None:
    rng = np.random.default_rng(3)
    dead = dict.fromkeys(FEATURES, "all its values are null")
    for found in measure_multivariate(_spec(), "1", _rows(rng, 500), _rows(rng, 200), seed_parts=SEED, dead=dead):
        assert found.status is Status.SKIPPED
        assert (found.reason or "").startswith("no watched feature is left; without a: all its values are null; ")


def test_shift_of_an_ignored_column_is_not_breached() -> None:
    rng = np.random.default_rng(3)
    found = _measured(_rows(rng, 1_000), _rows(rng, 400, shift=3.0), _spec(drift__ignore=["c"]))
    assert {m.status for m in found.values()} == {Status.OK}


def test_measurements_do_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(4)
    reference, rows = _rows(rng, 600), _rows(rng, 300, shift=0.5)
    assert _measured(reference, rows) == _measured(reference.reverse(), rows.sample(fraction=1.0, shuffle=True, seed=1))


def test_learned_floor_above_the_default_decides() -> None:
    rng = np.random.default_rng(5)
    reference, rows = _rows(rng, 1_000), _rows(rng, 400, shift=1.0)
    learned = measure_multivariate(_spec(), "1", reference, rows, seed_parts=SEED, learned={"domain_classifier": 0.9})
    assert (learned[0].status, learned[0].threshold_upper) == (Status.OK, 0.9)


@pytest.mark.parametrize(
    ("reference", "rows", "spec", "words"),
    [
        (500, 20, _spec(), "20 rows, at least 50"),
        (60, 200, _spec(), "60 rows of the reference"),
        (500, 200, _spec(drift__ignore=list(FEATURES)), "no watched feature"),
        (500, 200, _spec().with_features_in(()), "no feature of the chunk can be read"),
    ],
)
def test_comparison_with_too_few_rows_or_features_is_skipped(
    reference: int, rows: int, spec: ModelSpec, words: str
) -> None:
    rng = np.random.default_rng(6)
    for measurement in _measured(_rows(rng, reference), _rows(rng, rows), spec).values():
        assert measurement.status is Status.SKIPPED
        assert words in (measurement.reason or "")


@pytest.mark.parametrize("classifier", DomainClassifier)
def test_area_test_of_out_of_fold_probabilities_keeps_its_level(classifier: DomainClassifier) -> None:
    rng = np.random.default_rng(7)
    columns = watched_features(_spec())
    p_values: list[float] = []
    for _ in range(60):
        classified = DOMAIN_CLASSIFIERS[classifier].test(columns, _rows(rng, 150), _rows(rng, 150))
        p_values.append(
            area_test(classified.probabilities, classified.current, classified.folds, rng, draws=199).p_value
        )
    # With a true level of 0.05 more than 8 of 60 have a probability of 0.003.
    assert np.sum(np.array(p_values) <= 0.05) <= 8


def test_unseen_categories_and_nulls_become_numbers() -> None:
    learned = pl.DataFrame({"plan": ["x", "x", "y", None], "a": [1.0, 2.0, None, float("inf")]})
    encoding = encoding_of({"plan": FeatureKind.CATEGORICAL, "a": FeatureKind.NUMERIC}, learned)
    rows = pl.DataFrame({"plan": ["y", "new", None], "a": [1.0, None, float("nan")]})
    np.testing.assert_array_equal(code_matrix(encoding, rows), [[1, 1], [2, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(share_matrix(encoding, rows), [[0.25, 1], [0, np.nan], [np.nan, np.nan]])


def test_density_ratio_weights_give_the_reference_the_means_of_the_chunk() -> None:
    rng = np.random.default_rng(8)
    reference, rows = _rows(rng, 3_000), _rows(rng, 3_000, shift=0.7)
    weights = density_ratio(reference, rows, _spec())
    assert weights.mean() == pytest.approx(1.0, abs=0.1)
    assert np.average(reference["c"].to_numpy(), weights=weights) == pytest.approx(0.7, abs=0.12)
    assert np.average(reference["a"].to_numpy(), weights=weights) == pytest.approx(0.0, abs=0.12)
    # exp(0.49) = 1.63 is the second moment of the true ratio.
    assert 1_200 < effective_rows(weights) < 2_600


def test_learned_floor_of_ten_days_exceeds_usual_effects_and_nine_days_give_none() -> None:
    rng = np.random.default_rng(9)
    days = [
        _rows(rng, 100, shift=1.0 if day == 4 else 0.0).with_columns(
            pl.lit(dt.datetime(2024, 1, 1 + day, 12, tzinfo=dt.UTC)).alias("predicted_at"),
            pl.format("{}-{}", pl.lit(day), pl.col("row_id")).alias("row_id"),
        )
        for day in range(10)
    ]
    learned = learn_together(_spec(), "1", pl.concat(days))
    assert learned.floors["domain_classifier"] > 0.65
    assert learn_together(_spec(), "1", pl.concat(days[:9])) == LearnedTogether()
    assert learn_together(_spec(drift__learn_floors=False), "1", pl.concat(days)) == LearnedTogether()


def test_shares_are_of_what_columns_add_beyond_the_usual() -> None:
    added = {"pressure": 0.30, "age": 0.15, "plan": 0.05, "c": -0.2}
    assert shares_beyond_usual(added, {}, upward=True) == pytest.approx({"pressure": 0.6, "age": 0.3, "plan": 0.1})
    usual = {"pressure": 0.29, "plan": 0.06}
    assert list(shares_beyond_usual(added, usual, upward=True)) == ["age", "pressure"]
    assert shares_beyond_usual(added, usual, upward=True)["age"] == pytest.approx(0.15 / 0.16)
    assert shares_beyond_usual(added, {"c": 0.1, "pressure": 0.4}, upward=False) == pytest.approx(
        {"c": 0.75, "pressure": 0.25}
    )
    # If nothing is beyond the usual, the columns that add most are named all the same.
    assert list(shares_beyond_usual({"a": 0.2, "b": 0.1}, {"a": 0.3, "b": 0.3}, upward=True)) == ["a", "b"]
    assert shares_beyond_usual({}, {}, upward=True) == {}


@pytest.mark.parametrize("statistic", ["domain_classifier", "pca_reconstruction"])
def test_column_that_moved_is_named_and_not_the_one_that_tells_every_day_apart(statistic: str) -> None:
    """The mean of ``a`` is another one on each day, so it always carries most of the effect."""
    rng = np.random.default_rng(10)

    def day(place: int, relation: float) -> pl.DataFrame:
        level = rng.normal(0.0, 1.5)
        rows = _rows(rng, 150, relation=0.0).with_columns(
            pl.col("a") + level,
            pl.lit(dt.datetime(2024, 1, 1 + place, 12, tzinfo=dt.UTC)).alias("predicted_at"),
            pl.format("{}-{}", pl.lit(f"{place:02}"), pl.col("row_id")).alias("row_id"),
        )
        return rows.with_columns(b=relation * pl.col("c") + np.sqrt(1 - relation**2) * pl.col("b"))

    spec = _spec(drift__multivariate=[statistic])
    reference = pl.concat([day(place, 0.95) for place in range(20)]).sample(fraction=1.0, shuffle=True, seed=1)
    learned = learn_together(spec, "1", reference)
    rows = day(25, -0.95)
    reasons = {}
    for usual in ({}, learned.usual):
        (found,) = measure_multivariate(spec, "1", reference, rows, seed_parts=SEED, usual=usual)
        assert found.status is Status.BREACHED
        reasons[bool(usual)] = (found.reason or "").split("carried by ")[1]
    assert reasons[True].split(" ")[0] in {"b", "c"}
    assert reasons[True].endswith("; what they add on usual days is left out")
    assert "usual" not in reasons[False]
    shares = [re.search(r"\ba (\d+)%", reason) for reason in (reasons[False], reasons[True])]
    assert shares[0] is not None
    assert shares[1] is None or int(shares[1][1]) < int(shares[0][1])


def test_classifier_with_a_learned_floor_of_one_is_skipped() -> None:
    rng = np.random.default_rng(10)
    found = measure_multivariate(
        _spec(), "1", _rows(rng, 400), _rows(rng, 200), seed_parts=SEED, learned={"domain_classifier": 1.0}
    )[0]
    assert found.status is Status.SKIPPED
    assert "so even a healthy day differs from the others" in (found.reason or "")
