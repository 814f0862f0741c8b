"""Ten tables of predictions made from real data sets, as other people keep them, with the roles of their columns."""

import datetime as dt
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import statsmodels.api as sm
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

START = dt.datetime(2024, 3, 1)  # noqa: DTZ001 - a time without a zone, as many tables have it
ROWS = 6_000


@dataclass(frozen=True)
class RealTable:
    """Tables of a source, the first of which holds the predictions, and what ``init`` should find in them."""

    name: str
    tables: Mapping[str, pl.DataFrame]
    roles: Mapping[str, object]
    left_out: frozenset[str] = frozenset()
    kinds: Mapping[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()


def _drawn(x: np.ndarray, y: np.ndarray, seed: int, rows: int = ROWS) -> tuple[np.ndarray, np.ndarray]:
    """Return rows drawn with a little noise, so that a small data set gives many predictions."""
    random = np.random.default_rng(seed)
    places = random.integers(0, len(y), rows)
    return x[places] + random.normal(0, 0.4, (rows, x.shape[1])) * x.std(axis=0), y[places]


def _probabilities(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, C=0.05))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(x, y).predict_proba(x)


def _times(rows: int, days: int = 60) -> list[dt.datetime]:
    return [START + dt.timedelta(seconds=86_400 * days / rows * place) for place in range(rows)]


def breast_cancer() -> RealTable:
    data = load_breast_cancer()
    x, y = _drawn(data.data[:, :6], data.target, 1)
    names = ["Mean Radius (mm)", "meanTexture", "MEAN-PERIMETER", "mean area", "Mean smoothness", "compactness"]
    frame = pl.DataFrame(dict(zip(names, x.T, strict=True))).with_columns(
        pl.Series("Sample ID", [f"S{place:06d}" for place in range(ROWS)]),
        pl.Series("scoredAt", _times(ROWS)),
        pl.Series("predProba", _probabilities(x, y)[:, 1]),
        pl.Series("Diagnosis", np.where(y == 1, "benign", "malignant")),
        pl.Series("bloodPressureUnit", ["mmHg"] * ROWS),
    )
    return RealTable(
        "breast cancer", {"Tumour Scores": frame},
        {"id": "Sample ID", "time": "scoredAt", "score": "predProba", "label": "Diagnosis", "task": "binary",
         "positive": "benign", "cadence": "day"},
        frozenset({"bloodPressureUnit"}), dict.fromkeys(names, "numeric"),
    )  # fmt: skip


