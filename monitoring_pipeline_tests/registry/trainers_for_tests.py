"""Trainers as a user writes them: good ones, and each way of going wrong."""

import sys

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest
from monitoring_pipeline.registry.mlflow_registry import SIGNATURE_ROWS
from monitoring_pipeline.spec.sources import Task

NOT_A_FUNCTION = 3


def boosting(request: TrainingRequest):
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    kind = HistGradientBoostingRegressor if request.task is Task.REGRESSION else HistGradientBoostingClassifier
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
    estimator = Pipeline(
        [
            (
                "encode",
                ColumnTransformer([("categories", encoder, list(request.categorical))], remainder="passthrough"),
            ),
            ("boost", kind(max_iter=20, max_leaf_nodes=6, early_stopping=False, random_state=request.seed)),
        ]
    )
    return estimator.fit(request.inputs(), request.labels())


def raises(request: TrainingRequest):
    raise ArithmeticError(f"no convergence on {sorted(request.features)}")


def returns_nothing(request: TrainingRequest):
    return None


def regresses_classes(request: TrainingRequest):
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit(request.inputs()[["age"]], request.labels())


def logs_its_own(request: TrainingRequest):
    """Log a model of flavour pyfunc that returns a data frame of probabilities and decisions."""
    import mlflow
    import pandas as pd

    share = float(np.mean(request.labels() == 1))

    class Constant(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return pd.DataFrame({"probability": np.full(len(model_input), share), "prediction": "1"})

    with mlflow.start_run():
        return mlflow.pyfunc.log_model(name="constant", python_model=Constant(), pip_requirements=["mlflow"]).model_uri


class Moody(ClassifierMixin, BaseEstimator):
    """Returns probabilities for as many rows as the signature needs, and the fault named by its mood for more."""

    def __init__(self, mood: str = "") -> None:
        self.mood = mood

    def fit(self, rows, labels):
        self.classes_ = np.array([0, 1])
        return self

    def predict(self, rows):
        return self.predict_proba(rows).argmax(axis=1)

    def predict_proba(self, rows):
        usual = np.full((len(rows), 2), 0.5)
        moods = {
            "gives NaN": lambda: usual * np.nan,
            "gives what is no probability": lambda: usual * 3,
            "gives too few": lambda: usual[1:],
            "gives words": lambda: np.full(len(rows), "likely", dtype=object),
            "raises": lambda: raises_on(rows),
        }
        return usual if len(rows) <= SIGNATURE_ROWS else moods[self.mood]()


def raises_on(rows):
    raise ArithmeticError(f"no answer for {len(rows)} rows")


def exits(request: TrainingRequest):
    sys.exit("enough")


def leaves_a_run_open(request: TrainingRequest):
    import mlflow

    mlflow.log_param("depth", 3)
    return boosting(request)


def has_no_classes(request: TrainingRequest):
    return Moody()


def fails_on_its_own_rows(request: TrainingRequest):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(request.inputs()[["age"]], request.labels())
