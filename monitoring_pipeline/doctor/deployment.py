"""A deployment as it is examined: its settings, specs, store and Dagster instance, none of which is changed."""

import datetime as dt
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, OperationalError, SQLAlchemyError

from monitoring_pipeline.composition import Adapters, build_adapters
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import SpecFolder
from monitoring_pipeline.steps.specs.checks import read_checked_specs
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.schema import StoreSchemaError


@dataclass(frozen=True)
class Deployment:
    """A deployment that is examined at a time.

    Args:
        settings: its settings.
        now: the time.
        opened: closes at the end what was opened.
    """

    settings: Settings
    now: dt.datetime
    opened: ExitStack

    @cached_property
    def folder(self) -> SpecFolder:
        """The specs of its models."""
        return read_checked_specs(self.settings.models)

    @cached_property
    def adapters(self) -> Adapters:
        """Its adapters."""
        return build_adapters(self.settings, lambda: self.now)

    @cached_property
    def definitions(self) -> dg.Definitions:
        """Its definitions.

        Raises:
            SpecError: when no spec is usable.
        """
        return build_definitions(self.settings)

    @property
    def has_store(self) -> bool:
        """Whether the store exists; a file of SQLite is not made by the question."""
        url = sa.make_url(self.settings.store_url)
        return url.get_backend_name() != "sqlite" or Path(str(url.database)).is_file()

    @cached_property
    def store(self) -> ResultStore | None:
        """Its store, which is only read; None if there is none that can be opened and is whole."""
        with suppress(StoreSchemaError, SQLAlchemyError):
            return None if self.damage_of_store else self.opened_store
        return None

    @cached_property
    def damage_of_store(self) -> str | None:
        """What is damaged in the file of a store of SQLite; None if nothing is, and of other stores.

        Raises:
            StoreSchemaError: when its schema is not the newest.
            OperationalError: when the database does not answer.
        """
        try:
            if self.opened_store is None or sa.make_url(self.settings.store_url).get_backend_name() != "sqlite":
                return None
            _, ((answer,),) = self.opened_store.query("PRAGMA quick_check(1)", {})
        except OperationalError:
            raise
        except DatabaseError as error:
            return str(error.orig)
        return None if answer == "ok" else str(answer)

    @cached_property
    def opened_store(self) -> ResultStore | None:
        """Return the store, which is only read; None if there is none yet.

        Raises:
            StoreSchemaError: when its schema is not the newest.
            SQLAlchemyError: when the database does not answer, or the file is damaged.
        """
        if not self.has_store:
            return None
        return self.opened.enter_context(ResultStore.open_to_read(self.settings.store_url))

    @cached_property
    def instance(self) -> dg.DagsterInstance | None:
        """Its Dagster instance; None if there is no dagster.yaml yet."""
        if not (self.settings.dagster_home / "dagster.yaml").exists():
            return None
        return self.opened.enter_context(dg.DagsterInstance.from_config(str(self.settings.dagster_home)))


@contextmanager
def examined(settings: Settings, now: dt.datetime) -> Iterator[Deployment]:
    """Yield the deployment that the settings describe."""
    with ExitStack() as opened:
        yield Deployment(settings, now, opened)
