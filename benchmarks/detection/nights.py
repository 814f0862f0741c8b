"""The steps of the nightly job on a table in memory, chunk after chunk, in a home that is deleted at the end."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import polars as pl

from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.orchestration.assets.asset import StepInputs
from monitoring_pipeline.orchestration.assets.table import assets_of
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.incident import EventKind, Incident
from monitoring_pipeline.records.measurement import Measurement, Severity, Status, Verdict, VerdictStatus
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.chunk.incidents import update_incidents
from monitoring_pipeline.steps.chunk.predictions import PredictionsOutcome
from monitoring_pipeline.steps.chunk.verdict import verdict_of_refusal
from monitoring_pipeline.steps.reference.building import take_reference
from monitoring_pipeline.steps.refusals import refusal
from monitoring_pipeline.store.results import ResultStore

Tables = Mapping[str, pl.DataFrame]
RUN = "scorecard"
ALARMING = frozenset({EventKind.OPENED, EventKind.REOPENED, EventKind.ESCALATED})
FLAGS = frozenset({VerdictStatus.WARNING, VerdictStatus.CRITICAL})


@dataclass(frozen=True)
class Judged:
    """A chunk with its verdict and all measurements."""

    key: str
    verdict: Verdict
    measurements: tuple[Measurement, ...]

    @property
    def is_flagged(self) -> bool:
        """Whether a person would look: the verdict is warning or critical."""
        return self.verdict.status in FLAGS

    def breached(self, *severities: str) -> list[Measurement]:
        """Return the breached measurements of these severities; of all without an argument."""
        return [
            m for m in self.measurements if m.status is Status.BREACHED and (not severities or m.severity in severities)
        ]


@dataclass(frozen=True)
class Alarm:
    """A moment at which a person is called: an incident opens, comes back or gets worse in a chunk."""

    key: str
    event: EventKind
    severity: Severity
    incident: Incident

    @property
    def is_page(self) -> bool:
        """Whether it is critical."""
        return self.severity is Severity.CRITICAL


@dataclass
class _Clock:
    now: dt.datetime

    def __call__(self) -> dt.datetime:
        return self.now


@dataclass
class Nights:
    """A model in a home of its own. References are built; each chunk is judged as its night would."""

    loaded: LoadedSpec
    settings: Settings
    outside: Outside
    clock: _Clock
    _steps: dict[str, Callable[[Chunk], Any]] = field(default_factory=dict)

    @property
    def spec(self) -> ModelSpec:
        """The model's spec."""
        return self.loaded.spec

    def build_references(self) -> None:
        """Build the reference of each version, in the night after its window."""
        for version, window in self.spec.reference.items():
            self.clock.now = self.spec.calendar.due_at(self.spec.calendar.window(window))
            take_reference(self.loaded, version, self.outside, now=self.clock())

    def replace_rows(self, chunk: Chunk, rows: pl.DataFrame) -> None:
        """Replace the rows of a chunk in the table of predictions."""
        source = self.spec.predictions
        with closing(duckdb.connect(self.settings.warehouse)) as connection:
            connection.execute(
                f'DELETE FROM "{source.table}" WHERE "{source.time}" >= ? AND "{source.time}" < ?',
                [chunk.start, chunk.end],
            )
            connection.register("given", rows.to_arrow())
            connection.execute(f'INSERT INTO "{source.table}" BY NAME SELECT * FROM given')

    def judge(self, chunk: Chunk) -> Judged:
        """Measure and judge a chunk in its night, or when its labels count as complete if that is later."""
        self.clock.now = max(self.spec.calendar.due_at(chunk), chunk.end + self.spec.label_delay)
        self._measure(chunk)
        store, name = self.outside.store, self.spec.name
        verdict = store.verdict(name, chunk.key)
        assert verdict is not None, f"{chunk.key} was not judged"
        return Judged(chunk.key, verdict, tuple(store.measurements(name, chunk.key)))

    def live_through(self, chunks: Sequence[Chunk]) -> tuple[tuple[Judged, ...], tuple[Alarm, ...]]:
        """Judge chunks and update the incidents, night after night; return both."""
        judged = []
        for chunk in chunks:
            judged.append(self.judge(chunk))
            update_incidents(self.spec, self.outside.store, AlertingRules, now=self.clock())
        return tuple(judged), alarms_in(self.outside.store, self.spec.name)

    def _measure(self, chunk: Chunk) -> None:
        store = self.outside.store
        assets = [asset for asset in assets_of(self.spec) if asset.step is not None]
        inputs = StepInputs(
            loaded=self.loaded,
            outside=self.outside,
            as_of=self.clock,
            measured=[asset.name for asset in assets_of(self.spec) if asset.is_measured],
        )
        for asset in assets:
            if asset.name != "predictions" and any(
                refusal(self.spec, chunk, need, store=store) is not None for need in asset.needs
            ):
                continue
            step = self._steps.get(asset.name) or asset.step(inputs)
            self._steps[asset.name] = step
            measured = step(chunk)
            outcome = measured if isinstance(measured, PredictionsOutcome) else None
            self._write(outcome.results if outcome else measured)
            if outcome and outcome.refusal:
                self._write(verdict_of_refusal(outcome.results))

    def _write(self, results: Any) -> None:
        self.outside.store.replace(results, run_id=RUN, measured_at=self.clock())


@contextmanager
def nights(content: Mapping[str, Any], tables: Tables) -> Iterator[Nights]:
    """Yield the nights of a model whose references are built.

    Args:
        content: the model's spec.
        tables: the tables that it names.
    """
    with TemporaryDirectory(prefix="scorecard-") as name:
        home = Path(name)
        settings = Settings(home=home, models=home / "models")
        with closing(duckdb.connect(settings.warehouse)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for table, rows in tables.items():
                connection.register("given", rows.to_arrow())
                connection.execute(f'CREATE TABLE "{table}" AS SELECT * FROM given')
                connection.unregister("given")
        loaded = LoadedSpec(ModelSpec.model_validate(content), home / "models" / f"{content['name']}.yaml")
        with opened(loaded, settings) as made:
            yield made


@contextmanager
def opened(loaded: LoadedSpec, settings: Settings) -> Iterator[Nights]:
    """Yield the nights of a model in a home, with its references built."""
    clock = _Clock(dt.datetime.min.replace(tzinfo=dt.UTC))
    with one_thread(), ResultStore.open(settings.store_url) as store:
        made = Nights(loaded, settings, build_adapters(settings, clock).outside(store, run_id=RUN), clock)
        made.build_references()
        yield made


def alarms_in(store: Store, model: str) -> tuple[Alarm, ...]:
    """Return the events that open, reopen or worsen an incident of a model, in order of the chunks."""
    found = [
        Alarm(logged.event.chunk, logged.event.kind, logged.event.severity, stored.incident)
        for stored in store.incidents(model)
        for logged in store.incident_log(stored.incident_id)
        if logged.event.kind in ALARMING
    ]
    return tuple(sorted(found, key=lambda alarm: (alarm.key, alarm.incident.cause.text)))
