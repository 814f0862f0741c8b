"""Real and virtual drift, planted in real rows.

The flights of March to December are shuffled, so that nothing changes but what is planted: each chunk is a random day.
Real drift flips the label in a region of the inputs, which leaves the inputs as they were. Virtual drift draws flights
with weights that depend on one input, which leaves the label given the inputs as it was.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.detection.flight_days import (
    DAY,
    ID,
    LABEL,
    MODEL,
    NUMBERS,
    SCORE,
    TIME,
    features_of_spec,
    scored_flights,
)
from benchmarks.detection.nights import Alarm, Judged, nights
from benchmarks.detection.scoring import Episode, Episodes, episodes_of, joined
from monitoring_pipeline.demo.training import LATE_FROM_SCORE, REFERENCE_END
from monitoring_pipeline.records.measurement import Kind

TABLE = "flights"
FIRST = dt.date(2024, 1, 1)
ROWS, REFERENCE_CHUNKS, QUIET_CHUNKS, CHANGED_CHUNKS = 900, 42, 14, 14
QUICK_TRIALS, ALL_TRIALS = 3, 20
SMALLEST_REGION, LARGEST_REGION = 0.1, 0.35
SHIFT_SD = 0.7
NOTHING, REAL, VIRTUAL, BOTH = "nothing", "real", "virtual", "both"
Random = np.random.Generator
Change = Callable[[pl.DataFrame, Random, int], tuple[pl.DataFrame, str]]
"""From all flights and a number of rows to that many changed rows, and what was changed."""


def _as_they_are(flights: pl.DataFrame, random: Random, rows: int) -> tuple[pl.DataFrame, str]:
    return _drawn(flights, random, rows), ""


def flipped_in_a_region(flights: pl.DataFrame, random: Random, rows: int) -> tuple[pl.DataFrame, str]:
    """Return random flights of which those in a region have the other label."""
    region, words = _region(flights, random)
    drawn = _drawn(flights.with_columns(in_region=region), random, rows)
    flipped = pl.when("in_region").then(~pl.col(LABEL)).otherwise(pl.col(LABEL))
    return drawn.with_columns(flipped.alias(LABEL)).drop("in_region"), words


def moved_inputs(flights: pl.DataFrame, random: Random, rows: int) -> tuple[pl.DataFrame, str]:
    """Return flights drawn with weights that move the mean of one number by about ``SHIFT_SD`` standard deviations."""
    # Weights of a number with few values move it less, so these are not drawn.
    names = [name for name in NUMBERS if flights[name].n_unique() > 30]
    name, sign = names[random.integers(len(names))], random.choice([-1.0, 1.0])
    values = flights[name].fill_null(flights[name].mean()).to_numpy()
    standard = np.clip((values - values.mean()) / values.std(), -3, 3)
    weights = np.exp(sign * SHIFT_SD * standard)
    return _drawn(flights, random, rows, weights / weights.sum()), f"{name} {'up' if sign > 0 else 'down'}"


@dataclass(frozen=True)
class Planted:
    """A kind of change and the function that makes it; ``kind`` is the right answer."""

    kind: str
    make: Change


PLANTED = (Planted(NOTHING, _as_they_are), Planted(REAL, flipped_in_a_region), Planted(VIRTUAL, moved_inputs))


@dataclass(frozen=True)
class Trial:
    """A series of chunks of which the last ones are changed, and what was found.

    Attributes:
        kind: the kind of the change.
        words: what was changed.
        judged: the chunks after the reference.
        alarms: the alarms.
    """

    kind: str
    words: str
    judged: tuple[Judged, ...]
    alarms: tuple[Alarm, ...]

    @property
    def named(self) -> str:
        """The kind that the changed chunks show."""
        return kind_named([kinds_shown(one) for one in self.judged[QUIET_CHUNKS:]])

    @property
    def episodes(self) -> Episodes:
        """The alarms as episodes; without a change, all chunks are quiet."""
        keys = [one.key for one in self.judged]
        changes = [] if self.kind == NOTHING else [Episode(QUIET_CHUNKS, len(keys))]
        return episodes_of([keys.index(alarm.key) for alarm in self.alarms], changes, len(keys))


def kinds_shown(judged: Judged) -> frozenset[str]:
    """Return the kinds of drift that a chunk shows.

    Real: the relation of inputs and label has changed, by ``change_of_relation``. Virtual: inputs have drifted.
    """
    breached = judged.breached()
    relation = any(m.kind is Kind.PERFORMANCE and str(m.metric).startswith("change_of_relation") for m in breached)
    outputs = {"score", "prediction"}
    inputs = any(m.kind is Kind.DRIFT and m.severity != "info" and m.subject not in outputs for m in breached)
    return frozenset([REAL] * relation + [VIRTUAL] * inputs)


def kind_named(shown: Sequence[frozenset[str]]) -> str:
    """Return the kind that at least half of the chunks show."""
    counts = Counter(kind for kinds in shown for kind in kinds)
    lasting = [kind for kind in (REAL, VIRTUAL) if 2 * counts[kind] >= len(shown)]
    return BOTH if len(lasting) == 2 else lasting[0] if lasting else NOTHING


def trial(flights: pl.DataFrame, planted: Planted, seed: int) -> Trial:
    """Return one trial."""
    random = np.random.default_rng([seed, PLANTED.index(planted)])
    before = _drawn(flights, random, ROWS * (REFERENCE_CHUNKS + QUIET_CHUNKS))
    after, words = planted.make(flights, random, ROWS * CHANGED_CHUNKS)
    rows = (
        pl.concat([before, after])
        .with_row_index(ID)
        .with_columns(pl.concat_str(pl.lit("flight "), pl.col(ID)).alias(ID), _times(before.height + after.height))
    )
    start = FIRST + dt.timedelta(REFERENCE_CHUNKS)
    content = {
        "name": "flights",
        "owner": "team:benchmarks",
        "timezone": "UTC",
        "task": "binary",
        "start": start,
        "predictions": {"table": TABLE, "id": ID, "time": TIME, "score": SCORE, "decision_threshold": LATE_FROM_SCORE},
        "labels": {"label": LABEL, "delay": "1h"},
        "features": features_of_spec(),
        "reference": {"1": {"start": FIRST, "end": start}},
    }
    with nights(content, {TABLE: rows}) as home:
        calendar = home.spec.calendar
        last = calendar.chunk_at(rows[TIME][-1])
        judged, alarms = home.live_through(calendar.range(calendar.first, last))
    return Trial(planted.kind, words, judged, alarms)


def lines(flights: Path, *, quick: bool) -> Iterator[str]:
    """Yield the lines of the part: a table in Markdown, then the trials whose kind was not named rightly."""
    rows = scored_flights(flights).filter(pl.col(DAY) >= REFERENCE_END).drop_nulls(LABEL)
    rows = rows.select(*MODEL.features, SCORE, LABEL)
    numbers = range(QUICK_TRIALS if quick else ALL_TRIALS)
    yield "| planted | trials | named rightly | named otherwise | recall | delay | false alarms in 1,000 chunks |"
    yield "|---|---|---|---|---|---|---|"
    wrong = []
    for planted in PLANTED:
        found = [trial(rows, planted, seed) for seed in numbers]
        yield _row(planted.kind, found)
        wrong += [one for one in found if one.named != planted.kind]
    yield ""
    for one in wrong:
        yield f"- {one.kind}, {one.words or 'no change'}: named {one.named}"


def _row(kind: str, found: Sequence[Trial]) -> str:
    named = Counter(one.named for one in found)
    others = ", ".join(f"{name} {count}" for name, count in sorted(named.items()) if name != kind)
    episodes = joined([one.episodes for one in found])
    recall = f"{episodes.recall:.2f} | {episodes.delay:g}" if episodes.episodes else " | "
    return (
        f"| {kind} | {len(found)} | {named[kind] / len(found):.2f} | {others} | {recall} | "
        f"{episodes.false_per_thousand:.1f} |"
    )


def _drawn(flights: pl.DataFrame, random: Random, rows: int, weights: np.ndarray | None = None) -> pl.DataFrame:
    return flights[random.choice(flights.height, rows, replace=weights is not None, p=weights)]


def _region(flights: pl.DataFrame, random: Random) -> tuple[pl.Series, str]:
    """Return a region of the inputs, a range of a number or a value of a text, and its words."""
    while True:
        name = list(MODEL.features)[random.integers(len(MODEL.features))]
        if name in NUMBERS:
            low, width = random.uniform(0, 1 - SMALLEST_REGION), random.uniform(SMALLEST_REGION, LARGEST_REGION)
            lowest, highest = (flights[name].quantile(share) or 0.0 for share in (low, min(1.0, low + width)))
            region, words = flights[name].is_between(lowest, highest), f"{name} {lowest:g} to {highest:g}"
        else:
            value = flights[name][int(random.integers(flights.height))]
            region, words = flights[name] == value, f"{name} {value}"
        share = region.fill_null(value=False).mean()
        if isinstance(share, float) and SMALLEST_REGION <= share <= LARGEST_REGION:
            return region.fill_null(value=False), f"{words} ({100 * share:.0f} %)"


def _times(rows: int) -> pl.Expr:
    """Return times that put ``ROWS`` rows into each day."""
    start = dt.datetime.combine(FIRST, dt.time(), dt.UTC)
    seconds = pl.int_range(rows) // ROWS * 86_400 + pl.int_range(rows) % ROWS * (86_400 // ROWS)
    return (pl.lit(start).cast(pl.Datetime("us", "UTC")) + pl.duration(seconds=seconds)).alias(TIME)
