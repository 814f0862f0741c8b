"""The verdicts of a period: a calendar of its chunks, and what was wrong when, by kind and incident."""

import datetime as dt
from collections.abc import Iterable, Sequence

from monitoring_pipeline.evaluation.judgement.verdict import deciding_reasons
from monitoring_pipeline.records.incident import IncidentState
from monitoring_pipeline.records.measurement import Kind, Severity
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.timeline import Stretch, TimeAxis, stretches, timeline_chart
from monitoring_pipeline.web_pages.contents.table import Day, Week
from monitoring_pipeline.web_pages.reading import ModelRecords, Period

DAYS_OF_A_WEEK = 7
CHUNKS_OF_A_ROW = 24
LONGEST_REASON = 90
INCIDENTS_SHOWN = 20
KIND_ROWS = {
    Kind.QUALITY: "data quality",
    Kind.DRIFT: "drift",
    Kind.PERFORMANCE: "performance",
    Kind.ESTIMATED_PERFORMANCE: "estimated performance",
    Kind.OPERATIONS: "operations",
    Kind.BUSINESS: "business",
    Kind.OBJECTIVE: "objectives",
    Kind.WINDOW: "windows",
    Kind.SEGMENT: "segments",
    Kind.FAIRNESS: "fairness",
}
_WEIGHT = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


def calendar_of(spec: ModelSpec, period: Period) -> tuple[Week, ...]:
    """Return the verdicts as rows: weeks from Monday if a chunk is a day, otherwise rows of as many chunks."""
    days = {key: _day(period, key) for key in period.keys}
    if spec.cadence == "day":
        return tuple(_weeks(spec, days))
    keys = list(days)
    rows = [keys[start : start + CHUNKS_OF_A_ROW] for start in range(0, len(keys), CHUNKS_OF_A_ROW)]
    return tuple(Week(name=row[0], days=tuple(days[key] for key in row)) for row in rows)


def _weeks(spec: ModelSpec, days: dict[str, Day]) -> Iterable[Week]:
    by_date = {spec.calendar.chunk(key).start.astimezone(spec.zone).date(): day for key, day in days.items()}
    monday = min(by_date) - dt.timedelta(days=min(by_date).weekday())
    while monday <= max(by_date):
        week = [monday + dt.timedelta(days=number) for number in range(DAYS_OF_A_WEEK)]
        yield Week(name=f"{monday}", days=tuple(by_date.get(day) for day in week))
        monday += dt.timedelta(days=DAYS_OF_A_WEEK)


def _day(period: Period, key: str) -> Day:
    verdict = period.verdicts[key]
    reasons = deciding_reasons(verdict)
    words = reasons[0] if reasons else ""
    clipped = words if len(words) <= LONGEST_REASON else f"{words[: LONGEST_REASON - 1]}…"
    return Day(key=key, status=str(verdict.status), words=clipped)


def what_was_wrong_when(records: ModelRecords) -> Chart | None:
    """Return the chart of kinds and incidents over the chunks; None if nothing was wrong."""
    keys = records.period.keys
    kinds = [stretch for kind in KIND_ROWS for stretch in _of_kind(records, kind, keys)]
    incidents = list(_of_incidents(records, keys))
    rows = list(dict.fromkeys(stretch.row for stretch in (*kinds, *incidents)))
    calendar, zone = records.spec.calendar, records.spec.zone
    wrong_kinds = len({stretch.row for stretch in kinds})
    axis = TimeAxis(
        keys,
        lambda key: calendar.chunk(key).start.astimezone(zone),
        lambda key: calendar.chunk(key).end.astimezone(zone),
    )
    return timeline_chart(
        f"{len(incidents)} incidents, and breaches of {wrong_kinds} kinds of numbers, from {keys[0]} to {keys[-1]}.",
        rows,
        [*kinds, *incidents],
        axis,
    )


def _of_kind(records: ModelRecords, kind: Kind, keys: Sequence[str]) -> Iterable[Stretch]:
    worst: dict[str, Severity] = {}
    for breaches in records.breaches:
        if breaches.kind is kind and breaches.severity is not Severity.INFO:
            before = worst.get(breaches.chunk, Severity.INFO)
            worst[breaches.chunk] = min(before, breaches.severity, key=_WEIGHT.__getitem__)
    return stretches(KIND_ROWS[kind], keys, lambda key: str(worst.get(key, "ok")))


def _of_incidents(records: ModelRecords, keys: Sequence[str]) -> Iterable[Stretch]:
    shown = [entry.stored for entry in records.incidents if entry.log][-INCIDENTS_SHOWN:]
    for stored in shown:
        incident = stored.incident
        last = incident.last_breached if incident.state is IncidentState.RESOLVED else keys[-1]
        yield Stretch(
            row=incident.title.removeprefix(f"{incident.model}: "),
            status=str(incident.severity),
            first=max(incident.since, keys[0]),
            last=min(max(last, keys[0]), keys[-1]),
            words=incident.title,
        )
