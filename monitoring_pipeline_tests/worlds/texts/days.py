"""Days of texts and vectors from real messages in three languages, and their judgement."""

import csv
import datetime as dt
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.drift.columns import Counterpart, measure_drift
from monitoring_pipeline.evaluation.profiles.profile import profile_chunk
from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.reference.columns import LearnedColumns, learn_columns
from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions
from monitoring_pipeline.evaluation.rows.derived import Projection, fit_projections
from monitoring_pipeline.records.measurement import Measurement, Status
from monitoring_pipeline.spec.model import ModelSpec

KEY = b"key"
FIRST = dt.date(2024, 1, 1)
Texts = Sequence[str | None]


@lru_cache
def messages() -> dict[str, tuple[str, ...]]:
    """Return the messages by language, in the same order."""
    with (Path(__file__).parent / "messages.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {language: tuple(row[language] for row in rows) for language in rows[0]}


def drawn(language: str, rows: int, generator: np.random.Generator, parts: int = 2) -> list[str]:
    """Return texts of some messages each."""
    pool = messages()[language]
    return [" ".join(pool[place] for place in places) for places in generator.integers(0, len(pool), (rows, parts))]


def spec_of(**features: str) -> ModelSpec:
    """Return a spec of a regression with some features."""
    return ModelSpec.model_validate(
        {
            "name": "m", "task": "regression", "owner": "team:x", "timezone": "UTC", "start": FIRST,
            "predictions": {"table": "t", "id": "id", "time": "ts", "prediction": "p"},
            "features": features, "drift": {"multivariate": []},
            "reference": {"1": {"start": FIRST, "end": FIRST + dt.timedelta(days=28)}},
        }
    )  # fmt: skip


def raw_rows(day: int, columns: dict[str, Any], generator: np.random.Generator) -> pl.DataFrame:
    """Return rows of a day as a warehouse gives them."""
    frame = pl.DataFrame(columns)
    at = dt.datetime.combine(FIRST + dt.timedelta(days=day), dt.time(1), dt.UTC)
    return frame.with_columns(
        row_id=pl.Series([f"{day}-{number}" for number in range(frame.height)]),
        predicted_at=pl.lit(at),
        model_version=pl.lit("1"),
        prediction=pl.Series(generator.standard_normal(frame.height)),
    )


class Learned:
    """A reference of some days, with which further days are compared."""

    def __init__(self, spec: ModelSpec, days: Sequence[pl.DataFrame]) -> None:
        self.spec = spec
        raw = pl.concat(days)
        self.projections: dict[str, Projection] = fit_projections(spec, raw, KEY)
        rows = self.canonical(raw)
        self.columns: LearnedColumns = learn_columns(spec, "1", rows, kept=rows)

    def canonical(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Return rows in canonical form."""
        projections = {"1": self.projections}
        return canonical_predictions(self.spec, raw, id_key=KEY, without_time=0, projections=projections).frame

    def breaches(self, raw: pl.DataFrame) -> list[Measurement]:
        """Return the breached measurements of drift and quality of a day."""
        learned = self.columns
        profile = profile_chunk(nw.from_native(self.canonical(raw).lazy()), learned.bins, model_version="1")
        against = Counterpart(learned.bins, learned.profile, learned=learned.floors.floor)
        measured = (*measure_drift(self.spec, against, profile), *measure_columns(learned.facts, profile))
        return [m for m in measured if m.status is Status.BREACHED]


def encoder(seed: int, sizes: tuple[int, int], size: int = 32) -> Callable[[Sequence[str]], np.ndarray]:
    """Return an encoder of texts fitted to the English messages: TF-IDF of characters, and a truncated SVD."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(analyzer="char_wb", ngram_range=sizes, min_df=2).fit(messages()["english"])
    reduced = TruncatedSVD(size, random_state=seed).fit(words.transform(messages()["english"]))
    return lambda texts: reduced.transform(words.transform(texts))
