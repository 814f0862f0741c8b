"""The data sets that NannyML ships, of which it is known when and how they change (package nannyml 0.13.1).

Car loan: at row 25,000 of the second half, ``car_value`` moves and accuracy falls from .944 to .915. Car loan with
quality faults: the same, and from there nulls of two columns rise from .10 to .22, and a category that the reference
lacks from .008 to .02. Used cars: at row 30,000 the mean error falls from 852 to 700.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.detection.nights import Alarm, Judged, nights
from benchmarks.detection.wheels import csv_of_wheel
from monitoring_pipeline.records.incident import EventKind
from monitoring_pipeline.records.measurement import Kind
from monitoring_pipeline.spec.calendar import Calendar

TABLE, TIME = "rows", "timestamp"
FOLDER = "nannyml/datasets/data/"
LOAN = {
    "car_value": "numeric",
    "salary_range": "categorical",
    "debt_to_income_ratio": "numeric",
    "loan_length": "numeric",
    "repaid_loan_on_prev_car": "categorical",
    "size_of_downpayment": "categorical",
    "driver_tenure": "numeric",
}
CAR = {
    "car_age": "numeric",
    "km_driven": "numeric",
    "price_new": "numeric",
    "accident_count": "numeric",
    "door_count": "numeric",
    "fuel": "categorical",
    "transmission": "categorical",
}


@dataclass(frozen=True)
class ShippedSet:
    """A data set, the chunks in which it is monitored, and where it changes.

    Attributes:
        title: its name in tables.
        file: first part of the names of its files.
        cadence: the length of a chunk.
        task: task of the model.
        features: kinds of the inputs.
        outputs: columns of the outputs, as in a spec.
        label: column of the label; empty if it is monitored without labels.
        targets: last part of the name of the file with the labels of the second half.
        onset_row: place of the first changed row in the second half.
        faults: columns with faults of quality, and the word for each.
    """

    title: str
    file: str
    cadence: str
    task: str
    features: Mapping[str, str]
    outputs: Mapping[str, str]
    onset_row: int
    label: str = ""
    targets: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)


LOAN_OUTPUTS = {"score": "y_pred_proba", "prediction": "y_pred"}
COLUMNS = (
    "data", "chunks before", "flagged", "alarms", "chunks after", "flagged", "first flagged", "first alarm", "pages",
    "faults named",
)  # fmt: skip
LOAN_FAULTS = {"salary_range": "null", "driver_tenure": "null", "size_of_downpayment": "unseen"}
SETS = (
    ShippedSet("car loan, weeks", "synthetic_car_loan", "week", "binary", LOAN, LOAN_OUTPUTS, 25_000, "repaid",
               "analysis_target"),
    ShippedSet("car loan, days", "synthetic_car_loan", "day", "binary", LOAN, LOAN_OUTPUTS, 25_000, "repaid",
               "analysis_target"),
    ShippedSet("car loan with quality faults, weeks", "synthetic_car_loan_dq", "week", "binary", LOAN, LOAN_OUTPUTS,
               25_000, faults=LOAN_FAULTS),
    ShippedSet("car loan with quality faults, days", "synthetic_car_loan_dq", "day", "binary", LOAN, LOAN_OUTPUTS,
               25_000, faults=LOAN_FAULTS),
    ShippedSet("used cars, which improves, days", "regression_synthetic", "day", "regression", CAR,
               {"prediction": "y_pred"}, 30_000, "y_true", "analysis_targets"),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What was found in the second half of a data set."""

    of: ShippedSet
    judged: tuple[Judged, ...]
    alarms: tuple[Alarm, ...]
    onset: str

    @property
    def place(self) -> int:
        """The place of the first changed chunk."""
        return [one.key for one in self.judged].index(self.onset)

    def delay(self, key: str) -> int:
        """Return the number of chunks from the first changed one to a chunk."""
        return [one.key for one in self.judged].index(key) - self.place

    @property
    def kinds_named(self) -> tuple[str, ...]:
        """The faults of quality that a warning names by column and kind in most of the changed chunks."""
        after = self.judged[self.place :]
        return tuple(
            f"{column} ({kind})"
            for column, kind in self.of.faults.items()
            if 2 * sum(_names(one, column, kind) for one in after) > len(after)
        )


