"""Open the spec of a model and the store for commands, and show errors as one message."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets

if TYPE_CHECKING:
    from monitoring_pipeline.settings import Settings
    from monitoring_pipeline.spec.loading import LoadedSpec
    from monitoring_pipeline.store.results import ResultStore


def read_settings() -> "Settings":
    """Return the settings of the environment. They are imported only here, so that completion in a shell is fast."""
    from monitoring_pipeline.settings import Settings

    return Settings()


def read_settings_with_key() -> "Settings":
    """Return the settings of the environment for a command that measures; a new home gets a key of its own.

    Raises:
        ClickException: when the key cannot be kept in the home.
    """
    from monitoring_pipeline.settings import with_own_key

    settings = read_settings()
    try:
        return with_own_key(settings)
    except OSError as error:
        message = f"the id key cannot be kept in {settings.home}: {error.strerror}; set MONITORING_PIPELINE_ID_KEY"
        raise click.ClickException(message) from None


@contextmanager
def clear_errors() -> Iterator[None]:
    """Show an error that a user can correct as one message; any other error keeps its traceback."""
    try:
        yield
    except Exception as error:
        # Imported only after an error, because a command that succeeds need not import all of them.
        if isinstance(error, _correctable()):
            raise click.ClickException(str(error)) from error
        if (sentence := _sentence_of_fault(error)) is None:
            raise
        raise click.ClickException(sentence) from error


def _sentence_of_fault(error: Exception) -> str | None:
    from monitoring_pipeline.store.faults import sentence_of_fault

    try:
        settings = read_settings()
    except ValueError:
        return None
    is_server = bool(settings.dagster_postgres_url.get_secret_value())
    place = "at DAGSTER_POSTGRES_URL" if is_server else f"in {settings.dagster_home}"
    return sentence_of_fault(error, f"the database of Dagster {place}")


def _correctable() -> tuple[type[Exception], ...]:
    from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError
    from monitoring_pipeline.evaluation.drift.columns import UnknownDriftStatisticError
    from monitoring_pipeline.evaluation.performance.metrics_table import UnknownMetricError
    from monitoring_pipeline.evaluation.reference.reference import EmptyReferenceError
    from monitoring_pipeline.evaluation.review.changed_fields import NotOnlyRulesError
    from monitoring_pipeline.evaluation.rows.errors import SourceError
    from monitoring_pipeline.evaluation.versions.outputs import OutputError
    from monitoring_pipeline.evaluation.versions.training_rows import NotEnoughHistoryError
    from monitoring_pipeline.orchestration.runs.partitions import OutsidePartitionsError
    from monitoring_pipeline.ports.snapshots import SnapshotError
    from monitoring_pipeline.quality.suites import SuiteError
    from monitoring_pipeline.registry.mlflow_registry import RegistryError
    from monitoring_pipeline.registry.trainers import TrainerError
    from monitoring_pipeline.spec.calendar import UnknownChunkError
    from monitoring_pipeline.spec.loading import SpecError
    from monitoring_pipeline.spec.week import UnknownWeekError
    from monitoring_pipeline.steps.references import MissingInputError
    from monitoring_pipeline.steps.versions.asking import CannotRetrainError
    from monitoring_pipeline.steps.versions.effects import RollOutError
    from monitoring_pipeline.steps.versions.training import NoRetrainingError
    from monitoring_pipeline.store.incidents import UnknownIncidentError
    from monitoring_pipeline.store.schema import StoreSchemaError
    from monitoring_pipeline.web_pages.reading import NothingJudgedError

    return (
        SpecError,
        SuiteError, SourceError, UnknownDriftStatisticError, UnknownMetricError, OutsidePartitionsError,
        EmptyReferenceError, MissingInputError, UnknownIncidentError, FileNotFoundError, FileExistsError,
        SnapshotError,
        NotEnoughHistoryError, OutputError, NoRetrainingError, RollOutError, RegistryError, TrainerError,
        StoreSchemaError, CannotDraftError, NothingJudgedError, CannotRetrainError, UnknownChunkError,
        UnknownWeekError, NotOnlyRulesError,
    )  # fmt: skip


def find_model(settings: "Settings", model: str) -> "LoadedSpec":
    """Return the spec of a model; each bad spec beside it is reported on stderr, in one line.

    Raises:
        SpecError: when the model's spec, or every spec, is bad.
        ClickException: when there is none; the message lists the existing models.
    """
    from monitoring_pipeline.spec.loading import SpecError, usable_specs
    from monitoring_pipeline.steps.specs.checks import read_checked_specs

    folder = read_checked_specs(settings.models)
    usable = {loaded.spec.name: loaded for loaded in usable_specs(folder)}
    if model not in usable:
        if problems := [problem for bad in folder.bad if bad.model == model for problem in bad.problems]:
            raise SpecError("\n".join(problems))
        message = f"no model {model!r} in {settings.models}; known: {', '.join(usable) or 'none'}"
        if settings.models == type(settings).model_fields["models"].default:
            message += "; for a model of init, change to the folder where it was drafted"
        raise click.ClickException(message)
    for bad in folder.bad:
        more = f" (and {len(bad.problems) - 1} more: monitoring-pipeline spec check)" if bad.problems[1:] else ""
        warn(f"this spec is not used: {bad.problems[0]}{more}")
    return usable[model]


def warn(text: str) -> None:
    """Print a warning on stderr."""
    click.echo(f"Warning: {without_secrets(text)}", err=True)


@contextmanager
def open_store(settings: "Settings") -> Iterator["ResultStore"]:
    """Open the store."""
    from monitoring_pipeline.store.results import ResultStore

    with ResultStore.open(settings.store_url) as store:
        yield store
