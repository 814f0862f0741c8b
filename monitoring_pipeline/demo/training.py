"""The demo's three models: targets, features, fitting and scoring.

All use histogram gradient boosting (Ke et al., LightGBM, NeurIPS 2017; scikit-learn's user guide 1.11.1.1) with
native categorical features. scikit-learn is imported at first use, so that the code server starts quickly.
"""

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.demo.flights import NEW_YORK, WEATHER, Outcome
from monitoring_pipeline.spec.sources import FeatureKind, Task

if TYPE_CHECKING:
    from pandas import DataFrame
    from sklearn.pipeline import Pipeline
    from threadpoolctl import threadpool_limits

REFERENCE_START = dt.date(2013, 1, 1)
REFERENCE_END = dt.date(2013, 3, 1)
FOLDS = 4
BLOCK_DAYS = 7
LATE_FROM_SCORE = 0.3
"""Lowest score that predicts a late flight: about a quarter of all flights, and two fifths of the late ones."""

USUAL_SHARES = {"on_time": 0.745, "late": 0.153, "very_late": 0.067, "cancelled": 0.034}
"""Shares of the outcomes in January and February.

The predicted outcome is the one whose probability exceeds its usual share by the largest factor. The most probable
outcome would be "on time" for 99 in 100 flights, because three quarters of all are on time and cancellations are rare.
"""

BOOSTING = {"max_iter": 60, "early_stopping": False, "random_state": 2013}
"""No early stopping, because it holds out rows at random, and flights of one day are not independent."""

SMALL_TREES = {"max_iter": 30, "max_leaf_nodes": 8, "min_samples_leaf": 200}
"""For rare classes. With full trees the log loss out of fold is 0.812; that of constant class shares is 0.804."""

KNOWN_AT_SCHEDULED_DEPARTURE = {
    "carrier": FeatureKind.CATEGORICAL,
    "origin": FeatureKind.CATEGORICAL,
    "destination": FeatureKind.CATEGORICAL,
    "weekday": FeatureKind.CATEGORICAL,
    "scheduled_departure_minute": FeatureKind.NUMERIC,
    "distance_miles": FeatureKind.NUMERIC,
    "plane_age_years": FeatureKind.NUMERIC,
    "seats": FeatureKind.NUMERIC,
} | dict.fromkeys(WEATHER.values(), FeatureKind.NUMERIC)


@dataclass(frozen=True)
class DemoModel:
    """One model of the demo; target, time and features are columns of ``read_flights``.

    ``classes`` are those of a multiclass model, in the order of its scores. ``trees`` overrides parameters of
    ``BOOSTING``.
    """

    name: str
    task: Task
    target: str
    predicted_at: str
    features: dict[str, FeatureKind]
    classes: tuple[str, ...] = ()
    trees: dict[str, int] = field(default_factory=dict)

    @property
    def boosting(self) -> dict[str, int | bool]:
        """Parameters of the estimator."""
        return BOOSTING | self.trees

    @property
    def categories(self) -> list[str]:
        """Categorical features, which the estimator takes before the numeric ones."""
        return [name for name, kind in self.features.items() if kind is FeatureKind.CATEGORICAL]

    @property
    def numbers(self) -> list[str]:
        """Numeric features."""
        return [name for name, kind in self.features.items() if kind is FeatureKind.NUMERIC]


OUTPUT_METHODS = {Task.BINARY: "predict_proba", Task.MULTICLASS: "predict_proba", Task.REGRESSION: "predict"}
"""The method that computes the estimator's output."""

DEMO_MODELS = (
    DemoModel("flight_delay", Task.BINARY, "late", "scheduled_departure_at", KNOWN_AT_SCHEDULED_DEPARTURE),
    DemoModel(
        "arrival_delay",
        Task.REGRESSION,
        "arrival_delay_minutes",
        "departed_at",
        KNOWN_AT_SCHEDULED_DEPARTURE | {"departure_delay_minutes": FeatureKind.NUMERIC},
    ),
    DemoModel(
        "flight_outcome",
        Task.MULTICLASS,
        "outcome",
        "scheduled_departure_at",
        # The source lacks the plane of every third cancelled flight and of no other, which would leak the label.
        {name: kind for name, kind in KNOWN_AT_SCHEDULED_DEPARTURE.items() if name not in {"plane_age_years", "seats"}},
        classes=get_args(Outcome),
        trees=SMALL_TREES,
    ),
)


