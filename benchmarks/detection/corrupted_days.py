"""Corrupted days (after Redyuk et al., Automating data quality validation for dynamic data ingestion, EDBT 2021).

Each day of the flights is judged twice, in time order: first with a fault, as the model scores it then, and then as it
was. What later days are compared with has clean days only. The reference is renewed every four weeks from the eight
weeks before.
"""

import datetime as dt
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.detection.faults import FAULTS, BadDay, Fault, GoodDay, bad_day
from benchmarks.detection.flight_days import (
    CATEGORIES,
    DAY,
    ID,
    KNOWN_AT,
    LABEL,
    NUMBERS,
    SCORE,
    TIME,
    features_of_spec,
    scored_again,
    scored_flights,
)
from benchmarks.detection.nights import Judged, nights
from benchmarks.detection.scoring import Flags, flags_of
from monitoring_pipeline.demo.flights import NEW_YORK
from monitoring_pipeline.demo.training import LATE_FROM_SCORE

TABLE = "flights"
GOOD = "good"
REFERENCE_DAYS, BLOCK_DAYS = 56, 28
FIRST = dt.date(2013, 1, 1) + dt.timedelta(REFERENCE_DAYS)
QUICK_DAYS, ALL_DAYS = 56, 309
FAULTS_A_DAY = 1


@dataclass(frozen=True)
class Trial:
    """A day with a fault: its place in the draw, the fault and the bad day."""

    fault: Fault
    bad: BadDay


@dataclass(frozen=True)
class Block:
    """Days that are judged by one reference."""

    first: dt.date
    days: tuple[dt.date, ...]

    @property
    def reference(self) -> tuple[dt.date, dt.date]:
        """First day of the reference, and the day after its last."""
        return self.first - dt.timedelta(REFERENCE_DAYS), self.first


@dataclass(frozen=True)
class JudgedDay:
    """A day as it was and with its faults: the fault and the columns it touched, with what was found."""

    day: dt.date
    clean: Judged
    bad: tuple[tuple[Trial, Judged], ...]


def blocks(days: int) -> list[Block]:
    """Return the blocks of a number of days."""
    dates = [FIRST + dt.timedelta(place) for place in range(days)]
    return [Block(dates[at], tuple(dates[at : at + BLOCK_DAYS])) for at in range(0, days, BLOCK_DAYS)]


def trials(day: dt.date, flights: dict[dt.date, pl.DataFrame], faults_a_day: int) -> list[Trial]:
    """Return the bad days that are made from a day; the faults take turns, and columns and rows are drawn."""
    good = GoodDay(flights[day], flights[day - dt.timedelta(7)], NUMBERS, CATEGORIES, ID, TIME, NEW_YORK)
    first = (day - FIRST).days * faults_a_day
    chosen = [FAULTS[(first + place) % len(FAULTS)] for place in range(faults_a_day)]
    found = []
    for fault in chosen:
        bad = bad_day(fault, good, np.random.default_rng(zlib.crc32(f"{day} {fault.name}".encode())))
        found.append(Trial(fault, replace(bad, rows=scored_again(bad.rows, good.rows))))
    return found


def spec_content(reference: tuple[dt.date, dt.date]) -> dict[str, object]:
    """Return the spec of a model with all defaults: columns, and the window of the reference."""
    first, end = reference
    return {
        "name": "flights",
        "owner": "team:benchmarks",
        "timezone": "America/New_York",
        "task": "binary",
        "start": end,
        "predictions": {
            "table": TABLE,
            "id": ID,
            "time": TIME,
            "model_version": "model_version",
            "score": SCORE,
            "decision_threshold": LATE_FROM_SCORE,
        },
        "features": features_of_spec(),
        "reference": {"1": {"start": first, "end": end}},
    }


def _flights(cache: Path) -> pl.DataFrame:
    # A fault may turn whole numbers into fractions.
    return scored_flights(cache).drop(LABEL, KNOWN_AT).with_columns(pl.col(NUMBERS).cast(pl.Float64))


def _by_day(flights: pl.DataFrame) -> dict[dt.date, pl.DataFrame]:
    parts = flights.partition_by(DAY, as_dict=True, maintain_order=True)
    return {key[0]: rows.drop(DAY) for key, rows in parts.items()}


def write_days(folder: Path, cache: Path, *, days: int, faults_a_day: int) -> None:
    """Write references and days for peers, with the columns that ours compares and the time of New York.

    A good day is ``day-DATE-good.parquet``; a bad one has the place of its fault in ``FAULTS`` at the end.
    """
    flights = _flights(cache)
    by_day = _by_day(flights)
    for block in blocks(days):
        first, end = block.reference
        place = folder / first.isoformat()
        place.mkdir(parents=True, exist_ok=True)
        _for_peers(flights.filter(pl.col(DAY) >= first, pl.col(DAY) < end)).write_parquet(place / "reference.parquet")
        for day in block.days:
            _for_peers(by_day[day]).write_parquet(place / f"day-{day}-{GOOD}.parquet")
            for trial in trials(day, by_day, faults_a_day):
                rows = _for_peers(trial.bad.rows)
                rows.write_parquet(place / f"day-{day}-{FAULTS.index(trial.fault)}.parquet")