def monitored(of: ShippedSet, wheels: Path) -> Found:
    """Monitor the second half of a data set against the first one."""
    first, second = _halves(of, wheels)
    begins = second[TIME].min()
    assert isinstance(begins, dt.datetime)
    day = begins.date()
    end = day - dt.timedelta(day.weekday()) if of.cadence == "week" else day
    content: dict[str, Any] = {
        "name": "shipped",
        "owner": "team:benchmarks",
        "timezone": "UTC",
        "cadence": of.cadence,
        "task": of.task,
        "start": end,
        "predictions": {"table": TABLE, "id": "id", "time": TIME, **of.outputs},
        "features": dict(of.features),
        "reference": {"1": {"start": first[TIME].dt.date().min(), "end": end}},
    }
    if of.label:
        content["labels"] = {"label": of.label, "delay": "1h"}
    with nights(content, {TABLE: pl.concat([first, second])}) as home:
        calendar, last = home.spec.calendar, second[TIME].max()
        assert isinstance(last, dt.datetime)
        chunks = calendar.range(calendar.first, calendar.previous(calendar.chunk_at(last)))
        judged, alarms = home.live_through(chunks)
        return Found(of, judged, alarms, _first_changed(calendar, second[TIME], of.onset_row))


def lines(wheels: Path, *, quick: bool) -> Iterator[str]:
    """Yield the lines of the part: a table in Markdown, then what was said."""
    found = [monitored(one, wheels) for one in SETS if not quick or one.cadence == "week" or one.task == "regression"]
    yield f"| {' | '.join(COLUMNS)} |"
    yield f"|{'---|' * len(COLUMNS)}"
    yield from map(_row, found)
    yield ""
    for one in found:
        yield f"- {one.of.title}: " + "; ".join(_words(one))


def _row(found: Found) -> str:
    parts = found.judged[: found.place], found.judged[found.place :]
    flagged = [sum(one.is_flagged for one in part) for part in parts]
    early = [alarm for alarm in found.alarms if found.delay(alarm.key) < 0]
    late = [alarm for alarm in found.alarms if found.delay(alarm.key) >= 0]
    first_flag = next((f"{place:+d}" for place, one in enumerate(parts[1]) if one.is_flagged), "never")
    first = f"{found.delay(late[0].key):+d}" if late else "never"
    named = f"{len(found.kinds_named)} of {len(found.of.faults)}" if found.of.faults else ""
    cells = (
        found.of.title, len(parts[0]), flagged[0], len(early), len(parts[1]), flagged[1], first_flag, first,
        sum(alarm.is_page for alarm in late), named,
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def _names(judged: Judged, column: str, kind: str) -> bool:
    """Return whether a warning about a column has the word for its fault in its name or reason."""
    return any(m.subject == column and kind in f"{m.metric} {m.reason}" for m in judged.breached("warning", "critical"))


def _first_changed(calendar: Calendar, times: pl.Series, row: int) -> str:
    """Return the key of the first chunk of which most rows are changed ones."""
    chunk = calendar.chunk_at(times[row])
    within = times.is_between(chunk.start, chunk.end, closed="left")
    changed = int(within[row:].sum())
    return (chunk if 2 * changed > int(within.sum()) else calendar.next(chunk)).key


def _words(found: Found) -> Iterator[str]:
    """Yield each alarm, and for what improves the alarms about performance."""
    for alarm in found.alarms:
        verb = "" if alarm.event is EventKind.OPENED else f", {alarm.event}"
        subjects = ", ".join(dict.fromkeys(f"{one.subject} {one.metric}" for one in alarm.incident.findings[:4]))
        yield f"{found.delay(alarm.key):+d} {alarm.severity} {alarm.incident.cause.text}{verb} ({subjects})"
    if found.of.task == "regression":
        informed = sum(any(m.kind is Kind.PERFORMANCE for m in one.breached("info")) for one in found.judged)
        yield f"{informed} chunks report the change of performance as information"


def _halves(of: ShippedSet, wheels: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the first half and the second one, with the same columns, in order of time."""

    def part(name: str) -> pl.DataFrame:
        return csv_of_wheel(wheels, "nannyml", f"{FOLDER}{of.file}_{name}.csv")

    first, second = part("reference"), part("analysis")
    if of.targets:
        second = second.join(part(of.targets).select("id", of.label), on="id", how="left", maintain_order="left")
    names = ["id", TIME, *of.features, *of.outputs.values(), *([of.label] if of.label else [])]
    moment = pl.col(TIME).str.to_datetime(time_unit="us", time_zone="UTC")
    types = {name: second.schema[name] for name in names}
    first, second = (half.select(names).cast(types).with_columns(moment) for half in (first, second))
    return first, second