def moments_of_prediction(model: DemoModel, flights: pl.DataFrame) -> pl.DataFrame:
    """Return the flights that the model scores, with ``predicted_at`` (UTC) and in its order.

    A model that predicts at departure scores no flight that never departed.
    """
    moments = flights.with_columns(predicted_at=pl.col(model.predicted_at)).drop_nulls("predicted_at")
    return moments.sort("predicted_at", "flight_id")


def in_reference() -> pl.Expr:
    """Return whether a prediction falls into the reference window, by New York's calendar."""
    return _day() < REFERENCE_END


def fit(model: DemoModel, rows: pl.DataFrame) -> "Pipeline":
    """Return the model, fitted on those of ``rows`` whose truth is known.

    It scores a category that ``rows`` lack like a missing one.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OrdinalEncoder

    boosting = {
        Task.BINARY: HistGradientBoostingClassifier,
        Task.MULTICLASS: HistGradientBoostingClassifier,
        Task.REGRESSION: HistGradientBoostingRegressor,
    }
    encoder = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, dtype=np.float64
    )
    # The encoder's columns come first; the others follow in their order.
    is_category = [True] * len(model.categories) + [False] * len(model.numbers)
    estimator = Pipeline(
        [
            ("encode", ColumnTransformer([("categories", encoder, model.categories)], remainder="passthrough")),
            ("boost", boosting[model.task](categorical_features=is_category, **model.boosting)),
        ]
    )
    labelled = rows.drop_nulls(model.target)
    with _one_thread():
        return estimator.fit(model_input(model, labelled), labelled[model.target].to_numpy())


def score(model: DemoModel, estimator: "Pipeline", rows: pl.DataFrame) -> NDArray[np.float64]:
    """Return the model's output for each row: probability of being late, minutes, or a column for each class."""
    with _one_thread():
        output = getattr(estimator, OUTPUT_METHODS[model.task])(model_input(model, rows))
    if model.task is Task.MULTICLASS:
        fitted = list(estimator.classes_)
        return output[:, [fitted.index(name) for name in model.classes]]
    return output[:, 1] if model.task is Task.BINARY else output


def score_out_of_fold(model: DemoModel, reference: pl.DataFrame) -> NDArray[np.float64]:
    """Return the score of each row of the reference by a model that was fitted without the row's week.

    Each of the four folds holds out every fourth week. Flights of one day share weather and congestion, so that scores
    would be too good if other flights of the day were in the training rows.
    """
    week = (_day() - REFERENCE_START).dt.total_days() // BLOCK_DAYS
    fold = reference.select(week % FOLDS).to_series().to_numpy()
    scores = np.empty((reference.height, len(model.classes)) if model.classes else reference.height)
    for held_out in range(FOLDS):
        inside = fold == held_out
        estimator = fit(model, reference.filter(~inside))
        scores[inside] = score(model, estimator, reference.filter(inside))
    return scores


def out_of_fold_metrics(model: DemoModel, reference: pl.DataFrame, scores: NDArray[np.float64]) -> dict[str, float]:
    """Return the metric of the reference's scores, by name, over the rows whose truth is known."""
    from sklearn.metrics import mean_absolute_error, roc_auc_score

    def macro_auroc(truths: NDArray[np.object_], scores: NDArray[np.float64]) -> float:
        areas = [roc_auc_score(truths == name, scores[:, column]) for column, name in enumerate(model.classes)]
        return float(np.mean(areas))

    name, metric = {
        Task.BINARY: ("auroc", roc_auc_score),
        Task.MULTICLASS: ("macro_auroc", macro_auroc),
        Task.REGRESSION: ("mean_absolute_error", mean_absolute_error),
    }[model.task]
    labelled = reference[model.target].is_not_null().to_numpy()
    return {f"{name}_out_of_fold": float(metric(reference[model.target].drop_nulls().to_numpy(), scores[labelled]))}


def model_input(model: DemoModel, rows: pl.DataFrame) -> "DataFrame":
    """Return the features as the estimator takes them: text and 64-bit floats, missing numbers as NaN."""
    return rows.select(*model.categories, pl.col(model.numbers).cast(pl.Float64)).to_pandas()


def training_fingerprint(model: DemoModel, reference: pl.DataFrame) -> str:
    """Return a hash of all that the fitted model depends on in this package: its rows, truths and parameters."""
    rows = reference.select("flight_id", model.target, *model.features).write_csv()
    return hashlib.sha256(f"{model.boosting}\n{rows}".encode()).hexdigest()[:16]


def _one_thread() -> "threadpool_limits":
    # On a busy machine OpenMP's threads wait for one another; the demo's fits took 39 seconds instead of 0.8.
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, user_api="openmp")


def _day() -> pl.Expr:
    return pl.col("predicted_at").dt.convert_time_zone(NEW_YORK).dt.date()