def _for_peers(rows: pl.DataFrame) -> pl.DataFrame:
    local = pl.col(TIME).dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None)
    return rows.select(local.alias("local_time"), *CATEGORIES, *NUMBERS, SCORE)


def judged_days(cache: Path, *, days: int, faults_a_day: int) -> Iterator[JudgedDay]:
    """Yield the breaches of each day."""
    flights = _flights(cache)
    by_day = _by_day(flights)
    for block in blocks(days):
        first, _ = block.reference
        within = flights.filter(pl.col(DAY) >= first, pl.col(DAY) <= block.days[-1]).drop(DAY)
        with nights(spec_content(block.reference), {TABLE: within}) as home:
            for day in block.days:
                chunk = home.spec.calendar.chunk(day.isoformat())
                found = []
                for trial in trials(day, by_day, faults_a_day):
                    home.replace_rows(chunk, trial.bad.rows)
                    found.append((trial, home.judge(chunk)))
                home.replace_rows(chunk, by_day[day])
                yield JudgedDay(day, home.judge(chunk), tuple(found))


def is_named(trial: Trial, judged: Judged) -> bool:
    """Return whether a breach that decides is about a touched column, or about anything if whole rows were touched."""
    subjects = {m.subject for m in judged.breached("warning", "critical")}
    return bool(subjects & set(trial.bad.columns)) if trial.bad.columns else bool(subjects)


@dataclass(frozen=True)
class Detector:
    """The days that a detector flags.

    Attributes:
        title: its name and rule.
        bad: for each fault, whether each of its days is flagged.
        good: whether each good day is flagged.
        named: the share of bad days in which a touched column is named; None if the detector was not asked.
    """

    title: str
    bad: Mapping[str, Sequence[bool]]
    good: Sequence[bool]
    named: float | None = None

    @property
    def flags(self) -> Flags:
        """The counts over all faults."""
        return flags_of([flag for of_fault in self.bad.values() for flag in of_fault], self.good)


def ours(days: Sequence[JudgedDay], title: str) -> Detector:
    """Return the days whose verdict is warning or critical."""
    bad: dict[str, list[bool]] = {}
    named: list[bool] = []
    for day in days:
        for trial, found in day.bad:
            bad.setdefault(trial.fault.name, []).append(found.is_flagged)
            named.append(is_named(trial, found))
    return Detector(title, bad, [day.clean.is_flagged for day in days], sum(named) / len(named))


def of_peer(printed: str, title: str) -> list[Detector]:
    """Return what each rule of a peer flags, from what its script printed about the files of ``write_days``."""
    found: dict[str, dict[str, bool]] = json.loads(printed)
    detectors = []
    for rule in next(iter(found.values())):
        bad: dict[str, list[bool]] = {}
        good: list[bool] = []
        for path, flagged in found.items():
            place = Path(path).stem.rpartition("-")[2]
            (good if place == GOOD else bad.setdefault(FAULTS[int(place)].name, [])).append(flagged[rule])
        detectors.append(Detector(f"{title}, {rule}", bad, good))
    return detectors


def tables(detectors: Sequence[Detector]) -> Iterator[str]:
    """Yield the lines of two tables in Markdown: all days, and the share that is flagged by fault."""
    yield "| detector | days | bad days | precision | recall | F1 | good days flagged | fault named |"
    yield "|---|---|---|---|---|---|---|---|"
    for one in detectors:
        found = one.flags
        named = "" if one.named is None else f"{one.named:.2f}"
        rates = f"{found.precision:.3f} | {found.recall:.3f} | **{found.f1:.3f}** | {100 * found.false_share:.1f} %"
        yield f"| {one.title} | {len(one.good)} | {found.found + found.missed} | {rates} | {named} |"
    yield ""
    yield f"| fault | what happens | {' | '.join(one.title for one in detectors)} |"
    yield f"|---|---|{'---|' * len(detectors)}"
    for fault in FAULTS:
        shares = [one.bad.get(fault.name, ()) for one in detectors]
        cells = [f"{sum(flags) / len(flags):.2f}" if flags else "" for flags in shares]
        yield f"| {fault.name} | {fault.what} | {' | '.join(cells)} |"


def flagged_good_days(days: Sequence[JudgedDay]) -> Iterator[str]:
    """Yield a line in Markdown for each reason that comes first on good days, with its number of days."""
    first: dict[str, list[str]] = {}
    for day in days:
        if day.clean.is_flagged:
            reasons = day.clean.breached("warning", "critical")
            name = ", ".join(sorted({f"{m.subject} {m.metric}" for m in reasons}))
            first.setdefault(name, []).append(f"{day.day:%-d %b}")
    for name, dates in sorted(first.items(), key=lambda item: -len(item[1])):
        yield f"- {name}: {len(dates)} ({', '.join(dates)})"
