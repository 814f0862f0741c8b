"""Contributions by a library's own means: they are the library's, belong to features, and sum to the raw output."""

import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from monitoring_pipeline.registry.native_contributions import contributor_of

FEATURES = ["a", "b", "kind"]
SMALL = {"n_estimators": 15, "num_leaves": 7, "min_child_samples": 5, "verbosity": -1, "random_state": 1, "n_jobs": 1}


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"a": rng.normal(size=400), "b": rng.normal(size=400), "kind": rng.choice(list("xyz"), 400)})
    frame.loc[::9, "b"] = np.nan
    return frame


@pytest.fixture(scope="module")
def labels(rows):
    return (rows["a"] + (rows["kind"] == "x") + np.random.default_rng(6).normal(size=400) > 0.3).astype(int)


def _prepared(encoder, estimator):
    columns = ColumnTransformer([("kinds", encoder, ["kind"])], remainder="passthrough")
    return make_pipeline(columns.set_output(transform="pandas"), estimator)


def _summed(found):
    return sum(found.parts.values()) + found.base


def test_lightgbm_contributions_are_its_own_and_sum_to_the_raw_score(rows, labels):
    numbers = rows[["a", "b"]]
    for model in (
        lightgbm.LGBMClassifier(**SMALL).fit(numbers, labels),
        lightgbm.LGBMRegressor(**SMALL).fit(numbers, labels),
    ):
        for loaded in (model, model.booster_):
            found = contributor_of(loaded, ["a", "b"])(numbers.head(50), numbers, 0)
            own = model.booster_.predict(numbers.head(50), pred_contrib=True)
            assert np.column_stack([*found.parts.values(), found.base]) == pytest.approx(own, abs=0.0)
            assert _summed(found) == pytest.approx(model.predict(numbers.head(50), raw_score=True), abs=1e-9)
            assert np.abs(found.parts["a"]).max() > 0.1


def test_lightgbm_contributions_of_a_class_are_those_of_its_raw_score(rows):
    numbers = rows[["a", "b"]]
    model = lightgbm.LGBMClassifier(**SMALL).fit(numbers, rows["kind"].where(numbers["a"] < 0.5, "x"))
    for number in range(3):
        found = contributor_of(model, ["a", "b"])(numbers, numbers, number)
        assert _summed(found) == pytest.approx(model.predict(numbers, raw_score=True)[:, number], abs=1e-9)


@pytest.mark.parametrize("encoder", [OrdinalEncoder(), OneHotEncoder(sparse_output=False)], ids=["codes", "one_hot"])
def test_what_a_pipeline_makes_of_a_feature_is_summed(rows, labels, encoder):
    model = _prepared(encoder, lightgbm.LGBMClassifier(**SMALL)).fit(rows, labels)
    found = contributor_of(model, FEATURES)(rows, rows, 0)
    assert list(found.parts) == FEATURES
    assert _summed(found) == pytest.approx(model.predict(rows, raw_score=True), abs=1e-9)
    assert np.abs(found.parts["kind"]).mean() > 0.05


@pytest.mark.parametrize("classes", [2, 3])
def test_sparse_inputs_have_the_contributions_of_dense_ones(rows, classes):
    columns = ColumnTransformer([("kinds", OneHotEncoder(), ["kind"])], remainder="passthrough", sparse_threshold=1.0)
    kinds = np.minimum(np.searchsorted([0.0, 1.0], rows["a"]), classes - 1)
    model = make_pipeline(columns, lightgbm.LGBMClassifier(**SMALL)).fit(rows, kinds)
    raw = model.predict(rows, raw_score=True).reshape(len(rows), -1)
    for output in range(raw.shape[1]):
        assert _summed(contributor_of(model, FEATURES)(rows, rows, output)) == pytest.approx(raw[:, output], abs=1e-9)


def test_linear_models_are_split_exactly_against_the_mean_of_the_reference(rows, labels):
    rows = rows.fillna(0.0)
    reference = rows.tail(100)
    model = _prepared(OneHotEncoder(sparse_output=False), LogisticRegression()).fit(rows, labels)
    found = contributor_of(model, FEATURES)(rows, reference, 0)
    assert _summed(found) == pytest.approx(model.decision_function(rows), abs=1e-9)
    assert found.base[0] == pytest.approx(model.decision_function(reference).mean(), abs=1e-9)
    values = LinearRegression().fit(rows[["a", "b"]], 2.0 * rows["a"] - rows["b"] + 1.0)
    parts = contributor_of(values, ["a", "b"])(rows[["a", "b"]], reference[["a", "b"]], 0).parts
    assert parts["a"] == pytest.approx(2.0 * (rows["a"] - reference["a"].mean()), abs=1e-9)
    assert parts["b"] == pytest.approx(-(rows["b"] - reference["b"].mean()), abs=1e-9)


def test_classes_of_a_linear_model_have_contributions_of_their_own(rows):
    numbers = rows[["a", "b"]].fillna(0.0)
    model = LogisticRegression().fit(numbers, rows["kind"])
    for number in range(3):
        found = contributor_of(model, ["a", "b"])(numbers, numbers, number)
        assert _summed(found) == pytest.approx(model.decision_function(numbers)[:, number], abs=1e-9)


def test_other_models_have_none(rows, labels):
    assert contributor_of(HistGradientBoostingRegressor(max_iter=2).fit(rows[["a", "b"]], labels), ["a", "b"]) is None
    assert contributor_of(lambda given: given, ["a"]) is None


def test_input_that_is_made_from_no_feature_is_refused(rows, labels):
    model = lightgbm.LGBMClassifier(**SMALL).fit(rows[["a", "b"]], labels)
    with pytest.raises(ValueError, match="b: made from none of the features a"):
        contributor_of(model, ["a"])(rows[["a", "b"]], rows[["a", "b"]], 0)
