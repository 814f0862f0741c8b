"""The home of a rehearsal: a separate store, snapshots, registry and alerts, and the adapters that its nights use."""

import datetime as dt
import hashlib
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg

import monitoring_pipeline
from monitoring_pipeline.alerting.channels.file import FileChannel
from monitoring_pipeline.alerting.delivery.delivery import deliver
from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.definitions import build_resources
from monitoring_pipeline.orchestration.model_definitions import build_model_definitions, build_sensor_definitions
from monitoring_pipeline.ports.warehouse import Warehouse
from monitoring_pipeline.rehearsal.progress import LOCK_FILE, RehearsalError
from monitoring_pipeline.rehearsal.registry_copy import RehearsedRegistry, copy_registry
from monitoring_pipeline.rehearsal.served_warehouse import ServedWarehouse
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.alerting import AlertingRules, Channel, Route, load_alerting_rules
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.store.results import ResultStore

EVERYBODY = "everybody"


@dataclass
class SimulatedClock:
    """A clock that shows the simulated time of a rehearsal."""

    now: dt.datetime

    def __call__(self) -> dt.datetime:
        """Return the simulated time."""
        return self.now


@dataclass(frozen=True, kw_only=True)
class RehearsalHome:
    """Everything that a rehearsal uses, open."""

    folder: Path
    settings: Settings
    loaded: LoadedSpec
    store: ResultStore
    log: Warehouse
    warehouse: ServedWarehouse
    registry: RehearsedRegistry
    alerting: AlertingRules
    clock: SimulatedClock

    def spec_of(self, chunk: Chunk) -> LoadedSpec:
        """Return the spec as of a chunk, without versions whose reference window had not ended by then.

        Raises:
            RehearsalError: when there was none.
        """
        spec = self.loaded.spec
        calendar = spec.calendar
        windows = {
            version: window
            for version, window in spec.reference.items()
            if not window.has_end or calendar.window(window).end <= chunk.start
        }
        if not windows:
            ends = min(window.end for window in spec.reference.values())
            message = f"{spec.name}: no reference window ends before {chunk.key}; rehearse from {ends} on"
            raise RehearsalError(message)
        return replace(self.loaded, spec=spec.model_copy(update={"reference": windows}))

    def definitions(self, loaded: LoadedSpec) -> dg.Definitions:
        """Return the definitions of the model as in the deployment, with the adapters of the rehearsal."""
        resources = build_resources(self.settings) | _resources(
            store=self.store,
            warehouse=self.warehouse,
            registry=self.registry,
            alerting=lambda: self.alerting,
            clock=self.clock,
            ask_trainer=_ask_no_trainer,
        )
        with warnings.catch_warnings():
            # As in definitions.py: one run for a range of partitions is beta.
            warnings.simplefilter("ignore", dg.BetaWarning)
            model = build_model_definitions(loaded, resources)
            rest = build_sensor_definitions(
                [loaded], [model], alerting=lambda: self.alerting, late_labels_seconds=1, actions_seconds=1
            )
            return dg.Definitions.merge(
                model, rest, dg.Definitions(resources=resources, executor=dg.in_process_executor)
            )

    def deliver(self) -> None:
        """Write due alerts to the files of their channels; leases expire at once, because nobody else delivers."""
        channels = {name: FileChannel(name, self.alert_file(name)) for name in self.alerting.channels}
        deliver(self.store, channels, clock=self.clock, links=self.alerting.links, lease=dt.timedelta())

    def alert_file(self, channel: str) -> Path:
        """Return the file that replaces a channel."""
        return self.folder / "alerts" / f"{channel}.jsonl"


@contextmanager
def open_home(settings: Settings, loaded: LoadedSpec, folder: Path) -> Iterator[RehearsalHome]:
    """Open the home of a rehearsal in a folder, and create its missing parts.

    Args:
        settings: settings of the deployment. Its warehouse is read and its registry copied; neither is changed.
        loaded: the model's spec.
        folder: folder of the rehearsal.
    """
    separate = _settings_in(settings, folder)
    deployed = build_adapters(settings)
    registry = copy_registry(loaded.spec, deployed.registry, folder)
    with ResultStore.open(separate.store_url) as store:
        yield RehearsalHome(
            folder=folder,
            settings=separate,
            loaded=loaded,
            store=store,
            log=deployed.warehouse,
            warehouse=ServedWarehouse(deployed.warehouse, store, registry),
            registry=registry,
            alerting=rehearsed_rules(settings),
            clock=SimulatedClock(dt.datetime.min.replace(tzinfo=dt.UTC)),
        )


def rehearsed_rules(settings: Settings) -> AlertingRules:
    """Return the deployment's alerting rules; without any, one channel for all warnings and critical incidents.

    Alerts are planned by these rules, including quiet hours; only for sending are channels replaced by files.
    """
    if settings.alerting.exists():
        return load_alerting_rules(settings.alerting)
    return AlertingRules(
        channels={EVERYBODY: Channel(file=f"{EVERYBODY}.jsonl")},
        routes=(Route(channel=EVERYBODY, severity="warning"),),
    )


def identity_of(settings: Settings, loaded: LoadedSpec) -> str:
    """Return a hash of the inputs of a rehearsal's result beside the warehouse's rows: spec, suite, rules, code."""
    spec: ModelSpec = loaded.spec
    queries = [metric.sql for metric in spec.business.values()]
    if spec.cost is not None and spec.cost.sql is not None:
        queries.append(spec.cost.sql)
    files = [loaded.suite_path, *(loaded.path.parent / sql for sql in queries)]
    parts = [
        spec.model_dump_json().encode(),
        rehearsed_rules(settings).model_dump_json().encode(),
        settings.id_key.get_secret_value().encode(),
        settings.address_of(spec.warehouse).encode(),
        monitoring_pipeline.__version__.encode(),
        *(file.read_bytes() for file in files if file.exists()),
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def empty(folder: Path) -> None:
    """Delete a rehearsal from its folder, whose lock must be held."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != LOCK_FILE and not path.name.startswith(LOCK_FILE):
            path.unlink()


def _settings_in(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(
        update={
            "home": folder,
            "prefix": "",
            "store_url": f"sqlite:///{folder / 'results.db'}",
            "snapshots": str(folder / "snapshots"),
            "mlflow_tracking_uri": f"sqlite:///{folder / 'mlflow.db'}",
            "dagster_home": folder / "dagster",
            # The rules are passed separately; loaded by these settings, they would need the secrets of their channels.
            "alerting": folder / "none.yaml",
        }
    )


def _resources(**adapters: object) -> dict[str, dg.ResourceDefinition]:
    return {name: dg.ResourceDefinition.hardcoded_resource(adapter) for name, adapter in adapters.items()}


def _ask_no_trainer(_: str, __: Mapping[str, object]) -> None:
    """Replace the request to an external trainer, which must receive none from a rehearsal."""