def wine() -> RealTable:
    data = load_wine()
    x, y = _drawn(data.data[:, :5], data.target, 2)
    probabilities, cultivars = _probabilities(x, y), np.array(["barolo", "grignolino", "barbera"])
    texts = {name: x[:, place].astype(str) for place, name in enumerate(data.feature_names[:5])}
    frame = pl.DataFrame(texts).with_columns(
        pl.Series("ts", [int(time.replace(tzinfo=dt.UTC).timestamp() * 1000) for time in _times(ROWS)]),
        pl.Series("bottle_uuid", [f"{place:032x}" for place in range(ROWS)]),
        pl.Series("model_version", np.where(np.arange(ROWS) < ROWS // 2, "v1", "v2")),
        *(pl.Series(f"p_{name}", probabilities[:, place]) for place, name in enumerate(cultivars)),
        pl.Series("predicted_cultivar", cultivars[probabilities.argmax(axis=1)]),
        pl.Series("cultivar", cultivars[y]),
    )  # fmt: skip
    return RealTable(
        "wine", {"wine_log": frame},
        {"id": "bottle_uuid", "time": "ts", "version": "model_version", "prediction": "predicted_cultivar",
         "scores": ("p_barolo", "p_grignolino", "p_barbera"), "label": "cultivar", "task": "multiclass",
         "cadence": "day"},
        kinds=dict.fromkeys(data.feature_names[:5], "numeric"),
    )  # fmt: skip


def diabetes() -> RealTable:
    data = load_diabetes()
    x, y = _drawn(data.data, data.target, 3, 3_000)
    predicted = LinearRegression().fit(x, y).predict(x)
    bmi = [f"{value:.4f}" if place % 50 else "NA" for place, value in enumerate(x[:, 2])]
    frame = pl.DataFrame({"bmi": bmi, "bp": x[:, 3], "s5": x[:, 8]}).with_columns(
        pl.Series("PatientNo", np.arange(3_000) + 70_000),
        pl.Series("sex", np.where(data.data[:, 1][np.arange(3_000) % 442] > 0, 1, 2)),
        pl.Series("visit_date", [time.date() for time in _times(3_000)]),
        pl.Series("birth_date", [dt.date(1950 + place % 40, 1 + place % 12, 1) for place in range(3_000)]),
        pl.Series("y_hat", predicted), pl.Series("y", y),
    )  # fmt: skip
    return RealTable(
        "diabetes", {"visits": frame},
        {"id": "PatientNo", "time": "visit_date", "prediction": "y_hat", "label": "y", "task": "regression",
         "cadence": "week"},
        frozenset({"birth_date"}), {"bmi": "numeric", "sex": "categorical"},
    )  # fmt: skip


def affairs() -> RealTable:
    data = sm.datasets.fair.load_pandas().data.sample(frac=1, random_state=0)
    y = (data["affairs"].to_numpy() > 0).astype(int)
    x = data.drop(columns=["affairs"]).to_numpy()
    rows, times = len(y), _times(len(y))
    frame = pl.DataFrame(dict(zip(data.columns, x.T, strict=False))).with_columns(
        pl.Series("request_id", [f"req-{place}" for place in range(rows)]),
        pl.Series("timestamp", [f"{time:%Y-%m-%dT%H:%M:%S}Z" for time in times]),
        pl.Series("risk_score", _probabilities(x, y)[:, 1]),
    )
    known = np.arange(rows) % 10 > 0
    labels = pl.DataFrame(
        {"request_id": frame["request_id"], "had_affair": np.where(y == 1, "yes", "no"),
         "observed_at": [time + dt.timedelta(hours=60 + place % 24) for place, time in enumerate(times)]}
    ).filter(pl.Series(known))  # fmt: skip
    return RealTable(
        "affairs", {"survey_scores": frame, "survey_outcomes": labels},
        {"id": "request_id", "time": "timestamp", "score": "risk_score", "label": "had_affair", "task": "binary",
         "labels": "survey_outcomes", "known_at": "observed_at", "positive": "yes", "delay": "4d"},
        kinds={"rate_marriage": "categorical", "age": "numeric"},
    )  # fmt: skip


def health_insurance() -> RealTable:
    data = sm.datasets.randhie.load_pandas().data
    names = ["lncoins", "lpi", "fmde", "physlm", "disea", "hlthg"]
    x, y = data[names].to_numpy(), data["mdvis"].to_numpy()
    rows = len(y)
    disea = np.where(np.arange(rows) % 40 == 0, -999.0, x[:, 4])
    frame = pl.DataFrame({name: x[:, place] for place, name in enumerate(names)} | {"disea": disea}).with_columns(
        pl.Series("created_at", _times(rows, days=4)),
        pl.Series("predicted_visits", LinearRegression().fit(x, y).predict(x)),
        pl.Series("actual_visits", y),
    )
    return RealTable(
        "health insurance", {"claims": frame},
        {"time": "created_at", "prediction": "predicted_visits", "label": "actual_visits", "task": "regression",
         "id": "created_at", "null_values": {"disea": ("-999",)}},
        kinds={"lncoins": "numeric", "hlthg": "categorical"},
        asked=("Is there a column that identifies a prediction?",),
    )  # fmt: skip


def election() -> RealTable:
    data = sm.datasets.anes96.load_pandas().data
    x, y = _drawn(data[["popul", "TVnews", "selfLR", "age", "income"]].to_numpy(), data["vote"].to_numpy(), 6)
    probabilities = _probabilities(x, y)
    frame = pl.DataFrame({"age": x[:, 3], "income": x[:, 4], "Self LR": x[:, 2]}).with_columns(
        pl.Series("voter_key", np.arange(ROWS)),
        pl.Series("event_time", _times(ROWS)).dt.replace_time_zone("UTC"),
        pl.Series("prob_clinton", probabilities[:, 0]), pl.Series("prob_dole", probabilities[:, 1]),
        pl.Series("is_dole", y.astype(bool)),
        pl.Series("is_dole_copy", y.astype(bool)),
    )  # fmt: skip
    return RealTable(
        "election", {"votes": frame},
        {"id": "voter_key", "time": "event_time", "score": "prob_dole", "label": "is_dole", "task": "binary",
         "positive": True},
        frozenset({"is_dole_copy"}), {"age": "numeric"},
    )  # fmt: skip


def iris() -> RealTable:
    data = load_iris()
    x, y = _drawn(data.data, (data.target == 2).astype(int), 7)
    score = _probabilities(x, y)[:, 1]
    frame = pl.DataFrame({f"f{place}": x[:, place] for place in range(4)}).with_columns(
        pl.Series("id", [f"{place:08x}-0000-4000-8000-{place:012x}" for place in range(ROWS)]),
        pl.Series("received_at", _times(ROWS)), pl.Series("predicted_at", _times(ROWS)),
        pl.Series("model", ["iris"] * ROWS), pl.Series("model_version", np.where(np.arange(ROWS) < 4_000, 3, 4)),
        pl.Series("score", score), pl.Series("confidence", np.maximum(score, 1 - score)),
        pl.Series("prediction", (score >= 0.5).astype(int)), pl.Series("label", y),
        pl.Series("label_at", [time + dt.timedelta(minutes=90) for time in _times(ROWS)]),
    )  # fmt: skip
    return RealTable(
        "iris", {"inference_log": frame},
        {"id": "id", "time": "predicted_at", "version": "model_version", "score": "score", "prediction": "prediction",
         "label": "label", "known_at": "label_at", "task": "binary", "positive": 1, "delay": "2h"},
        frozenset({"received_at", "model"}), {"f0": "numeric"},
    )  # fmt: skip


def digits() -> RealTable:
    data = load_digits()
    x, y = data.data[:, 18:30], data.target
    rows, probabilities = len(y), _probabilities(x, y)
    frame = pl.DataFrame({f"pixel {place}": x[:, place] for place in range(12)}).with_columns(
        pl.Series("image_id", np.arange(rows)),
        pl.Series("day", [20_240_301 + place * 28 // rows for place in range(rows)]),
        *(pl.Series(f"proba_{place}", probabilities[:, place]) for place in range(10)),
        pl.Series("digit", y),
    )  # fmt: skip
    return RealTable(
        "digits", {"digits": frame},
        {"id": "image_id", "time": "day", "scores": tuple(f"proba_{place}" for place in range(10)), "label": "digit",
         "task": "multiclass"},
        kinds={"pixel 1": "numeric"},
    )  # fmt: skip


def unlabelled() -> RealTable:
    data = load_breast_cancer()
    x, y = _drawn(data.data[:, :3], data.target, 9)
    frame = pl.DataFrame({"RADIUS": x[:, 0], "TEXTURE": x[:, 1], "PERIMETER": x[:, 2]}).with_columns(
        pl.Series("TRANSACTION_ID", np.arange(ROWS) * 7),
        pl.Series("CUSTOMER_REF", [f"C{place * 13 % 5_987}" for place in range(ROWS)]),
        pl.Series("EVENT_TS", [int(time.replace(tzinfo=dt.UTC).timestamp()) for time in _times(ROWS)]),
        pl.Series("RISK", _probabilities(x, y)[:, 1]),
        pl.Series("COUNTRY", np.array(["DE", "FR", None])[np.arange(ROWS) % 3]),
        pl.Series("BRANCH", ["main"] * ROWS),
    )  # fmt: skip
    return RealTable(
        "unlabelled", {"EVENTS": frame},
        {"id": "TRANSACTION_ID", "time": "EVENT_TS", "score": "RISK", "label": None, "task": "binary"},
        frozenset({"CUSTOMER_REF", "BRANCH"}), {"COUNTRY": "categorical"}, asked=("Which column is the label?",),
    )  # fmt: skip


def carbon_dioxide() -> RealTable:
    data = sm.datasets.co2.load_pandas().data["co2"].interpolate().to_numpy()
    rows = len(data) - 1
    frame = pl.DataFrame(
        {"week": [dt.date(1980, 1, 7) + dt.timedelta(weeks=place) for place in range(rows)],
         "last week's CO2": data[:-1], "forecast": data[:-1] + 0.02, "measured_co2": data[1:],
         "station": ["Mauna Loa"] * rows, "row": np.arange(rows)}
    )  # fmt: skip
    return RealTable(
        "carbon dioxide",
        {"co2": frame},
        {"time": "week", "prediction": "forecast", "label": "measured_co2", "task": "regression", "id": "row"},
        frozenset({"station"}),
        {"last week's CO2": "numeric"},
    )


REAL_TABLES: tuple[Callable[[], RealTable], ...] = (
    breast_cancer, wine, diabetes, affairs, health_insurance, election, iris, digits, unlabelled, carbon_dioxide,
)  # fmt: skip
