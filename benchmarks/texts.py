"""Counts how often texts and vectors are flagged without a change, and how often changes of them are found.

Usage: ``python benchmarks/texts.py MESSAGES [--references N]``. MESSAGES is a folder with an installed Django, whose
messages in several languages are the texts. Vectors are TF-IDF of their characters after a truncated SVD. A reference
of 28 days is taken, and the 20 days after it are judged by drift and by quality.
"""

import argparse
import datetime as dt
import gettext
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import narwhals as nw
import numpy as np
import polars as pl
from default_rules import FIRST_DAY, spec_of
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from monitoring_pipeline.evaluation.drift.columns import Counterpart, measure_drift
from monitoring_pipeline.evaluation.profiles.profile import profile_chunk
from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.reference.columns import learn_columns
from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions
from monitoring_pipeline.evaluation.rows.derived import Projections, fit_projections
from monitoring_pipeline.records.measurement import Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

KEY, DAYS, FUTURE_DAYS, DAYS_CHANGED, ROWS, SIZE = b"bench", 28, 20, 4, 400, 64
LANGUAGES = ("de", "fr", "ru", "ja")
SHARES = (0.05, 0.1, 0.3, 1.0)
MEMORY, WANDERING = 0.7, 0.6
LINE = "{:52} {:>8} {:>8}"
Draw = Callable[[np.random.Generator, int, float], list[str]]
Change = Callable[[list[str], np.random.Generator, float], list[str]]


@dataclass(frozen=True)
class Messages:
    """The messages in English by topic, and their translations by language, in the same order."""

    topics: dict[str, list[str]]
    translations: dict[str, list[str]]

    @property
    def english(self) -> list[str]:
        """All messages."""
        return [message for topic in self.topics.values() for message in topic]


def read_messages(folder: Path) -> Messages:
    """Return the messages of an installed Django; a topic is one of its applications."""
    topics: dict[str, list[str]] = {}
    translations: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for path in sorted((folder / "django").rglob("locale/de/LC_MESSAGES/django.mo")):
        places = {language: Path(str(path).replace("/de/", f"/{language}/")) for language in LANGUAGES}
        catalogues = {language: _catalogue(place) for language, place in places.items() if place.exists()}
        for message in sorted(_catalogue(path)):
            topics.setdefault(path.parents[3].name, []).append(message)
            for language, known in catalogues.items():
                translations[language].extend([known[message]] if message in known else [])
    return Messages(topics, translations)


