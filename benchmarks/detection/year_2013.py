"""The year 2013 of the demo's models: verdicts, incidents, warnings and pages by month.

The months from March on are lived through night by night with the shipped specs, without retraining. The home of a
rehearsal or a backfill can be read instead.
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.detection.nights import Alarm, alarms_in, opened
from monitoring_pipeline.demo.running import MODELS
from monitoring_pipeline.demo.seeding import seed_warehouse
from monitoring_pipeline.records.incident import EventKind
from monitoring_pipeline.records.measurement import VerdictStatus
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import LoadedSpec, load_spec
from monitoring_pipeline.store.results import ResultStore

SHIPPED_MODELS = Settings.model_fields["models"].default
LAST_DAYS = tuple(
    (dt.date(2013 + month // 12, month % 12 + 1, 1) - dt.timedelta(1)).isoformat() for month in range(3, 13)
)
VERDICTS = (VerdictStatus.OK, VerdictStatus.WARNING, VerdictStatus.CRITICAL, VerdictStatus.UNKNOWN)
OUTCOMES = {
    ("flight_delay", "2013-04-16", "performance"): "real: AUROC of April .640, of the reference .664",
    ("flight_delay", "2013-05-03", "inputs"): "noise: spring, which the model does not feel (AUROC of May .712)",
    ("flight_delay", "2013-05-26", "performance"): "noise: four bad nights in the best month",
    ("flight_delay", "2013-06-19", "performance"): "noise: AUROC of June .690, of July .671",
    ("flight_delay", "2013-08-25", "performance"): "real: AUROC of August .661, of September .642",
    ("flight_delay", "2013-09-21", "performance"): "real: AUROC of September .642, of October .637",
    ("flight_delay", "2013-10-16", "performance"): "real: AUROC of October .637, of November .657",
}
"""What each page was, by model, chunk and cause, judged by hand from the months in docs/a_year_of_flights.md."""


@dataclass(frozen=True)
class Year:
    """A model's verdicts by chunk, and its alarms."""

    model: str
    verdicts: Mapping[str, VerdictStatus]
    alarms: tuple[Alarm, ...]


def lived_year(folder: Path, model: str, *, months: int) -> Year:
    """Live through the first months after February.

    Args:
        folder: gets the seeded warehouse, unless it has it.
        model: a model of the demo.
        months: number of months, at most 10.
    """
    warehouse = folder / "warehouse.duckdb"
    seed_warehouse(warehouse, f"sqlite:///{folder / 'mlflow.db'}", folder / "mlflow", lambda _: None)
    with TemporaryDirectory(prefix="scorecard-") as name:
        path = SHIPPED_MODELS / f"{model}.yaml"
        spec = load_spec(path).spec
        calendar = spec.calendar
        last = calendar.previous(
            calendar.chunk_at(dt.datetime(2013 + (2 + months) // 12, (2 + months) % 12 + 1, 1, 12, tzinfo=dt.UTC))
        )
        loaded = LoadedSpec(spec.model_copy(update={"retraining": None}), path)
        with opened(loaded, Settings(home=Path(name), warehouse=str(warehouse))) as home:
            judged, alarms = home.live_through(calendar.range(calendar.first, last))
    return Year(model, {one.key: one.verdict.status for one in judged}, alarms)


def years_in(home: Path) -> list[Year]:
    """Return the years of the models of a home that has been lived in; it is only read."""
    store = ResultStore.open_to_read(f"sqlite:///{home.resolve() / 'results.db'}")
    years = []
    for model in MODELS:
        verdicts = {key: verdict.status for key, verdict in store.verdicts(model).items()}
        if verdicts:
            years.append(Year(model, verdicts, alarms_in(store, model)))
    return years


def lines(years: Sequence[Year]) -> Iterator[str]:
    """Yield the lines of the part: a table in Markdown, and every page."""
    nights = " | ".join(f"nights {status}" for status in VERDICTS)
    yield f"| model | month | {nights} | incidents opened | warnings | pages |"
    yield f"|---|---|{'---|' * len(VERDICTS)}---|---|---|"
    for year in years:
        months = sorted({key[:7] for key in year.verdicts})
        for month in months:
            yield _row(year, month, month)
        yield _row(year, "", "all")
    yield ""
    yield "Pages, with the nights for which the incident was breached:"
    yield ""
    for year in years:
        for alarm in year.alarms:
            if alarm.is_page:
                outcome = OUTCOMES.get((year.model, alarm.key, alarm.incident.cause.text), "not judged by hand yet")
                yield f"- {year.model} {alarm.key}: {_words(alarm)}: {outcome}"


def _row(year: Year, prefix: str, title: str) -> str:
    nights = Counter(status for key, status in year.verdicts.items() if key.startswith(prefix))
    alarms = [alarm for alarm in year.alarms if alarm.key.startswith(prefix)]
    opened_ones = sum(alarm.event is EventKind.OPENED for alarm in alarms)
    pages = sum(alarm.is_page for alarm in alarms)
    counts = " | ".join(str(nights[status]) for status in VERDICTS)
    return f"| {year.model} | {title} | {counts} | {opened_ones} | {len(alarms) - pages} | {pages} |"


def _words(alarm: Alarm) -> str:
    incident = alarm.incident
    subjects = ", ".join(dict.fromkeys(f"{one.subject} {one.metric}" for one in incident.findings[:3]))
    return f"{incident.cause.text} {alarm.event} ({incident.breached_chunks} nights; {subjects})"
