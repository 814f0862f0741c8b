"""What the page of a week says: all models on one page, in words and at most five pictures."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.weeks.week_of_model import MetricOfWeek, WeekOfModel, worst_of
from monitoring_pipeline.evaluation.weeks.words import headline_of, sentences_of, title_of
from monitoring_pipeline.records.incident import StoredIncident
from monitoring_pipeline.records.measurement import Kind
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.week import Week
from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.history import History, Span, history_chart
from monitoring_pipeline.web_pages.charts.timeline import Stretch, TimeAxis, timeline_chart
from monitoring_pipeline.web_pages.contents.columns import status_of
from monitoring_pipeline.web_pages.contents.table import Cell, Day, Fact, Table
from monitoring_pipeline.web_pages.contents.table import Week as Row
from monitoring_pipeline.web_pages.numbers import NONE, allowed, interval, named, number, percent

METRICS_DRAWN = 3
"""With the verdicts and the incidents a page has at most five pictures."""
INCIDENTS_DRAWN = 15
DAYS_DRAWN = dt.timedelta(weeks=4)


@dataclass(frozen=True, kw_only=True)
class ChangesOfModel:
    """The sentences about one model of the week, and the worst verdict in it."""

    name: str
    owner: str
    status: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class WeekContents:
    """The page of a week, in the order of reading.

    Args:
        title: the week for people.
        week: its key.
        earlier: key of the week before.
        later: key of the week after.
        headline: the week of all models in one or two sentences.
        tiles: the counts.
        changes: what changed, for each model in which something did, the worst first.
        unchanged: the names of the judged models in which nothing did.
        not_judged: the names of the models without a verdict in the week.
        verdicts: a row per model with a place for each day; None where nothing was judged.
        incidents: the incidents of four weeks.
        metrics: the metrics of all models beside their limits.
        performance: the history of the metrics that matter most.
        decisions: retraining and versions.
        precision: alert precision per model.
    """

    title: str
    week: str
    earlier: str
    later: str
    headline: str
    tiles: tuple[Fact, ...]
    changes: tuple[ChangesOfModel, ...]
    unchanged: tuple[str, ...]
    not_judged: tuple[str, ...]
    verdicts: tuple[Row, ...]
    incidents: Chart | None
    metrics: Table
    performance: tuple[Chart, ...]
    decisions: Table
    precision: Table


def week_contents(week: Week, models: Sequence[WeekOfModel]) -> WeekContents:
    """Return the page of a week.

    Args:
        week: the week.
        models: all models in it, in the order of reading.
    """
    changed = [model for model in models if model.has_changed]
    others = [model for model in models if not model.has_changed]
    return WeekContents(
        title=title_of(week),
        week=week.key,
        earlier=week.earlier().key,
        later=week.earlier(-1).key,
        headline=headline_of(models),
        tiles=tuple(_tiles(models)),
        changes=tuple(_changes(model) for model in changed),
        unchanged=tuple(model.spec.name for model in others if model.status is not None),
        not_judged=tuple(model.spec.name for model in others if model.status is None),
        verdicts=tuple(_verdicts(model) for model in models),
        incidents=_incidents(week, models),
        metrics=_metrics(models),
        performance=tuple(_performance(models)),
        decisions=_decisions(models),
        precision=_precision(models),
    )


def _changes(model: WeekOfModel) -> ChangesOfModel:
    return ChangesOfModel(
        name=model.spec.name,
        owner=model.spec.owner,
        status=str(model.worst or "unknown"),
        sentences=sentences_of(model),
    )


def _tiles(models: Sequence[WeekOfModel]) -> Iterable[Fact]:
    lasting = [stored for model in models for stored in model.lasting]
    yield Fact("models", number(len(models)))
    yield Fact("incidents opened", number(sum(len(model.opened) + len(model.came_back) for model in models)))
    yield Fact("incidents resolved", number(sum(len(model.resolved) for model in models)))
    yield Fact("incidents open at the end", number(len(lasting)))
    yield Fact("of them acknowledged by nobody", number(sum(s.handling.acknowledged_by is None for s in lasting)))
    judged = [model.precision for model in models if model.precision is not None]
    if judged:
        rows = sum(m.rows for m in judged)
        real = sum((m.value or 0.0) * m.rows for m in judged)
        yield Fact("real among judged alerts of 90 days", f"{percent(real / rows)} of {rows}")


def _verdicts(model: WeekOfModel) -> Row:
    calendar = model.spec.calendar
    of_day: dict[dt.date, list[str]] = {}
    for key in model.verdicts:
        for day in _days(model, calendar.chunk(key)):
            of_day.setdefault(day, []).append(key)
    return Row(name=model.spec.name, days=tuple(_day(model, of_day.get(day, [])) for day in model.week.days))


def _days(model: WeekOfModel, chunk: Chunk) -> Iterable[dt.date]:
    """Yield the days of the week in which a chunk lies: one, unless it is longer than a day."""
    first = model.spec.calendar.day_at(chunk.start)
    last = model.spec.calendar.day_at(max(chunk.end - dt.timedelta.resolution, chunk.start))
    return (day for day in model.week.days if first <= day <= last)


def _day(model: WeekOfModel, keys: Sequence[str]) -> Day | None:
    """Return the worst chunk of a day; None if none was judged."""
    status = worst_of(model.verdicts[key].status for key in keys)
    if status is None:
        return None
    key = next(key for key in keys if model.verdicts[key].status is status)
    return Day(key=key, status=str(status))


def _incidents(week: Week, models: Sequence[WeekOfModel]) -> Chart | None:
    keys = [day.isoformat() for past in (3, 2, 1, 0) for day in week.earlier(past).days]
    shown = [(model, entry.stored) for model in models for entry in model.incidents if _is_seen(model, entry.stored)]
    bars = [_stretch(model, stored, keys) for model, stored in shown[:INCIDENTS_DRAWN]]
    opened = sum(len(model.opened) for model in models)
    resolved = sum(len(model.resolved) for model in models)
    more = len(shown) - INCIDENTS_DRAWN
    return timeline_chart(
        f"The incidents of the week over four weeks: {opened} opened, {resolved} resolved"
        f"{f'; {more} more are not drawn' if more > 0 else ''}.",
        list(dict.fromkeys(bar.row for bar in bars)),
        bars,
        TimeAxis(keys, _begin_of_day, lambda key: _begin_of_day(key) + dt.timedelta(days=1)),
    )


def _begin_of_day(day: str) -> dt.datetime:
    return dt.datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=dt.UTC)


def _is_seen(model: WeekOfModel, stored: StoredIncident) -> bool:
    return any(stored in found for found in (model.opened, model.came_back, model.resolved, model.lasting))


def _stretch(model: WeekOfModel, stored: StoredIncident, keys: Sequence[str]) -> Stretch:
    calendar, incident = model.spec.calendar, stored.incident

    def day_of(chunk: str) -> str:
        return min(max(calendar.day_at(calendar.chunk(chunk).start).isoformat(), keys[0]), keys[-1])

    lasts = stored in model.lasting
    return Stretch(
        row=f"{model.spec.name}: {incident.cause.shown()}",
        status=str(incident.severity),
        first=day_of(incident.since),
        last=keys[-1] if lasts else day_of(incident.last_breached),
        words=f"{incident.title}; {'open' if lasts else f'resolved on {incident.resolved}'}",
    )


def _metrics(models: Sequence[WeekOfModel]) -> Table:
    return Table(
        caption="Performance and its limits",
        columns=("model", "metric", "chunk", "value", "95 % interval", "allowed", "week before"),
        rows=tuple(_metric(model, metric) for model in models for metric in model.metrics),
    )


def _metric(model: WeekOfModel, metric: MetricOfWeek) -> tuple[Cell, ...]:
    name = metric.metric.name
    key, m = metric.now or ("", None)
    before = NONE if metric.before is None else named(name, metric.before[1].value)
    return (
        Cell(model.spec.name),
        Cell(str(metric.metric), "unknown" if m is None else status_of(m)),
        Cell(key or "not measured"),
        Cell(NONE if m is None else named(name, m.value), is_number=True),
        Cell("" if m is None else interval(name, m.lower, m.upper), is_number=True),
        Cell("" if m is None else allowed(m.name, m.threshold_lower, m.threshold_upper)),
        Cell(before, is_number=True),
    )


def _performance(models: Sequence[WeekOfModel]) -> Iterable[Chart]:
    """Yield charts of the breached metrics, or of the headline metrics of the worst models if there are fewer."""
    found = [(model, metric) for model in models for metric in model.metrics]
    ordered = sorted(found, key=lambda entry: (not entry[1].is_breached, entry[1].metric != entry[0].names[0]))
    charts = (_history(model, metric) for model, metric in ordered[:METRICS_DRAWN])
    return (chart for chart in charts if chart is not None)


def _history(model: WeekOfModel, metric: MetricOfWeek) -> Chart | None:
    calendar, zone = model.spec.calendar, model.spec.zone
    of_name = [(key, m) for key, m in model.series if m.metric == metric.metric]
    keys = [key for key, _ in of_name]
    in_week = [key for key in keys if key in model.verdicts]
    chart = history_chart(
        History(
            name=str(metric.metric),
            measured=[(key, m) for key, m in of_name if m.kind is Kind.PERFORMANCE],
            estimated=[(key, m) for key, m in of_name if m.kind is Kind.ESTIMATED_PERFORMANCE],
            spans=(Span(in_week[0], in_week[-1]),) if in_week and metric.is_breached else (),
            time_of=lambda key: calendar.chunk(key).start.astimezone(zone),
            noun=calendar.noun,
        )
    )
    return chart and replace(chart, sentence=f"{model.spec.name}: {chart.sentence}")


def _decisions(models: Sequence[WeekOfModel]) -> Table:
    return Table(
        caption="Retraining and versions",
        columns=("model", "time (UTC)", "question", "answer", "version", "by", "why"),
        rows=tuple(
            (
                Cell(model.spec.name),
                Cell(f"{decision.at:%Y-%m-%d %H:%M}"),
                Cell(str(decision.topic)),
                Cell(decision.answer_text.replace("_", " ")),
                Cell(decision.model_version or ""),
                Cell(decision.actor),
                Cell(decision.reason),
            )
            for model in models
            for decision in model.retraining
        ),
    )


def _precision(models: Sequence[WeekOfModel]) -> Table:
    return Table(
        caption="Real among the alerts of 90 days that people judged real or noise",
        columns=("model", "share", "95 % interval", "alerts"),
        rows=tuple(
            (
                Cell(model.spec.name),
                Cell(percent(model.precision.value), is_number=True),
                Cell(f"[{percent(model.precision.lower)}, {percent(model.precision.upper)}]", is_number=True),
                Cell(number(model.precision.rows), is_number=True),
            )
            for model in models
            if model.precision is not None
        ),
    )