def _catalogue(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        pairs = gettext.GNUTranslations(file)._catalog.items()  # noqa: SLF001 - there is no other way to list them
    return {key: text for key, text in pairs if key and isinstance(key, str) and isinstance(text, str)}


def joined(pool: Sequence[str], rows: int, generator: np.random.Generator, parts: int = 2) -> list[str]:
    """Return texts of some messages each."""
    return [" ".join(pool[place] for place in places) for places in generator.integers(0, len(pool), (rows, parts))]


def of_topics(messages: Messages) -> Draw:
    """Return a source of days on which the share of one topic is given."""
    first = messages.topics["conf"]
    others = [message for name, topic in messages.topics.items() if name != "conf" for message in topic]

    def draw(generator: np.random.Generator, rows: int, share: float) -> list[str]:
        of_first = int(generator.binomial(rows, share))
        return joined(first, of_first, generator) + joined(others, rows - of_first, generator)

    return draw


def shares_of_days(generator: np.random.Generator, days: int, wandering: float) -> Iterator[float]:
    """Yield the share of a topic on each day; its logarithm of odds resembles that of the day before."""
    state = generator.standard_normal()
    for _ in range(days):
        yield 1 / (1 + np.exp(-wandering * state))
        state = MEMORY * state + np.sqrt(1 - MEMORY**2) * generator.standard_normal()


def changes_of_text(messages: Messages) -> dict[str, Change]:
    """Return the changes of a share of a day's texts, by name."""

    def to_language(language: str) -> Change:
        pool = messages.translations[language]

        def changed(texts: list[str], generator: np.random.Generator, share: float) -> list[str]:
            rows = round(share * len(texts))
            return joined(pool, rows, generator) + texts[rows:]

        return changed

    def cut(texts: list[str], _generator: np.random.Generator, share: float) -> list[str]:
        rows = round(share * len(texts))
        return [text[: len(text) // 2] for text in texts[:rows]] + texts[rows:]

    return {f"language {language}": to_language(language) for language in LANGUAGES} | {"half as long": cut}


class Encoder:
    """One version of an encoder of texts: its seed, and the sizes of the sequences that it counts."""

    def __init__(self, texts: Sequence[str], seed: int, sizes: tuple[int, int]) -> None:
        self._words = TfidfVectorizer(analyzer="char_wb", ngram_range=sizes, min_df=2).fit(texts)
        self._reduced = TruncatedSVD(SIZE, random_state=seed).fit(self._words.transform(texts))

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the vectors of texts."""
        return self._reduced.transform(self._words.transform(texts)).tolist()


class Judge:
    """A reference, and what it flags on other days."""

    def __init__(self, spec: ModelSpec, days: Sequence[pl.DataFrame]) -> None:
        raw = pl.concat(days)
        self._spec = spec
        self._projections: Projections = {"1": fit_projections(spec, raw, KEY)}
        rows = self._canonical(raw)
        self._learned = learn_columns(spec, "1", rows, kept=rows)

    def is_flagged(self, raw: pl.DataFrame) -> bool:
        """Return whether drift or quality of the feature is breached, except for information."""
        learned = self._learned
        profile = profile_chunk(nw.from_native(self._canonical(raw).lazy()), learned.bins, model_version="1")
        against = Counterpart(learned.bins, learned.profile, learned=learned.floors.floor)
        measured = (*measure_drift(self._spec, against, profile), *measure_columns(learned.facts, profile))
        return any(
            m.status is Status.BREACHED and m.severity is not Severity.INFO and self._spec.feature_of(m.subject) == "c"
            for m in measured
        )

    def _canonical(self, raw: pl.DataFrame) -> pl.DataFrame:
        return canonical_predictions(self._spec, raw, id_key=KEY, without_time=0, projections=self._projections).frame


def raw_day(day: int, values: object, generator: np.random.Generator) -> pl.DataFrame:
    """Return the rows of a day as a warehouse gives them."""
    frame = pl.DataFrame({"c": values})
    return frame.with_columns(
        row_id=pl.Series([f"{day}-{number}" for number in range(frame.height)]),
        predicted_at=pl.lit(dt.datetime.combine(FIRST_DAY + dt.timedelta(days=day), dt.time(1), dt.UTC)),
        model_version=pl.lit("1"),
        prediction=pl.Series(generator.standard_normal(frame.height)),
    )


@dataclass(frozen=True, eq=False)
class Days:
    """The days of one reference and after it, as texts and as vectors, and how they are judged."""

    texts: list[list[str]]
    encoder: Encoder
    generator: np.random.Generator

    @cached_property
    def judges(self) -> tuple[Judge, Judge]:
        """Judges of the texts and of the vectors, which learned from the first days."""
        before, generator = list(enumerate(self.texts[:DAYS])), self.generator
        return (
            Judge(spec_of({"c": "text"}), [raw_day(day, each, generator) for day, each in before]),
            Judge(spec_of({"c": "embedding"}), [raw_day(day, self.encoder(each), generator) for day, each in before]),
        )

    def flags(self, day: int, texts: list[str], encoder: Encoder | None = None) -> tuple[bool, bool]:
        """Return whether texts of a day are flagged, and whether their vectors are."""
        values = (texts, (encoder or self.encoder)(texts))
        of_texts, of_vectors = (
            judge.is_flagged(raw_day(day, each, self.generator))
            for judge, each in zip(self.judges, values, strict=True)
        )
        return of_texts, of_vectors

    def changed(self, changes: dict[str, Change], later: Encoder) -> Iterator[tuple[str, tuple[bool, bool]]]:
        """Yield each change of some days with what is flagged."""
        for day, texts in enumerate(self.texts[DAYS : DAYS + DAYS_CHANGED], DAYS):
            for name, change in changes.items():
                for share in SHARES:
                    mixed = self.generator.permutation(texts).tolist()
                    yield f"{name}, {share:.0%} of rows", self.flags(day, change(mixed, self.generator, share))
            yield "encoder refitted with another seed and sizes", self.flags(day, texts, later)


def main() -> None:
    """Print percent of days that are flagged: days without a change, and days with one, of texts and of vectors."""
    parser = argparse.ArgumentParser(description="Count false alarms and found changes of texts and vectors.")
    parser.add_argument("messages", type=Path, help="folder with an installed Django")
    parser.add_argument("--references", type=int, default=5, help="references of each kind of days (default: 5)")
    given = parser.parse_args()
    messages = read_messages(given.messages)
    encoder, later = Encoder(messages.english, 0, (2, 4)), Encoder(messages.english, 7, (3, 3))
    draw, changes = of_topics(messages), changes_of_text(messages)
    print(LINE.format("", "text %", "vector %"))
    for words, wandering in (("shuffled days", 0.0), ("topics that wander from day to day", WANDERING)):
        quiet: list[tuple[bool, bool]] = []
        found: dict[str, list[tuple[bool, bool]]] = {}
        for seed in range(given.references):
            generator = np.random.default_rng(seed)
            shares = shares_of_days(generator, DAYS + FUTURE_DAYS, wandering)
            days = Days([draw(generator, ROWS, share) for share in shares], encoder, generator)
            quiet += [days.flags(day, each) for day, each in enumerate(days.texts[DAYS:], DAYS)]
            for name, flags in days.changed(changes, later):
                found.setdefault(name, []).append(flags)
        for name, flagged in {f"{words}: nothing changes": quiet, **found}.items():
            print(LINE.format(name, *_percent(flagged)), flush=True)


def _percent(flagged: list[tuple[bool, bool]]) -> list[str]:
    return [f"{100 * share:.1f}" for share in np.array(flagged).mean(axis=0)]


if __name__ == "__main__":
    main()
