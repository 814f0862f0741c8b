"""What the overview of all models says: the worst first, and how well people and alerts do."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from monitoring_pipeline.records.incident import EventKind, IncidentState, LoggedEvent, Outcome
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.web_pages.contents.model import sentence_of
from monitoring_pipeline.web_pages.contents.table import Fact
from monitoring_pipeline.web_pages.numbers import NONE, interval, named, number, percent
from monitoring_pipeline.web_pages.reading import ModelRecords, shown_names

CHUNKS_SHOWN = 30
HOURS_SHOWN_AS_SUCH = 48
_RANK = {"critical": 0, "warning": 1, "unknown": 2, "": 3, "ok": 4}


@dataclass(frozen=True, kw_only=True)
class ModelLine:
    """One model on the overview.

    Args:
        name: its name.
        owner: its owner.
        chunk: key of its newest judged chunk; empty if there is none.
        status: the verdict on it; empty if there is none.
        sentence: the verdict in one sentence, or why there is none.
        strip: statuses of the newest chunks, oldest first, with their keys.
        incidents: number of incidents that last.
        unassigned: number of them that nobody has acknowledged.
        metric: the newest value of its headline metric, in words.
    """

    name: str
    owner: str
    chunk: str = ""
    status: str = ""
    sentence: str = ""
    strip: tuple[tuple[str, str], ...] = ()
    incidents: int = 0
    unassigned: int = 0
    metric: str = ""


@dataclass(frozen=True, kw_only=True)
class OverviewContents:
    """The overview: tiles with the counts, then the models, worst first."""

    tiles: tuple[Fact, ...]
    models: tuple[ModelLine, ...]
    owners: tuple[str, ...]


def model_line(records: ModelRecords) -> ModelLine:
    """Return the line of a model that was judged."""
    active = [entry.stored for entry in records.incidents if entry.stored.incident.state is not IncidentState.RESOLVED]
    shown = records.period.keys[-CHUNKS_SHOWN:]
    return ModelLine(
        name=records.spec.name,
        owner=records.spec.owner,
        chunk=records.chunk.key,
        status=str(records.period.verdict.status),
        sentence=sentence_of(records),
        strip=tuple((key, str(records.period.verdicts[key].status)) for key in shown),
        incidents=len(active),
        unassigned=sum(entry.handling.acknowledged_by is None for entry in active),
        metric=_newest_metric(records),
    )


def overview_contents(lines: Sequence[ModelLine], records: Sequence[ModelRecords]) -> OverviewContents:
    """Return the overview of models.

    Args:
        lines: a line for each model, also for those that were never judged.
        records: the records of the models that were judged.
    """
    ordered = sorted(lines, key=lambda line: (_RANK[line.status], -line.incidents, line.name))
    return OverviewContents(
        tiles=tuple(_tiles(ordered, records)),
        models=tuple(ordered),
        owners=tuple(sorted({line.owner for line in ordered})),
    )


def _newest_metric(records: ModelRecords) -> str:
    if not records.series:
        return ""
    headline = shown_names(records.spec)[0]
    found = [(key, m) for key, m in records.series if m.metric == headline and m.value is not None]
    if not found:
        return ""
    key, m = found[-1]
    bounds = interval(m.name, m.lower, m.upper)
    return f"{m.metric} {named(m.name, m.value)} {bounds} on {key}".replace("  ", " ")


def _tiles(lines: Sequence[ModelLine], records: Sequence[ModelRecords]) -> Iterable[Fact]:
    worst = next((line.status for line in lines if line.status), "")
    counts = {status: sum(line.status == status for line in lines) for status in ("critical", "warning", "ok")}
    yield Fact(
        "models", ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "none judged", worst
    )
    yield Fact("incidents that last", number(sum(line.incidents for line in lines)))
    yield Fact("of them acknowledged by nobody", number(sum(line.unassigned for line in lines)))
    entries = [entry for model in records for entry in model.incidents if entry.log]
    yield Fact("median time to acknowledge", _duration(_times_to(EventKind.ACKNOWLEDGED, [e.log for e in entries])))
    yield Fact("median time to resolve", _duration(_times_to(EventKind.RESOLVED, [e.log for e in entries])))
    outcomes = [e.stored.handling.outcome for e in entries if e.stored.incident.severity is not Severity.INFO]
    real, noise = outcomes.count(Outcome.REAL), outcomes.count(Outcome.NOISE)
    if real + noise:
        yield Fact("real among incidents with an outcome", f"{percent(real / (real + noise))} of {real + noise}")


def _times_to(kind: EventKind, logs: Iterable[Sequence[LoggedEvent]]) -> list[dt.timedelta]:
    """Return the times from the announced opening of each incident to its first announced event of a kind."""
    times: list[dt.timedelta] = []
    for log in logs:
        opened = next((e.at for e in log if e.told and e.event.kind is EventKind.OPENED), None)
        ended = next((e.at for e in log if e.told and e.event.kind is kind), None)
        if opened is not None and ended is not None and ended >= opened:
            times.append(ended - opened)
    return times


def _duration(times: Sequence[dt.timedelta]) -> str:
    if not times:
        return NONE
    hours = median(time / dt.timedelta(hours=1) for time in times)
    if hours < 1:
        return f"{60 * hours:.0f} minutes"
    return f"{hours:.1f} hours" if hours < HOURS_SHOWN_AS_SUCH else f"{hours / 24:.1f} days"
